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
use crate::domain::keep::KeepPolicy;
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
    let Some(keep) = &plan.own_retention else { return Ok(None) };
    let Some(command) = command_of(id, &keep.policy, &round.instance) else { return Ok(None) };
    if !is_well(&api.operations(&json!({"planId": id}), LOOKED_AT).await?) {
        return Ok(None);
    }
    api.run_command(&plan.wanted.repo, &command).await?;
    Ok(Some(command))
}

/// The command, when it is certain which snapshots it is about.
fn command_of(id: &str, policy: &KeepPolicy, instance: &str) -> Option<String> {
    let is_plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    let flags = keep_flags(policy);
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

    /// restic as Backrest runs it for a command: its words, in the environment of the repository. `_` stands for a space
    /// within a word.
    async fn restic(repository: &std::path::Path, command: &str) -> String {
        let mut restic = tokio::process::Command::new("restic");
        restic
            .args(command.split(' ').map(|word| word.replace("_12:", " 12:")))
            .env("RESTIC_REPOSITORY", repository)
            .env("RESTIC_PASSWORD", "test");
        let output =
            restic.arg("--no-cache").output().await.expect("restic runs; `e2e/setup.sh deps tests` installs it");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    #[tokio::test]
    async fn the_real_restic_keeps_what_the_label_says_and_touches_nothing_else() {
        let root = tempfile::tempdir().expect("a directory");
        let repository = root.path().join("repo");
        restic(&repository, "init").await;
        std::fs::write(root.path().join("file"), "x").expect("written");
        let file = root.path().join("file").display().to_string();
        let ours = "plan:backrest_sidecar_shop_db,created-by:host";
        for (day, tags) in [
            ("2026-01-01", ours),
            ("2026-02-20", ours),
            ("2026-03-09", ours),
            ("2026-03-10", ours),
            ("2025-01-01", "plan:by_hand,created-by:host"),
            ("2025-01-01", "plan:backrest_sidecar_shop_db,created-by:another"),
        ] {
            let tags: Vec<String> = tags.split(',').map(|tag| format!("--tag {tag}")).collect();
            let command = format!("backup --quiet --time {day}_12:00:00 {} {file}", tags.join(" "));
            restic(&repository, &command).await;
        }
        let policy: KeepPolicy = "within=30d".parse().expect("a policy");
        let command = command_of("backrest_sidecar_shop_db", &policy, "host").expect("certain");
        restic(&repository, &command).await;
        let left: Value = serde_json::from_str(&restic(&repository, "snapshots --json").await).expect("JSON");
        let mut left: Vec<String> = left
            .as_array()
            .expect("snapshots")
            .iter()
            .map(|one| {
                format!("{} {}", &one["time"].as_str().expect("a time")[..10], one["tags"][1].as_str().expect("a tag"))
            })
            .collect();
        left.sort();
        let expected = [
            "2025-01-01 created-by:another",
            "2025-01-01 created-by:host",
            "2026-02-20 created-by:host",
            "2026-03-09 created-by:host",
            "2026-03-10 created-by:host",
        ];
        assert_eq!(left, expected, "thirty days before the newest, and no snapshot of another plan or Backrest");
    }

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
