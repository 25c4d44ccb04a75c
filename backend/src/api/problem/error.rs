//! The situations in which a request is not carried out.

use std::error::Error;

use super::FieldError;
use crate::domain::access::Scope;
use crate::domain::ids::JobId;
use crate::domain::job::JobKind;
use crate::domain::names::InvalidName;
use crate::store::StoreError;

/// A cause that only the log gets to see.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why a request is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// There is no such stack.
    #[error("no stack is called '{0}'")]
    StackNotFound(String),
    /// There is no such job.
    #[error("no job has the id '{0}'")]
    JobNotFound(String),
    /// There is no such snapshot.
    #[error("no snapshot has the id '{0}'")]
    SnapshotNotFound(String),
    /// There is no such restore.
    #[error("no restore has the id '{0}'")]
    RestoreNotFound(String),
    /// A restore cannot be done as it is asked for.
    #[error("{0}")]
    RestoreRefused(String),
    /// There is no snapshot that is complete and sound.
    #[error("{0}")]
    NothingStored(String),
    /// The archive of the snapshot has no such entry.
    #[error("the snapshot has no entry '{0}'")]
    EntryNotFound(String),
    /// The archive of the snapshot is gone.
    #[error("{0}")]
    ArchiveMissing(String),
    /// The archive of the snapshot is not what was recorded.
    #[error("the archive is damaged: {0}")]
    ArchiveDamaged(String),
    /// The archive of the snapshot has no index, and none can be made.
    #[error("{0}")]
    ArchiveNotIndexed(String),
    /// The index of the archive is being made.
    #[error("the index of the archive is being made anew; try again soon")]
    IndexRebuilding,
    /// The entry is no directory.
    #[error("'{0}' is not a directory")]
    NotADirectory(String),
    /// The entry has no content.
    #[error(
        "'{path}' is a {kind} and has no content of its own; archive=tar gives directories with all that is in them"
    )]
    NotAFile {
        /// Where it is in the archive.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// No byte of the file is in the range that was asked for.
    #[error("the file has {size_bytes} bytes, and none is in the range")]
    RangeNotSatisfiable {
        /// Size of the file.
        size_bytes: u64,
    },
    /// There is no such log, or its file is gone.
    #[error("there is no log '{0}'")]
    LogNotFound(String),
    /// There is no such instance.
    #[error("no instance is called '{0}'")]
    InstanceNotFound(String),
    /// There is no such plan.
    #[error("no plan is called '{0}'")]
    PlanNotFound(String),
    /// An instance or plan comes from the configuration or from labels.
    #[error("'{0}' is written down in the configuration or in labels, and is changed there")]
    ReadOnly(String),
    /// The id is that of another instance or plan.
    #[error("'{0}' is the id of another instance or plan")]
    IdTaken(String),
    /// A plan uses the instance.
    #[error("the plan '{0}' uses the instance; remove or change the plan first")]
    InUse(String),
    /// The backend of the instance does not know how.
    #[error("{0}")]
    NotSupported(&'static str),
    /// What the instance stores to cannot be used as it is.
    #[error("{0}")]
    InstanceNotReady(String),
    /// The backend of the instance tried and did not manage.
    #[error("{0}")]
    InstanceFailed(String, #[source] Option<Cause>),
    /// The configuration names no Backrest.
    #[error("no Backrest is configured; the section `backrest` of the configuration names one")]
    BackrestNotConfigured,
    /// Backrest, or what is asked of it, failed.
    #[error("{0}")]
    BackrestFailed(String),
    /// There is no such token.
    #[error("no token has the id '{0}'")]
    TokenNotFound(String),
    /// The body is not what the operation takes.
    #[error("the body is not valid: {detail}")]
    InvalidBody {
        /// What is wrong with it.
        detail: String,
        /// By field, where that is known.
        errors: Vec<FieldError>,
    },
    /// A query parameter is not what the operation takes.
    #[error("the parameter '{parameter}' is not valid: {detail}")]
    InvalidQuery {
        /// Its name.
        parameter: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A part of the path is not what the operation takes.
    #[error("the path is not valid: {0}")]
    InvalidPath(String),
    /// A name has characters or a length that no name may have.
    #[error("the name is not valid: {0}")]
    InvalidName(InvalidName),
    /// The cursor is not one of this list.
    #[error("the cursor is not one that this list gave out; start again without one")]
    InvalidCursor,
    /// The stack or instance is already being worked on.
    #[error("{subject} already has an unfinished job")]
    JobConflict {
        /// What: `stack 'blog'`, `instance 'nas'`.
        subject: String,
        /// The job that works on it.
        job_id: JobId,
    },
    /// The job has ended, so it cannot be cancelled.
    #[error("job '{0}' has already ended")]
    JobFinished(JobId),
    /// The job has not ended, so it cannot be tried again.
    #[error("job '{0}' has not ended yet")]
    JobUnfinished(JobId),
    /// A job of this kind cannot be tried again.
    #[error("a job of the kind '{0}' cannot be tried again")]
    JobNotRetryable(JobKind),
    /// The key of the request was used for another one.
    #[error("the Idempotency-Key was used for another request within the last day; use a new one")]
    IdempotencyKeyReused,
    /// The Docker Engine does not answer.
    #[error("the Docker Engine does not answer")]
    EngineUnreachable(#[source] Cause),
    /// The database does not answer.
    #[error("the database does not answer")]
    StoreUnavailable(#[source] Cause),
    /// The service is about to end.
    #[error("the service is shutting down")]
    ShuttingDown,
    /// Nobody is signed in.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// Whoever is signed in may not do this.
    #[error("this needs the scope '{needed}', the token has '{present}'")]
    Forbidden {
        /// What the operation needs.
        needed: Scope,
        /// What the token has.
        present: Scope,
    },
    /// A write by a browser that does not prove that it comes from our own pages.
    #[error("a write from a browser needs the header 'X-Requested-With'")]
    Csrf,
    /// Too many attempts.
    #[error("too many attempts; try again in {retry_after_secs} s")]
    TooManyRequests {
        /// When to try again.
        retry_after_secs: u64,
    },
    /// The body is too large.
    #[error("the body is larger than {limit_bytes} bytes")]
    PayloadTooLarge {
        /// The largest that is taken.
        limit_bytes: usize,
    },
    /// The operation does not take this media type.
    #[error("the body must be sent as {0}")]
    UnsupportedMediaType(&'static str),
    /// There is nothing at this path.
    #[error("there is nothing at this path")]
    NotFound,
    /// The path takes other methods.
    #[error("this path takes {allow}")]
    MethodNotAllowed {
        /// Those methods, as in the header `Allow`.
        allow: String,
    },
    /// The HTTP layer refused the request before a handler saw it.
    #[error("the request is not valid")]
    BadRequest,
    /// Anything else; a fault of ours.
    #[error("an unexpected error happened; the log tells more under this request id")]
    Internal(#[source] Cause),
}

impl ApiError {
    /// A fault of ours, with its cause.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    /// A query parameter that is not what it should be.
    pub fn invalid_query(parameter: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::InvalidQuery { parameter: parameter.into(), detail: detail.into() }
    }

    /// A body whose field `name` is not what it should be.
    pub fn invalid_field(name: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::InvalidBody { detail: format!("{name}: {detail}"), errors: vec![FieldError::new(name, detail)] }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::StoreUnavailable(Box::new(error))
    }
}

impl From<InvalidName> for ApiError {
    fn from(error: InvalidName) -> Self {
        Self::InvalidName(error)
    }
}
