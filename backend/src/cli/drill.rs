//! `mainstay drill`

use clap::Args;
use serde_json::{Value, json};

use super::Outcome;
use super::client::{Client, segment};
use super::session::with_client;
use crate::config::Loaded;

#[derive(Debug, Args)]
pub(super) struct DrillArgs {
    /// A snapshot's id, a plan's id for its newest good snapshot, or a stack's name for its newest good archive
    #[arg(value_name = "PLAN|STACK|SNAPSHOT")]
    subject: String,
}

pub(super) async fn run(loaded: &Loaded, args: DrillArgs, as_json: bool) -> anyhow::Result<Outcome> {
    with_client(loaded, async |client| {
        let job = start(&client, &args.subject).await?;
        let ids: Vec<String> = job["id"].as_str().map(str::to_owned).into_iter().collect();
        super::backup::follow(&client, &ids, false, as_json).await
    })
    .await
}

/// A plan goes before a stack of the same name: it holds what the plan was made for.
async fn start(client: &Client, subject: &str) -> anyhow::Result<Value> {
    let name = segment(subject);
    if subject.starts_with("snap_") {
        return client.post(&format!("/api/v1/snapshots/{name}/drill"), &json!({})).await;
    }
    let plans = client.get("/api/v1/plans?limit=500").await?;
    let is_plan = plans["items"].as_array().into_iter().flatten().any(|plan| plan["id"] == subject);
    let of = if is_plan { "plans" } else { "stacks" };
    client.post(&format!("/api/v1/{of}/{name}/drill"), &json!({})).await
}
