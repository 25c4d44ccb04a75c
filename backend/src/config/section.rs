//! Takes settings out of a mapping, and reports what nobody took.
//!
//! `Section::set` names a key, the place of its value and how it is read; `finish` turns the keys that were not
//! named into errors. A reader returns `None` after it has reported what is wrong, so that reading goes on and every
//! mistake of a file is found in one go.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::problem::Finding;
use super::tree::{Entry, Kind, Node, Place};
use super::value::Field;
use crate::domain::hint::closest;

/// What the reading of one configuration shares.
pub(super) struct Context<'a> {
    /// The process environment, for variables in values.
    pub(super) env: &'a BTreeMap<String, String>,
    problems: RefCell<Vec<Finding>>,
    warnings: RefCell<Vec<Finding>>,
    known: RefCell<BTreeSet<String>>,
}

impl<'a> Context<'a> {
    pub(super) fn new(env: &'a BTreeMap<String, String>) -> Self {
        Self { env, problems: RefCell::default(), warnings: RefCell::default(), known: RefCell::default() }
    }

    /// Notes something that is wrong.
    pub(super) fn problem(&self, place: &Place, key: &str, message: impl Into<String>) {
        self.problems.borrow_mut().push(Finding { place: place.clone(), key: key.to_owned(), message: message.into() });
    }

    /// Notes something that is accepted.
    pub(super) fn warn(&self, place: &Place, key: &str, message: impl Into<String>) {
        self.warnings.borrow_mut().push(Finding { place: place.clone(), key: key.to_owned(), message: message.into() });
    }

    /// Problems, warnings, and every key that was asked for.
    pub(super) fn finish(self) -> (Vec<Finding>, Vec<Finding>, BTreeSet<String>) {
        (self.problems.into_inner(), self.warnings.into_inner(), self.known.into_inner())
    }
}

/// A mapping whose keys are being taken.
pub(super) struct Section<'a> {
    pub(super) context: &'a Context<'a>,
    /// Path of the mapping, empty for the whole file.
    path: String,
    entries: &'a [Entry],
    taken: BTreeSet<usize>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// Opens a mapping; reports anything else.
    pub(super) fn open(context: &'a Context<'a>, path: &str, node: &'a Node) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            let what = if path.is_empty() { "the file".to_owned() } else { format!("'{path}'") };
            context.problem(
                &node.place,
                path,
                format!("{what} must be a mapping of keys to values, found {}", describe(node)),
            );
            return None;
        };
        Some(Self { context, path: path.to_owned(), entries, taken: BTreeSet::new(), known: Vec::new() })
    }

    /// Where a key of this mapping is in the whole.
    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Takes a key by any of its names, the first of which is ours. What came from outside the file wins.
    pub(super) fn take(&mut self, names: &'static [&'static str]) -> Option<Field<'a>> {
        self.known.extend(names);
        if let Some(name) = names.first() {
            self.context.known.borrow_mut().insert(self.path_of(name));
        }
        let mut found: Option<&'a Entry> = None;
        for (index, entry) in self.entries.iter().enumerate().filter(|(_, entry)| names.contains(&entry.key.as_str())) {
            self.taken.insert(index);
            if let Some(earlier) = found
                && earlier.key != entry.key
                && matches!(entry.place, Place::File(_))
            {
                let message =
                    format!("'{}' and '{}' are the same setting; keep one", self.path_of(&entry.key), earlier.key);
                self.context.problem(&entry.place, &entry.key, message);
            }
            found = Some(entry);
        }
        let entry = found.filter(|entry| entry.value.kind != Kind::Null)?;
        Some(Field { context: self.context, path: self.path_of(&entry.key), place: &entry.place, node: &entry.value })
    }

    /// Sets `slot` if the key is there and its value can be read.
    pub(super) fn set<T>(
        &mut self,
        names: &'static [&'static str],
        slot: &mut T,
        read: impl FnOnce(&Field<'a>) -> Option<T>,
    ) {
        if let Some(value) = self.get(names, read) {
            *slot = value;
        }
    }

    /// The value of a key, if it is there and can be read.
    pub(super) fn get<T>(
        &mut self,
        names: &'static [&'static str],
        read: impl FnOnce(&Field<'a>) -> Option<T>,
    ) -> Option<T> {
        self.take(names).and_then(|field| read(&field))
    }

    /// Reports every key that nobody took.
    pub(super) fn finish(self) {
        for (index, entry) in self.entries.iter().enumerate() {
            if !self.taken.contains(&index) {
                let key = self.path_of(&entry.key);
                let hint = self.hint(entry).map_or_else(String::new, |name| format!("; did you mean '{name}'?"));
                self.context.problem(&entry.place, &key, format!("unknown key '{key}'{hint}"));
            }
        }
    }

    /// The known key that looks most like an unknown one, in the spelling of the place it stands in.
    fn hint(&self, entry: &Entry) -> Option<String> {
        let name = self.path_of(closest(&entry.key, self.known.iter().copied())?);
        match entry.place {
            Place::File(_) => Some(name),
            Place::Outside(_) => Some(super::overlay::variable_of(&name)),
        }
    }
}

/// What a value is, in words; scalars with their text.
pub(super) fn describe(node: &Node) -> String {
    match &node.kind {
        Kind::Null => "nothing".to_owned(),
        Kind::Text(text) => format!("'{}'", shorten(text)),
        Kind::List(_) => "a list".to_owned(),
        Kind::Map(_) => "a mapping".to_owned(),
    }
}

/// A text for a message: on one line, not too long, without passwords.
fn shorten(text: &str) -> String {
    const MOST: usize = 60;
    let text = super::address::redact(text);
    let shown: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().count() > MOST { format!("{shown}…") } else { shown }
}
