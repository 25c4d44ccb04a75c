//! The plans of Backrest itself, by the schema of its format 6.
//!
//! Its own way of writing is kept, so that what it writes back differs in nothing: no empty members, no members that say
//! the default.

use serde_json::{Value, json};

use super::hooks;
use crate::backrest::plan::{Keep, WantedPlan, WantedSchedule};
use crate::domain::keep::{KeepPolicy, UNLIMITED};

/// The plan, and the retention that it cannot say.
pub(super) fn plan(plan: &WantedPlan) -> (Value, Option<Keep>) {
    let (retention, own) = retention(&plan.keep);
    let mut value = json!({"id": plan.id, "repo": plan.repo, "paths": plan.paths});
    let mut set = |key: &str, member: Value| {
        if let Some(members) = value.as_object_mut() {
            members.insert(key.to_owned(), member);
        }
    };
    if !plan.excludes.is_empty() {
        set("excludes", json!(plan.excludes));
    }
    set("schedule", schedule(&plan.schedule));
    set("retention", retention);
    let hooks = hooks::of(plan);
    if !hooks.is_empty() {
        set("hooks", Value::Array(hooks));
    }
    (value, own)
}

fn schedule(schedule: &WantedSchedule) -> Value {
    match schedule {
        WantedSchedule::Manual => json!({"disabled": true}),
        WantedSchedule::Cron { fields, is_caught_up } => {
            let clock = if *is_caught_up { "CLOCK_LAST_RUN_TIME" } else { "CLOCK_LOCAL" };
            json!({"cron": fields, "clock": clock})
        }
    }
}

/// What Backrest keeps. It knows counts and buckets, and no span of time: of a policy with one it keeps everything, because
/// the rest of the policy alone would drop what the span is to keep.
fn retention(keep: &Keep) -> (Value, Option<Keep>) {
    let policy = &keep.policy;
    let all = || json!({"policyKeepAll": true});
    if policy.keeps_all() {
        return (all(), None);
    }
    if !is_sayable(policy) {
        return (all(), Some(keep.clone()));
    }
    let buckets = [
        ("hourly", policy.hourly),
        ("daily", policy.daily),
        ("weekly", policy.weekly),
        ("monthly", policy.monthly),
        ("yearly", policy.yearly),
    ];
    if buckets.iter().all(|(_, count)| *count == 0) {
        return (json!({"policyKeepLastN": policy.last}), None);
    }
    let counts = buckets.into_iter().chain([("keepLastN", policy.last)]).filter(|(_, count)| *count > 0);
    let counts: serde_json::Map<_, _> = counts.map(|(key, count)| (key.to_owned(), json!(count))).collect();
    (json!({"policyTimeBucketed": counts}), None)
}

/// Whether counts that Backrest can hold say all of a policy.
fn is_sayable(policy: &KeepPolicy) -> bool {
    let KeepPolicy { last, hourly, daily, weekly, monthly, yearly, .. } = *policy;
    let counts = KeepPolicy { last, hourly, daily, weekly, monthly, yearly, ..KeepPolicy::ALL };
    let all = [last, hourly, daily, weekly, monthly, yearly];
    *policy == counts && all.iter().all(|count| *count != UNLIMITED && i32::try_from(*count).is_ok())
}
