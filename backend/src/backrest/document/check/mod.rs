//! What Backrest would refuse, and what it takes and yet does not do.
//!
//! One mistake has it refuse the whole configuration, and at a start that ends it and every backup with it. So
//! everything is looked at before anything is written, and all mistakes are told at once, each with its place. Rules of
//! repositories are in `repo.rs`, of plans in `plan.rs`, of schedules in `schedule.rs`; one more rule goes there.

use serde_json::Value;

use super::canonical::spelling;
use super::{Document, KNOWN_VERSION};
use crate::backrest::Format;

mod plan;
mod repo;
mod schedule;
mod sidecar;

/// The longest name of an installation.
const MAX_INSTANCE_CHARS: usize = 50;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What is refused.
    pub(super) problems: Vec<String>,
    /// What is taken and does not work.
    pub(super) doubts: Vec<String>,
}

impl Findings {
    fn problem(&mut self, place: &str, what: impl std::fmt::Display) {
        self.problems.push(format!("{place}: {what}"));
    }

    fn doubt(&mut self, place: &str, what: impl std::fmt::Display) {
        self.doubts.push(format!("{place}: {what}"));
    }
}

/// Looks at a whole configuration.
pub(super) fn check(document: &Document) -> Findings {
    let mut findings = Findings::default();
    match document.format() {
        Format::Native => {
            check_top(document, &mut findings);
            repo::check(document, &mut findings);
            plan::check(document, &mut findings);
        }
        Format::Sidecar => sidecar::check(document, &mut findings),
    }
    findings
}

fn check_top(document: &Document, findings: &mut Findings) {
    match whole_number(&document.member("version")) {
        Some(version) if version > KNOWN_VERSION => {
            findings.doubt(
                "version",
                format_args!("{version} is newer than {KNOWN_VERSION}, the newest that is known here"),
            );
        }
        Some(version) if version >= 2 => {}
        Some(version) => findings.problem("version", format_args!("Backrest does not start with {version}")),
        None => findings.problem("version", "is missing; Backrest does not start without it"),
    }
    match document.instance() {
        name if name.is_empty() => findings.doubt("instance", "is empty, so every operation on a repository fails"),
        name if name.chars().count() > MAX_INSTANCE_CHARS => {
            findings.problem("instance", format_args!("has more than {MAX_INSTANCE_CHARS} characters"));
        }
        _ => {}
    }
    check_auth(&document.member("auth"), findings);
}

/// Users are needed where authentication is not switched off.
fn check_auth(auth: &Value, findings: &mut Findings) {
    if auth.is_null() || auth.get("disabled") == Some(&Value::Bool(true)) {
        return;
    }
    let users = list(auth, "users", "auth", findings);
    if users.is_empty() {
        findings.problem("auth", "is enabled and has no users");
    }
    for (at, user) in users.iter().enumerate() {
        for name in ["name", "passwordBcrypt"] {
            if text(user, name).is_empty() {
                findings.problem(&format!("auth.users[{at}]"), format_args!("has no '{name}'"));
            }
        }
    }
}

/// Checks the ids of repositories or plans: each its own, and none of Backrest's.
fn check_ids<'a>(list: &str, ids: impl Iterator<Item = &'a str>, findings: &mut Findings) {
    let ids: Vec<&str> = ids.collect();
    for (at, id) in ids.iter().enumerate() {
        let place = place(list, at, id);
        if id.is_empty() {
            findings.problem(&place, "has no id");
        } else if id.starts_with('_') && id.ends_with('_') {
            findings.problem(&place, "an id that begins and ends with '_' is one of Backrest's own");
        } else if ids[..at].contains(id) {
            findings.problem(&place, "the id is there twice");
        }
    }
}

/// Where something is, in words: `plans[2] 'blog_db'`.
fn place(list: &str, at: usize, id: &str) -> String {
    if id.is_empty() { format!("{list}[{at}]") } else { format!("{list}[{at}] '{id}'") }
}

/// A member in either spelling; `null` counts as none.
fn find<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let members = object.as_object()?;
    let found = members.get(name).or_else(|| members.iter().find(|(key, _)| spelling(key) == name).map(|(_, v)| v));
    found.filter(|value| !value.is_null())
}

/// A text; empty when there is none.
fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    find(object, name).and_then(Value::as_str).unwrap_or_default()
}

/// A list; empty when there is none. Anything else under the name is told as a problem.
fn list<'a>(object: &'a Value, name: &str, place: &str, findings: &mut Findings) -> &'a [Value] {
    match find(object, name) {
        None => &[],
        Some(Value::Array(items)) => items,
        Some(_) => {
            findings.problem(place, format_args!("'{name}' is no list"));
            &[]
        }
    }
}

/// The texts of a list, with their places in it. Whatever else is in it is told as a problem.
fn texts<'a>(object: &'a Value, name: &str, place: &str, findings: &mut Findings) -> Vec<&'a str> {
    let items = list(object, name, place, findings);
    let mut texts = Vec::new();
    for (at, item) in items.iter().enumerate() {
        match item.as_str() {
            Some(text) => texts.push(text),
            None => findings.problem(place, format_args!("'{name}[{at}]' is no text")),
        }
    }
    texts
}

/// A whole number, written as one or as a text.
fn whole_number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}
