//! Work for instances and plans: backups by plan, the test of an instance, retention where its data lies.

use crate::backends::{BackendError, FoundSnapshot, Readiness, RepositoryStats};
use crate::domain::job::{Job, Quiesce, Trigger};
use crate::domain::keep::KeepVerdict;
use crate::domain::names::{InstanceId, PlanId, StackName};

use super::{JobEngine, SubmitError};

/// A backup by plan that someone wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRequest {
    /// Which plan.
    pub plan: PlanId,
    /// A stack that is captured by the means of the plan, instead of the plan's own targets.
    pub only: Option<StackName>,
    /// How containers are brought to rest; the plan decides when absent.
    pub quiesce: Option<Quiesce>,
    /// Whether only to show what would be done.
    pub is_dry_run: bool,
    /// What set it off.
    pub trigger: Trigger,
}

/// What a run of a plan would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanPreview {
    /// Containers that would be brought to rest, in the order of the stop, each with how.
    pub stops: Vec<String>,
    /// What would be read: kind, name, estimated bytes, and why not when it would be left out.
    pub targets: Vec<PreviewTarget>,
    /// What retention would remove.
    pub verdicts: Vec<KeepVerdict>,
    /// What is doubtful, in sentences for people.
    pub warnings: Vec<String>,
}

/// One target of a preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewTarget {
    /// What kind of thing it is.
    pub kind: crate::domain::job::TargetKind,
    /// Its name.
    pub name: String,
    /// Estimated bytes; absent when they cannot be told.
    pub size_bytes: Option<u64>,
    /// Why it would be left out.
    pub skipped: Option<String>,
}

/// Why an instance could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// There is no such instance.
    #[error("there is no instance '{0}'")]
    UnknownInstance(InstanceId),
    /// It is not usable as it is.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Why retention was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// There is no such instance.
    #[error("there is no instance '{0}'")]
    UnknownInstance(InstanceId),
    /// The means of backup does not know retention, or could not carry it out.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A job works for the instance.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// What retention did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForgetReport {
    /// What becomes of each snapshot, newest first.
    pub verdicts: Vec<KeepVerdict>,
    /// Bytes freed, when known; absent for a preview.
    pub freed_bytes: Option<u64>,
}

impl JobEngine {
    /// Queues one job per plan, all or none.
    ///
    /// # Errors
    /// When a plan is unknown, has a job already, the service is shutting down, or a job cannot be recorded.
    pub async fn submit_plans(&self, requests: Vec<PlanRequest>) -> Result<Vec<Job>, SubmitError> {
        let _ = requests;
        Err(SubmitError::ShuttingDown)
    }

    /// What a run of the plan would do; nothing is touched.
    ///
    /// # Errors
    /// As [`Self::submit_plans`].
    pub async fn preview_plan(&self, plan: &PlanId) -> Result<PlanPreview, SubmitError> {
        let _ = plan;
        Ok(PlanPreview::default())
    }

    /// Looks whether a run for the instance could succeed. Creates nothing.
    ///
    /// # Errors
    /// When there is no such instance, or it is not usable; the error says what to do.
    pub async fn test_instance(&self, id: &InstanceId) -> Result<Readiness, InstanceError> {
        Err(InstanceError::UnknownInstance(id.clone()))
    }

    /// Carries the retention of an instance's plans out, or shows what it would do.
    ///
    /// # Errors
    /// When there is no such instance, it does not know retention, or it could not be carried out.
    pub async fn forget_instance(&self, id: &InstanceId, is_dry_run: bool) -> Result<ForgetReport, ForgetError> {
        let _ = is_dry_run;
        Err(ForgetError::UnknownInstance(id.clone()))
    }

    /// What lies where the instance stores, newest first; also what others put there.
    ///
    /// # Errors
    /// When there is no such instance, or its place cannot be read.
    pub async fn list_instance_snapshots(&self, id: &InstanceId) -> Result<Vec<FoundSnapshot>, InstanceError> {
        Err(InstanceError::UnknownInstance(id.clone()))
    }

    /// How much lies where the instance stores.
    ///
    /// # Errors
    /// As [`Self::list_instance_snapshots`].
    pub async fn measure_instance(&self, id: &InstanceId) -> Result<RepositoryStats, InstanceError> {
        Err(InstanceError::UnknownInstance(id.clone()))
    }

    /// Queues a check of what lies where the instance stores: a job of kind `verify`.
    ///
    /// # Errors
    /// When there is no such instance, a job works for it, or the job cannot be recorded.
    pub async fn submit_check(&self, id: &InstanceId, trigger: Trigger) -> Result<Job, SubmitError> {
        let _ = (id, trigger);
        Err(SubmitError::ShuttingDown)
    }
}
