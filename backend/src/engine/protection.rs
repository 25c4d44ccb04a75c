//! Which stacks are protected by plans.
//!
//! A plan may capture the volumes, paths and databases of a stack without naming the stack. A stack counts as protected by
//! plans when all that holds its data was captured whole by the last good run of some plan that is switched on and not
//! behind its schedule. What the plan leaves out by patterns is the user's wish; parts of a volume are not the volume.
//! The files that define a stack are asked for only where it has no other data.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::job::{JobKind, JobState, TargetKind, TargetResult, TargetState};
use crate::domain::names::{PlanId, StackName};
use crate::domain::plan::{BackendKind, Plan, What};
use crate::domain::stack::{Bind, Container, Stack, Volume};
use crate::store::{JobFilter, PageRequest, SnapshotFilter, Store, StoreError};

use super::registry::Registry;

/// How many runs of an image are looked through for a good one.
const LOOK_BACK: u64 = 50;

/// The last good run of a plan.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GoodRun {
    pub(super) at: DateTime<Utc>,
    pub(super) targets: Vec<TargetResult>,
}

/// The last good run of each plan that has one and is switched on.
pub(super) type GoodRuns = BTreeMap<PlanId, GoodRun>;

/// Looks into the record for the last good run of each plan.
pub(super) async fn find_good_runs(store: &Store, registry: &Registry) -> Result<GoodRuns, StoreError> {
    let mut runs = GoodRuns::new();
    for plan in registry.list_plans().iter().filter(|plan| plan.is_enabled) {
        let backend = registry.find_instance(&plan.instance).map(|instance| instance.backend());
        let run = match backend {
            // What an image stored is known to the image alone.
            Some(BackendKind::CustomImage) => find_good_job(store, plan).await?,
            Some(BackendKind::Archive | BackendKind::Restic) => find_complete_snapshot(store, plan).await?,
            None => None,
        };
        runs.extend(run.map(|run| (plan.id.clone(), run)));
    }
    Ok(runs)
}

async fn find_complete_snapshot(store: &Store, plan: &Plan) -> Result<Option<GoodRun>, StoreError> {
    let filter = SnapshotFilter {
        plan: Some(plan.id.clone()),
        is_complete: Some(true),
        only_sound: true,
        ..SnapshotFilter::default()
    };
    let newest = store.list_snapshots(&filter, &PageRequest::first(1)).await?.items.pop();
    Ok(newest.map(|snapshot| GoodRun { at: snapshot.created_at, targets: snapshot.targets }))
}

async fn find_good_job(store: &Store, plan: &Plan) -> Result<Option<GoodRun>, StoreError> {
    let filter = JobFilter { plan: Some(plan.id.to_string()), kind: Some(JobKind::Backup), ..JobFilter::default() };
    let jobs = store.list_jobs(&filter, &PageRequest::first(LOOK_BACK)).await?.items;
    let good = jobs.into_iter().find(|job| job.state == JobState::Succeeded && !job.is_dry_run);
    Ok(good.map(|job| GoodRun { at: job.started_at.unwrap_or(job.queued_at), targets: job.targets }))
}

/// The stacks that plans protect, each with the time since which nothing of it is older.
pub(super) fn protected_by_plans(
    stacks: &[Stack],
    plans: &[Arc<Plan>],
    runs: &GoodRuns,
    now: DateTime<Utc>,
) -> BTreeMap<StackName, DateTime<Utc>> {
    let known: Vec<Known<'_>> = plans.iter().filter_map(|plan| Known::new(plan, runs.get(&plan.id)?, now)).collect();
    let find = |stack: &Stack| Some((stack.name.clone(), Look { stack, known: &known }.protected_since()?));
    stacks.iter().filter_map(find).collect()
}

/// A good run that counts.
struct Known<'a> {
    plan: &'a Plan,
    run: &'a GoodRun,
}

impl<'a> Known<'a> {
    /// A plan that missed two runs in a row protects nothing that it ought to.
    fn new(plan: &'a Plan, run: &'a GoodRun, now: DateTime<Utc>) -> Option<Self> {
        let is_behind = plan.schedule.is_some() && plan.next_runs(run.at, 2).get(1).is_none_or(|second| *second <= now);
        (plan.is_enabled && !is_behind).then_some(Self { plan, run })
    }

    fn has(&self, kind: TargetKind, is_it: impl Fn(&str) -> bool) -> bool {
        let is_whole = |target: &&TargetResult| target.kind == kind && target.state == TargetState::Succeeded;
        self.run.targets.iter().filter(is_whole).any(|target| is_it(&target.name) && !self.is_part(kind, &target.name))
    }

    /// Whether the plan names parts of it only.
    fn is_part(&self, kind: TargetKind, name: &str) -> bool {
        let is_named = |what: &What| what.to_result_key() == (kind, name.to_owned());
        self.plan.targets.iter().any(|target| !target.paths.is_empty() && is_named(&target.what))
    }
}

struct Look<'a> {
    stack: &'a Stack,
    known: &'a [Known<'a>],
}

impl Look<'_> {
    /// Nothing when something was not captured.
    fn protected_since(&self) -> Option<DateTime<Utc>> {
        let volumes = self.stack.volumes.iter().filter(|volume| self.has_data(volume));
        let binds = self.stack.binds.iter().filter(|bind| bind.excluded.is_none());
        let captured = volumes.map(|volume| self.volume(volume)).chain(binds.map(|bind| self.bind(bind)));
        // The earliest counts, and one that is missing is missed.
        let earliest = captured.collect::<Option<Vec<_>>>()?.into_iter().min();
        earliest.or_else(|| self.newest(|known| known.has(TargetKind::Data, |name| name == self.stack.name.as_str())))
    }

    fn newest(&self, is_captured: impl Fn(&Known<'_>) -> bool) -> Option<DateTime<Utc>> {
        self.known.iter().filter(|known| is_captured(known)).map(|known| known.run.at).max()
    }

    /// What lives in memory, or does not exist yet, holds none.
    fn has_data(&self, volume: &Volume) -> bool {
        let is_in_memory = volume.options.get("type").is_some_and(|kind| kind == "tmpfs");
        !is_in_memory && (volume.mountpoint.is_some() || self.users_of(volume).next().is_some())
    }

    fn users_of(&self, volume: &Volume) -> impl Iterator<Item = &Container> {
        let containers = self.stack.containers().map(|(_, container)| container);
        containers.filter(|container| container.mounts.iter().any(|m| m.volume.as_deref() == Some(&volume.name)))
    }

    /// As files, or through the dumps of all that use it.
    fn volume(&self, volume: &Volume) -> Option<DateTime<Utc>> {
        let as_files = self.newest(|known| known.has(TargetKind::Volume, |name| name == volume.name));
        let dump_of = |user: &Container| self.newest(|known| known.has(TargetKind::Database, |name| name == user.name));
        let dumps = self.users_of(volume).map(dump_of).collect::<Option<Vec<_>>>();
        as_files.max(dumps.and_then(|dumps| dumps.into_iter().min()))
    }

    /// By itself, within a path, or with the directory of the stack.
    fn bind(&self, bind: &Bind) -> Option<DateTime<Utc>> {
        self.newest(|known| {
            known.has(TargetKind::Bind, |name| Path::new(name) == bind.source)
                || known.has(TargetKind::Path, |name| bind.source.starts_with(name))
                || bind.is_inside_stack && known.has(TargetKind::Data, |name| name == self.stack.name.as_str())
        })
    }
}

#[cfg(test)]
#[path = "protection_tests.rs"]
mod tests;
