//! The service itself: version, health, summary.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Job, JobSummary, Time, path_text, time};
use crate::discovery::EngineState;
use crate::domain::plan::Plan;
use crate::engine::overview::Overview;
use crate::engine::registry::Registry;

/// Whether the process answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"status": "ok"}))]
pub struct Health {
    /// Always `ok`: a process that is not does not answer.
    pub status: &'static str,
}

/// Whether the service can do its work.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"ready": false, "reasons": ["the Docker Engine does not answer"]}))]
pub struct Readiness {
    /// Whether it can.
    pub ready: bool,
    /// Why it cannot.
    pub reasons: Vec<String>,
}

/// What this installation is.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "version": "0.1.0", "node_name": "nas", "timezone": "Europe/Berlin", "started_at": "2026-11-21T02:00:00.000Z",
    "is_auth_required": true, "features": ["archive", "restic", "custom_image", "instances", "plans"]
}))]
pub struct Info {
    /// The version of Mainstay.
    pub version: String,
    /// What this machine is called.
    pub node_name: String,
    /// The zone in which schedules and archive names are meant.
    pub timezone: String,
    /// When the service was started.
    pub started_at: Time,
    /// Whether one has to sign in.
    pub is_auth_required: bool,
    /// What it can do.
    pub features: Vec<String>,
}

/// The dashboard's summary.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "at": "2026-11-21T03:00:05.000Z",
    "stacks": {"found": 14, "running": 12, "protected": 11, "overdue": 1},
    "instances": 2, "plans": 3,
    "running_jobs": [],
    "last_results": [{"id": "job_019aa3f1c2d47c3e9f00112233445566", "kind": "backup", "state": "succeeded", "stack": "blog",
        "instance": null, "plan": null, "queued_at": "2026-11-21T03:00:00.000Z", "started_at": "2026-11-21T03:00:00.120Z",
        "finished_at": "2026-11-21T03:00:09.500Z", "stopped_ms": 2140, "bytes_stored": 52428800, "error": null}],
    "next_runs": [{"stack": "blog", "plan": "nightly", "at": "2026-11-22T03:00:00.000Z"}],
    "last_success_at": "2026-11-21T03:00:09.500Z",
    "bytes_stored": 943718400,
    "backup_disk": {"path": "/opt/backups", "free_bytes": 107374182400_u64},
    "engine": {"is_reachable": true, "message": null},
    "warnings": []
}))]
pub struct Status {
    /// When this was found.
    pub at: Time,
    /// How many stacks there are.
    pub stacks: StackCounts,
    /// How many instances there are.
    pub instances: u64,
    /// How many plans there are.
    pub plans: u64,
    /// Jobs that are queued or at work.
    pub running_jobs: Vec<Job>,
    /// The last jobs that ended, newest first.
    pub last_results: Vec<JobSummary>,
    /// What is scheduled next, soonest first.
    pub next_runs: Vec<NextRun>,
    /// When the last good backup of any stack ended.
    #[schema(required = true)]
    pub last_success_at: Option<Time>,
    /// Bytes of all archives.
    pub bytes_stored: u64,
    /// Where archives land.
    pub backup_disk: DiskSpace,
    /// The Docker Engine.
    pub engine: EngineStatus,
    /// What someone should look at, in sentences for people.
    pub warnings: Vec<String>,
}

impl Status {
    /// The summary of what was found `now`. `backup_dir` is where archives land.
    #[must_use]
    pub fn new(
        now: DateTime<Utc>,
        overview: Overview,
        registry: &Registry,
        backup_dir: &std::path::Path,
        mut warnings: Vec<String>,
    ) -> Self {
        let (instances, plans) = (registry.list_instances(), registry.list_plans());
        warnings.extend(warnings_of(registry, &plans));
        warnings.extend(overview.view.warnings.iter().cloned());
        Self {
            at: now.into(),
            stacks: StackCounts::of(&overview),
            instances: count(instances.len()),
            plans: count(plans.len()),
            last_success_at: overview.last_success_at().map(time),
            last_results: overview.last_jobs().map(Into::into).collect(),
            running_jobs: overview.running_jobs.into_iter().map(Into::into).collect(),
            next_runs: NextRun::soonest(&plans, now),
            bytes_stored: overview.backups.stored_bytes,
            backup_disk: DiskSpace { path: path_text(backup_dir), free_bytes: overview.free_bytes },
            engine: (&overview.view.engine).into(),
            warnings,
        }
    }
}

/// What is doubtful about labels, plans, and instances that cannot be used.
fn warnings_of(registry: &Registry, plans: &[Arc<Plan>]) -> Vec<String> {
    let of_plans =
        plans.iter().flat_map(|plan| plan.warnings.iter().map(|warning| format!("plan '{}': {warning}", plan.id)));
    let unusable = registry.list_unusable();
    let unusable = unusable.iter().map(|one| format!("instance '{}' cannot be used: {}", one.id, one.reason));
    registry.list_warnings().into_iter().chain(of_plans).chain(unusable).collect()
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// How many stacks there are.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub struct StackCounts {
    /// All of them.
    pub found: u64,
    /// With at least one running container.
    pub running: u64,
    /// With a complete snapshot, or with all of their data captured by plans that run.
    pub protected: u64,
    /// Whose schedule has passed without a good backup.
    pub overdue: u64,
}

impl StackCounts {
    fn of(overview: &Overview) -> Self {
        Self {
            found: count(overview.view.stacks.len()),
            running: count(overview.running_stacks()),
            protected: count(overview.protected_stacks()),
            // Nothing is late as long as nothing is scheduled.
            overdue: 0,
        }
    }
}

/// A scheduled backup to come.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NextRun {
    /// The stack.
    #[schema(required = true)]
    pub stack: Option<String>,
    /// The plan.
    #[schema(required = true)]
    pub plan: Option<String>,
    /// When it starts.
    pub at: Time,
}

/// How many runs to come are told.
const RUNS_TOLD: usize = 10;

impl NextRun {
    /// The next run of each plan that runs by the clock, soonest first.
    fn soonest(plans: &[Arc<Plan>], now: DateTime<Utc>) -> Vec<Self> {
        let next = |plan: &Arc<Plan>| Some((plan.next_runs(now, 1).first().copied()?, plan.id.to_string()));
        let mut runs: Vec<_> = plans.iter().filter_map(next).collect();
        runs.sort();
        runs.truncate(RUNS_TOLD);
        runs.into_iter().map(|(at, plan)| Self { stack: None, plan: Some(plan), at: at.into() }).collect()
    }
}

/// The room on a disk.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DiskSpace {
    /// A directory on it.
    pub path: String,
    /// Bytes that are free for Mainstay; null when that cannot be told.
    #[schema(required = true)]
    pub free_bytes: Option<u64>,
}

/// Whether the Docker Engine answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EngineStatus {
    /// Whether it does.
    pub is_reachable: bool,
    /// Why it does not.
    #[schema(required = true)]
    pub message: Option<String>,
}

impl From<&EngineState> for EngineStatus {
    fn from(engine: &EngineState) -> Self {
        Self { is_reachable: engine.reachable, message: engine.error.clone() }
    }
}
