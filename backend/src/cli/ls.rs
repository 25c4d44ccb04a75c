//! `mainstay ls`

use std::ffi::OsString;

use clap::Args;
use serde_json::{Value, json};

use super::client::Client;
use super::session::with_client;
use super::within::{self, SnapshotArg};
use super::{Outcome, output};
use crate::config::Loaded;
use crate::domain::size::human_bytes;

#[derive(Debug, Args)]
pub(super) struct LsArgs {
    #[command(flatten)]
    snapshot: SnapshotArg,
    /// A directory in it; the top directory when absent
    #[arg(value_name = "PATH")]
    path: Option<OsString>,
}

pub(super) async fn run(loaded: &Loaded, args: LsArgs, as_json: bool) -> anyhow::Result<Outcome> {
    let items = with_client(loaded, async |client| list(&client, &args).await).await?;
    if as_json {
        output::json(&json!({ "items": items, "next_cursor": null }));
    } else {
        let rows: Vec<Vec<String>> = items.iter().map(row).collect();
        output::table(&["MODE", "SIZE", "MODIFIED", "NAME"], &rows);
    }
    Ok(Outcome::Done)
}

async fn list(client: &Client, args: &LsArgs) -> anyhow::Result<Vec<Value>> {
    let id = args.snapshot.find(client).await?;
    let path = [within::path_or_top(args.path.as_ref())];
    within::all(client, &format!("/api/v1/snapshots/{id}/files"), &path, usize::MAX).await
}

fn row(entry: &Value) -> Vec<String> {
    row_called(entry, "name")
}

/// A row of the table, with the entry called by its `name` or its `path`.
pub(super) fn row_called(entry: &Value, by: &str) -> Vec<String> {
    let text = |key: &str| entry[key].as_str().unwrap_or_default();
    let has_content = matches!(text("kind"), "file" | "hard_link");
    let size = entry["size_bytes"].as_u64().filter(|_| has_content).map(human_bytes);
    let modified = text("modified_at").get(..19).map(|at| at.replace('T', " "));
    let name = match text("kind") {
        "directory" => format!("{}/", text(by)),
        "symlink" if entry["target"].is_string() => format!("{} -> {}", text(by), text("target")),
        "hard_link" => format!("{} = {}", text(by), text("target")),
        _ => text(by).to_owned(),
    };
    vec![text("mode").to_owned(), size.unwrap_or_default(), modified.unwrap_or_default(), printable(&name)]
}

/// A name may hold what a terminal would obey.
pub(super) fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_what_the_entry_is() {
        let entry = |kind: &str, name: &str| {
            row(&json!({"kind": kind, "name": name, "size_bytes": 5, "mode": "0644", "target": "t",
                "modified_at": "2026-11-20T18:00:00.000Z"}))
        };
        assert_eq!(entry("file", "a")[1..], ["5 B", "2026-11-20 18:00:00", "a"]);
        assert_eq!(entry("directory", "a")[1..], ["", "2026-11-20 18:00:00", "a/"]);
        assert_eq!(entry("symlink", "a")[3], "a -> t");
        assert_eq!(entry("file", "a\x1b[2J")[3], "a?[2J");
        assert_eq!(row(&json!({"kind": "directory", "name": "volumes"})), ["", "", "", "volumes/"]);
    }
}
