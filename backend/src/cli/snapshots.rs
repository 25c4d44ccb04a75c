//! `mainstay snapshots`

use clap::Args;
use serde_json::Value;

use super::session::with_client;
use super::{Outcome, output, within};
use crate::config::Loaded;
use crate::domain::size::human_bytes;

#[derive(Debug, Args)]
pub(super) struct SnapshotsArgs {
    /// Only those of this stack
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
    /// Only those made for this instance
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// At most this many, the newest first
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
}

pub(super) async fn run(loaded: &Loaded, args: SnapshotsArgs, as_json: bool) -> anyhow::Result<Outcome> {
    let mut wanted = vec![("limit", args.limit.to_string())];
    wanted.extend(args.stack.map(|stack| ("stack", stack)));
    wanted.extend(args.instance.map(|instance| ("instance", instance)));
    let path = format!("/api/v1/snapshots?{}", within::query(&wanted));
    let answer = with_client(loaded, async |client| client.get(&path).await).await?;
    if as_json {
        output::json(&answer);
    } else {
        let rows: Vec<Vec<String>> = answer["items"].as_array().into_iter().flatten().map(row).collect();
        output::table(&["SNAPSHOT", "OF", "MADE", "BY", "SIZE", "WHOLE"], &rows);
    }
    Ok(Outcome::Done)
}

fn row(snapshot: &Value) -> Vec<String> {
    let text = |key: &str| snapshot[key].as_str().map(str::to_owned);
    vec![
        text("id").unwrap_or_default(),
        text("stack").or_else(|| text("plan")).unwrap_or_default(),
        text("created_at").unwrap_or_default(),
        text("instance").or_else(|| text("backend")).unwrap_or_default(),
        human_bytes(snapshot["size_bytes"].as_u64().unwrap_or_default()),
        if snapshot["is_complete"] == true { "yes" } else { "no" }.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_snapshot_is_a_row() {
        let snapshot = json!({"id": "snap_1", "stack": null, "plan": "nightly", "created_at": "2026-11-21T03:00:02.000Z",
            "instance": null, "backend": "archive", "size_bytes": 2048, "is_complete": true});
        let expected = ["snap_1", "nightly", "2026-11-21T03:00:02.000Z", "archive", "2.00 KiB", "yes"];
        assert_eq!(row(&snapshot), expected);
    }
}
