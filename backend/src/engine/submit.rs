//! Taking requests: who may run, and what is refused.

use chrono::{DateTime, Utc};

use crate::domain::ids::{JobId, SnapshotId};
use crate::domain::job::{Job, JobKind, JobState, Quiesce, StepName, Trigger};
use crate::domain::log::Level;
use crate::domain::names::{InstanceId, PlanId, StackName};
use crate::store::StoreError;

use super::JobEngine;
use super::errand::{Errand, NewJob};
use super::plans::PlanRequest;

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
    /// A job has Backrest run the plan already.
    #[error("a job has Backrest run plan '{plan}' already")]
    PlanConflict {
        /// The plan.
        plan: String,
        /// The job.
        job: JobId,
    },
    /// There is no such snapshot.
    #[error("there is no snapshot '{0}'")]
    UnknownSnapshot(SnapshotId),
    /// There is no such restore.
    #[error("job '{0}' is no restore, or there is no such job")]
    UnknownRestore(JobId),
    /// It cannot be done as it is asked for; says why, and what to do.
    #[error("{0}")]
    Refused(String),
    /// The snapshot was removed.
    #[error("the snapshot was removed at {0}")]
    SnapshotRemoved(DateTime<Utc>),
    /// There is nothing that is complete and sound.
    #[error("{0} has no snapshot that is complete and not damaged")]
    NothingStored(String),
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
        let wanted = requests.into_iter().map(|request| (self.backup_job(&request), Errand::Stack(request)));
        self.queue(wanted.collect()).await
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

    /// Asks a job to end; what it brought to rest is brought back first.
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

    /// The plan of a job that has ended and worked for no instance: Backrest ran it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn find_plan_to_retry(&self, id: &JobId) -> Result<Option<PlanId>, StoreError> {
        if self.find_live(id).is_some() {
            return Ok(None);
        }
        let job = self.0.parts.store.find_job(id).await?;
        let of_backrest = job.filter(|job| job.kind == JobKind::Backup && job.instance.is_none());
        Ok(of_backrest.and_then(|job| job.plan).and_then(|plan| plan.parse().ok()))
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
        let (quiesce, is_dry_run) = (job.quiesce, job.is_dry_run);
        let plan = job.plan.as_deref().and_then(|plan| plan.parse::<PlanId>().ok());
        let instance = job.instance.as_deref().and_then(|instance| instance.parse::<InstanceId>().ok());
        if let (JobKind::Verify, Some(snapshot)) = (job.kind, &job.snapshot_id) {
            return Ok(self.submit_verify(snapshot, trigger).await?);
        }
        if let (JobKind::Drill, Some(snapshot)) = (job.kind, &job.snapshot_id) {
            return Ok(self.submit_drill(snapshot, trigger).await?);
        }
        let jobs = match (job.kind, plan, job.stack, instance) {
            (JobKind::Backup, Some(plan), only, _) => {
                self.submit_plans(vec![PlanRequest { plan, only, quiesce, is_dry_run, trigger }]).await?
            }
            (JobKind::Backup, None, Some(stack), _) => {
                self.submit_backups(vec![BackupRequest { stack, quiesce, is_dry_run, trigger }]).await?
            }
            (JobKind::Verify, _, _, Some(instance)) => vec![self.submit_check(&instance, trigger).await?],
            (JobKind::Restore, ..) => vec![self.retry_restore(id, trigger).await?],
            (kind, ..) => return Err(RetryError::Kind(kind)),
        };
        jobs.into_iter().next().ok_or_else(|| RetryError::UnknownJob(id.clone()))
    }

    fn backup_job(&self, request: &BackupRequest) -> Job {
        self.new_job(NewJob {
            kind: JobKind::Backup,
            name: request.stack.as_str(),
            stack: Some(request.stack.clone()),
            instance: None,
            plan: None,
            trigger: request.trigger,
            quiesce: request.quiesce,
            is_dry_run: request.is_dry_run,
            steps: StepName::OF_STACK_BACKUP,
        })
    }
}
