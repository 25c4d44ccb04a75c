//! A drill, as a job: the newest good snapshot is unpacked into a directory of its own, compared, its databases are loaded
//! into throw-away containers and asked, and a command of the user looks at the files. Nothing of the host is touched.
//!
//! What a drill makes is known by its name or its labels, so that the next start removes what a kill left: see [`sweep`].

use std::sync::Arc;
use std::time::Instant;

use crate::backends::archive::free_bytes;
use crate::domain::drill::DrillSettings;
use crate::domain::ids::SnapshotId;
use crate::domain::job::{Job, JobKind, JobState, StepName, TargetKind, TargetResult, TargetState, Trigger};
use crate::domain::log::Level;
use crate::domain::names::{PlanId, StackName};
use crate::domain::size::human_bytes;
use crate::domain::snapshot::Snapshot;
use crate::store::{PageRequest, SnapshotFilter};

use super::errand::Errand;
use super::live::LiveJob;
use super::steps::{self, StepResult, Stop, count, guarded};
use super::unpack::{self, Contents, Place, TargetContents};
use super::{JobEngine, SubmitError, pause_point};

mod command;
mod compare;
mod database;
mod made;
mod scratch;
mod server;

use made::Made;
pub(super) use made::sweep;
use scratch::Scratch;

type Cx<'a> = steps::Cx<'a, SnapshotId>;

/// What stays free beside what is unpacked.
const MARGIN_BYTES: u64 = 256 << 20;

impl JobEngine {
    /// Queues a drill of a snapshot.
    ///
    /// # Errors
    /// When there is no such snapshot, it was removed, a job works for its instance, or the job cannot be recorded.
    pub async fn submit_drill(&self, id: &SnapshotId, trigger: Trigger) -> Result<Job, SubmitError> {
        let (engine, id) = (self.clone(), id.clone());
        let submit = async move {
            let snapshot = engine.find_stored(&id).await?;
            let job = engine.job_about(&snapshot, JobKind::Drill, trigger, StepName::OF_DRILL);
            let mut jobs = engine.queue(vec![(job, Errand::Drill(snapshot.id))]).await?;
            jobs.pop().ok_or(SubmitError::ShuttingDown)
        };
        // On a task of its own, as every request: see `submit_backups`.
        self.0.parts.runtime.spawn(submit).await.unwrap_or(Err(SubmitError::ShuttingDown))
    }

    /// Queues a drill of the newest good snapshot of a plan.
    ///
    /// # Errors
    /// When there is no such plan, it has no good snapshot, or as [`Self::submit_drill`].
    pub async fn submit_drill_of_plan(&self, plan: &PlanId, trigger: Trigger) -> Result<Job, SubmitError> {
        if self.0.parts.registry.find_plan(plan).is_none() {
            return Err(SubmitError::UnknownPlan(plan.clone()));
        }
        let filter = SnapshotFilter { plan: Some(plan.clone()), ..SnapshotFilter::default() };
        let newest = self.find_newest_good(filter, &format!("plan '{plan}'")).await?;
        self.submit_drill(&newest, trigger).await
    }

    /// Queues a drill of the newest good archive of a stack.
    ///
    /// # Errors
    /// When the stack has no good archive, or as [`Self::submit_drill`].
    pub async fn submit_drill_of_stack(&self, stack: &StackName, trigger: Trigger) -> Result<Job, SubmitError> {
        let newest = self.find_newest_good(SnapshotFilter::archives_of(stack), &format!("stack '{stack}'")).await?;
        self.submit_drill(&newest, trigger).await
    }

    /// Queues a drill of the newest good archive of every stack that has one. Returns how many.
    ///
    /// # Errors
    /// When the store cannot be read or written, or the service is about to end.
    pub async fn submit_drills_of_stacks(&self, trigger: Trigger) -> Result<usize, SubmitError> {
        let mut queued = 0;
        for stack in self.0.parts.store.summarise().await?.protected {
            match self.submit_drill_of_stack(&stack, trigger).await {
                Ok(_) => queued += 1,
                // It is protected by what a plan made, and that is the plan's drill.
                Err(SubmitError::NothingStored(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(queued)
    }

    /// How the snapshot is drilled: as its plan says, else as the service's settings say.
    fn drill_settings(&self, snapshot: &Snapshot) -> DrillSettings {
        let plan = snapshot.plan.as_ref().and_then(|plan| self.0.parts.registry.find_plan(plan));
        plan.and_then(|plan| plan.drill.clone()).unwrap_or_else(|| self.0.settings.drill.clone())
    }

    async fn find_newest_good(&self, of: SnapshotFilter, what: &str) -> Result<SnapshotId, SubmitError> {
        let filter = SnapshotFilter { is_complete: Some(true), only_sound: true, ..of };
        let newest = self.0.parts.store.list_snapshots(&filter, &PageRequest::first(1)).await?.items.pop();
        newest.map(|snapshot| snapshot.id).ok_or_else(|| SubmitError::NothingStored(what.to_owned()))
    }
}

/// Runs the job to its end.
pub(super) async fn run(engine: &JobEngine, live: &Arc<LiveJob>, id: &SnapshotId) {
    let cx = Cx { engine, live, request: id };
    live.begin().await;
    let began = Instant::now();
    let (state, error) = match Box::pin(carry_out(cx)).await {
        Ok(()) => cx.judge(false),
        Err(Stop::Cancelled) => (engine.state_when_stopped(), Some("it was cancelled".to_owned())),
        Err(Stop::Failed(why)) => (JobState::Failed, Some(why)),
    };
    // What was not brought back is no smaller matter because other things were.
    let state = if state == JobState::Partial { JobState::Failed } else { state };
    cx.report(&format!("drill of snapshot '{id}'"), state, error, began).await;
}

async fn carry_out(cx: Cx<'_>) -> Result<(), Stop> {
    let found = Box::pin(cx.step(StepName::Preflight, prepare(cx))).await?;
    let scratch = Scratch::make(&cx.engine.0.settings.staging_dir, cx.live.id()).await?;
    let made = Made::new(cx);
    // Whatever happens in between, nothing of it stays.
    let done = guarded(Box::pin(look_at_all(cx, &found, &scratch, &made))).await;
    made.remove().await;
    scratch.remove(cx.live).await;
    done
}

/// What a drill is about.
struct Found {
    snapshot: Snapshot,
    contents: Contents,
}

impl StepResult for Found {
    fn detail(&self) -> Option<String> {
        let bytes = self.contents.targets.iter().map(|target| target.bytes).sum();
        Some(format!("{}, {}", count(self.contents.targets.len(), "target"), human_bytes(bytes)))
    }
}

/// Looks what is in the snapshot, and whether there is room for it.
async fn prepare(cx: Cx<'_>) -> Result<Found, Stop> {
    let found = cx.engine.0.parts.store.find_snapshot(cx.request).await;
    let found = found.map_err(|e| Stop::because("the record of the snapshots cannot be read", &e))?;
    let snapshot = found.ok_or_else(|| Stop::failed("its record is gone"))?;
    let contents = unpack::contents_of(cx.engine, &cx.engine.work_of(cx.live), &snapshot).await;
    let contents = contents.map_err(|e| e.into_stop("the snapshot cannot be opened"))?;
    for note in &contents.notes {
        cx.live.log.write(Level::Warning, note.clone());
    }
    let to_result = |target: &TargetContents| TargetResult {
        kind: target.kind,
        name: target.name.clone(),
        state: TargetState::Pending,
        size_bytes: target.bytes,
        message: None,
    };
    cx.live.change(|job| job.targets = contents.targets.iter().map(to_result).collect());
    if contents.targets.is_empty() {
        return Err(Stop::failed("there is nothing in the snapshot"));
    }
    check_room(cx, &contents).await?;
    Ok(Found { snapshot, contents })
}

async fn check_room(cx: Cx<'_>, contents: &Contents) -> Result<(), Stop> {
    let directory = cx.engine.0.settings.staging_dir.clone();
    let shown = directory.display().to_string();
    let asked = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&directory)?;
        free_bytes(&directory).map_err(std::io::Error::other)
    });
    let free = asked.await.unwrap_or_else(|e| Err(std::io::Error::other(e)));
    let free = free.map_err(|e| Stop::because(&format!("the free space of {shown} is unknown"), &e))?;
    let needed = contents.targets.iter().map(|target| target.bytes).sum::<u64>() + MARGIN_BYTES;
    if free < needed {
        let (needed, free) = (human_bytes(needed), human_bytes(free));
        return Err(Stop::failed(format!("{shown} has {free} free, and the drill needs {needed} for a while")));
    }
    Ok(())
}

async fn look_at_all(cx: Cx<'_>, found: &Found, scratch: &Scratch, made: &Made<'_>) -> Result<(), Stop> {
    let places = scratch.places(&found.contents).await?;
    Box::pin(cx.step(StepName::Unpack, bring_out(cx, found, &places))).await?;
    pause_point::reach("drill.unpacked").await;
    Box::pin(cx.step(StepName::Verify, compare::all(cx, found, &places))).await?;
    let settings = cx.engine.drill_settings(&found.snapshot);
    if places.iter().any(|place| place.kind == TargetKind::Database) {
        Box::pin(cx.step(StepName::Load, database::load_all(cx, found, &places, &settings, made))).await?;
    } else {
        cx.skip(StepName::Load, "there is no dump of a database").await;
    }
    match &settings.command {
        Some(wanted) => {
            let run = command::run(cx, wanted, &settings, scratch, made);
            Box::pin(cx.step(StepName::Command, run)).await?;
        }
        None => cx.skip(StepName::Command, "no command is to run").await,
    }
    Ok(())
}

async fn bring_out(cx: Cx<'_>, found: &Found, places: &[Place]) -> Result<String, Stop> {
    let work = cx.engine.work_of(cx.live);
    let unpacked = Box::pin(unpack::unpack(cx.engine, &work, &found.snapshot, places)).await;
    let unpacked = unpacked.map_err(|e| e.into_stop("the snapshot could not be unpacked"))?;
    let bytes = unpacked.iter().map(|one| one.bytes).sum();
    let entries: u64 = unpacked.iter().map(|one| one.entries).sum();
    cx.live.change(|job| job.bytes_read = bytes);
    Ok(format!("{} in {entries} entries", human_bytes(bytes)))
}

/// Notes how a target of the drill came out.
fn settle(live: &LiveJob, kind: TargetKind, name: &str, outcome: Result<String, String>) {
    let about = format!("{kind} {name}");
    let (level, state, message) = match outcome {
        Ok(message) => (Level::Success, TargetState::Succeeded, message),
        Err(message) => (Level::Error, TargetState::Failed, message),
    };
    live.log.write_about(level, Some(&about), message.clone());
    live.change(|job| {
        for target in job.targets.iter_mut().filter(|target| target.kind == kind && target.name == name) {
            target.state = state;
            target.message = Some(message.clone());
        }
    });
}
