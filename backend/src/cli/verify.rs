//! `mainstay verify`

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::session::with_client;
use super::within::SnapshotArg;
use crate::config::Loaded;

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    snapshot: SnapshotArg,
}

pub(super) async fn run(loaded: &Loaded, args: VerifyArgs, as_json: bool) -> anyhow::Result<Outcome> {
    with_client(loaded, async |client| {
        let id = args.snapshot.find(&client).await?;
        let job = client.post(&format!("/api/v1/snapshots/{id}/verify"), &json!({})).await?;
        let ids: Vec<String> = job["id"].as_str().map(str::to_owned).into_iter().collect();
        super::backup::follow(&client, &ids, false, as_json).await
    })
    .await
}
