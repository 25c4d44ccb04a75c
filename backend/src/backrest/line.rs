//! The lines that `reconcile`, `daemon` and `backup-once` print: one JSON object each, in the words of backrest-sidecar.
//!
//! `level` and `action` come first, then what the line is about, in the order in which it was given. Nothing secret may be
//! given to a line.

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::Value;

use crate::domain::log::Level;

/// Who gets the lines.
pub type Tell<'a> = &'a (dyn Fn(Line) + Send + Sync);

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// What happened, such as `plan.rendered`.
    pub action: &'static str,
    /// What it is about.
    pub fields: Vec<(&'static str, Value)>,
}

impl Line {
    /// A line without fields.
    #[must_use]
    pub const fn new(level: Level, action: &'static str) -> Self {
        Self { level, action, fields: Vec::new() }
    }

    /// Something that went as it should.
    #[must_use]
    pub const fn info(action: &'static str) -> Self {
        Self::new(Level::Info, action)
    }

    /// Something to look at.
    #[must_use]
    pub const fn warning(action: &'static str) -> Self {
        Self::new(Level::Warning, action)
    }

    /// Something that failed.
    #[must_use]
    pub const fn error(action: &'static str) -> Self {
        Self::new(Level::Error, action)
    }

    /// The same, with one more field. What cannot be JSON is `null`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Serialize) -> Self {
        self.fields.push((name, serde_json::to_value(value).unwrap_or_default()));
        self
    }

    /// The word of the level.
    #[must_use]
    pub const fn level_word(&self) -> &'static str {
        match self.level {
            Level::Debug => "debug",
            Level::Info | Level::Success => "info",
            Level::Warning => "warn",
            Level::Error => "error",
        }
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2 + self.fields.len()))?;
        map.serialize_entry("level", self.level_word())?;
        map.serialize_entry("action", self.action)?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Line {
    /// For people, without the level.
    #[must_use]
    pub fn message(&self) -> String {
        let text = |(name, value): &(&'static str, Value)| match value {
            Value::String(text) => format!(" {name}={text}"),
            other => format!(" {name}={other}"),
        };
        self.fields.iter().map(text).fold(self.action.to_owned(), |line, field| line + &field)
    }
}

/// For people: the action, then the fields as `name=value`.
impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:5} {}", self.level_word(), self.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_the_order_in_which_it_was_told() {
        let line = Line::info("dry-run.complete").with("plans_seen", 1).with("config", "/etc/backrest/config.json");
        let json = serde_json::to_string(&line).expect("JSON");
        let expected =
            r#"{"level":"info","action":"dry-run.complete","plans_seen":1,"config":"/etc/backrest/config.json"}"#;
        assert_eq!(json, expected);
        assert_eq!(line.to_string(), "info  dry-run.complete plans_seen=1 config=/etc/backrest/config.json");
    }
}
