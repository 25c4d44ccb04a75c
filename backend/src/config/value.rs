//! Reads one setting into its type. Each reader reports what is wrong and gives `None` then.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono_tz::{TZ_VARIANTS, Tz};
use secrecy::SecretString;

use super::address::SecretUrl;
use super::expand::expand;
use super::model::{Compression, Effort, Words};
use super::section::{Context, Section, describe};
use super::tree::{Kind, Node, Place};
use crate::domain::duration::parse_duration;
use crate::domain::hint::closest;

/// A text as a path, if it is an absolute one.
pub(super) fn absolute(text: String) -> Option<PathBuf> {
    let is_path = text.starts_with('/') && !text.contains('\0');
    is_path.then(|| PathBuf::from(text))
}

/// A setting that was found.
pub(super) struct Field<'a> {
    pub(super) context: &'a Context<'a>,
    /// The key's path.
    pub(super) path: String,
    /// Where the key stands.
    pub(super) place: &'a Place,
    /// The value.
    pub(super) node: &'a Node,
}

impl<'a> Field<'a> {
    /// Reports that the value is not what it must be.
    pub(super) fn must_be<T>(&self, expected: impl Display) -> Option<T> {
        let message = format!("'{}' must be {expected}, found {}", self.path, describe(self.node));
        self.context.problem(&self.node.place, &self.path, message);
        None
    }

    /// Reports a wrong value without showing it.
    fn must_be_hidden<T>(&self, expected: &str) -> Option<T> {
        self.context.problem(&self.node.place, &self.path, format!("'{}' must be {expected}", self.path));
        None
    }

    /// Notes something about the setting.
    pub(super) fn warn(&self, message: impl Into<String>) {
        self.context.warn(self.place, &self.path, message);
    }

    /// Says that the setting has no effect yet.
    pub(super) fn warn_not_yet(&self) {
        self.warn(format!("'{}' is accepted, but not carried out by this version yet", self.path));
    }

    fn raw(&self) -> Option<&'a str> {
        match &self.node.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text as it stands.
    pub(super) fn text(&self) -> Option<String> {
        let Some(text) = self.raw() else { return self.must_be("a text") };
        Some(text.to_owned())
    }

    /// A text that is not empty.
    pub(super) fn words(&self) -> Option<String> {
        self.text()
            .and_then(|text| if text.trim().is_empty() { self.must_be("a text that is not empty") } else { Some(text) })
    }

    /// The text with its variables replaced, and whether all of them were set. Only the file's texts have variables.
    pub(super) fn expanded(&self) -> Option<(String, bool)> {
        let Some(text) = self.raw() else { return self.must_be_hidden("a text") };
        if matches!(self.node.place, Place::Outside(_)) {
            return Some((text.to_owned(), true));
        }
        let expanded = expand(text, self.context.env);
        for variable in &expanded.unset {
            self.warn(format!(
                "'{}' names the variable '{variable}', which is not set; it is taken as empty",
                self.path
            ));
        }
        Some((expanded.text, expanded.unset.is_empty()))
    }

    /// The text with its variables replaced.
    pub(super) fn expanded_text(&self) -> Option<String> {
        self.expanded().map(|(text, _)| text)
    }

    /// The same for a text that may be a secret.
    pub(super) fn secret(&self) -> Option<SecretString> {
        self.expanded_text().map(SecretString::from)
    }

    /// The same for an address that may hold a password.
    pub(super) fn secret_url(&self) -> Option<SecretUrl> {
        let text = self.expanded_text()?;
        if text.trim().is_empty() { self.must_be("an address") } else { Some(SecretUrl::new(&text)) }
    }

    /// A truth value, in the words of YAML 1.1 that older files use; 0 and 1 too in variables.
    pub(super) fn flag(&self) -> Option<bool> {
        let is_outside = matches!(self.node.place, Place::Outside(_));
        match self.raw().map(str::to_ascii_lowercase).as_deref() {
            Some("true" | "yes" | "on") => Some(true),
            Some("false" | "no" | "off") => Some(false),
            Some("1") if is_outside => Some(true),
            Some("0") if is_outside => Some(false),
            _ => self.must_be("true or false"),
        }
    }

    /// A whole number within limits; `unit` follows the word "number".
    pub(super) fn number<T: FromStr + PartialOrd + Display>(&self, limits: RangeInclusive<T>, unit: &str) -> Option<T> {
        match self.raw().and_then(|text| text.trim().parse().ok()) {
            Some(number) if limits.contains(&number) => Some(number),
            _ => self.must_be(format!("a whole number{unit} from {} to {}", limits.start(), limits.end())),
        }
    }

    /// A codec's level, as a number or in words.
    pub(super) fn level(&self, codec: Compression) -> Option<i32> {
        let limits = codec.levels();
        let text = self.raw().unwrap_or_default().trim();
        let word = Effort::WORDS.iter().find(|(word, _)| *word == text);
        match word.map(|(_, effort)| codec.level_of(*effort)).or_else(|| text.parse().ok()) {
            Some(level) if limits.contains(&level) => Some(level),
            _ => {
                let words = Effort::WORDS.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
                self.must_be(format!("{words} or a whole number from {} to {}", limits.start(), limits.end()))
            }
        }
    }

    /// A directory or file by its absolute path.
    pub(super) fn path(&self) -> Option<PathBuf> {
        match self.raw().and_then(|text| absolute(text.to_owned())) {
            Some(path) => Some(path),
            None => self.must_be("an absolute path"),
        }
    }

    /// A duration; `least` is the shortest that makes sense.
    pub(super) fn duration(&self, least: Duration) -> Option<Duration> {
        let text = self.expanded_text()?;
        match parse_duration(&text) {
            Ok(duration) if duration >= least => Some(duration),
            Ok(_) => self.must_be(format!("at least {}s", least.as_secs_f64())),
            Err(_) => self.must_be("a duration such as '90s', '60m' or '1h30m'"),
        }
    }

    /// One of a closed list of words.
    pub(super) fn word<T: Words>(&self) -> Option<T> {
        let text = self.expanded_text()?;
        if let Some((_, value)) = T::WORDS.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let all = T::WORDS.iter().map(|(word, _)| *word).collect::<Vec<_>>();
        self.must_be(format!("one of {}", all.join(", ")))
    }

    /// A value whose type reads itself.
    pub(super) fn parsed<T: FromStr>(&self, expected: &str) -> Option<T> {
        match self.raw().and_then(|text| text.trim().parse().ok()) {
            Some(value) => Some(value),
            None => self.must_be(expected),
        }
    }

    /// A time zone by its IANA name.
    pub(super) fn zone(&self) -> Option<Tz> {
        let Some(text) = self.raw() else { return self.must_be("an IANA time zone such as 'Europe/Berlin'") };
        if let Ok(zone) = text.parse() {
            return Some(zone);
        }
        let hint = closest(text, TZ_VARIANTS.iter().map(|zone| zone.name()));
        let hint = hint.map_or_else(String::new, |name| format!("; did you mean '{name}'?"));
        let message = format!("'{}' must be an IANA time zone, found {}{hint}", self.path, describe(self.node));
        self.context.problem(&self.node.place, &self.path, message);
        None
    }

    /// The items of a list; in a variable, texts between commas.
    pub(super) fn items(&self) -> Option<Vec<Node>> {
        match (&self.node.kind, &self.node.place) {
            (Kind::List(items), _) => Some(items.clone()),
            (Kind::Text(text), place @ Place::Outside(_)) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Some(items.map(|item| Node { place: place.clone(), kind: Kind::Text(item.to_owned()) }).collect())
            }
            _ => self.must_be("a list"),
        }
    }

    /// A list; every item is read even when one of them is wrong.
    pub(super) fn list<T>(&self, read: impl Fn(&Field<'_>) -> Option<T>) -> Option<Vec<T>> {
        let items = self.items()?;
        let read_one = |(index, node): (usize, &Node)| {
            let path = format!("{}[{index}]", self.path);
            read(&Field { context: self.context, path, place: &node.place, node })
        };
        // Collected first, so that one wrong item does not hide the next.
        let values: Vec<_> = items.iter().enumerate().map(read_one).collect();
        values.into_iter().collect()
    }

    /// A mapping with keys of ours.
    pub(super) fn section(&self) -> Option<Section<'a>> {
        Section::open(self.context, &self.path, self.node)
    }
}
