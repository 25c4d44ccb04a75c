//! The labels by name.

use super::text::{MAX_COMMAND_BYTES, MAX_VALUE_BYTES};

/// What a label is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::backrest) enum Key {
    Enable,
    Repo,
    Schedule,
    CatchUp,
    Include,
    Exclude,
    Pre,
    Post,
    Template,
    Keep,
}

/// What every label of a plan begins with.
pub(super) const PREFIX: &str = "backrest.";

/// Each key with its names: that of backrest-sidecar's first version, which counts, and of its later one.
pub(super) const KEYS: [(Key, &[&str]); 10] = [
    (Key::Enable, &["backrest.enable"]),
    (Key::Repo, &["backrest.repo"]),
    (Key::Schedule, &["backrest.schedule"]),
    (Key::CatchUp, &["backrest.catchup"]),
    (Key::Include, &["backrest.paths.include"]),
    (Key::Exclude, &["backrest.paths.exclude"]),
    (Key::Pre, &["backrest.pre", "backrest.snapshot-start"]),
    (Key::Post, &["backrest.post", "backrest.snapshot-end"]),
    (Key::Template, &["backrest.hooks.template"]),
    (Key::Keep, &["backrest.keep"]),
];

/// What every label of restic-compose-backup, and of its continuation, begins with.
pub(super) const RCB_PREFIXES: [&str; 2] = ["restic-compose-backup.", "stack-back."];

const FOR_SELECTION: &str = "it chooses what 'backup-once' captures, and has no effect on this plan";
const FOR_DUMP: &str = "'backup-once' dumps this database; this plan copies the files";
const FOR_QUIESCE: &str =
    "only 'backup-once' stops the container for it; a plan does for backrest.hooks.template=simple-stop-start";

/// Labels of [`PREFIX`] that concern something other than the plan.
pub(super) const OTHERS: [(&str, &str); 1] = [("quiesce", FOR_QUIESCE)];

/// Labels of [`RCB_PREFIXES`]: none of them concerns the plan.
pub(super) const RCB: [(&str, &str); 8] = [
    ("volumes", FOR_SELECTION),
    ("volumes.include", FOR_SELECTION),
    ("volumes.exclude", FOR_SELECTION),
    ("volumes.stop-during-backup", FOR_QUIESCE),
    ("quiesce", FOR_QUIESCE),
    ("mysql", FOR_DUMP),
    ("mariadb", FOR_DUMP),
    ("postgres", FOR_DUMP),
];

impl Key {
    /// The name that counts.
    pub(in crate::backrest) fn name(self) -> &'static str {
        KEYS.iter().find(|(key, _)| *key == self).and_then(|(_, names)| names.first()).copied().unwrap_or(PREFIX)
    }

    /// The longest value that is read, in bytes.
    pub(super) const fn limit(self) -> usize {
        match self {
            Self::Pre | Self::Post => MAX_COMMAND_BYTES,
            _ => MAX_VALUE_BYTES,
        }
    }
}
