//! The labels by name: which there are, in three families, and which of them something carries.

use std::collections::BTreeMap;

use super::Carrier;
use crate::domain::hint::did_you_mean;
use crate::domain::stack::labels;

/// What a label is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Enable,
    Instance,
    Exclude,
    Tags,
    Pre,
    Post,
    Paths,
    StopAttached,
    Database,
    DumpArgs,
}

/// Where labels come from; the earlier one counts when several say something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Ours,
    Marina,
    FirstMarina,
}

const FAMILIES: [(Family, &str); 3] = [
    (Family::Ours, "mainstay."),
    (Family::Marina, "dev.polarfox.marina."),
    (Family::FirstMarina, "eu.polarnight.marina."),
];

/// Each key as we and as Marina write it.
const KEYS: [(Key, &str, &str); 10] = [
    (Key::Enable, "enable", "enabled"),
    (Key::Instance, "instance", "instanceID"),
    (Key::Exclude, "exclude", "exclude"),
    (Key::Tags, "tags", "tags"),
    (Key::Pre, "pre", "pre"),
    (Key::Post, "post", "post"),
    (Key::Paths, "paths", "paths"),
    (Key::StopAttached, "stop-attached", "stopAttached"),
    (Key::Database, "db", "db"),
    (Key::DumpArgs, "dump-args", "dump.args"),
];

/// Labels of ours that are read elsewhere, see `wishes.rs`.
const WISHES: [&str; 4] = [labels::ORDER, labels::QUIESCE, labels::STOP_TIMEOUT, labels::SOCKET_PROXY];

/// Marks on what Mainstay itself makes.
const OWN_MARKS: [&str; 2] = ["mainstay.job", "mainstay.custom-image"];

/// Marks of tests and of the demo, which ask for nothing; so do those below them, such as `mainstay.test.recipe`.
const IGNORED: [&str; 2] = ["mainstay.test", "mainstay.demo"];

/// Keys of Marina that were written down, and that no version of it acted on.
const HISTORIC: [(&str, &str); 4] = [
    ("retention", "the retention is set at the instance"),
    ("schedule", "the schedule is set at the instance"),
    ("repo", "the repository is set at the instance"),
    ("type", "volumes and containers are told apart without it"),
];

/// Whether labels are those of something that Mainstay made itself: they route nothing.
#[must_use]
pub fn is_ours(labels: &BTreeMap<String, String>) -> bool {
    OWN_MARKS.iter().any(|mark| labels.contains_key(*mark))
}

/// Whether a label belongs to one of the families.
#[must_use]
pub fn is_of_a_family(label: &str) -> bool {
    FAMILIES.iter().any(|(_, prefix)| label.starts_with(prefix))
}

impl Key {
    fn is_known_on(self, carrier: Carrier) -> bool {
        match self {
            Self::Paths | Self::StopAttached => carrier == Carrier::Volume,
            Self::Database | Self::DumpArgs => carrier == Carrier::Container,
            _ => true,
        }
    }

    fn in_family(self, family: Family) -> &'static str {
        let names = KEYS.iter().find(|(key, ..)| *key == self);
        names.map_or("", |(_, ours, marina)| if family == Family::Ours { ours } else { marina })
    }

    /// The whole label, in the family of another one.
    pub(super) fn beside(self, label: &str) -> String {
        let family = FAMILIES.iter().find(|(_, prefix)| label.starts_with(prefix));
        let (family, prefix) = family.unwrap_or(&FAMILIES[0]);
        format!("{prefix}{}", self.in_family(*family))
    }
}

/// The labels of one thing, each key once: the label as written, and its value.
#[derive(Debug, Default)]
pub(super) struct Found<'a>(BTreeMap<Key, (&'a str, &'a str)>);

impl<'a> Found<'a> {
    pub(super) fn get(&self, key: Key) -> Option<(&'a str, &'a str)> {
        self.0.get(&key).copied()
    }

    /// Any label that asks for something.
    pub(super) fn first(&self) -> Option<&'a str> {
        self.0.values().next().map(|(label, _)| *label)
    }
}

/// Sorts the labels of something by key; the second value says what is doubtful.
pub(super) fn collect(carrier: Carrier, labels: &BTreeMap<String, String>) -> (Found<'_>, Vec<String>) {
    let (mut found, mut warnings) = (Found::default(), Vec::new());
    for (family, prefix) in FAMILIES {
        let mut is_told = false;
        for (label, value) in labels {
            let Some(rest) = label.strip_prefix(prefix) else { continue };
            if family == Family::FirstMarina && !is_told {
                is_told = true;
                warnings.push(format!(
                    "the labels {prefix}* are those of a first version; write them as {}*",
                    FAMILIES[1].1
                ));
            }
            match KEYS.iter().map(|(key, ..)| *key).find(|key| key.in_family(family) == rest) {
                Some(key) if key.is_known_on(carrier) => found.add(key, label, value, &mut warnings),
                Some(_) => warnings.push(format!("the label {label} has no effect on a {}", carrier.as_str())),
                None => warnings.extend(doubt_unknown(family, prefix, label, rest)),
            }
        }
    }
    (found, warnings)
}

impl<'a> Found<'a> {
    fn add(&mut self, key: Key, label: &'a str, value: &'a str, warnings: &mut Vec<String>) {
        match self.0.get(&key) {
            None => {
                self.0.insert(key, (label, value));
            }
            Some((counts, other)) if *other != value => {
                warnings.push(format!("the label {label} says otherwise than {counts}, which counts"));
            }
            Some(_) => {}
        }
    }
}

/// What there is to say of a label that is none of the keys.
fn doubt_unknown(family: Family, prefix: &str, label: &str, rest: &str) -> Option<String> {
    let is_ignored =
        |mark: &&str| label.strip_prefix(*mark).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    if family == Family::Ours && (WISHES.contains(&label) || IGNORED.iter().any(is_ignored)) {
        return None;
    }
    if family != Family::Ours
        && let Some((_, why)) = HISTORIC.iter().find(|(key, _)| *key == rest)
    {
        return Some(format!("the label {label} has no effect: {why}"));
    }
    let keys = KEYS.iter().map(|(key, ..)| key.in_family(family));
    let wishes = WISHES.iter().filter(|_| family == Family::Ours).filter_map(|label| label.strip_prefix(prefix));
    let shown: String = rest.chars().take(60).flat_map(char::escape_default).collect();
    let all: Vec<_> = keys.chain(wishes).collect();
    let hint = did_you_mean(rest, all.into_iter());
    Some(format!("the label {prefix}{shown} is not known{hint}"))
}
