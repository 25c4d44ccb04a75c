//! `mainstay resume`

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::client::Client;
use super::session::Way;
use super::{Outcome, output};
use crate::app::Resumer;
use crate::config::Loaded;
use crate::domain::names::StackName;

/// The pause between two attempts, while something may still be ended by a stop that is under way.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// Only this stack
    #[arg(long, value_name = "NAME")]
    stack: Option<StackName>,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
    /// How many seconds to wait for containers that a stop may still end
    #[arg(long, value_name = "SECONDS", default_value_t = 90)]
    wait: u64,
}

/// Who brings containers back.
enum Hand {
    Service(Client),
    Own(Resumer),
}

impl Hand {
    async fn resume(&self, args: &ResumeArgs) -> anyhow::Result<Value> {
        match self {
            Self::Service(client) => {
                let body = json!({ "stack": args.stack.as_ref().map(StackName::as_str), "dry_run": args.dry_run });
                client.post("/api/v1/journal/resume", &body).await
            }
            Self::Own(resumer) => resumer.resume(args.stack.as_ref(), args.dry_run).await,
        }
    }
}

/// Brings back what is at rest, through the service when one answers, else by itself.
pub(super) async fn run(loaded: &Loaded, args: ResumeArgs, as_json: bool) -> anyhow::Result<Outcome> {
    let hand = match Way::find(&loaded.config).await? {
        Way::Service(client) => Hand::Service(client),
        Way::Own => Hand::Own(Resumer::open(&loaded.config).await?),
    };
    let report = until_settled(&hand, &args).await?;
    if as_json {
        output::json(&report);
    } else {
        print(&report);
    }
    Ok(if report["all_back"] == true || args.dry_run { Outcome::Done } else { Outcome::Failed })
}

/// Asks again while something is not settled. What came back in an earlier round stays in the report.
async fn until_settled(hand: &Hand, args: &ResumeArgs) -> anyhow::Result<Value> {
    let deadline = Instant::now() + Duration::from_secs(args.wait);
    let mut report = hand.resume(args).await?;
    let mut is_told = false;
    while !args.dry_run && has_waiting(&report) && Instant::now() < deadline {
        if !is_told {
            output::note("some containers may still be ended by a stop that is under way; they are watched");
            is_told = true;
        }
        tokio::time::sleep(PAUSE).await;
        let later = hand.resume(args).await?;
        report = merged(&report, later);
    }
    Ok(report)
}

fn items(report: &Value) -> &[Value] {
    report["items"].as_array().map_or(&[], Vec::as_slice)
}

fn has_waiting(report: &Value) -> bool {
    items(report).iter().any(|one| one["state"] == "waiting")
}

/// A container that is in the later report no more is back.
fn merged(earlier: &Value, mut later: Value) -> Value {
    let is_in = |report: &Value, id: &Value| items(report).iter().any(|one| one["container_id"] == *id);
    let mut all: Vec<Value> = Vec::new();
    for one in items(earlier).iter().filter(|one| !is_in(&later, &one["container_id"])) {
        let mut one = one.clone();
        (one["state"], one["message"]) = (json!("back"), Value::Null);
        all.push(one);
    }
    all.extend_from_slice(items(&later));
    later["items"] = Value::Array(all);
    later
}

fn print(report: &Value) {
    let items = items(report);
    if items.is_empty() {
        output::line("nothing is at rest");
        return;
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |one: &Value| ["stack", "service", "container", "state", "message"].map(|key| text(&one[key])).to_vec();
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    output::table(&["STACK", "SERVICE", "CONTAINER", "STATE", "MORE"], &rows);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rows: &[(&str, &str)]) -> Value {
        let items: Vec<Value> =
            rows.iter().map(|(id, state)| json!({ "container_id": id, "state": state, "message": "m" })).collect();
        json!({ "all_back": false, "items": items })
    }

    #[test]
    fn what_a_later_round_does_not_name_came_back() {
        let merged = merged(&report(&[("a", "waiting"), ("b", "waiting")]), report(&[("b", "failed")]));
        let states: Vec<_> =
            items(&merged).iter().map(|one| (one["container_id"].as_str(), one["state"].as_str())).collect();
        assert_eq!(states, [(Some("a"), Some("back")), (Some("b"), Some("failed"))]);
        assert!(merged["items"][0]["message"].is_null());
    }
}
