//! Jobs: one run of something, with its steps, its progress and its outcome.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{JobId, SnapshotId};
use super::names::StackName;
use super::strategy::Strategy;

macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident, $unknown:ident { $($(#[$variant_doc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire and in the store.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $unknown;

            fn from_str(word: &str) -> Result<Self, $unknown> {
                match word { $($word => Ok(Self::$variant),)+ _ => Err($unknown) }
            }
        }

        #[doc = concat!("A word that is no `", stringify!($name), "`.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        #[error("expected one of: {}", [$($word),+].join(", "))]
        pub struct $unknown;
    };
}
pub(super) use word_enum;

word_enum!(
    /// What a job does.
    JobKind, UnknownJobKind {
        /// Captures targets.
        Backup => "backup",
        /// Brings a snapshot back.
        Restore => "restore",
        /// Reads a snapshot again and compares it.
        Verify => "verify",
        /// Brings a snapshot back where it harms nobody, and looks at it.
        Drill => "drill",
        /// Drops snapshots by retention.
        Forget => "forget",
        /// Brings a Backrest installation in step with labels.
        Reconcile => "reconcile",
        /// Takes what lies somewhere into the record.
        Import => "import",
    }
);

impl JobKind {
    /// Whether it only reads what was stored, and is in nobody's way.
    #[must_use]
    pub const fn only_reads(self) -> bool {
        matches!(self, Self::Verify | Self::Drill)
    }
}

word_enum!(
    /// Where a job stands.
    JobState, UnknownJobState {
        /// Waits for its turn.
        Queued => "queued",
        /// At work.
        Running => "running",
        /// Every requested target captured and verified.
        Succeeded => "succeeded",
        /// Some targets failed, or were captured with gaps that the log names.
        Partial => "partial",
        /// Nothing usable came of it.
        Failed => "failed",
        /// Stopped on request.
        Cancelled => "cancelled",
        /// The process ended while it was at work.
        Interrupted => "interrupted",
    }
);

impl JobState {
    /// Whether nothing more will happen to the job.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

word_enum!(
    /// What set a job off.
    Trigger, UnknownTrigger {
        /// A person, in the dashboard.
        Manual => "manual",
        /// A schedule.
        Schedule => "schedule",
        /// A label.
        Label => "label",
        /// A client of the API.
        Api => "api",
        /// The command line.
        Cli => "cli",
    }
);

word_enum!(
    /// How writers are brought to rest.
    Quiesce, UnknownQuiesce {
        /// Containers are stopped and started again.
        Stop => "stop",
        /// Containers are paused and unpaused.
        Pause => "pause",
        /// Nothing is brought to rest.
        None => "none",
    }
);

word_enum!(
    /// The steps of jobs; each kind of job has its own of them, in an order of its own.
    StepName, UnknownStepName {
        /// Targets to containers, mounts and paths.
        Resolve => "resolve",
        /// Everything that can be known before a stop.
        Preflight => "preflight",
        /// Databases dumped by their own tools.
        Dump => "dump",
        /// What can be read while the stack runs.
        Precopy => "precopy",
        /// The user's commands before the stop.
        PreHooks => "pre_hooks",
        /// The stop journal, then the stop.
        Quiesce => "quiesce",
        /// The data made safe.
        Capture => "capture",
        /// The same containers started again.
        Resume => "resume",
        /// The user's commands after the start, whatever came before.
        PostHooks => "post_hooks",
        /// The archive completed and synced under its partial name.
        Publish => "publish",
        /// The archive re-read, matched against its manifest, and given its final name.
        Verify => "verify",
        /// A snapshot's data put beside the data that it is to replace.
        Unpack => "unpack",
        /// Old and new data have changed places.
        Replace => "replace",
        /// Dumps loaded into running databases.
        Load => "load",
        /// The user's command over what was unpacked.
        Command => "command",
        /// Old archives and logs dropped.
        Retention => "retention",
        /// What was found taken into the record.
        Record => "record",
        /// The outcome recorded and told.
        Report => "report",
    }
);

word_enum!(
    /// Where a step stands.
    StepState, UnknownStepState {
        /// Not begun.
        Pending => "pending",
        /// At work.
        Running => "running",
        /// Done.
        Succeeded => "succeeded",
        /// Not done, because there was nothing to do or an earlier step failed.
        Skipped => "skipped",
        /// Not done, because it went wrong.
        Failed => "failed",
    }
);

word_enum!(
    /// How a target came out.
    TargetState, UnknownTargetState {
        /// Not begun.
        Pending => "pending",
        /// Captured whole.
        Succeeded => "succeeded",
        /// Captured with gaps that the message names.
        Partial => "partial",
        /// Not captured.
        Failed => "failed",
        /// Left out on purpose; the message says why.
        Skipped => "skipped",
    }
);

word_enum!(
    /// What kind of thing a target is.
    TargetKind, UnknownTargetKind {
        /// The files that define a stack.
        Compose => "compose",
        /// The rest of the stack directory.
        Data => "data",
        /// A named volume.
        Volume => "volume",
        /// A bind mount outside the stack directory.
        Bind => "bind",
        /// A database, by its own dump tool.
        Database => "database",
        /// A path of the host that a plan names.
        Path => "path",
    }
);

/// One step of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which one.
    pub name: StepName,
    /// Where it stands.
    pub state: StepState,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// One sentence on what it did, or why it was skipped or failed.
    pub detail: Option<String>,
}

impl StepName {
    /// The steps of a backup of one stack.
    pub const OF_STACK_BACKUP: &'static [Self] = &[
        Self::Resolve,
        Self::Preflight,
        Self::Precopy,
        Self::Quiesce,
        Self::Capture,
        Self::Resume,
        Self::Publish,
        Self::Verify,
        Self::Retention,
        Self::Report,
    ];

    /// The steps of a backup by plan. The user's commands come before the dumps, because a command before the capture
    /// of a database must come before its dump.
    pub const OF_PLAN: &'static [Self] = &[
        Self::Resolve,
        Self::Preflight,
        Self::Precopy,
        Self::PreHooks,
        Self::Dump,
        Self::Quiesce,
        Self::Capture,
        Self::Resume,
        Self::PostHooks,
        Self::Publish,
        Self::Verify,
        Self::Retention,
        Self::Report,
    ];

    /// The steps of an import.
    pub const OF_IMPORT: &'static [Self] = &[Self::Resolve, Self::Record, Self::Report];

    /// The steps of a restore: what takes time comes before the stop.
    pub const OF_RESTORE: &'static [Self] = &[
        Self::Resolve,
        Self::Preflight,
        Self::Unpack,
        Self::Quiesce,
        Self::Replace,
        Self::Resume,
        Self::Load,
        Self::Report,
    ];

    /// The steps of taking a restore back.
    pub const OF_UNDO: &'static [Self] =
        &[Self::Resolve, Self::Preflight, Self::Quiesce, Self::Replace, Self::Resume, Self::Report];

    /// The steps of a check of what an instance has stored.
    pub const OF_CHECK: &'static [Self] = &[Self::Verify, Self::Report];

    /// The steps of a drill.
    pub const OF_DRILL: &'static [Self] =
        &[Self::Preflight, Self::Unpack, Self::Verify, Self::Load, Self::Command, Self::Report];

    /// The steps of a run of a plan by Backrest.
    pub const OF_BACKREST: &'static [Self] = &[Self::Capture, Self::Report];

    /// The steps of a retention that someone asked for.
    pub const OF_FORGET: &'static [Self] = &[Self::Retention, Self::Report];
}

impl Step {
    /// The steps of a new job, none begun.
    #[must_use]
    pub fn all_pending(names: &[StepName]) -> Vec<Self> {
        let pending =
            |&name| Self { name, state: StepState::Pending, started_at: None, finished_at: None, detail: None };
        names.iter().map(pending).collect()
    }
}

/// How one target came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    pub message: Option<String>,
}

/// How far a job is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The step at work.
    pub phase: Option<StepName>,
    /// 0 to 1 of the present step; absent while the total is unknown.
    pub fraction: Option<f64>,
    /// Bytes read in this step.
    pub bytes_done: u64,
    /// Bytes to read in this step, when known.
    pub bytes_total: Option<u64>,
    /// Files read in this step.
    pub files_done: u64,
    /// What is being read.
    pub current: Option<String>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// The stack it works on.
    pub stack: Option<StackName>,
    /// The instance it works for.
    pub instance: Option<String>,
    /// The plan it carries out.
    pub plan: Option<String>,
    /// What set it off.
    pub trigger: Trigger,
    /// How the stack is brought to rest; what was asked for, before the stack's own settings.
    pub quiesce: Option<Quiesce>,
    /// Whether it only shows what it would do.
    pub is_dry_run: bool,
    /// When it was asked for.
    pub queued_at: DateTime<Utc>,
    /// When its turn came.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How far it is.
    pub progress: Progress,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// How each target came out.
    pub targets: Vec<TargetResult>,
    /// Milliseconds for which at least one container was held at rest; absent when none was.
    pub stopped_ms: Option<u64>,
    /// How the data was made safe; absent until it is chosen.
    pub strategy: Option<Strategy>,
    /// Bytes of file content that were read while containers were at rest; absent when none was or it is not known.
    pub bytes_captured_while_stopped: Option<u64>,
    /// Bytes of file content read.
    pub bytes_read: u64,
    /// Bytes of the finished archive.
    pub bytes_stored: u64,
    /// What can be restored of it; of a job that reads a snapshot, which one.
    pub snapshot_id: Option<SnapshotId>,
    /// One sentence on why it did not succeed.
    pub error: Option<String>,
    /// The name of its log file within `log_dir`.
    pub log_file: String,
}

impl Job {
    /// The step called `name`.
    #[must_use]
    pub fn find_step(&self, name: StepName) -> Option<&Step> {
        self.steps.iter().find(|step| step.name == name)
    }
}

/// Judges a finished backup by its targets: all whole is a success, none is a failure, the rest is partial.
#[must_use]
pub fn judge_targets(targets: &[TargetResult]) -> JobState {
    let wanted = targets.iter().filter(|t| t.state != TargetState::Skipped);
    let (mut whole, mut broken, mut some) = (0, 0, 0);
    for target in wanted {
        match target.state {
            TargetState::Succeeded => whole += 1,
            TargetState::Partial => some += 1,
            _ => broken += 1,
        }
    }
    match (whole, some, broken) {
        (0, 0, _) => JobState::Failed,
        (_, 0, 0) => JobState::Succeeded,
        _ => JobState::Partial,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(state: TargetState) -> TargetResult {
        TargetResult { kind: TargetKind::Volume, name: "v".into(), state, size_bytes: 1, message: None }
    }

    #[test]
    fn a_job_is_judged_by_its_targets() {
        use TargetState::{Failed, Partial, Pending, Skipped, Succeeded};
        let table: &[(&[TargetState], JobState)] = &[
            (&[], JobState::Failed),
            (&[Skipped], JobState::Failed),
            (&[Succeeded], JobState::Succeeded),
            (&[Succeeded, Skipped], JobState::Succeeded),
            (&[Succeeded, Partial], JobState::Partial),
            (&[Succeeded, Failed], JobState::Partial),
            (&[Succeeded, Pending], JobState::Partial),
            (&[Failed, Failed], JobState::Failed),
            (&[Partial], JobState::Partial),
        ];
        for (states, expected) in table {
            let targets: Vec<_> = states.iter().copied().map(target).collect();
            assert_eq!(judge_targets(&targets), *expected, "{states:?}");
        }
    }

    #[test]
    fn words_survive_text() {
        for state in JobState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        assert_eq!("success".parse::<JobState>(), Err(UnknownJobState));
    }
}
