//! What a job is to do, and how it gets its turn.
//!
//! A job that was recorded waits until no other works for its instance and a slot is free. To add a kind of job, add an
//! [`Errand`] and the line that runs it.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use crate::domain::ids::{JobId, SnapshotId};
use crate::domain::job::{Job, JobKind, JobState, Progress, Quiesce, Step, StepName, Trigger};
use crate::domain::log::Level;
use crate::domain::names::{InstanceId, PlanId, StackName};

use super::backrest::{BackrestRun, run_by_backrest};
use super::import::{self, ImportRequest};
use super::live::LiveJob;
use super::logbook::JobLog;
use super::plans::PlanRequest;
use super::submit::{BackupRequest, SubmitError};
use super::{JobEngine, RestoreRequest, backup, check_run, drill, plan_run, restore, verify};

/// What a job is to do.
#[derive(Debug, Clone)]
pub(super) enum Errand {
    /// A backup of a stack as an archive.
    Stack(BackupRequest),
    /// A backup by a plan.
    Plan(PlanRequest),
    /// A check of what an instance has stored.
    Check(InstanceId),
    /// Taking what lies somewhere into the record.
    Import(ImportRequest),
    /// A run of a plan by Backrest.
    Backrest(BackrestRun),
    /// A restore, or taking one back.
    Restore(RestoreRequest),
    /// A snapshot that is read again.
    Verify(SnapshotId),
    /// A snapshot that is brought back where it harms nobody.
    Drill(SnapshotId),
}

/// What a new job is about.
pub(super) struct NewJob<'a> {
    pub(super) kind: JobKind,
    /// What its log is called by.
    pub(super) name: &'a str,
    pub(super) stack: Option<StackName>,
    pub(super) instance: Option<InstanceId>,
    pub(super) plan: Option<PlanId>,
    pub(super) trigger: Trigger,
    pub(super) quiesce: Option<Quiesce>,
    pub(super) is_dry_run: bool,
    pub(super) steps: &'static [StepName],
}

impl JobEngine {
    /// Records jobs and sets them going, all or none.
    pub(super) async fn queue(&self, wanted: Vec<(Job, Errand)>) -> Result<Vec<Job>, SubmitError> {
        let (jobs, errands): (Vec<Job>, Vec<Errand>) = wanted.into_iter().unzip();
        self.claim(&jobs)?;
        if let Err(error) = self.0.parts.store.insert_jobs(&jobs).await {
            self.release(&jobs);
            return Err(error.into());
        }
        for (job, errand) in jobs.iter().zip(errands) {
            self.set_going(&job.id, errand);
        }
        Ok(jobs)
    }

    pub(super) fn new_job(&self, about: NewJob<'_>) -> Job {
        let now = self.0.parts.clock.now();
        let id = JobId::new(now);
        let stamp = now.with_timezone(&self.0.settings.timezone).format("%Y-%m-%d_%H-%M-%S");
        Job {
            log_file: format!("{}_{}_{stamp}_{id}.log", about.kind, about.name),
            id,
            kind: about.kind,
            state: JobState::Queued,
            stack: about.stack,
            instance: about.instance.map(Into::into),
            plan: about.plan.map(Into::into),
            trigger: about.trigger,
            quiesce: about.quiesce,
            is_dry_run: about.is_dry_run,
            queued_at: now,
            started_at: None,
            finished_at: None,
            progress: Progress::default(),
            steps: Step::all_pending(about.steps),
            targets: Vec::new(),
            stopped_ms: None,
            strategy: None,
            bytes_captured_while_stopped: None,
            bytes_read: 0,
            bytes_stored: 0,
            snapshot_id: None,
            error: None,
        }
    }

    pub(super) fn make_live(&self, job: Job) -> Arc<LiveJob> {
        let parts = &self.0.parts;
        let path = self.0.settings.log_dir.join(&job.log_file);
        let about = job.stack.as_ref().map(ToString::to_string).or_else(|| job.plan.clone());
        let log = JobLog::create(path, about, parts.system_log.clone(), parts.clock.clone());
        LiveJob::new(job, log, self.0.events.clone(), parts.store.clone(), parts.clock.clone())
    }

    fn set_going(&self, id: &JobId, errand: Errand) {
        let Some(live) = self.find_live(id) else { return };
        live.change(|_| {});
        live.log.write(Level::Info, errand.describe(live.now().trigger));
        let engine = self.clone();
        let task = async move { Box::pin(engine.run_in_turn(&live, &errand)).await };
        self.0.tracker.spawn_on(task, &self.0.parts.runtime);
    }

    async fn run_in_turn(&self, live: &Arc<LiveJob>, errand: &Errand) {
        let turn = tokio::select! {
            turn = self.take_turn(live, errand) => turn,
            () = live.cancel.cancelled() => None,
            () = self.0.shutdown.cancelled() => None,
        };
        let Some(_turn) = turn else {
            let state = self.state_when_stopped();
            self.end(live, state, Some("it ended before its turn came".into())).await;
            return;
        };
        self.until_shutdown(live, self.carry_out(live, errand)).await;
    }

    /// Waits for the instance first: who waits for it holds no slot. Nor does who waits for Backrest, which has a queue of
    /// its own.
    async fn take_turn(&self, live: &LiveJob, errand: &Errand) -> Option<impl Sized + use<>> {
        let instance = live.now().instance.and_then(|id| id.parse().ok());
        let alone = match instance {
            Some(instance) => Some(self.turn_of(&instance).lock_owned().await),
            None => None,
        };
        let slot = match errand {
            Errand::Backrest(_) => None,
            _ => Some(self.0.slots.clone().acquire_owned().await.ok()?),
        };
        Some((slot, alone))
    }

    async fn carry_out(&self, live: &Arc<LiveJob>, errand: &Errand) {
        match errand {
            Errand::Stack(request) => Box::pin(backup::run(self, live, request)).await,
            Errand::Plan(request) => Box::pin(plan_run::run(self, live, request)).await,
            Errand::Import(request) => Box::pin(import::run(self, live, request)).await,
            Errand::Check(instance) => Box::pin(check_run::run(self, live, instance)).await,
            Errand::Backrest(run) => Box::pin(run_by_backrest(self, live, run)).await,
            Errand::Restore(request) => Box::pin(restore::run(self, live, request)).await,
            Errand::Verify(snapshot) => Box::pin(verify::run(self, live, snapshot)).await,
            Errand::Drill(snapshot) => Box::pin(drill::run(self, live, snapshot)).await,
        }
    }

    /// Runs a job to its end. A shutdown ends it as a cancel does: what it brought to rest is brought back first.
    pub(super) async fn until_shutdown(&self, live: &Arc<LiveJob>, run: impl Future<Output = ()>) {
        let watch_shutdown = async {
            self.0.shutdown.cancelled().await;
            live.cancel.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = self.contained(live, run) => {},
            () = watch_shutdown => {},
        }
    }

    /// What a job that was asked to end is called.
    pub(super) fn state_when_stopped(&self) -> JobState {
        if self.0.shutdown.is_cancelled() { JobState::Interrupted } else { JobState::Cancelled }
    }

    /// Keeps a defect of ours from leaving a job at work for ever.
    async fn contained(&self, live: &Arc<LiveJob>, run: impl Future<Output = ()>) {
        if AssertUnwindSafe(run).catch_unwind().await.is_err() {
            live.remove_partial_files();
            let why = "a defect in Mainstay ended the job; see the system log";
            self.end(live, JobState::Failed, Some(why.into())).await;
        }
    }

    /// Ends a job. What it had is free before anyone hears of the end: who hears may ask for the next one at once.
    pub(super) async fn end(&self, live: &LiveJob, state: JobState, error: Option<String>) {
        live.record_end(state, error).await;
        self.release(&[live.now()]);
        live.tell_end();
    }
}

impl Errand {
    fn describe(&self, trigger: Trigger) -> String {
        match self {
            Self::Stack(request) => format!("backup of stack '{}' queued ({trigger})", request.stack),
            Self::Plan(request) => format!("backup by plan '{}' queued ({trigger})", request.plan),
            Self::Import(request) => format!("{} queued ({trigger})", request.describe()),
            Self::Backrest(run) => format!("run of plan '{}' by Backrest queued ({trigger})", run.plan),
            Self::Check(instance) => format!("check of instance '{instance}' queued ({trigger})"),
            Self::Restore(request) => format!("{} queued ({trigger})", request.describe()),
            Self::Verify(snapshot) => format!("verification of snapshot '{snapshot}' queued ({trigger})"),
            Self::Drill(snapshot) => format!("drill of snapshot '{snapshot}' queued ({trigger})"),
        }
    }
}
