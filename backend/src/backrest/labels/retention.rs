//! What is kept of a plan's snapshots.

use super::{Key, Labels, shown};
use crate::backrest::notes::Notes;
use crate::backrest::plan::{Keep, Settings};
use crate::domain::keep::KeepPolicy;

/// Words for a plan of which everything is kept.
const ALL: [&str; 3] = ["none", "all", "keep-all"];

/// restic's short names of keys, and ours.
const SHORT_KEYS: [(&str, &str); 5] = [
    ("within-h", "within-hourly"),
    ("within-d", "within-daily"),
    ("within-w", "within-weekly"),
    ("within-m", "within-monthly"),
    ("within-y", "within-yearly"),
];

/// Reads what is kept. A text of which any part cannot be read keeps everything: to follow the rest of it could drop
/// what the missing part was to keep.
pub(in crate::backrest) fn read_keep(labels: &Labels<'_>, settings: &Settings, notes: &mut Notes) -> Keep {
    let (label, spec) = match labels.get(Key::Keep) {
        Some((label, spec)) => (Some(label), spec),
        None => (None, settings.default_retention.trim()),
    };
    let policy = parse(spec).unwrap_or_else(|why| {
        notes.warn(label, format!("everything is kept: {why}"));
        KeepPolicy::ALL
    });
    Keep { spec: spec.to_owned(), policy }
}

/// Reads `last=7,daily=7,within=90d`, `7d:4w:6m` or `none`.
fn parse(spec: &str) -> Result<KeepPolicy, String> {
    if spec.is_empty() {
        return Err("the default retention is empty".to_owned());
    }
    if ALL.iter().any(|word| word.eq_ignore_ascii_case(spec)) {
        return Ok(KeepPolicy::ALL);
    }
    let items: Vec<String> = spec.split(',').map(str::trim).filter(|item| !item.is_empty()).map(long_key).collect();
    items.join(",").parse().map_err(|error| match error {
        // The error repeats the text that it was given, which is not quite that of the label.
        crate::domain::keep::InvalidKeepPolicy(why) if items.join(",") == spec => why,
        crate::domain::keep::InvalidKeepPolicy(why) => format!("'{}' is read as {why}", shown(spec)),
    })
}

fn long_key(item: &str) -> String {
    let Some((key, value)) = item.split_once('=') else { return item.to_owned() };
    let key = key.trim().to_ascii_lowercase();
    let key = key.trim_start_matches("--").trim_start_matches("keep-");
    let long = SHORT_KEYS.iter().find(|(short, _)| *short == key).map_or(key, |(_, long)| long);
    format!("{long}={}", value.trim())
}
