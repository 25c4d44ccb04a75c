//! What travels: the JSON of requests and answers.
//!
//! Wire types never leave `api`. They mirror domain types on purpose: a field of the domain can change its name without
//! breaking a client, and nothing reaches a client that nobody put here. To add one: a struct with a doc comment on
//! every field (they become the document), an example, and `From` the domain type. Requests deny unknown fields.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

mod access;
mod backrest;
mod compat;
mod drill;
mod entry;
mod event;
mod hook;
mod host;
mod info;
mod instance;
mod instance_spec;
mod job;
mod journal;
mod log;
mod marina;
mod plan;
mod plan_of_backrest;
mod plan_target;
mod repository;
mod restore;
mod snapshot;
mod stack;

pub use access::{CreatedToken, Login, Me, NewToken, Scope, Session, Token, TokenList, Via};
pub use backrest::{BackrestNote, BackrestOrphan, BackrestPlan, BackrestPlans, BackrestSkipped, ReconcileRequest};
pub use compat::{CompatBackup, CompatJob, CompatLog, CompatStack, CompatStatus};
pub use drill::{DrillSettings, LastDrill};
pub use entry::{ArchiveEntry, ArchiveEntryList, EntryKind};
pub use event::{EngineChange, JobEnd, JobProgress, StackChange};
pub use hook::{Hook, HookSpec, Hooks, HooksSpec};
pub use host::{Check, CheckState, Doctor, Host, HostList, HostState};
pub use info::{DiskSpace, EngineStatus, Health, Info, NextRun, Readiness, StackCounts, Status};
pub use instance::{BackendKind, Instance, InstanceList, InstanceParts, MissedRun, PullPolicy, RepositoryCheck};
pub use instance_spec::{CheckSpec, CredentialsSpec, InstanceSpec};
pub use job::{
    Job, JobKind, JobList, JobState, JobSummary, Progress, Quiesce, Step, StepName, StepState, Strategy, TargetKind,
    TargetResult, TargetState, Trigger,
};
pub use journal::{AtRest, HoldAction, JournalList, RestState, ResumeOptions, ResumeReport};
pub use log::{LogFile, LogFileList, LogLevel, LogLine, LogPage};
pub use marina::{
    MarinaAuth, MarinaHealth, MarinaInfo, MarinaJob, MarinaLogEntry, MarinaLogin, MarinaLoginAnswer, MarinaLogout,
    MarinaRetention, MarinaSchedule, MarinaSystemLogEntry, level_of as marina_level_of, status_of as marina_status_of,
};
pub use plan::{Executor, Plan, PlanList, PlanParts, PlanSpec, RunOptions};
pub use plan_of_backrest::BackrestPlanParts;
pub use plan_target::{DatabaseKind, Origin, PlanTarget, PlanTargetKind, PlanTargetSpec};
pub use repository::{
    ForgetOptions, ForgetReport, FoundSnapshot, FoundSnapshotList, InstanceTest, KeepVerdict, PlanPreview,
    PreviewTarget, RepositoryStats,
};
pub use restore::{
    Restore, RestoreDatabase, RestoreDestination, RestoreOptions, RestorePhase, RestorePreview, RestoreSide,
    RestoreSpace, RestoreTarget, SafetyCopy, TargetName,
};
pub use snapshot::{Damage, Snapshot, SnapshotList};
pub use stack::{
    BackupOptions, BackupStacks, Bind, CapturedVia, Container, ContainerState, Coverage, CoverageList, Database,
    HealthState, Service, Stack, StackList, StackSource, StackState, Volume,
};

/// A time in UTC, RFC 3339 with milliseconds and `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-21T03:00:00.000Z")]
pub struct Time(DateTime<Utc>);

impl From<DateTime<Utc>> for Time {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

/// Words of the domain on the wire: `wire_enum!(/// doc JobState from domain::job::JobState { Queued => "queued" })`.
/// A word that the domain gets and the wire does not is a compile error.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident from $domain:path { $($variant:ident => $word:tt),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        pub enum $name {
            $(#[doc = concat!("`", $word, "`.")] #[serde(rename = $word)] $variant),+
        }

        impl From<$domain> for $name {
            fn from(value: $domain) -> Self {
                use $domain as Domain;
                match value { $(Domain::$variant => Self::$variant),+ }
            }
        }

        impl From<$name> for $domain {
            fn from(value: $name) -> Self {
                use $domain as Domain;
                match value { $($name::$variant => Domain::$variant),+ }
            }
        }
    };
}

/// A page of a list: `wire_list!(JobList of Job, "jobs")`.
macro_rules! wire_list {
    ($name:ident of $item:ty, $what:literal) => {
        #[doc = concat!("A page of ", $what, ".")]
        #[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
        pub struct $name {
            #[doc = concat!("The ", $what, ".")]
            pub items: Vec<$item>,
            /// Hand this over as `cursor` to get the next page; null on the last one.
            #[schema(required = true)]
            pub next_cursor: Option<String>,
        }

        impl $name {
            /// A page that is all there is.
            pub fn whole<T: Into<$item>>(items: impl IntoIterator<Item = T>) -> Self {
                Self { items: items.into_iter().map(Into::into).collect(), next_cursor: None }
            }

            /// A page, and where the next one starts.
            pub fn page<T: Into<$item>>(items: impl IntoIterator<Item = T>, next_cursor: Option<String>) -> Self {
                Self { next_cursor, ..Self::whole(items) }
            }
        }
    };
}

use {wire_enum, wire_list};

fn time(at: DateTime<Utc>) -> Time {
    at.into()
}

/// A path as text; what is not UTF-8 in it is shown with replacement characters.
fn path_text(path: &std::path::Path) -> String {
    path.to_string_lossy().into_owned()
}

/// How many runs to come are told.
const RUNS_TOLD: usize = 5;

/// The next runs of a plan by the clock.
fn next_runs(plan: &crate::domain::plan::Plan, now: DateTime<Utc>) -> Vec<Time> {
    plan.next_runs(now, RUNS_TOLD).into_iter().map(time).collect()
}

/// A duration as it is written in the configuration: `1h30m`, `90s`, `500ms`.
fn short_duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    let parts = [(ms / 3_600_000, "h"), (ms / 60_000 % 60, "m"), (ms / 1_000 % 60, "s"), (ms % 1_000, "ms")];
    let text: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if text.is_empty() { "0".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_they_are_read() {
        for text in ["1h30m", "90s", "500ms", "0", "24h", "1h1s"] {
            let duration = crate::domain::duration::parse_duration(text).expect("a duration");
            let written = short_duration(duration);
            assert_eq!(crate::domain::duration::parse_duration(&written), Ok(duration), "{text} {written}");
        }
        assert_eq!(short_duration(Duration::from_secs(5400)), "1h30m");
    }

    #[test]
    fn times_have_milliseconds_and_z() {
        let at = DateTime::from_timestamp_millis(1_700_000_000_000).expect("a valid time");
        assert_eq!(serde_json::to_value(Time(at)).expect("JSON"), "2023-11-14T22:13:20.000Z");
    }

    #[test]
    fn a_job_has_the_fields_of_the_contract() {
        use crate::domain::ids::JobId;
        use crate::domain::job as domain;
        let at = DateTime::from_timestamp_millis(1_700_000_000_000).expect("a valid time");
        let job = domain::Job {
            id: JobId::new(at),
            kind: domain::JobKind::Backup,
            state: domain::JobState::Queued,
            stack: Some("blog".parse().expect("a name")),
            instance: None,
            plan: None,
            trigger: domain::Trigger::Api,
            quiesce: None,
            is_dry_run: true,
            queued_at: at,
            started_at: None,
            finished_at: None,
            progress: domain::Progress { fraction: Some(f64::NAN), ..domain::Progress::default() },
            steps: domain::Step::all_pending(domain::StepName::ALL),
            targets: Vec::new(),
            stopped_ms: None,
            strategy: None,
            bytes_captured_while_stopped: None,
            bytes_read: 0,
            bytes_stored: 0,
            snapshot_id: None,
            error: None,
            log_file: "secret.log".into(),
        };
        let json = serde_json::to_value(Job::from(job)).expect("JSON");
        let keys: Vec<_> = json.as_object().expect("an object").keys().map(String::as_str).collect();
        let contract = "id kind state stack instance plan trigger quiesce dry_run queued_at started_at finished_at \
            progress steps targets stopped_ms strategy bytes_captured_while_stopped bytes_read bytes_stored snapshot_id error";
        assert_eq!(keys, contract.split_whitespace().collect::<Vec<_>>());
        assert_eq!(
            json["progress"],
            serde_json::json!({"phase": null, "fraction": null, "bytes_done": 0,
            "bytes_total": null, "files_done": 0, "current": null})
        );
        assert_eq!(json["steps"][0]["name"], "resolve");
        assert_eq!(
            (&json["state"], &json["trigger"], &json["dry_run"]),
            (&"queued".into(), &"api".into(), &true.into())
        );
    }

    #[test]
    fn every_word_is_the_word_of_the_domain() {
        fn same<D: Copy + Into<W>, W: Serialize>(all: &[D], word: fn(D) -> &'static str) {
            for value in all {
                assert_eq!(serde_json::to_value((*value).into()).expect("JSON"), word(*value));
            }
        }
        use crate::domain::job as domain;
        same::<_, JobKind>(domain::JobKind::ALL, domain::JobKind::as_str);
        same::<_, JobState>(domain::JobState::ALL, domain::JobState::as_str);
        same::<_, Trigger>(domain::Trigger::ALL, domain::Trigger::as_str);
        same::<_, Quiesce>(domain::Quiesce::ALL, domain::Quiesce::as_str);
        same::<_, StepName>(domain::StepName::ALL, domain::StepName::as_str);
        same::<_, StepState>(domain::StepState::ALL, domain::StepState::as_str);
        same::<_, TargetState>(domain::TargetState::ALL, domain::TargetState::as_str);
        same::<_, Strategy>(crate::domain::strategy::Strategy::ALL, crate::domain::strategy::Strategy::as_str);
        same::<_, EntryKind>(crate::domain::entry::EntryKind::ALL, crate::domain::entry::EntryKind::as_str);
        same::<_, TargetKind>(domain::TargetKind::ALL, domain::TargetKind::as_str);
        use crate::domain::restore;
        same::<_, RestorePhase>(restore::RestorePhase::ALL, restore::RestorePhase::as_str);
        same::<_, RestoreSide>(restore::Side::ALL, restore::Side::as_str);
    }
}
