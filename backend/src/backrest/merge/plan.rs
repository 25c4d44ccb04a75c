//! One plan, before and after.
//!
//! Labels decide the members of [`decided`], whether they say something about them or not. What else a plan has was put
//! there by a person and stays: patterns without regard to case, flags, and hooks that are no commands, such as a
//! message to a chat; a label can only make commands.

use serde_json::{Map, Value};

use super::member;
use crate::backrest::Format;

/// The members that labels decide.
const fn decided(format: Format) -> &'static [&'static str] {
    match format {
        Format::Native => &["id", "repo", "paths", "excludes", "schedule", "retention", "hooks"],
        Format::Sidecar => &["id", "repo", "schedule", "sources", "exclude", "hooks", "retention"],
    }
}

/// The plan that is there, with what labels decide, under the id that it has.
pub(super) fn join(before: &Value, wanted: &Value, id: &str, format: Format) -> Value {
    let mut after = before.as_object().cloned().unwrap_or_default();
    let empty = Map::new();
    let wanted = wanted.as_object().unwrap_or(&empty);
    for name in decided(format).iter().filter(|name| !wanted.contains_key(**name)) {
        // Not `remove`, which would move the last member here.
        after.shift_remove(*name);
    }
    for (name, value) in wanted {
        after.insert(name.clone(), value.clone());
    }
    after.insert("id".to_owned(), Value::from(id));
    let kept = kept_hooks(before, format);
    if !kept.is_empty() {
        let mut hooks = after.get("hooks").and_then(Value::as_array).cloned().unwrap_or_default();
        hooks.extend(kept);
        after.insert("hooks".to_owned(), Value::Array(hooks));
    }
    Value::Object(after)
}

/// Hooks that no label made.
fn kept_hooks(plan: &Value, format: Format) -> Vec<Value> {
    let hooks = member(plan, "hooks").as_array().filter(|_| format == Format::Native);
    let is_command = |hook: &Value| ["actionCommand", "action_command"].iter().any(|name| hook.get(*name).is_some());
    hooks.into_iter().flatten().filter(|hook| !is_command(hook)).cloned().collect()
}

/// Whether a plan runs by the clock.
pub(super) fn is_scheduled(plan: &Value) -> bool {
    match member(plan, "schedule") {
        Value::Object(schedule) => schedule.get("disabled") != Some(&Value::Bool(true)),
        Value::String(fields) => !fields.is_empty(),
        _ => false,
    }
}
