//! Plans.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    BackrestPlan, DrillSettings, Hooks, HooksSpec, JobSummary, LastDrill, MissedRun, Origin, PlanTarget,
    PlanTargetKind, PlanTargetSpec, Quiesce, Time, time, wire_list,
};
use crate::domain::job::Job;
use crate::domain::plan as domain;
use crate::domain::schedule::Schedule;

/// Who carries a plan out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Executor {
    /// `mainstay`.
    Mainstay,
    /// `backrest`: labels of containers want it, and Backrest runs it.
    Backrest,
}

/// What, when and for how long. Secrets are not in it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "nightly", "origin": "api", "executor": "mainstay", "instance": "nas", "repository": null,
    "sources": ["db blog-db-1"],
    "targets": [{"kind": "db", "name": "blog-db-1", "origin": "api", "paths": [], "stop_attached": null,
        "db_kind": "postgres", "exclude": [], "tags": [], "has_pre_hook": false, "has_post_hook": false,
        "hooks": {"pre": [], "post": []}, "has_dump_args": false}],
    "excludes": ["*.tmp"], "schedule": "0 3 * * *", "schedule_text": "every day at 03:00", "timezone": "Europe/Berlin",
    "missed_run": "skip", "hooks": {"pre": [{"container": "blog-web-1", "timeout": "5m"}], "post": []},
    "quiesce": "stop", "stop_attached": false, "retention": "7d:4w:6m", "enabled": true,
    "next_run_at": "2026-11-22T02:00:00.000Z", "next_runs": ["2026-11-22T02:00:00.000Z"],
    "drill": null, "last_job": null, "last_success_at": null, "last_drill": null, "warnings": [], "backrest": null
}))]
pub struct Plan {
    /// Its id; the plan that every instance has of itself is called as the instance is.
    pub id: String,
    /// Where it was written down; only `api` can be changed here.
    pub origin: Origin,
    /// Who carries it out.
    pub executor: Executor,
    /// By which means; null for a plan of Backrest.
    #[schema(required = true)]
    pub instance: Option<String>,
    /// The repository in Backrest; null for a plan of Mainstay, whose instance has one or none.
    #[schema(required = true)]
    pub repository: Option<String>,
    /// What it captures in words: `volume blog_uploads`, or the paths that Backrest reads, as it sees them.
    pub sources: Vec<String>,
    /// What it captures; empty for a plan of Backrest, which knows paths alone.
    pub targets: Vec<PlanTarget>,
    /// Patterns of what is left out of every target.
    pub excludes: Vec<String>,
    /// When it runs; null means only on demand.
    #[schema(required = true)]
    pub schedule: Option<String>,
    /// The same in plain words.
    #[schema(required = true)]
    pub schedule_text: Option<String>,
    /// The zone of its schedule and of its retention's days. Backrest reads a schedule in the zone of its own container, which
    /// is not known here: for its plans this is Mainstay's zone, and `next_runs` is what Backrest itself says.
    pub timezone: String,
    /// What becomes of missed runs.
    pub missed_run: MissedRun,
    /// Commands around the whole run.
    pub hooks: Hooks,
    /// How containers are brought to rest where a target asks for it.
    pub quiesce: Quiesce,
    /// Whether containers that write to a volume or path are brought to rest, where the target says nothing.
    pub stop_attached: bool,
    /// What it keeps.
    pub retention: String,
    /// Whether it runs by the clock.
    pub enabled: bool,
    /// When it runs next.
    #[schema(required = true)]
    pub next_run_at: Option<Time>,
    /// The next five times.
    pub next_runs: Vec<Time>,
    /// Its newest job, at work or ended.
    #[schema(required = true)]
    pub last_job: Option<JobSummary>,
    /// When its last good backup ended.
    #[schema(required = true)]
    pub last_success_at: Option<Time>,
    /// How its snapshots are drilled; null means as the service's settings say.
    #[schema(required = true)]
    pub drill: Option<DrillSettings>,
    /// How its last drill came out.
    #[schema(required = true)]
    pub last_drill: Option<LastDrill>,
    /// What is doubtful about it, in sentences for people.
    pub warnings: Vec<String>,
    /// How labels were understood and whether Backrest is in step; null for a plan of Mainstay.
    #[schema(required = true)]
    pub backrest: Option<BackrestPlan>,
}

wire_list!(PlanList of Plan, "plans, by id");

/// What a plan on the wire is made of.
#[derive(Debug)]
pub struct PlanParts<'a> {
    /// The plan.
    pub plan: &'a domain::Plan,
    /// The time.
    pub now: DateTime<Utc>,
    /// Its newest job.
    pub last_job: Option<&'a Job>,
    /// When its last good backup ended.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Its newest drill that ended.
    pub last_drill: Option<&'a Job>,
}

impl From<PlanParts<'_>> for Plan {
    fn from(parts: PlanParts<'_>) -> Self {
        let PlanParts { plan, now, last_job, last_success_at, last_drill } = parts;
        let next_runs = super::next_runs(plan, now);
        Self {
            id: plan.id.to_string(),
            origin: plan.origin.into(),
            executor: Executor::Mainstay,
            instance: Some(plan.instance.to_string()),
            repository: None,
            sources: plan.targets.iter().map(source_of).collect(),
            targets: plan.targets.iter().map(Into::into).collect(),
            excludes: plan.excludes.clone(),
            schedule: plan.schedule.as_ref().map(|schedule| schedule.as_str().to_owned()),
            schedule_text: plan.schedule.as_ref().map(Schedule::describe),
            timezone: plan.timezone.to_string(),
            missed_run: plan.missed_run.into(),
            hooks: (&plan.hooks).into(),
            quiesce: plan.quiesce.into(),
            stop_attached: plan.stop_attached,
            retention: plan.retention.to_string(),
            enabled: plan.is_enabled,
            next_run_at: next_runs.first().copied(),
            next_runs,
            last_job: last_job.map(Into::into),
            last_success_at: last_success_at.map(time),
            drill: plan.drill.as_ref().map(Into::into),
            last_drill: last_drill.map(Into::into),
            warnings: plan.warnings.clone(),
            backrest: None,
        }
    }
}

/// A target in words.
fn source_of(target: &domain::Target) -> String {
    let (kind, name) = PlanTargetKind::of(&target.what);
    let kind = match kind {
        PlanTargetKind::Volume => "volume",
        PlanTargetKind::Db => "db",
        PlanTargetKind::Stack => "stack",
        PlanTargetKind::Path => return name,
    };
    format!("{kind} {name}")
}

/// A plan as it is written down. A replacement is whole: what is left out gets its default, but commands and arguments
/// that are left out stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "id": "nightly", "instance": "nas", "targets": [{"kind": "db", "name": "blog-db-1"}], "schedule": "0 3 * * *",
    "timezone": "Europe/Berlin", "retention": "7d:4w:6m"
}))]
pub struct PlanSpec {
    /// Its id; a replacement may leave it out and cannot change it.
    #[serde(default)]
    #[schema(example = "nightly")]
    pub id: Option<String>,
    /// By which means.
    pub instance: String,
    /// What it captures.
    #[schema(min_items = 1)]
    pub targets: Vec<PlanTargetSpec>,
    /// Patterns of what is left out of every target, as restic takes them.
    #[serde(default)]
    pub excludes: Vec<String>,
    /// When it runs: five cron fields, `@daily` and the like; only on demand when left out.
    #[serde(default)]
    pub schedule: Option<String>,
    /// The IANA zone of its schedule and of its retention's days; the instance's when left out.
    #[serde(default)]
    pub timezone: Option<String>,
    /// What becomes of missed runs; `skip` when left out.
    #[serde(default)]
    pub missed_run: Option<MissedRun>,
    /// Commands around the whole run; a replacement without them keeps them.
    #[serde(default)]
    pub hooks: Option<HooksSpec>,
    /// How containers are brought to rest; the instance's way when left out.
    #[serde(default)]
    pub quiesce: Option<Quiesce>,
    /// Whether containers that write to a volume or path are brought to rest; as for the instance when left out.
    #[serde(default)]
    pub stop_attached: Option<bool>,
    /// What it keeps; as the instance does when left out.
    #[serde(default)]
    pub retention: Option<String>,
    /// Whether it runs by the clock; true when left out.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// How its snapshots are drilled; as the service's settings say when left out.
    #[serde(default)]
    pub drill: Option<DrillSettings>,
}

/// How a plan is run now.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"quiesce": "stop", "dry_run": false}))]
pub struct RunOptions {
    /// How containers are brought to rest; the plan decides when left out.
    #[serde(default)]
    pub quiesce: Option<Quiesce>,
    /// Whether only to show, in the job's log, what would be done.
    #[serde(default)]
    pub dry_run: bool,
}
