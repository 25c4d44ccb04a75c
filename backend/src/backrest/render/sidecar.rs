//! The plans of backrest-sidecar, exactly: labels as they were written, paths as they were found.

use serde_json::{Map, Value, json};

use crate::backrest::plan::{WantedPlan, WantedSchedule};

pub(super) fn plan(plan: &WantedPlan) -> Value {
    let schedule = match &plan.schedule {
        WantedSchedule::Manual => "",
        WantedSchedule::Cron { fields, .. } => fields,
    };
    let mut value = json!({"id": plan.id, "repo": plan.repo, "schedule": schedule, "sources": plan.paths});
    let mut set = |key: &str, member: Value| {
        if let Some(members) = value.as_object_mut() {
            members.insert(key.to_owned(), member);
        }
    };
    if !plan.excludes.is_empty() {
        set("exclude", json!(plan.excludes));
    }
    set("hooks", hooks(plan));
    set("retention", json!({"spec": plan.keep.spec}));
    value
}

/// An empty object where there are none: that is how it writes them.
fn hooks(plan: &WantedPlan) -> Value {
    let both = [("pre", &plan.pre), ("post", &plan.post)];
    let both = both.into_iter().filter(|(_, commands)| !commands.is_empty());
    Value::Object(both.map(|(key, commands)| (key.to_owned(), json!(commands))).collect::<Map<_, _>>())
}
