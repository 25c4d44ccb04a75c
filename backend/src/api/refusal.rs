//! What the engine refuses, as problems.

use super::problem::ApiError;
use crate::domain::ids::JobId;
use crate::engine::{BrowseError, CancelError, RetryError, SubmitError};

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::UnknownStack(name) => Self::StackNotFound(name.into()),
            SubmitError::Conflict { stack, job } => Self::JobConflict { stack: stack.into(), job_id: job },
            SubmitError::UnknownPlan(_) | SubmitError::InstanceConflict { .. } => Self::internal(error),
            SubmitError::KeyReused => Self::IdempotencyKeyReused,
            SubmitError::ShuttingDown => Self::ShuttingDown,
            SubmitError::Store(error) => error.into(),
        }
    }
}

impl From<BrowseError> for ApiError {
    fn from(error: BrowseError) -> Self {
        let text = error.to_string();
        match error {
            BrowseError::UnknownSnapshot(id) => Self::SnapshotNotFound(id.into()),
            BrowseError::Removed(_) | BrowseError::Missing(_) => Self::ArchiveMissing(text),
            BrowseError::Damaged(what) => Self::ArchiveDamaged(what),
            BrowseError::NotAnArchive(_) => Self::ArchiveNotIndexed(text),
            BrowseError::NoIndex(reason) => Self::ArchiveNotIndexed(reason),
            BrowseError::MakingIndex => Self::IndexRebuilding,
            BrowseError::UnknownEntry(path) => Self::EntryNotFound(path.to_string()),
            BrowseError::NotADirectory(path) => Self::NotADirectory(path.to_string()),
            BrowseError::NotAFile(path, kind) => Self::NotAFile { path: path.to_string(), kind: kind.as_str() },
            BrowseError::Busy => Self::TooManyRequests { retry_after_secs: 5 },
            BrowseError::ShuttingDown => Self::ShuttingDown,
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
