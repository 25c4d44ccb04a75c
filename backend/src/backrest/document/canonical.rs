//! What a configuration means, whatever way it is written.
//!
//! Backrest writes the same configuration with other spaces, orders and spellings from build to build, so texts are
//! never compared. Two values mean the same when their canonical forms are equal: names in one spelling, members that
//! say nothing left out, lists that are sets sorted, whole numbers as such. To make one more spelling equal, add it
//! here.

use serde_json::{Map, Number, Value};

use super::Document;
use crate::backrest::Format;

/// Lists whose order means nothing.
const SETS: &[&str] = &["paths", "env", "sources"];

/// Words that are as good as nothing.
const DEFAULTS: &[(&str, &str)] =
    &[("onError", "ON_ERROR_IGNORE"), ("clock", "CLOCK_DEFAULT"), ("ioNice", "IO_DEFAULT"), ("cpuNice", "CPU_DEFAULT")];

/// Members whose numbers may be written as texts.
const NUMBERS: &[&str] = &[
    "modno",
    "maxUnusedBytes",
    "createdAtUnix",
    "expiresAtUnix",
    "maxFrequencyDays",
    "maxFrequencyHours",
    "policyKeepLastN",
    "keepLastN",
    "hourly",
    "daily",
    "weekly",
    "monthly",
    "yearly",
];

/// The canonical form of a whole configuration, without its counter, which changes at every save.
pub(in crate::backrest) fn document(document: &Document) -> Value {
    let format = document.format();
    let mut members = Map::new();
    for (name, text) in document.members.iter().filter(|(name, _)| name != "plans" && name != "modno") {
        let read: Value = serde_json::from_str(text).unwrap_or_default();
        insert(&mut members, name, &read, format);
    }
    if let Some(Value::Array(repos)) = members.get_mut("repos") {
        sort_by_id(repos);
    }
    let mut plans: Vec<Value> = document.plans().iter().map(|plan| value(&plan.value, format)).collect();
    sort_by_id(&mut plans);
    members.insert("plans".to_owned(), Value::Array(plans));
    members.sort_keys();
    Value::Object(members)
}

fn sort_by_id(items: &mut [Value]) {
    items.sort_by(|a, b| super::id_of(a).cmp(super::id_of(b)));
}

/// The canonical form of a plan, or of anything else in a configuration.
pub(in crate::backrest) fn value(value: &Value, format: Format) -> Value {
    match value {
        Value::Object(members) => {
            let mut kept = Map::new();
            for (name, member) in members {
                insert(&mut kept, name, member, format);
            }
            kept.sort_keys();
            Value::Object(kept)
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| self::value(item, format)).collect()),
        Value::Number(number) => Value::Number(whole(number)),
        other => other.clone(),
    }
}

/// Puts a member in unless it says nothing.
fn insert(into: &mut Map<String, Value>, name: &str, member: &Value, format: Format) {
    let name = match format {
        Format::Native => spelling(name),
        Format::Sidecar => name.to_owned(),
    };
    let mut member = value(member, format);
    if NUMBERS.contains(&name.as_str())
        && let Some(number) = member.as_str().and_then(|text| text.parse::<i64>().ok())
    {
        member = number.into();
    }
    if SETS.contains(&name.as_str())
        && let Value::Array(items) = &mut member
    {
        items.sort_by_key(Value::to_string);
    }
    if !says_nothing(&name, &member, format) {
        into.insert(name, member);
    }
}

/// Whether a member is as good as none. An empty object is one in Backrest's format, where its presence counts.
fn says_nothing(name: &str, member: &Value, format: Format) -> bool {
    match member {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || DEFAULTS.contains(&(name, text)),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty() && format == Format::Sidecar,
    }
}

/// `10.0` is `10`.
fn whole(number: &Number) -> Number {
    let exact = number.as_f64().filter(|_| number.is_f64()).filter(|float| float.fract() == 0.0 && float.abs() < 1e15);
    exact.and_then(|float| format!("{float:.0}").parse::<i64>().ok()).map_or_else(|| number.clone(), Number::from)
}

/// The usual spelling of a member that may be written with underscores. One member has them in any case.
pub(super) fn spelling(name: &str) -> String {
    if name == "backup_flags" {
        return name.to_owned();
    }
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut spelled, word| {
        let mut letters = word.chars();
        spelled.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        spelled.push_str(letters.as_str());
        spelled
    })
}
