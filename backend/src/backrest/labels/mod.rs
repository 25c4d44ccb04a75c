//! What the labels of a workload say.
//!
//! Two vocabularies of backrest-sidecar mean the same (`keys`); those of restic-compose-backup concern only its own kind
//! of run. A label that nobody knows, or whose value cannot be read, is a note and never silence. To add a label: a
//! [`Key`], its line in `keys`, and what it does in a file of this directory or in `wanted.rs`.

use std::collections::BTreeMap;

use super::notes::Notes;
use super::plan::NoteLevel;
use crate::domain::hint::did_you_mean;

mod commands;
mod keys;
mod paths;
mod retention;
mod schedule;
#[cfg(test)]
mod tests;
mod text;

pub(super) use commands::read_commands;
pub(super) use keys::Key;
pub(super) use paths::{Scope, read_paths};
pub(super) use retention::read_keep;
pub(super) use schedule::read_schedule;
pub(super) use text::shown;

/// The labels of one container, each key once.
#[derive(Debug, Default)]
pub(super) struct Labels<'a>(BTreeMap<Key, (&'static str, &'a str)>);

impl<'a> Labels<'a> {
    /// Sorts labels by key; what is doubtful about their names goes to `notes`.
    pub(super) fn collect(labels: &'a BTreeMap<String, String>, notes: &mut Notes) -> Self {
        let mut found = Self::default();
        for (key, names) in keys::KEYS {
            for name in names {
                if let Some(value) = labels.get(*name) {
                    found.add(key, name, value.trim(), notes);
                }
            }
        }
        labels.keys().for_each(|label| doubt(label, notes));
        found
    }

    fn add(&mut self, key: Key, name: &'static str, value: &'a str, notes: &mut Notes) {
        if value.is_empty() {
            notes.info(name, "it is empty, which counts as absent");
        } else if value.len() > key.limit() {
            notes.warn(name, format!("it has {} bytes, at most {} are read; it is ignored", value.len(), key.limit()));
        } else {
            match self.0.get(&key) {
                Some((counts, other)) if *other != value => {
                    notes.warn(name, format!("it says otherwise than {counts}, which counts"));
                }
                Some(_) => {}
                None => drop(self.0.insert(key, (name, value))),
            }
        }
    }

    /// The value of a key, with the label that it comes from.
    pub(super) fn get(&self, key: Key) -> Option<(&'static str, &'a str)> {
        self.0.get(&key).copied()
    }

    /// A truth value; `Err` for what is neither a word for true nor for false.
    pub(super) fn flag(&self, key: Key) -> Option<Result<bool, &'a str>> {
        let (_, text) = self.get(key)?;
        let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        Some(match (is(&["true", "yes", "1", "on"]), is(&["false", "no", "0", "off"])) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ => Err(text),
        })
    }

    /// Whether anything is said at all.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Says what there is to say of a label that is none of the keys.
fn doubt(label: &str, notes: &mut Notes) {
    let known = keys::KEYS.iter().flat_map(|(_, names)| names.iter().copied());
    if known.clone().any(|name| name == label) {
        return;
    }
    let families = [(keys::PREFIX, keys::OTHERS.as_slice())].into_iter();
    let families = families.chain(keys::RCB_PREFIXES.map(|prefix| (prefix, keys::RCB.as_slice())));
    for (prefix, others) in families {
        let Some(rest) = label.strip_prefix(prefix) else { continue };
        let (level, message) = match others.iter().find(|(name, _)| *name == rest) {
            Some((_, why)) => (NoteLevel::Info, (*why).to_owned()),
            None => {
                let ours = known.clone().filter_map(|name| name.strip_prefix(prefix));
                let hint = did_you_mean(rest, ours.chain(others.iter().map(|(name, _)| *name)));
                (NoteLevel::Warning, format!("the label is not known{hint}"))
            }
        };
        notes.add(level, Some(shown(label)), message);
    }
}

/// Whether a container has a label about plans.
pub(super) fn has_any(labels: &BTreeMap<String, String>) -> bool {
    labels.keys().any(|label| label.starts_with(keys::PREFIX))
}

/// Whether two containers of a service say the same.
pub(super) fn say_the_same(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> bool {
    let of_plans = |labels: &BTreeMap<String, String>| -> Vec<(String, String)> {
        let ours = labels.iter().filter(|(label, _)| label.starts_with(keys::PREFIX));
        ours.map(|(label, value)| (label.clone(), value.clone())).collect()
    };
    of_plans(one) == of_plans(other)
}
