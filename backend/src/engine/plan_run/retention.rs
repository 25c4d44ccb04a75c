//! What is kept of what a plan stored, where its data lies.
//!
//! Snapshots are judged apart by plan, and by the stack that was captured by a plan's means: they do not hold the same,
//! so that none may stand for another. Which plan made one is told by our record. One that is not in it is kept, whatever
//! the policy says: after the loss of the store nobody knows whose it is, and judged together with others it would push
//! out what is the last of something. Only what was adopted from another program, which no record can know, is taken for
//! the instance's own plan.

use std::collections::BTreeMap;

use crate::backends::{BackendError, FoundSnapshot, SharedBackend, Work};
use crate::domain::job::StepName;
use crate::domain::keep::{Candidate, KeepVerdict, judge};
use crate::domain::log::Level;
use crate::domain::names::{InstanceId, PlanId, StackName};
use crate::domain::plan::{Instance, Plan};
use crate::domain::retention::find_jump;
use crate::domain::size::human_bytes;
use crate::domain::snapshot::Snapshot;
use crate::store::{PageRequest, SnapshotFilter, StoreError};

use super::super::{JobEngine, chain};
use super::preflight::Desk;
use super::resolve::Resolved;
use super::{Cx, Stop, count};

/// More snapshots of one instance than anyone keeps.
const MANY: u64 = 100_000;

/// Why a snapshot stays whose plan nobody knows.
const NOT_RECORDED: &str = "it is in no record of this installation, so it is not dropped";

/// Why one stays that was imported.
const IMPORTED: &str = "it was imported, so it is not dropped";

/// Whether it is known whose it is: a run here made it, or the user wished that it counts as made here.
fn is_judged(found: &FoundSnapshot, record: Option<&Snapshot>) -> bool {
    found.is_adopted || record.is_some_and(|snapshot| snapshot.imported.is_none())
}
/// Why a snapshot stays that is known to be damaged.
const DAMAGED: &str = "it is damaged and stands for nothing, but only a person removes it";

/// What one lot of snapshots holds: that of a plan, or of a stack by the plan's means.
type Lot = (PlanId, Option<StackName>);

/// Why retention could not be judged or carried out.
#[derive(Debug, thiserror::Error)]
pub(in crate::engine) enum RetentionError {
    /// The backend does not know it, or could not.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// Our record could not be read or written.
    #[error("the record of the snapshots could not be read or written")]
    Store(#[from] StoreError),
}

/// What lies where an instance stores, and what our record says of it.
struct Shelf {
    found: Vec<FoundSnapshot>,
    recorded: Vec<Snapshot>,
}

impl Shelf {
    async fn look(
        engine: &JobEngine,
        instance: &InstanceId,
        backend: &SharedBackend,
        work: &Work,
    ) -> Result<Self, RetentionError> {
        let filter = SnapshotFilter { instance: Some(instance.to_string()), ..SnapshotFilter::default() };
        let recorded = engine.0.parts.store.list_snapshots(&filter, &PageRequest::first(MANY)).await?.items;
        let found = match backend.snapshots(work).await {
            // Nothing was stored yet, so there is nothing to judge.
            Err(BackendError::Absent(_)) if recorded.is_empty() => Vec::new(),
            found => found?,
        };
        Ok(Self { found, recorded })
    }

    fn find_record(&self, found: &FoundSnapshot) -> Option<&Snapshot> {
        self.recorded.iter().find(|snapshot| snapshot.reference == found.reference)
    }

    /// Our snapshots whose plan is known, lot by lot.
    fn lots(&self, instance: &InstanceId) -> BTreeMap<Lot, Vec<Candidate>> {
        let mut lots: BTreeMap<Lot, Vec<Candidate>> = BTreeMap::new();
        for found in self.found.iter().filter(|found| found.is_ours) {
            let record = self.find_record(found);
            if !is_judged(found, record) {
                continue;
            }
            let plan = record.and_then(|snapshot| snapshot.plan.clone()).unwrap_or_else(|| PlanId::from(instance));
            let stack = record.and_then(|snapshot| snapshot.stack.clone());
            // What is known to be damaged stands for nothing, and goes only by hand: much may still be had from it.
            if record.is_some_and(|snapshot| snapshot.damage.is_some()) {
                continue;
            }
            let candidate = Candidate { id: found.reference.clone(), at: found.at, is_complete: found.is_complete };
            lots.entry((plan, stack)).or_default().push(candidate);
        }
        lots
    }

    /// Our snapshots whose plan is not known; told with those of the instance's own plan.
    fn unknown(&self) -> impl Iterator<Item = KeepVerdict> {
        let found = self.found.iter().filter(|found| found.is_ours);
        found.map(|found| (found, self.find_record(found))).filter(|(found, record)| !is_judged(found, *record)).map(
            |(found, record)| KeepVerdict {
                id: found.reference.clone(),
                at: found.at,
                is_kept: true,
                reason: record.map_or(NOT_RECORDED, |_| IMPORTED).to_owned(),
            },
        )
    }

    /// Snapshots of a plan that are known to be damaged.
    fn damaged<'a>(&'a self, plan: &'a PlanId) -> impl Iterator<Item = KeepVerdict> + 'a {
        let found = self.found.iter().filter(|found| found.is_ours);
        found.filter_map(move |found| {
            let record = self.find_record(found).filter(|snapshot| snapshot.plan.as_ref() == Some(plan))?;
            let reason = format!("{DAMAGED}: {}", record.damage.as_ref()?.reason);
            Some(KeepVerdict { id: found.reference.clone(), at: found.at, is_kept: true, reason })
        })
    }

    /// What becomes of the snapshots of a plan. While the clock cannot be believed, all are kept.
    fn judge(&self, engine: &JobEngine, plan: &Plan, instance: &InstanceId) -> Vec<KeepVerdict> {
        let now = engine.0.parts.clock.now();
        let mut verdicts = Vec::new();
        for ((_, _), candidates) in self.lots(instance).into_iter().filter(|((of, _), _)| *of == plan.id) {
            match find_jump(now, candidates.iter().map(|candidate| candidate.at)) {
                None => verdicts.extend(judge(&plan.retention, &candidates, plan.timezone)),
                Some(jump) => {
                    let reason = format!("{jump}: nothing is dropped until more backups confirm the time");
                    let keep = |c: Candidate| KeepVerdict { id: c.id, at: c.at, is_kept: true, reason: reason.clone() };
                    verdicts.extend(candidates.into_iter().map(keep));
                }
            }
        }
        verdicts.extend(self.damaged(&plan.id));
        if plan.id == PlanId::from(instance) {
            verdicts.extend(self.unknown());
        }
        verdicts
    }

    /// Notes in our record what is no longer there, whoever removed it.
    async fn note_gone(&self, engine: &JobEngine, dropped: &[String]) -> Result<(), StoreError> {
        let now = engine.0.parts.clock.now();
        for snapshot in &self.recorded {
            let is_there = self.found.iter().any(|found| found.reference == snapshot.reference);
            if !is_there || dropped.contains(&snapshot.reference) {
                engine.0.parts.store.mark_snapshot_removed(&snapshot.id, now).await?;
            }
        }
        Ok(())
    }
}

/// What retention did.
#[derive(Debug, Default)]
pub(in crate::engine) struct Dropped {
    pub(in crate::engine) verdicts: Vec<KeepVerdict>,
    pub(in crate::engine) freed_bytes: Option<u64>,
}

/// What retention would remove of what a plan stored.
pub(in crate::engine) async fn judge_plan(
    engine: &JobEngine,
    plan: &Plan,
    instance: &Instance,
    work: &Work,
) -> Result<Vec<KeepVerdict>, RetentionError> {
    let backend = engine.backend_of(instance);
    let shelf = Shelf::look(engine, &instance.id, &backend, work).await?;
    Ok(shelf.judge(engine, plan, &instance.id))
}

/// Carries the retention of plans out.
pub(in crate::engine) async fn drop_old(
    engine: &JobEngine,
    plans: &[&Plan],
    instance: &InstanceId,
    backend: &SharedBackend,
    work: &Work,
) -> Result<Dropped, RetentionError> {
    let shelf = Shelf::look(engine, instance, backend, work).await?;
    let verdicts: Vec<KeepVerdict> = plans.iter().flat_map(|plan| shelf.judge(engine, plan, instance)).collect();
    let dropped: Vec<String> = verdicts.iter().filter(|v| !v.is_kept).map(|v| v.id.clone()).collect();
    for verdict in verdicts.iter().filter(|v| !v.is_kept) {
        work.report.log(Level::Info, None, format!("drops {}: {}", verdict.id, verdict.reason));
    }
    let freed_bytes = if dropped.is_empty() { Some(0) } else { backend.forget(work, &dropped).await? };
    shelf.note_gone(engine, &dropped).await?;
    Ok(Dropped { verdicts, freed_bytes })
}

/// Notes what a retention had removed before a kill broke it off. Where nothing is found of what is recorded nothing is
/// noted: a disk that is not mounted looks like that.
pub(super) async fn catch_up(
    engine: &JobEngine,
    instance: &InstanceId,
    backend: &SharedBackend,
    work: &Work,
) -> Result<(), RetentionError> {
    let shelf = Shelf::look(engine, instance, backend, work).await?;
    let is_there = |snapshot: &Snapshot| shelf.found.iter().any(|found| found.reference == snapshot.reference);
    if shelf.recorded.iter().any(is_there) {
        shelf.note_gone(engine, &[]).await?;
    }
    Ok(())
}

/// The step of a run. A backend that keeps no order of its own has the step skipped.
pub(super) async fn run(cx: Cx<'_>, resolved: &Resolved, desk: &Desk) {
    let (engine, instance) = (cx.engine, &resolved.instance.id);
    let mut unknown = None;
    let work = async {
        match Box::pin(drop_old(engine, &[&resolved.plan], instance, &desk.backend, &desk.work)).await {
            Ok(dropped) => Ok(dropped.describe()),
            Err(RetentionError::Backend(BackendError::NotSupported(why))) => {
                unknown = Some(why);
                Ok(why.to_owned())
            }
            Err(RetentionError::Backend(BackendError::Cancelled)) => Err(Stop::Cancelled),
            Err(error) => {
                let why = format!("old snapshots were not dropped: {}", chain(&error));
                cx.live.log.write(Level::Error, why.clone());
                Err(Stop::Failed(why))
            }
        }
    };
    // What it could not do is in its step and in the log; the backup is none the worse for it.
    let _ = Box::pin(cx.step(StepName::Retention, work)).await;
    if let Some(why) = unknown {
        cx.skip(StepName::Retention, why).await;
    }
    if let Err(error) = engine.drop_old_logs().await {
        cx.live.log.write(Level::Warning, format!("old logs were not dropped: {}", chain(&error)));
    }
}

impl Dropped {
    pub(in crate::engine) fn describe(&self) -> String {
        let dropped = self.verdicts.iter().filter(|verdict| !verdict.is_kept).count();
        let kept = self.verdicts.len() - dropped;
        match (dropped, self.freed_bytes) {
            (0, _) => format!("nothing is to go, {} kept", count(kept, "snapshot")),
            (_, Some(bytes)) => {
                format!("{} dropped, {kept} kept, {} free again", count(dropped, "snapshot"), human_bytes(bytes))
            }
            (_, None) => format!("{} dropped, {kept} kept", count(dropped, "snapshot")),
        }
    }
}
