//! `mainstay snapshots`

use clap::Args;
use serde_json::{Value, json};

use super::client::Client;
use super::session::with_client;
use super::{Outcome, ls, output, within};
use crate::config::Loaded;
use crate::domain::size::human_bytes;

#[derive(Debug, Args)]
pub(super) struct SnapshotsArgs {
    /// Only those of this stack
    #[arg(value_name = "STACK")]
    stack: Option<String>,
    /// Only those made for this instance
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// Only those that this plan made
    #[arg(long, value_name = "ID")]
    plan: Option<String>,
    /// Only those made then or later, such as 2026-11-21T00:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only those made before
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only those with every target whole
    #[arg(long)]
    complete: bool,
    /// How many to show at most, the newest first
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

pub(super) async fn run(loaded: &Loaded, args: SnapshotsArgs, as_json: bool) -> anyhow::Result<Outcome> {
    let items = with_client(loaded, async |client| list(&client, &args).await).await?;
    if as_json {
        output::json(&json!({ "items": items, "next_cursor": null }));
    } else {
        let rows: Vec<Vec<String>> = items.iter().map(row).collect();
        output::table(&["ID", "MADE", "OF", "BACKEND", "SIZE", "STATE"], &rows);
    }
    Ok(Outcome::Done)
}

async fn list(client: &Client, args: &SnapshotsArgs) -> anyhow::Result<Vec<Value>> {
    let named = [
        ("stack", &args.stack),
        ("instance", &args.instance),
        ("plan", &args.plan),
        ("since", &args.since),
        ("until", &args.until),
    ];
    let named = named.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
    let pairs: Vec<_> = named.chain(args.complete.then(|| ("complete", "true".to_owned()))).collect();
    within::all(client, "/api/v1/snapshots", &pairs, args.limit.max(1)).await
}

fn row(snapshot: &Value) -> Vec<String> {
    let text = |key: &str| snapshot[key].as_str().unwrap_or_default();
    let made = text("created_at").get(..19).map(|at| at.replace('T', " ")).unwrap_or_default();
    let of = [text("stack"), text("plan"), text("instance")].into_iter().find(|name| !name.is_empty());
    let state = match (snapshot["is_complete"].as_bool(), snapshot["verified_at"].is_string()) {
        (Some(false), _) => "with gaps",
        (_, true) => "verified",
        (_, false) => "not verified",
    };
    let size = snapshot["size_bytes"].as_u64().map(human_bytes).unwrap_or_default();
    let of = ls::printable(of.unwrap_or_default());
    vec![text("id").to_owned(), made, of, text("backend").to_owned(), size, state.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_what_it_is_a_snapshot_of() {
        let row = row(&json!({"id": "snap_1", "created_at": "2026-11-20T18:00:00.000Z", "stack": null, "plan": "nas",
            "backend": "restic", "size_bytes": 5, "is_complete": false, "verified_at": null}));
        assert_eq!(row, ["snap_1", "2026-11-20 18:00:00", "nas", "restic", "5 B", "with gaps"]);
    }
}
