//! `mainstay find`

use clap::Args;
use serde_json::json;

use super::session::with_client;
use super::within::{self, SnapshotArg};
use super::{Outcome, ls, output};
use crate::config::Loaded;

#[derive(Debug, Args)]
pub(super) struct FindArgs {
    #[command(flatten)]
    snapshot: SnapshotArg,
    /// A part of a name, or a pattern such as `*.conf`; with a `/` in it the whole path is looked at
    #[arg(value_name = "PATTERN")]
    pattern: String,
    /// How many to show at most
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
}

pub(super) async fn run(loaded: &Loaded, args: FindArgs, as_json: bool) -> anyhow::Result<Outcome> {
    let items = with_client(loaded, async |client| {
        let id = args.snapshot.find(&client).await?;
        let query = [("q", args.pattern.clone())];
        within::all(&client, &format!("/api/v1/snapshots/{id}/search"), &query, args.limit.max(1)).await
    })
    .await?;
    if as_json {
        output::json(&json!({ "items": items, "next_cursor": null }));
    } else {
        let rows: Vec<Vec<String>> = items.iter().map(|entry| ls::row_called(entry, "path")).collect();
        output::table(&["MODE", "SIZE", "MODIFIED", "PATH"], &rows);
    }
    Ok(if items.is_empty() { Outcome::Failed } else { Outcome::Done })
}
