//! The configuration before it has types: texts, lists and mappings, each with the place it came from.
//!
//! The file, the environment and the flags all end up in one such tree, so that a value is checked by the same code
//! wherever it was written. Scalars are kept as their text: `0755` and `1.10` stay what the user wrote.

/// Where a value or a key was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In the file; the number counts its keys and values in the order of reading.
    File(usize),
    /// In an environment variable or a flag, by its name.
    Outside(String),
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// Where it was written.
    pub(super) place: Place,
    /// What it is.
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing; the same as an absent key.
    Null,
    /// A scalar, as it was written.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file; duplicates are still there.
    Map(Vec<Entry>),
}

/// One entry of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Where the key was written.
    pub(super) place: Place,
    /// The value.
    pub(super) value: Node,
}

impl Node {
    /// A mapping without entries, as an empty file is one.
    pub(super) fn empty(place: Place) -> Self {
        Self { place, kind: Kind::Map(Vec::new()) }
    }
}

/// Finds keys that stand twice in one mapping: the second key's place, the first one's, and the key.
pub(super) fn duplicates(node: &Node) -> Vec<(Place, Place, String)> {
    let mut found = Vec::new();
    collect_duplicates(node, &mut found);
    found
}

fn collect_duplicates(node: &Node, found: &mut Vec<(Place, Place, String)>) {
    match &node.kind {
        Kind::Null | Kind::Text(_) => {}
        Kind::List(items) => items.iter().for_each(|item| collect_duplicates(item, found)),
        Kind::Map(entries) => {
            let mut seen = std::collections::BTreeMap::new();
            for entry in entries {
                if let Some(first) = seen.get(&entry.key) {
                    found.push((entry.place.clone(), Place::clone(first), entry.key.clone()));
                } else {
                    seen.insert(&entry.key, entry.place.clone());
                }
                collect_duplicates(&entry.value, found);
            }
        }
    }
}

/// Resolves YAML merge keys (`<<: *anchor`): what the mapping says itself wins, then the earlier of several.
pub(super) fn merge(node: &mut Node) {
    match &mut node.kind {
        Kind::Null | Kind::Text(_) => {}
        Kind::List(items) => items.iter_mut().for_each(merge),
        Kind::Map(entries) => {
            entries.iter_mut().for_each(|entry| merge(&mut entry.value));
            let (merges, own): (Vec<_>, Vec<_>) = std::mem::take(entries).into_iter().partition(is_merge);
            *entries = own;
            for inherited in merges.into_iter().flat_map(|entry| mappings(entry.value)) {
                if !entries.iter().any(|entry| entry.key == inherited.key) {
                    entries.push(inherited);
                }
            }
        }
    }
}

/// A merge key with something that cannot be merged stays, and is reported as an unknown key.
fn is_merge(entry: &Entry) -> bool {
    let is_map = |node: &Node| matches!(node.kind, Kind::Map(_));
    entry.key == "<<"
        && match &entry.value.kind {
            Kind::List(items) => items.iter().all(is_map),
            _ => is_map(&entry.value),
        }
}

fn mappings(node: Node) -> Vec<Entry> {
    match node.kind {
        Kind::Map(entries) => entries,
        Kind::List(items) => items.into_iter().flat_map(mappings).collect(),
        Kind::Null | Kind::Text(_) => Vec::new(),
    }
}
