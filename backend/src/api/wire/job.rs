//! Jobs.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Time, time, wire_enum, wire_list};
use crate::domain::{job as domain, strategy};

wire_enum!(
    /// What a job does.
    JobKind from domain::JobKind {
        Backup => "backup", Restore => "restore", Verify => "verify", Drill => "drill", Forget => "forget",
        Reconcile => "reconcile", Import => "import",
    }
);

wire_enum!(
    /// Where a job stands. `partial`: some targets failed. `interrupted`: the service ended while it was at work.
    JobState from domain::JobState {
        Queued => "queued", Running => "running", Succeeded => "succeeded", Partial => "partial", Failed => "failed",
        Cancelled => "cancelled", Interrupted => "interrupted",
    }
);

wire_enum!(
    /// What set a job off.
    Trigger from domain::Trigger {
        Manual => "manual", Schedule => "schedule", Label => "label", Api => "api", Cli => "cli",
    }
);

wire_enum!(
    /// How writers are brought to rest.
    Quiesce from domain::Quiesce { Stop => "stop", Pause => "pause", None => "none" }
);

wire_enum!(
    /// A step of a job.
    StepName from domain::StepName {
        Resolve => "resolve", Preflight => "preflight", Dump => "dump", Precopy => "precopy",
        PreHooks => "pre_hooks", Quiesce => "quiesce",
        Capture => "capture", Resume => "resume", PostHooks => "post_hooks", Publish => "publish", Verify => "verify",
        Unpack => "unpack", Replace => "replace", Load => "load", Command => "command", Retention => "retention",
        Record => "record", Report => "report",
    }
);

wire_enum!(
    /// How the data was made safe. `direct`: all of it was read at rest. `staging`, `splice`: it was copied or compressed
    /// beforehand, and what changed was read again at rest. `snapshot`: as `splice`, with clones of what changed.
    Strategy from strategy::Strategy {
        Direct => "direct", Staging => "staging", Splice => "splice", Snapshot => "snapshot",
    }
);

wire_enum!(
    /// Where a step stands.
    StepState from domain::StepState {
        Pending => "pending", Running => "running", Succeeded => "succeeded", Skipped => "skipped", Failed => "failed",
    }
);

wire_enum!(
    /// How a target came out. `partial`: captured with gaps that the message names.
    TargetState from domain::TargetState {
        Pending => "pending", Succeeded => "succeeded", Partial => "partial", Failed => "failed", Skipped => "skipped",
    }
);

wire_enum!(
    /// What kind of thing a target is.
    TargetKind from domain::TargetKind {
        Compose => "compose", Data => "data", Volume => "volume", Bind => "bind", Database => "database",
        Path => "path",
    }
);

/// One run of something, with its steps, its progress and its outcome.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "job_019aa3f1c2d47c3e9f00112233445566", "kind": "backup", "state": "running", "stack": "blog",
    "instance": null, "plan": null, "trigger": "manual", "quiesce": null, "dry_run": false,
    "queued_at": "2026-11-21T03:00:00.000Z", "started_at": "2026-11-21T03:00:00.120Z", "finished_at": null,
    "progress": {"phase": "capture", "fraction": 0.42, "bytes_done": 44040192, "bytes_total": 104857600,
        "files_done": 812, "current": "volumes/blog_db/base/1/2619"},
    "steps": [
        {"name": "resolve", "state": "succeeded", "started_at": "2026-11-21T03:00:00.120Z",
            "finished_at": "2026-11-21T03:00:00.180Z", "detail": "3 services, 1 volume"},
        {"name": "capture", "state": "running", "started_at": "2026-11-21T03:00:02.000Z", "finished_at": null, "detail": null}
    ],
    "targets": [{"kind": "volume", "name": "blog_db", "state": "pending", "size_bytes": 0, "message": null}],
    "stopped_ms": null, "strategy": "splice", "bytes_captured_while_stopped": null, "bytes_read": 44040192, "bytes_stored": 0, "snapshot_id": null, "error": null
}))]
pub struct Job {
    /// Its id; ids sort by the time they were made.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// The stack it works on.
    #[schema(required = true)]
    pub stack: Option<String>,
    /// The instance it works for.
    #[schema(required = true)]
    pub instance: Option<String>,
    /// The plan it carries out.
    #[schema(required = true)]
    pub plan: Option<String>,
    /// What set it off.
    pub trigger: Trigger,
    /// How the stack is brought to rest, when the request said so.
    #[schema(required = true)]
    pub quiesce: Option<Quiesce>,
    /// Whether it only shows what it would do.
    pub dry_run: bool,
    /// When it was asked for.
    pub queued_at: Time,
    /// When its turn came.
    #[schema(required = true)]
    pub started_at: Option<Time>,
    /// When it ended.
    #[schema(required = true)]
    pub finished_at: Option<Time>,
    /// How far it is.
    pub progress: Progress,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// How each target came out.
    pub targets: Vec<TargetResult>,
    /// Milliseconds for which at least one container was held at rest; null when none was.
    #[schema(required = true)]
    pub stopped_ms: Option<u64>,
    /// How the data was made safe; null until it is chosen.
    #[schema(required = true)]
    pub strategy: Option<Strategy>,
    /// Bytes of file content that were read while containers were at rest; null when none was or it is not known.
    #[schema(required = true)]
    pub bytes_captured_while_stopped: Option<u64>,
    /// Bytes of file content read.
    pub bytes_read: u64,
    /// Bytes of the finished archive.
    pub bytes_stored: u64,
    /// What can be restored of it; of a job that reads a snapshot, which one.
    #[schema(required = true)]
    pub snapshot_id: Option<String>,
    /// One sentence on why it did not succeed.
    #[schema(required = true)]
    pub error: Option<String>,
}

wire_list!(JobList of Job, "jobs, newest first");

impl From<domain::Job> for Job {
    fn from(job: domain::Job) -> Self {
        Self {
            id: job.id.into(),
            kind: job.kind.into(),
            state: job.state.into(),
            stack: job.stack.map(Into::into),
            instance: job.instance,
            plan: job.plan,
            trigger: job.trigger.into(),
            quiesce: job.quiesce.map(Into::into),
            dry_run: job.is_dry_run,
            queued_at: job.queued_at.into(),
            started_at: job.started_at.map(time),
            finished_at: job.finished_at.map(time),
            progress: job.progress.into(),
            steps: job.steps.into_iter().map(Into::into).collect(),
            targets: job.targets.into_iter().map(Into::into).collect(),
            stopped_ms: job.stopped_ms,
            strategy: job.strategy.map(Into::into),
            bytes_captured_while_stopped: job.bytes_captured_while_stopped,
            bytes_read: job.bytes_read,
            bytes_stored: job.bytes_stored,
            snapshot_id: job.snapshot_id.map(Into::into),
            error: job.error,
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Progress {
    /// The step at work.
    #[schema(required = true)]
    pub phase: Option<StepName>,
    /// 0 to 1 of that step; null while the total is not known.
    #[schema(required = true)]
    pub fraction: Option<f64>,
    /// Bytes read in this step.
    pub bytes_done: u64,
    /// Bytes to read in this step; null while that is not known.
    #[schema(required = true)]
    pub bytes_total: Option<u64>,
    /// Files read in this step.
    pub files_done: u64,
    /// What is being read.
    #[schema(required = true)]
    pub current: Option<String>,
}

impl From<domain::Progress> for Progress {
    fn from(progress: domain::Progress) -> Self {
        Self {
            phase: progress.phase.map(Into::into),
            fraction: progress.fraction.filter(|f| f.is_finite()),
            bytes_done: progress.bytes_done,
            bytes_total: progress.bytes_total,
            files_done: progress.files_done,
            current: progress.current,
        }
    }
}

/// One step of a job.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Step {
    /// Which one.
    pub name: StepName,
    /// Where it stands.
    pub state: StepState,
    /// When it began.
    #[schema(required = true)]
    pub started_at: Option<Time>,
    /// When it ended.
    #[schema(required = true)]
    pub finished_at: Option<Time>,
    /// One sentence on what it did, or why it was skipped or failed.
    #[schema(required = true)]
    pub detail: Option<String>,
}

impl From<domain::Step> for Step {
    fn from(step: domain::Step) -> Self {
        Self {
            name: step.name.into(),
            state: step.state.into(),
            started_at: step.started_at.map(time),
            finished_at: step.finished_at.map(time),
            detail: step.detail,
        }
    }
}

/// How one target came out.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TargetResult {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its name: a volume's name, a bind's host path, the stack's name.
    pub name: String,
    /// How it came out.
    pub state: TargetState,
    /// Bytes of file content captured.
    pub size_bytes: u64,
    /// Why it is not whole, or what to know of it.
    #[schema(required = true)]
    pub message: Option<String>,
}

impl From<domain::TargetResult> for TargetResult {
    fn from(target: domain::TargetResult) -> Self {
        Self {
            kind: target.kind.into(),
            name: target.name,
            state: target.state.into(),
            size_bytes: target.size_bytes,
            message: target.message,
        }
    }
}

/// A job in short.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobSummary {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// The stack it works on.
    #[schema(required = true)]
    pub stack: Option<String>,
    /// The instance it works for.
    #[schema(required = true)]
    pub instance: Option<String>,
    /// The plan it carries out.
    #[schema(required = true)]
    pub plan: Option<String>,
    /// When it was asked for.
    pub queued_at: Time,
    /// When its turn came.
    #[schema(required = true)]
    pub started_at: Option<Time>,
    /// When it ended.
    #[schema(required = true)]
    pub finished_at: Option<Time>,
    /// Milliseconds for which at least one container was held at rest.
    #[schema(required = true)]
    pub stopped_ms: Option<u64>,
    /// Bytes of the finished archive.
    pub bytes_stored: u64,
    /// One sentence on why it did not succeed.
    #[schema(required = true)]
    pub error: Option<String>,
}

impl From<&domain::Job> for JobSummary {
    fn from(job: &domain::Job) -> Self {
        Self {
            id: job.id.clone().into(),
            kind: job.kind.into(),
            state: job.state.into(),
            stack: job.stack.clone().map(Into::into),
            instance: job.instance.clone(),
            plan: job.plan.clone(),
            queued_at: job.queued_at.into(),
            started_at: job.started_at.map(time),
            finished_at: job.finished_at.map(time),
            stopped_ms: job.stopped_ms,
            bytes_stored: job.bytes_stored,
            error: job.error.clone(),
        }
    }
}
