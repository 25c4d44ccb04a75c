//! Runs what is due, and keeps in the store when each thing runs next.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::due::{Decision, Entry, Work, decide};
use crate::domain::job::{Job, Trigger};
use crate::domain::log::Level;
use crate::domain::names::InstanceId;
use crate::domain::plan::{BackendKind, Destination, Instance, MissedRun, Plan};
use crate::domain::schedule::Schedule;
use crate::engine::{JobEngine, PlanRequest, SubmitError};
use crate::store::{PlanRun, Store, StoreError};

/// How long something waits for the job of another plan before it tries again.
const POSTPONED: TimeDelta = TimeDelta::minutes(1);
/// How long the record of a plan that is not there is kept: labels may be away for a moment.
const KEPT_WITHOUT_PLAN: TimeDelta = TimeDelta::days(1);

/// What is recorded, by name.
type Known = BTreeMap<String, PlanRun>;

/// What runs by the clock.
pub(super) struct Runs {
    engine: JobEngine,
    store: Store,
    /// Read with the first tick. It leads, so that a store that cannot be written makes nothing run twice.
    known: Mutex<Option<Known>>,
}

/// An entry that is to run now.
struct Due {
    entry: Entry,
    due: DateTime<Utc>,
    next: DateTime<Utc>,
    /// Whether it waited for another job before.
    has_waited: bool,
}

impl Runs {
    pub(super) fn new(engine: JobEngine, store: Store) -> Self {
        Self { engine, store, known: Mutex::new(None) }
    }

    /// Runs what is due at `now`. A tick that comes while the one before is at work does nothing.
    pub(super) async fn tick(&self, now: DateTime<Utc>) {
        let Ok(mut known) = self.known.try_lock() else { return };
        let known = match &mut *known {
            Some(known) => known,
            none => match self.read().await {
                Ok(read) => none.insert(read),
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    return tracing::error!(error, "it cannot be read when plans run next; no plan runs by the clock");
                }
            },
        };
        let entries = self.entries();
        self.forget(known, &entries, now).await;
        let due = self.decide(known, entries, now).await;
        self.run(known, due, now).await;
    }

    async fn read(&self) -> Result<Known, StoreError> {
        let runs = self.store.list_plan_runs().await?;
        Ok(runs.into_iter().map(|run| (run.name.clone(), run)).collect())
    }

    /// Everything that has a schedule and is switched on; plans first, so that a check waits for a backup.
    fn entries(&self) -> Vec<Entry> {
        let registry = self.engine.registry();
        let plans = registry.list_plans();
        let checks = registry.list_instances().into_iter().filter_map(|instance| check_of(&instance, &plans));
        plans
            .iter()
            .filter_map(|plan| entry_of(plan))
            .chain(checks)
            .chain(self.verifications())
            .chain(self.drills(&plans))
            .collect()
    }

    fn verifications(&self) -> Option<Entry> {
        let settings = self.engine.settings();
        let schedule = settings.verify.schedule.clone()?;
        Some(Entry { work: Work::Verifications, schedule, zone: settings.timezone, missed_run: MissedRun::Once })
    }

    /// Those of plans, each by its own settings or the service's, and those of stacks.
    fn drills(&self, plans: &[std::sync::Arc<Plan>]) -> Vec<Entry> {
        let settings = self.engine.settings();
        let of_service = settings.drill.schedule.as_ref();
        let entry = |work, schedule: &Schedule, zone| Entry {
            work,
            schedule: schedule.clone(),
            zone,
            missed_run: MissedRun::Once,
        };
        let of_plan = |plan: &std::sync::Arc<Plan>| {
            let schedule = plan.drill.as_ref().map_or(of_service, |drill| drill.schedule.as_ref())?;
            let is_readable =
                self.engine.registry().find_instance(&plan.instance)?.backend() != BackendKind::CustomImage;
            (is_readable && plan.is_enabled).then(|| entry(Work::Drill(plan.id.clone()), schedule, plan.timezone))
        };
        let of_stacks = of_service.map(|schedule| entry(Work::DrillsOfStacks, schedule, settings.timezone));
        plans.iter().filter_map(of_plan).chain(of_stacks).collect()
    }

    /// Forgets what is switched off, so that nothing is made up for later, and what has been away for long.
    async fn forget(&self, known: &mut Known, entries: &[Entry], now: DateTime<Utc>) {
        let wanted: BTreeSet<String> = entries.iter().map(Entry::name).collect();
        let registry = self.engine.registry();
        let is_plan = |name: &str| name.parse().is_ok_and(|id| registry.find_plan(&id).is_some());
        let is_gone = |run: &PlanRun| is_plan(&run.name) || now - run.next_run_at > KEPT_WITHOUT_PLAN;
        let gone: Vec<String> = known
            .values()
            .filter(|run| !wanted.contains(&run.name) && is_gone(run))
            .map(|run| run.name.clone())
            .collect();
        for name in gone {
            known.remove(&name);
            if let Err(error) = self.store.delete_plan_run(&name).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    name,
                    "the next run of a plan was not removed"
                );
            }
        }
    }

    /// Records what needs no run, and returns what is to run.
    async fn decide(&self, known: &mut Known, entries: Vec<Entry>, now: DateTime<Utc>) -> Vec<Due> {
        let mut all = Vec::new();
        for entry in entries {
            let run = known.get(&entry.name());
            let has_waited = run.is_some_and(|run| {
                entry.next_after(run.next_run_at - TimeDelta::milliseconds(1)) != Some(run.next_run_at)
            });
            match decide(&entry, run, now) {
                Decision::Wait => {}
                Decision::Await(next) => self.record(known, &entry, None, next).await,
                Decision::Miss { due, next } => {
                    self.record(known, &entry, None, next).await;
                    self.tell_missed(&entry, due, next);
                }
                Decision::Run { due, next, is_late } => {
                    if is_late {
                        self.tell(
                            Level::Info,
                            format!("{} makes up for the run of {}", entry.title(), entry.show(due)),
                        );
                    }
                    all.push(Due { entry, due, next, has_waited });
                }
            }
        }
        all
    }

    fn tell_missed(&self, entry: &Entry, due: DateTime<Utc>, next: DateTime<Utc>) {
        let (title, due, next) = (entry.title(), entry.show(due), entry.show(next));
        self.tell(
            Level::Warning,
            format!("{title} was to run at {due} while nothing could run it; it runs next at {next}"),
        );
    }

    /// Plans of one instance are asked for together: they run one after the other then. A check has no such company.
    async fn run(&self, known: &mut Known, due: Vec<Due>, now: DateTime<Utc>) {
        let mut plans: BTreeMap<InstanceId, Vec<Due>> = BTreeMap::new();
        let mut checks = Vec::new();
        for due in due {
            match &due.entry.work {
                Work::Plan(_, instance) => plans.entry(instance.clone()).or_default().push(due),
                Work::Check(_) | Work::Verifications | Work::Drill(_) | Work::DrillsOfStacks => checks.push(due),
            }
        }
        for due in plans.into_values().chain(checks.into_iter().map(|check| vec![check])) {
            let submitted = self.submit(&due).await;
            for due in due {
                self.settle(known, &due, submitted.as_ref().err(), now).await;
            }
        }
    }

    async fn submit(&self, due: &[Due]) -> Result<(), SubmitError> {
        let mut requests = Vec::new();
        for due in due {
            match &due.entry.work {
                Work::Check(instance) => return self.engine.submit_check(instance, Trigger::Schedule).await.map(drop),
                Work::Verifications => {
                    let share = self.engine.settings().verify.share;
                    return self.engine.submit_verifications(share).await.map(drop);
                }
                Work::Drill(plan) => return self.engine.submit_drill_of_plan(plan, Trigger::Schedule).await.map(drop),
                Work::DrillsOfStacks => return self.engine.submit_drills_of_stacks(Trigger::Schedule).await.map(drop),
                Work::Plan(plan, _) => requests.push(PlanRequest {
                    plan: plan.clone(),
                    only: None,
                    quiesce: None,
                    is_dry_run: false,
                    trigger: Trigger::Schedule,
                }),
            }
        }
        self.engine.submit_plans(requests).await.map(drop)
    }

    /// Records when an entry runs next, after it was asked to run.
    async fn settle(&self, known: &mut Known, due: &Due, error: Option<&SubmitError>, now: DateTime<Utc>) {
        let Due { entry, due: at, next, has_waited } = due;
        match error {
            // The next process, or the next tick, finds it due.
            Some(SubmitError::ShuttingDown) => return,
            Some(error @ SubmitError::Store(_)) => {
                let error: &dyn std::error::Error = error;
                return tracing::error!(error, "{} is due and was not started", entry.title());
            }
            // A plan that has not run yet has nothing to drill.
            Some(SubmitError::NothingStored(_)) => {}
            Some(error) if self.waits_for_another(entry, error) => {
                if !has_waited {
                    self.tell(Level::Info, format!("{} is due and waits: {error}", entry.title()));
                }
                return self.record(known, entry, None, (now + POSTPONED).min(*next)).await;
            }
            Some(error) => {
                let (title, at, next) = (entry.title(), entry.show(*at), entry.show(*next));
                self.tell(Level::Warning, format!("{title} did not run at {at}: {error}; it runs next at {next}"));
            }
            None => {}
        }
        self.record(known, entry, Some(*at), *next).await;
    }

    /// Whether an entry comes later because of a job of something else. Its own job is reason enough to leave a run out.
    fn waits_for_another(&self, entry: &Entry, error: &SubmitError) -> bool {
        let is_conflict = matches!(error, SubmitError::InstanceConflict { .. } | SubmitError::Conflict { .. });
        let is_own = |plan: Option<&str>| matches!(&entry.work, Work::Plan(id, _) if plan == Some(id.as_str()));
        let is_at_work = |job: &Job| !job.kind.only_reads() && is_own(job.plan.as_deref());
        is_conflict && !self.engine.list_live().iter().any(|live| is_at_work(&live.now()))
    }

    /// Keeps when an entry runs next. Without `due` the time of its last run stays.
    async fn record(&self, known: &mut Known, entry: &Entry, due: Option<DateTime<Utc>>, next: DateTime<Utc>) {
        let name = entry.name();
        let last_due_at = due.or_else(|| known.get(&name).and_then(|run| run.last_due_at));
        let run = PlanRun { name, schedule: entry.fingerprint(), next_run_at: next, last_due_at };
        if let Err(error) = self.store.save_plan_run(&run).await {
            tracing::warn!(error = &error as &dyn std::error::Error, name = run.name, "the next run was not recorded");
        }
        known.insert(run.name.clone(), run);
    }

    fn tell(&self, level: Level, message: impl AsRef<str>) {
        self.engine.system_log().write(level, None, message);
    }
}

fn entry_of(plan: &Plan) -> Option<Entry> {
    let schedule = plan.schedule.clone().filter(|_| plan.is_enabled)?;
    let work = Work::Plan(plan.id.clone(), plan.instance.clone());
    Some(Entry { work, schedule, zone: plan.timezone, missed_run: plan.missed_run })
}

/// The check of an instance, in the zone of its own plan.
fn check_of(instance: &Instance, plans: &[std::sync::Arc<Plan>]) -> Option<Entry> {
    let Destination::Restic(restic) = &instance.destination else { return None };
    let schedule = restic.check_schedule.clone().filter(|_| instance.is_enabled)?;
    let own = plans.iter().find(|plan| plan.id.as_str() == instance.id.as_str())?;
    let work = Work::Check(instance.id.clone());
    Some(Entry { work, schedule, zone: own.timezone, missed_run: instance.missed_run })
}
