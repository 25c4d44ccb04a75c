//! Rules of schedules and of retention.

use serde_json::Value;

use super::{Findings, find, whole_number};
use crate::backrest::cron::check as check_cron_fields;

/// The ways to say when; a schedule has one of them.
const KINDS: &[&str] = &["disabled", "cron", "maxFrequencyDays", "maxFrequencyHours"];

/// The ways to say what is kept; a retention has one of them.
const POLICIES: &[&str] = &["policyKeepLastN", "policyTimeBucketed", "policyKeepAll"];

/// What is said of retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retention {
    /// Nothing: everything is kept.
    Missing,
    /// Something.
    Given,
}

pub(super) fn check(schedule: &Value, place: &str, findings: &mut Findings) {
    if !schedule.is_object() {
        findings.problem(place, "'schedule' is no object");
        return;
    }
    let kinds: Vec<&str> = KINDS.iter().copied().filter(|kind| find(schedule, kind).is_some()).collect();
    let [kind] = kinds.as_slice() else {
        let said = if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(" and ") };
        findings.problem(place, format_args!("'schedule' says {said}; it has to say one of {}", KINDS.join(", ")));
        return;
    };
    let value = find(schedule, kind).unwrap_or(&Value::Null);
    match (*kind, value) {
        ("disabled", Value::Bool(true)) => {}
        ("disabled", _) => findings.problem(place, "'schedule.disabled' can only be true"),
        ("cron", Value::String(fields)) => check_cron(fields, place, findings),
        ("cron", _) => findings.problem(place, "'schedule.cron' is no text"),
        (_, number) if whole_number(number).is_some_and(|number| number >= 1) => {}
        _ => findings.problem(place, format_args!("'schedule.{kind}' is no number from 1 on")),
    }
}

fn check_cron(fields: &str, place: &str, findings: &mut Findings) {
    if let Err(why) = check_cron_fields(fields) {
        findings.problem(place, format_args!("'schedule.cron' is '{fields}': {why}"));
    }
}

/// Checks what is kept.
pub(super) fn retention(retention: Option<&Value>, place: &str, findings: &mut Findings) -> Retention {
    let Some(retention) = retention else { return Retention::Missing };
    let policies: Vec<&str> = POLICIES.iter().copied().filter(|policy| find(retention, policy).is_some()).collect();
    match policies.as_slice() {
        ["policyTimeBucketed"] => {
            let buckets = find(retention, "policyTimeBucketed").and_then(Value::as_object);
            if !buckets.is_some_and(|buckets| buckets.values().any(|n| whole_number(n).is_some_and(|n| n > 0))) {
                findings.problem(place, "'retention.policyTimeBucketed' keeps nothing");
            }
        }
        [_] => {}
        [] => findings.problem(place, format_args!("'retention' has none of {}", POLICIES.join(", "))),
        several => {
            findings.problem(place, format_args!("'retention' has {}, only one is allowed", several.join(" and ")));
        }
    }
    Retention::Given
}
