//! `mainstay plans`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::instances::tell_warnings;
use super::session::with_client;
use super::{Outcome, keep, output};
use crate::config::Loaded;
use crate::domain::size::human_bytes;

#[derive(Debug, Args)]
pub(super) struct PlansArgs {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// List them; what happens without a word
    List,
    /// Show one, without its secrets
    Show {
        /// The plan
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Show what a run would stop, read and remove; touches nothing
    Preview {
        /// The plan
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Run one now, wait, and show progress
    Run {
        /// The plan
        #[arg(value_name = "ID")]
        id: String,
        /// Only show what would be done
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) async fn run(loaded: &Loaded, args: PlansArgs, as_json: bool) -> anyhow::Result<Outcome> {
    let action = args.action.unwrap_or(Action::List);
    with_client(loaded, async |client| act(&client, &action, as_json).await).await
}

async fn act(client: &Client, action: &Action, as_json: bool) -> anyhow::Result<Outcome> {
    let path = |id: &str, rest: &str| format!("/api/v1/plans/{}{rest}", segment(id));
    let (answer, print): (Value, fn(&Value)) = match action {
        Action::List => (client.get("/api/v1/plans?limit=500").await?, list),
        Action::Show { id } => (client.get(&path(id, "")).await?, output::json),
        Action::Preview { id } => (client.post_patiently(&path(id, "/preview"), &json!({})).await?, preview),
        Action::Run { id, dry_run } => {
            let job = client.post(&path(id, "/run"), &json!({ "dry_run": dry_run })).await?;
            let ids: Vec<String> = job["id"].as_str().map(str::to_owned).into_iter().collect();
            return super::backup::follow(client, &ids, *dry_run, as_json).await;
        }
    };
    if as_json {
        output::json(&answer);
    } else {
        print(&answer);
    }
    Ok(Outcome::Done)
}

fn list(answer: &Value) {
    let none = Vec::new();
    let plans = answer["items"].as_array().unwrap_or(&none);
    let rows: Vec<Vec<String>> = plans.iter().map(row).collect();
    output::table(&["PLAN", "INSTANCE", "TARGETS", "RUNS", "NEXT RUN", "KEEPS", "LAST GOOD BACKUP"], &rows);
    tell_warnings(plans);
}

fn row(plan: &Value) -> Vec<String> {
    vec![
        text(&plan["id"], ""),
        if plan["executor"] == "backrest" { "(Backrest)".to_owned() } else { text(&plan["instance"], "") },
        plan["sources"].as_array().map_or(0, Vec::len).to_string(),
        if plan["enabled"] == false { "switched off".to_owned() } else { text(&plan["schedule_text"], "on demand") },
        text(&plan["next_run_at"], "-"),
        text(&plan["retention"], ""),
        text(&plan["last_success_at"], "never"),
    ]
}

fn preview(answer: &Value) {
    let each = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
    for (n, stop) in each("stops").iter().enumerate() {
        output::line(&format!("{}. rests: {}", n + 1, text(stop, "")));
    }
    let rows: Vec<Vec<String>> = each("targets").iter().map(target_row).collect();
    output::table(&["TARGET", "NAME", "SIZE", "LEFT OUT BECAUSE"], &rows);
    if answer["verdicts"].is_array() {
        keep::print(&answer["verdicts"]);
    }
    each("warnings").iter().for_each(|warning| output::note(&text(warning, "")));
}

fn target_row(target: &Value) -> Vec<String> {
    let size = target["size_bytes"].as_u64().map_or_else(|| "unknown".to_owned(), human_bytes);
    vec![text(&target["kind"], ""), text(&target["name"], ""), size, text(&target["skipped"], "")]
}

fn text(value: &Value, instead: &str) -> String {
    value.as_str().unwrap_or(instead).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_a_row() {
        let mut plan = json!({"id": "nightly", "instance": "nas", "sources": ["db a", "db b"], "enabled": true,
            "schedule_text": "every day at 03:00", "next_run_at": "2026-11-22T02:00:00.000Z", "retention": "7d:4w:6m",
            "last_success_at": null});
        let expected = ["nightly", "nas", "2", "every day at 03:00", "2026-11-22T02:00:00.000Z", "7d:4w:6m", "never"];
        assert_eq!(row(&plan), expected);
        plan["enabled"] = json!(false);
        assert_eq!(row(&plan)[3], "switched off");
    }

    #[test]
    fn what_is_not_known_is_not_claimed() {
        let target = json!({"kind": "volume", "name": "v", "size_bytes": null, "skipped": "it is not there"});
        assert_eq!(target_row(&target), ["volume", "v", "unknown", "it is not there"]);
    }
}
