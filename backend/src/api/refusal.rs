//! What the engine refuses, as problems.

use super::problem::ApiError;
use crate::domain::ids::JobId;
use crate::engine::backrest::BackrestRunError;
use crate::engine::registry::RegistryError;
use crate::engine::{BackendError, BrowseError, CancelError, ForgetError, InstanceError, RetryError, SubmitError};

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::UnknownStack(name) => Self::StackNotFound(name.into()),
            SubmitError::UnknownPlan(id) => Self::PlanNotFound(id.into()),
            SubmitError::UnknownSnapshot(id) => Self::SnapshotNotFound(id.into()),
            error @ SubmitError::NothingStored(_) => Self::NothingStored(error.to_string()),
            error @ SubmitError::SnapshotRemoved(_) => Self::ArchiveMissing(error.to_string()),
            SubmitError::Conflict { stack, job } => {
                Self::JobConflict { subject: format!("stack '{stack}'"), job_id: job }
            }
            SubmitError::PlanConflict { plan, job } => {
                Self::JobConflict { subject: format!("plan '{plan}'"), job_id: job }
            }
            SubmitError::InstanceConflict { instance, job } => {
                Self::JobConflict { subject: format!("instance '{instance}'"), job_id: job }
            }
            SubmitError::UnknownRestore(id) => Self::RestoreNotFound(id.into()),
            SubmitError::Refused(why) => Self::RestoreRefused(why),
            SubmitError::KeyReused => Self::IdempotencyKeyReused,
            SubmitError::ShuttingDown => Self::ShuttingDown,
            SubmitError::Store(error) => error.into(),
        }
    }
}

impl From<BackrestRunError> for ApiError {
    fn from(error: BackrestRunError) -> Self {
        match error {
            BackrestRunError::NoApi => Self::NotSupported("the address of Backrest's API is not configured"),
            BackrestRunError::Submit(error) => error.into(),
        }
    }
}

impl From<BackendError> for ApiError {
    fn from(error: BackendError) -> Self {
        let text = error.to_string();
        match error {
            BackendError::NotSupported(what) => Self::NotSupported(what),
            BackendError::NotReady(why) | BackendError::Absent(why) => Self::InstanceNotReady(why),
            BackendError::Gone(what) => Self::ArchiveMissing(what),
            BackendError::Failed { message, source } => Self::InstanceFailed(message, source),
            BackendError::Cancelled | BackendError::Stalled { .. } => Self::InstanceFailed(text, None),
        }
    }
}

impl From<InstanceError> for ApiError {
    fn from(error: InstanceError) -> Self {
        match error {
            InstanceError::UnknownInstance(id) => Self::InstanceNotFound(id.into()),
            InstanceError::Backend(error) => error.into(),
        }
    }
}

impl From<ForgetError> for ApiError {
    fn from(error: ForgetError) -> Self {
        match error {
            ForgetError::UnknownInstance(id) => Self::InstanceNotFound(id.into()),
            ForgetError::Backend(error) => error.into(),
            ForgetError::Submit(error) => error.into(),
        }
    }
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::UnknownInstance(id) => Self::InstanceNotFound(id.into()),
            RegistryError::UnknownPlan(id) => Self::PlanNotFound(id.into()),
            RegistryError::Taken(id) => Self::IdTaken(id),
            RegistryError::ReadOnly(id) => Self::ReadOnly(id),
            RegistryError::InUse(plan) => Self::InUse(plan.into()),
            RegistryError::Store(error) => error.into(),
        }
    }
}

/// Why a job of an instance's own plan is not queued: the plan is unknown only when the instance is.
pub(crate) fn of_own_plan(error: SubmitError) -> ApiError {
    match error {
        SubmitError::UnknownPlan(id) => ApiError::InstanceNotFound(id.into()),
        error => error.into(),
    }
}

impl From<BrowseError> for ApiError {
    fn from(error: BrowseError) -> Self {
        let text = error.to_string();
        match error {
            BrowseError::UnknownSnapshot(id) => Self::SnapshotNotFound(id.into()),
            BrowseError::Removed(_) | BrowseError::Missing(_) => Self::ArchiveMissing(text),
            BrowseError::Damaged(what) => Self::ArchiveDamaged(what),
            BrowseError::NotAnArchive(_) | BrowseError::InstanceGone(_) => Self::ArchiveNotIndexed(text),
            BrowseError::NoIndex(reason) => {
                Self::ArchiveNotIndexed(format!("the archive cannot be looked into: {reason}; `tar` takes it apart"))
            }
            BrowseError::MakingIndex => Self::IndexRebuilding,
            BrowseError::UnknownEntry(path) => Self::EntryNotFound(path.to_string()),
            BrowseError::NotADirectory(path) => Self::NotADirectory(path.to_string()),
            BrowseError::NotAFile(path, kind) => Self::NotAFile { path: path.to_string(), kind: kind.as_str() },
            BrowseError::Busy => Self::TooManyRequests { retry_after_secs: 5 },
            BrowseError::ShuttingDown => Self::ShuttingDown,
            BrowseError::Backend(error) => error.into(),
            BrowseError::Io(error) => Self::internal(error),
            BrowseError::Store(error) => error.into(),
        }
    }
}

/// Why the job `id` is not cancelled.
pub(crate) fn of_cancel(error: CancelError, id: JobId) -> ApiError {
    match error {
        CancelError::UnknownJob(id) => ApiError::JobNotFound(id.into()),
        CancelError::Ended(_) => ApiError::JobFinished(id),
        CancelError::Store(error) => error.into(),
    }
}

/// Why the job `id` is not tried again.
pub(crate) fn of_retry(error: RetryError, id: JobId) -> ApiError {
    match error {
        RetryError::UnknownJob(id) => ApiError::JobNotFound(id.into()),
        RetryError::NotEnded(_) => ApiError::JobUnfinished(id),
        RetryError::Kind(kind) => ApiError::JobNotRetryable(kind),
        RetryError::Submit(error) => error.into(),
        RetryError::Store(error) => error.into(),
    }
}
