//! Taking requests: who may run, what is refused, and how a job is set going.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use crate::domain::ids::JobId;
use crate::domain::job::{Job, JobKind, JobState, Progress, Quiesce, Step, StepName, Trigger};
use crate::domain::log::Level;
use crate::domain::names::{InstanceId, PlanId, StackName};
use crate::store::StoreError;

use super::live::LiveJob;
use super::logbook::JobLog;
use super::{JobEngine, backup};

/// A backup of one stack that someone wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupRequest {
    /// Which stack.
    pub stack: StackName,
    /// How it is brought to rest; the stack's and the service's settings decide when absent.
    pub quiesce: Option<Quiesce>,
    /// Whether only to show what would be done.
    pub is_dry_run: bool,
    /// What set it off.
    pub trigger: Trigger,
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// There is no such stack.
    #[error("there is no stack '{0}'")]
    UnknownStack(StackName),
    /// There is no such plan.
    #[error("there is no plan '{0}'")]
    UnknownPlan(PlanId),
    /// A job works for the instance already.
    #[error("a job already works for instance '{instance}'")]
    InstanceConflict {
        /// The instance.
        instance: InstanceId,
        /// The job.
        job: JobId,
    },
    /// A job works on the stack already.
    #[error("a job already works on stack '{stack}'")]
    Conflict {
        /// The stack.
        stack: StackName,
        /// The job.
        job: JobId,
    },
    /// The key of the request was used for another one.
    #[error("the key was used for another request within the last day")]
    KeyReused,
    /// The service is about to end.
    #[error("the service is shutting down and takes no new jobs")]
    ShuttingDown,
    /// The job cannot be recorded.
    #[error("the job cannot be recorded")]
    Store(#[from] StoreError),
}

/// Why a job cannot be cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// There is no such job.
    #[error("there is no job '{0}'")]
    UnknownJob(JobId),
    /// It has ended.
    #[error("the job has ended already: {0}")]
    Ended(JobState),
    /// The job cannot be looked up.
    #[error("the job cannot be looked up")]
    Store(#[from] StoreError),
}

/// Why a job cannot be tried again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// There is no such job.
    #[error("there is no job '{0}'")]
    UnknownJob(JobId),
    /// It has not ended.
    #[error("the job has not ended yet: {0}")]
    NotEnded(JobState),
    /// It is of a kind that cannot be tried again.
    #[error("a job of kind {0} cannot be tried again")]
    Kind(JobKind),
    /// The new job is refused.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The job cannot be looked up.
    #[error("the job cannot be looked up")]
    Store(#[from] StoreError),
}

impl JobEngine {
    /// Queues one backup per request, all or none.
    ///
    /// # Errors
    /// When a stack is unknown or has a job already, the service is shutting down, or a job cannot be recorded.
    pub async fn submit_backups(&self, requests: Vec<BackupRequest>) -> Result<Vec<Job>, SubmitError> {
        // On a task of its own: a client that goes away half-way must not leave a stack taken by a job that never runs.
        let engine = self.clone();
        let submitted = self.0.parts.runtime.spawn(async move { engine.submit(requests).await });
        submitted.await.unwrap_or(Err(SubmitError::ShuttingDown))
    }

    async fn submit(&self, requests: Vec<BackupRequest>) -> Result<Vec<Job>, SubmitError> {
        if self.0.shutdown.is_cancelled() {
            return Err(SubmitError::ShuttingDown);
        }
        let requests = self.find_stacks_of(requests)?;
        let jobs: Vec<Job> = requests.iter().map(|request| self.new_job(request)).collect();
        self.claim(&jobs)?;
        if let Err(error) = self.0.parts.store.insert_jobs(&jobs).await {
            self.release(&jobs);
            return Err(error.into());
        }
        for (job, request) in jobs.iter().zip(requests) {
            self.set_going(&job.id, request);
        }
        Ok(jobs)
    }

    /// Gives each stack the name that it is known by; one that was named twice is wanted once.
    fn find_stacks_of(&self, requests: Vec<BackupRequest>) -> Result<Vec<BackupRequest>, SubmitError> {
        let view = self.0.parts.discovery.view();
        let mut found: Vec<BackupRequest> = Vec::with_capacity(requests.len());
        for request in requests {
            let Some(stack) = view.find_stack(&request.stack) else {
                return Err(SubmitError::UnknownStack(request.stack));
            };
            if found.iter().all(|other| other.stack != stack.name) {
                found.push(BackupRequest { stack: stack.name.clone(), ..request });
            }
        }
        Ok(found)
    }

    /// Asks a job to end; its stack is brought back first.
    ///
    /// # Errors
    /// When there is no such job or it has ended.
    pub async fn cancel(&self, id: &JobId) -> Result<Job, CancelError> {
        if let Some(live) = self.find_live(id) {
            live.log.write(Level::Warning, "cancel was asked for; the stack is brought back first");
            live.cancel.cancel();
            return Ok(live.now());
        }
        match self.0.parts.store.find_job(id).await? {
            Some(job) => Err(CancelError::Ended(job.state)),
            None => Err(CancelError::UnknownJob(id.clone())),
        }
    }

    /// Queues the same work again as a new job.
    ///
    /// # Errors
    /// When there is no such job, it has not ended, or the new job is refused.
    pub async fn retry(&self, id: &JobId, trigger: Trigger) -> Result<Job, RetryError> {
        if let Some(live) = self.find_live(id) {
            return Err(RetryError::NotEnded(live.now().state));
        }
        let job = self.0.parts.store.find_job(id).await?.ok_or_else(|| RetryError::UnknownJob(id.clone()))?;
        let (JobKind::Backup, Some(stack)) = (job.kind, job.stack) else { return Err(RetryError::Kind(job.kind)) };
        let request = BackupRequest { stack, quiesce: job.quiesce, is_dry_run: job.is_dry_run, trigger };
        let jobs = self.submit_backups(vec![request]).await?;
        jobs.into_iter().next().ok_or_else(|| RetryError::UnknownJob(id.clone()))
    }

    fn new_job(&self, request: &BackupRequest) -> Job {
        let now = self.0.parts.clock.now();
        let id = JobId::new(now);
        let stamp = now.with_timezone(&self.0.settings.timezone).format("%Y-%m-%d_%H-%M-%S");
        Job {
            log_file: format!("backup_{}_{stamp}_{id}.log", request.stack),
            id,
            kind: JobKind::Backup,
            state: JobState::Queued,
            stack: Some(request.stack.clone()),
            instance: None,
            plan: None,
            trigger: request.trigger,
            quiesce: request.quiesce,
            is_dry_run: request.is_dry_run,
            queued_at: now,
            started_at: None,
            finished_at: None,
            progress: Progress::default(),
            steps: Step::all_pending(StepName::OF_STACK_BACKUP),
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

    /// Ends a job. Its stack is free before anyone hears of the end: who hears may ask for the next one at once.
    pub(super) async fn end(&self, live: &LiveJob, state: JobState, error: Option<String>) {
        live.record_end(state, error).await;
        self.release(&[live.now()]);
        live.tell_end();
    }

    pub(super) fn make_live(&self, job: Job) -> Arc<LiveJob> {
        let parts = &self.0.parts;
        let path = self.0.settings.log_dir.join(&job.log_file);
        let about = job.stack.as_ref().map(ToString::to_string);
        let log = JobLog::create(path, about, parts.system_log.clone(), parts.clock.clone());
        LiveJob::new(job, log, self.0.events.clone(), parts.store.clone(), parts.clock.clone())
    }

    fn set_going(&self, id: &JobId, request: BackupRequest) {
        let Some(live) = self.find_live(id) else { return };
        live.change(|_| {});
        live.log.write(Level::Info, format!("backup of stack '{}' queued ({})", request.stack, request.trigger));
        let engine = self.clone();
        let task = async move { Box::pin(engine.run_in_turn(&live, &request)).await };
        self.0.tracker.spawn_on(task, &self.0.parts.runtime);
    }

    async fn run_in_turn(&self, live: &Arc<LiveJob>, request: &BackupRequest) {
        let turn = tokio::select! {
            turn = self.0.slots.clone().acquire_owned() => turn.ok(),
            () = live.cancel.cancelled() => None,
            () = self.0.shutdown.cancelled() => None,
        };
        let Some(_turn) = turn else {
            let state = self.state_when_stopped();
            self.end(live, state, Some("it ended before its turn came".into())).await;
            return;
        };
        // A shutdown ends the job as a cancel does: the stack is brought back first.
        let watch_shutdown = async {
            self.0.shutdown.cancelled().await;
            live.cancel.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = self.contained(live, backup::run(self, live, request)) => {},
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
}
