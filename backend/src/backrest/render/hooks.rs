//! The hooks of a plan of Backrest: one before the snapshot, one after it.
//!
//! The one after it is bound to the error as well as to the end, because Backrest tells of no end when what came before
//! the snapshot failed. The one before it undoes itself when it fails: older releases tell of nothing at all then.

use serde_json::{Value, json};

use super::script;
use crate::backrest::plan::WantedPlan;

/// The hooks, in the order in which they run.
pub(super) fn of(plan: &WantedPlan) -> Vec<Value> {
    if plan.quiesce {
        return vec![before(&script::stop(plan)), after(&script::start(plan))];
    }
    let mut hooks = Vec::new();
    if !plan.pre.is_empty() {
        hooks.push(before(&script::pre(plan)));
    }
    if !plan.post.is_empty() {
        hooks.push(after(&script::post(plan)));
    }
    hooks
}

fn before(script: &str) -> Value {
    json!({
        "conditions": ["CONDITION_SNAPSHOT_START"],
        "onError": "ON_ERROR_FATAL",
        "actionCommand": {"command": escape(script)},
    })
}

fn after(script: &str) -> Value {
    json!({
        "conditions": ["CONDITION_SNAPSHOT_END", "CONDITION_SNAPSHOT_ERROR"],
        "actionCommand": {"command": escape(script)},
    })
}

/// Backrest takes a command for a template, in which `{{.Repo.Password}}` would be a secret.
fn escape(script: &str) -> String {
    script.replace("{{", "{{\"{{\"}}")
}
