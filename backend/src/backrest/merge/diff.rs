//! The difference between two plans, in lines for people.

use serde_json::Value;

use super::member;

/// Hooks that may hold the address of a chat or a token; only their kind is shown.
const SHOWN_HOOK: &[&str] = &["actionCommand", "conditions", "onError"];

/// The names of the members in which two canonical plans differ, in the order of the names.
pub(super) fn fields(before: &Value, after: &Value) -> Vec<String> {
    let names =
        |plan: &Value| plan.as_object().map(|plan| plan.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let mut all = names(before);
    all.extend(names(after));
    all.sort();
    all.dedup();
    all.retain(|name| member(before, name) != member(after, name));
    all
}

/// The lines of a plan that comes.
pub(super) fn of_new(plan: &Value) -> Vec<String> {
    all_lines(plan, '+')
}

/// The lines of a plan that goes.
pub(super) fn of_gone(plan: &Value) -> Vec<String> {
    all_lines(plan, '-')
}

fn all_lines(plan: &Value, sign: char) -> Vec<String> {
    let members = plan.as_object().into_iter().flatten();
    members.flat_map(|(name, value)| lines(name, value)).map(|line| format!("{sign} {line}")).collect()
}

/// The lines in which two plans differ, of these members.
pub(super) fn of_changed(before: &Value, after: &Value, fields: &[String]) -> Vec<String> {
    let mut changed = Vec::new();
    for name in fields {
        let (old, new) = (lines(name, member(before, name)), lines(name, member(after, name)));
        let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("- {line}"));
        let come = new.iter().filter(|line| !old.contains(line)).map(|line| format!("+ {line}"));
        let before = changed.len();
        changed.extend(gone.chain(come));
        if changed.len() == before {
            changed.push(format!("~ {name}: the same in another order"));
        }
    }
    changed
}

/// A member in lines: one for each item of a list.
fn lines(name: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().map(|item| format!("{name}: {}", shown(name, item))).collect(),
        other => vec![format!("{name}: {}", shown(name, other))],
    }
}

fn shown(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(hook) if name == "hooks" => {
            let mut hook = hook.clone();
            for (part, value) in &mut hook {
                if part.starts_with("action") && !SHOWN_HOOK.contains(&part.as_str()) {
                    *value = Value::from("***");
                }
            }
            Value::Object(hook).to_string()
        }
        other => other.to_string(),
    }
}
