//! `mainstay instances`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::session::with_client;
use super::{Outcome, keep, output};
use crate::config::Loaded;
use crate::domain::size::human_bytes;

#[derive(Debug, Args)]
pub(super) struct InstancesArgs {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// List them; what happens without a word
    List,
    /// Show one, without its secrets
    Show {
        /// The instance
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Look whether a run could succeed; makes nothing
    Test {
        /// The instance
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Remove what retention does not keep
    Forget {
        /// The instance
        #[arg(value_name = "ID")]
        id: String,
        /// Only show what would be removed, and why
        #[arg(long)]
        dry_run: bool,
    },
    /// List what lies where it stores, also what others put there
    Snapshots {
        /// The instance
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Check what lies where it stores, and wait for the end
    Check {
        /// The instance
        #[arg(value_name = "ID")]
        id: String,
    },
}

pub(super) async fn run(loaded: &Loaded, args: InstancesArgs, as_json: bool) -> anyhow::Result<Outcome> {
    let action = args.action.unwrap_or(Action::List);
    with_client(loaded, async |client| act(&client, &action, as_json).await).await
}

async fn act(client: &Client, action: &Action, as_json: bool) -> anyhow::Result<Outcome> {
    let path = |id: &str, rest: &str| format!("/api/v1/instances/{}{rest}", segment(id));
    match action {
        Action::List => tell(&client.get("/api/v1/instances?limit=500").await?, as_json, list),
        Action::Show { id } => {
            output::json(&client.get(&path(id, "")).await?);
            Ok(Outcome::Done)
        }
        Action::Test { id } => tell(&client.post_patiently(&path(id, "/test"), &json!({})).await?, as_json, test),
        Action::Forget { id, dry_run } => {
            let report = client.post_patiently(&path(id, "/forget"), &json!({ "dry_run": dry_run })).await?;
            tell(&report, as_json, forget)
        }
        Action::Snapshots { id } => {
            let found = client.get_patiently(&path(id, "/snapshots?limit=500")).await?;
            tell(&found, as_json, snapshots)
        }
        Action::Check { id } => {
            let job = client.post(&path(id, "/check"), &json!({})).await?;
            let ids: Vec<String> = job["id"].as_str().map(str::to_owned).into_iter().collect();
            super::backup::follow(client, &ids, false, as_json).await
        }
    }
}

fn tell(answer: &Value, as_json: bool, print: fn(&Value) -> Outcome) -> anyhow::Result<Outcome> {
    if as_json {
        output::json(answer);
        return Ok(if answer["ok"] == false { Outcome::Failed } else { Outcome::Done });
    }
    Ok(print(answer))
}

fn list(answer: &Value) -> Outcome {
    let none = Vec::new();
    let instances = answer["items"].as_array().unwrap_or(&none);
    let rows: Vec<Vec<String>> = instances.iter().map(row).collect();
    output::table(&["INSTANCE", "BACKEND", "STORES TO", "RUNS", "NEXT RUN", "LAST GOOD BACKUP"], &rows);
    tell_warnings(instances);
    Outcome::Done
}

/// The warnings of instances or plans, for whoever watches.
pub(super) fn tell_warnings(items: &[Value]) {
    for item in items {
        for warning in item["warnings"].as_array().into_iter().flatten() {
            output::note(&format!("{}: {}", text(&item["id"], ""), text(warning, "")));
        }
    }
}

fn row(instance: &Value) -> Vec<String> {
    let place = ["repository", "custom_image"].iter().find_map(|key| instance[*key].as_str());
    vec![
        text(&instance["id"], ""),
        text(&instance["backend"], ""),
        place.unwrap_or("backup_dir").to_owned(),
        text(&instance["schedule_text"], "on demand"),
        text(&instance["next_run_at"], "-"),
        text(&instance["last_success_at"], "never"),
    ]
}

fn test(answer: &Value) -> Outcome {
    let lines = |key: &str| answer[key].as_array().into_iter().flatten().map(|line| text(line, "")).collect::<Vec<_>>();
    lines("notes").iter().for_each(|note| output::line(note));
    lines("warnings").iter().for_each(|warning| output::line(&format!("warning: {warning}")));
    if let Some(error) = answer["error"].as_str() {
        output::error(error);
        return Outcome::Failed;
    }
    output::line("a run could succeed");
    Outcome::Done
}

fn forget(report: &Value) -> Outcome {
    keep::print(&report["verdicts"]);
    if report["dry_run"] == true {
        output::note("nothing was touched");
    }
    if let Some(freed) = report["freed_bytes"].as_u64() {
        output::line(&format!("{} freed", human_bytes(freed)));
    }
    Outcome::Done
}

fn snapshots(answer: &Value) -> Outcome {
    let none = Vec::new();
    let row = |found: &Value| {
        let whose = if found["is_ours"] == true { "ours" } else { "another's" };
        let whole = if found["is_complete"] == true { "complete" } else { "incomplete" };
        vec![
            text(&found["reference"], ""),
            text(&found["at"], ""),
            text(&found["host"], ""),
            whose.into(),
            whole.into(),
        ]
    };
    let rows: Vec<Vec<String>> = answer["items"].as_array().unwrap_or(&none).iter().map(row).collect();
    output::table(&["SNAPSHOT", "MADE", "HOST", "WHOSE", "STATE"], &rows);
    if answer["next_cursor"].is_string() {
        output::note("there are more; the newest 500 are shown");
    }
    Outcome::Done
}

fn text(value: &Value, instead: &str) -> String {
    value.as_str().unwrap_or(instead).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_without_a_schedule_runs_on_demand() {
        let instance = json!({"id": "nas", "backend": "restic", "repository": "/srv/restic", "custom_image": null,
            "schedule_text": null, "next_run_at": null, "last_success_at": null});
        assert_eq!(row(&instance), ["nas", "restic", "/srv/restic", "on demand", "-", "never"]);
    }

    #[test]
    fn a_test_that_found_a_fault_is_a_failure() {
        assert_eq!(test(&json!({"ok": false, "notes": [], "warnings": [], "error": "no"})), Outcome::Failed);
        assert_eq!(test(&json!({"ok": true, "notes": ["a"], "warnings": ["b"], "error": null})), Outcome::Done);
    }
}
