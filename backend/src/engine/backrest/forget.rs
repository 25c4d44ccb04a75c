//! What Backrest cannot say: a retention with `within`. Its plan keeps everything, and we have Backrest forget by the label.
//!
//! restic runs within Backrest, in its queue, with the credentials that only Backrest has. Only snapshots of the plan and
//! of this Backrest are meant, and only after its newest backup went well.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{PlanSeen, Reconciler, Round};
use crate::backrest::apply::{ApiClient, ApiError};
use crate::backrest::keep_flags;
use crate::backrest::line::{Line, Tell};
use crate::engine::chain;

/// How often a plan's snapshots are looked at.
const EVERY: Duration = Duration::from_hours(24);
/// How many of the newest operations of a plan are looked at.
const LOOKED_AT: u32 = 100;

impl Reconciler {
    /// Has Backrest forget what labels no longer keep, of each plan once a day. Needs its API.
    pub(super) async fn forget(&self, round: &Round, tell: Tell<'_>) {
        for plan in round.plans.iter().filter(|plan| plan.own_retention.is_some()) {
            let line = || Line::info("retention.run").with("plan_id", &plan.change.id);
            let Some(api) = &self.0.options.api else {
                let message = "Backrest does not know 'within' and keeps everything; with its address set, it is told what to forget";
                tell(Line::warning("retention.skip").with("plan_id", &plan.change.id).with("message", message));
                continue;
            };
            if !self.is_due(&plan.change.id) {
                continue;
            }
            match forget(api, round, plan).await {
                Ok(Some(command)) => tell(line().with("command", command)),
                Ok(None) => {}
                Err(error) => {
                    let line = Line::warning("retention.skip").with("plan_id", &plan.change.id);
                    tell(line.with("message", chain(&error)));
                }
            }
        }
    }

    fn is_due(&self, plan: &str) -> bool {
        let mut forgotten = self.0.forgotten.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let is_due = forgotten.get(plan).is_none_or(|at: &Instant| at.elapsed() >= EVERY);
        if is_due {
            forgotten.insert(plan.to_owned(), Instant::now());
        }
        is_due
    }
}

/// Returns what Backrest was told to run, if anything.
async fn forget(api: &ApiClient, round: &Round, plan: &PlanSeen) -> Result<Option<String>, ApiError> {
    let id = &plan.change.id;
    let Some(command) = command_of(plan, &round.instance) else { return Ok(None) };
    if !is_well(&api.operations(&json!({"planId": id}), LOOKED_AT).await?) {
        return Ok(None);
    }
    api.run_command(&plan.wanted.repo, &command).await?;
    Ok(Some(command))
}

/// The command, when it is certain which snapshots it is about.
fn command_of(plan: &PlanSeen, instance: &str) -> Option<String> {
    let id = &plan.change.id;
    let is_plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    let flags = keep_flags(&plan.own_retention.as_ref()?.policy);
    let is_certain = is_plain(id) && is_plain(instance) && !flags.is_empty();
    is_certain.then(|| format!("forget --tag plan:{id},created-by:{instance} --group-by= {}", flags.join(" ")))
}

/// Whether the newest backup among operations, which come oldest first, went well.
fn is_well(operations: &[Value]) -> bool {
    let newest =
        operations.iter().rev().find(|operation| operation.get("operationBackup").is_some_and(Value::is_object));
    newest.is_some_and(|operation| operation["status"] == "STATUS_SUCCESS")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_after_a_backup_that_went_well() {
        let backup = |status: &str| json!({"operationBackup": {}, "status": status});
        let other = json!({"operationIndexSnapshot": {}, "status": "STATUS_SUCCESS"});
        assert!(is_well(&[backup("STATUS_ERROR"), backup("STATUS_SUCCESS"), other.clone()]));
        for status in ["STATUS_ERROR", "STATUS_WARNING", "STATUS_INPROGRESS", "STATUS_PENDING"] {
            assert!(!is_well(&[backup("STATUS_SUCCESS"), backup(status), other.clone()]), "{status}");
        }
        assert!(!is_well(&[]));
    }
}
