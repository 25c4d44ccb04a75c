//! The plans of a Backrest.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Time, time};
use crate::engine::backrest as engine;

/// When each plan runs next.
type NextRuns = BTreeMap<String, DateTime<Utc>>;

/// What is known of the Backrest whose plans are kept in step with labels.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "last_reconcile_at": "2026-11-21T03:00:00.000Z", "error": null, "format": "native", "outcome": "restarted", "drift": 0,
    "items": [{
        "id": "backrest_sidecar_shop_db", "project": "shop", "service": "db", "containers": ["shop-db-1"], "repo": "default",
        "schedule": "15 3 * * *", "paths": ["/docker_volumes/shop_pgdata/_data"], "excludes": [], "retention": "daily=7",
        "quiesce": true, "has_commands": false, "state": "unchanged", "in_step": true,
        "next_run_at": "2026-11-22T03:15:00.000Z", "differences": [], "notes": []
    }],
    "orphans": [], "skipped": [], "notes": []
}))]
pub struct BackrestPlans {
    /// When the last round came to its end; null before the first one.
    #[schema(required = true)]
    pub last_reconcile_at: Option<Time>,
    /// Why the last round failed; null when it did not.
    #[schema(required = true)]
    pub error: Option<String>,
    /// The format of the configuration: `native` or `sidecar`; null before the first round.
    #[schema(required = true)]
    pub format: Option<String>,
    /// What came of the configuration in that round: `unchanged`, `sent`, `restarted`, `reloaded`, `written`, `deferred`.
    #[schema(required = true)]
    pub outcome: Option<String>,
    /// How many plans are other in Backrest than labels want, as far as is known.
    pub drift: usize,
    /// What labels want, by id.
    pub items: Vec<BackrestPlan>,
    /// Plans that were made from labels and whose workload is gone.
    pub orphans: Vec<BackrestOrphan>,
    /// Workloads whose labels want a plan that cannot be made.
    pub skipped: Vec<BackrestSkipped>,
    /// What else a person should know.
    pub notes: Vec<String>,
}

/// A plan that labels want.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BackrestPlan {
    /// The id that it has in Backrest.
    pub id: String,
    /// The Compose project.
    #[schema(required = true)]
    pub project: Option<String>,
    /// The service.
    #[schema(required = true)]
    pub service: Option<String>,
    /// Its containers.
    pub containers: Vec<String>,
    /// The repository.
    pub repo: String,
    /// Five cron fields in Backrest's own zone; null means only on demand.
    #[schema(required = true)]
    pub schedule: Option<String>,
    /// What is backed up, as Backrest sees it.
    pub paths: Vec<String>,
    /// What is left out.
    pub excludes: Vec<String>,
    /// What is kept, as the label or the default says it.
    pub retention: String,
    /// Whether its containers rest meanwhile, by hooks of ours.
    pub quiesce: bool,
    /// Whether labels have commands run.
    pub has_commands: bool,
    /// What it meant for the configuration in the last round: `unchanged`, `added`, `changed`, `adopted`, `refused`.
    pub state: String,
    /// Whether Backrest has it as labels want it, as far as is known.
    pub in_step: bool,
    /// When Backrest runs it next, as it says itself; null where only the file is known, or nothing is planned.
    #[schema(required = true)]
    pub next_run_at: Option<Time>,
    /// The difference in lines that begin with `+` or `-`; only in the answer to a reconciliation.
    pub differences: Vec<String>,
    /// How labels were understood, and what is doubtful.
    pub notes: Vec<BackrestNote>,
}

/// Something to know about a plan.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BackrestNote {
    /// `warning` or `info`.
    pub level: String,
    /// The label that it is about.
    #[schema(required = true)]
    pub label: Option<String>,
    /// A sentence.
    pub message: String,
}

/// A plan whose workload is gone.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BackrestOrphan {
    /// Its id.
    pub id: String,
    /// What became of it: `disabled`, `removed`, `left`.
    pub state: String,
}

/// A workload without the plan that its labels want.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BackrestSkipped {
    /// Its first container.
    pub container: String,
    /// The Compose project.
    #[schema(required = true)]
    pub project: Option<String>,
    /// The service.
    #[schema(required = true)]
    pub service: Option<String>,
    /// Why.
    pub why: String,
}

/// How a reconciliation is to go.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconcileRequest {
    /// Only show what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

impl BackrestPlans {
    /// What is known, with the differences when whoever asks may see them.
    #[must_use]
    pub fn new(status: engine::Status, with_differences: bool) -> Self {
        let engine::Status { last, last_at, error, drift, next_runs, .. } = status;
        let (format, outcome) = match &last {
            Some(last) => (Some(last.format.as_str().to_owned()), Some(last.outcome.as_str().to_owned())),
            None => (None, None),
        };
        let mut plans = Self {
            last_reconcile_at: last_at.map(time),
            error,
            format,
            outcome,
            drift,
            items: Vec::new(),
            orphans: Vec::new(),
            skipped: Vec::new(),
            notes: Vec::new(),
        };
        if let Some(round) = last {
            plans.take_in(round, &next_runs, with_differences);
        }
        plans
    }

    fn take_in(&mut self, round: engine::Round, next_runs: &NextRuns, with_differences: bool) {
        let items = round.plans.iter().map(|plan| BackrestPlan::new(&round, plan, next_runs, with_differences));
        self.items = items.collect();
        self.items.sort_by(|a, b| a.id.cmp(&b.id));
        let orphans = round.orphans.into_iter();
        self.orphans = orphans.map(|one| BackrestOrphan { state: one.kind.as_str().to_owned(), id: one.id }).collect();
        let skipped = round.skipped.into_iter();
        self.skipped = skipped.map(BackrestSkipped::from).collect();
        self.notes = round.notes;
    }
}

impl BackrestPlan {
    /// A plan, with the difference when whoever asks may see it.
    #[must_use]
    pub fn new(round: &engine::Round, seen: &engine::PlanSeen, next_runs: &NextRuns, with_differences: bool) -> Self {
        let in_step = round.is_in_step(seen);
        let engine::PlanSeen { wanted, change, .. } = seen.clone();
        let mut differences = if with_differences { change.lines } else { Vec::new() };
        if let engine::ChangeKind::Refused { why } = &change.kind {
            differences.push(why.clone());
        }
        Self {
            next_run_at: next_runs.get(&change.id).copied().map(time),
            in_step,
            id: change.id,
            project: wanted.project,
            service: wanted.service,
            containers: wanted.containers,
            repo: wanted.repo,
            schedule: match wanted.schedule {
                engine::WantedSchedule::Manual => None,
                engine::WantedSchedule::Cron { fields, .. } => Some(fields),
            },
            paths: wanted.paths,
            excludes: wanted.excludes,
            retention: wanted.keep.spec,
            quiesce: wanted.quiesce,
            has_commands: !wanted.pre.is_empty() || !wanted.post.is_empty(),
            state: change.kind.as_str().to_owned(),
            differences,
            notes: wanted.notes.into_iter().map(BackrestNote::from).collect(),
        }
    }
}

impl From<engine::Note> for BackrestNote {
    fn from(note: engine::Note) -> Self {
        Self { level: note.level.as_str().to_owned(), label: note.label, message: note.message }
    }
}

impl From<engine::Skipped> for BackrestSkipped {
    fn from(skipped: engine::Skipped) -> Self {
        let engine::Skipped { container, project, service, why, .. } = skipped;
        Self { container, project, service, why }
    }
}
