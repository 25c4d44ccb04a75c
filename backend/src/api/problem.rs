//! Errors as the API tells them: RFC 9457 `application/problem+json`.
//!
//! This is the only place that knows which situation is which HTTP status. Handlers return [`ApiError`]; the gate
//! ([`super::gate`]) adds the path and the request id and logs what is a fault of ours, once, with its causes.
//!
//! To add a situation: a variant with a sentence for people in `#[error]`, a line in [`ApiError::kind`], a sample in
//! the tests. A code that was published stays what it is: clients compare it. A 5xx never tells its cause to the
//! client; put the cause into `#[source]`, where only the log reads it.

use std::error::Error;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use tracing_actix_web::RequestId;
use utoipa::ToSchema;

use crate::domain::access::Scope;
use crate::domain::ids::JobId;
use crate::domain::job::JobKind;
use crate::domain::names::InvalidName;
use crate::store::StoreError;

/// The media type of every error answer.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was not carried out (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:mainstay:problem:stack_not_found",
    "title": "Stack not found",
    "status": 404,
    "detail": "no stack is called 'blog'",
    "instance": "/api/v1/stacks/blog",
    "code": "stack_not_found",
    "request_id": "6f1f6a5e-9d3c-4c57-a1a5-0b8f6b1f3f0e"
}))]
pub struct Problem {
    /// The kind of problem as a URN; ends with `code`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request, in a sentence for people.
    pub detail: String,
    /// The path that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The kind of problem as a word that never changes; compare this one.
    pub code: String,
    /// Names the request in the service's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What is wrong with which field or parameter, where that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The job that is in the way; only with `job_conflict`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
}

/// What is wrong with one field or parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The field or parameter.
    #[schema(example = "limit")]
    pub name: String,
    /// What is wrong with it.
    #[schema(example = "'abc' is not a whole number")]
    pub detail: String,
}

impl FieldError {
    /// `detail` is wrong with `name`.
    pub fn new(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), detail: detail.into() }
    }
}

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
    /// The archive of the snapshot has no such entry.
    #[error("the archive has no entry '{0}'")]
    EntryNotFound(String),
    /// The archive of the snapshot is gone.
    #[error("{0}")]
    ArchiveMissing(String),
    /// The archive of the snapshot is not what was recorded.
    #[error("the archive is damaged: {0}")]
    ArchiveDamaged(String),
    /// The archive of the snapshot has no index, and none can be made.
    #[error("the archive cannot be looked into: {0}; `tar` takes it apart")]
    ArchiveNotIndexed(String),
    /// The index of the archive is being made.
    #[error("the index of the archive is being made anew; try again soon")]
    IndexRebuilding,
    /// The entry is no directory.
    #[error("'{0}' is not a directory")]
    NotADirectory(String),
    /// The entry has no content.
    #[error("'{path}' is a {kind} and has no content of its own; `tar` takes it out of the archive")]
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
    /// The stack is already being worked on.
    #[error("stack '{stack}' already has an unfinished job")]
    JobConflict {
        /// The stack.
        stack: String,
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

/// Status, code and title of a situation.
struct Kind(StatusCode, &'static str, &'static str);

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

    /// The word that never changes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind().1
    }

    fn kind(&self) -> Kind {
        use StatusCode as S;
        match self {
            Self::StackNotFound(_) => Kind(S::NOT_FOUND, "stack_not_found", "Stack not found"),
            Self::JobNotFound(_) => Kind(S::NOT_FOUND, "job_not_found", "Job not found"),
            Self::SnapshotNotFound(_) => Kind(S::NOT_FOUND, "snapshot_not_found", "Snapshot not found"),
            Self::EntryNotFound(_) => Kind(S::NOT_FOUND, "entry_not_found", "Entry not found"),
            Self::ArchiveMissing(_) => Kind(S::NOT_FOUND, "archive_missing", "Archive missing"),
            Self::ArchiveDamaged(_) => Kind(S::CONFLICT, "archive_damaged", "Archive damaged"),
            Self::ArchiveNotIndexed(_) => Kind(S::CONFLICT, "archive_not_indexed", "Archive without an index"),
            Self::IndexRebuilding => Kind(S::SERVICE_UNAVAILABLE, "index_rebuilding", "Index in the making"),
            Self::NotADirectory(_) => Kind(S::CONFLICT, "not_a_directory", "Not a directory"),
            Self::NotAFile { .. } => Kind(S::CONFLICT, "not_a_file", "Not a file"),
            Self::RangeNotSatisfiable { .. } => {
                Kind(S::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", "Range not satisfiable")
            }
            Self::LogNotFound(_) => Kind(S::NOT_FOUND, "log_not_found", "Log not found"),
            Self::TokenNotFound(_) => Kind(S::NOT_FOUND, "token_not_found", "Token not found"),
            Self::InvalidBody { .. } => Kind(S::BAD_REQUEST, "invalid_body", "Invalid body"),
            Self::InvalidQuery { .. } => Kind(S::BAD_REQUEST, "invalid_query", "Invalid query parameter"),
            Self::InvalidPath(_) => Kind(S::BAD_REQUEST, "invalid_path", "Invalid path"),
            Self::InvalidName(_) => Kind(S::BAD_REQUEST, "invalid_name", "Invalid name"),
            Self::InvalidCursor => Kind(S::BAD_REQUEST, "invalid_cursor", "Invalid cursor"),
            Self::JobConflict { .. } => Kind(S::CONFLICT, "job_conflict", "Another job is at work"),
            Self::JobFinished(_) => Kind(S::CONFLICT, "job_finished", "The job has ended"),
            Self::JobUnfinished(_) => Kind(S::CONFLICT, "job_unfinished", "The job has not ended"),
            Self::JobNotRetryable(_) => Kind(S::CONFLICT, "job_not_retryable", "The job cannot be tried again"),
            Self::IdempotencyKeyReused => {
                Kind(S::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "The key belongs to another request")
            }
            Self::EngineUnreachable(_) => {
                Kind(S::SERVICE_UNAVAILABLE, "engine_unreachable", "Docker Engine unreachable")
            }
            Self::StoreUnavailable(_) => Kind(S::SERVICE_UNAVAILABLE, "store_unavailable", "Database unavailable"),
            Self::ShuttingDown => Kind(S::SERVICE_UNAVAILABLE, "shutting_down", "Shutting down"),
            Self::Unauthenticated(_) => Kind(S::UNAUTHORIZED, "unauthenticated", "Not signed in"),
            Self::Forbidden { .. } => Kind(S::FORBIDDEN, "forbidden", "Not allowed"),
            Self::Csrf => Kind(S::FORBIDDEN, "csrf", "Cross-site request refused"),
            Self::TooManyRequests { .. } => Kind(S::TOO_MANY_REQUESTS, "too_many_requests", "Too many attempts"),
            Self::PayloadTooLarge { .. } => Kind(S::PAYLOAD_TOO_LARGE, "payload_too_large", "Body too large"),
            Self::UnsupportedMediaType(_) => {
                Kind(S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type")
            }
            Self::NotFound => Kind(S::NOT_FOUND, "not_found", "Not found"),
            Self::MethodNotAllowed { .. } => Kind(S::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed"),
            Self::BadRequest => Kind(S::BAD_REQUEST, "bad_request", "Invalid request"),
            Self::Internal(_) => Kind(S::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
        }
    }

    /// What the client gets to read.
    #[must_use]
    pub fn problem(&self, place: &Place) -> Problem {
        let Kind(status, code, title) = self.kind();
        let errors = match self {
            Self::InvalidBody { errors, .. } => errors.clone(),
            Self::InvalidQuery { parameter, detail } => vec![FieldError::new(parameter, detail)],
            _ => Vec::new(),
        };
        let job_id = if let Self::JobConflict { job_id, .. } = self { Some(job_id.to_string()) } else { None };
        Problem {
            kind: format!("urn:mainstay:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.to_string(),
            instance: place.path.clone(),
            code: code.to_owned(),
            request_id: place.request_id.clone(),
            errors,
            job_id,
        }
    }

    /// The answer to the request at `place`.
    #[must_use]
    pub fn respond(&self, place: &Place) -> HttpResponse {
        let mut answer = HttpResponse::build(self.kind().0);
        answer.insert_header((header::CONTENT_TYPE, MEDIA_TYPE)).insert_header((header::CACHE_CONTROL, "no-store"));
        match self {
            Self::MethodNotAllowed { allow } => {
                answer.insert_header((header::ALLOW, allow.as_str()));
            }
            Self::TooManyRequests { retry_after_secs } => {
                answer.insert_header((header::RETRY_AFTER, retry_after_secs.to_string()));
            }
            Self::IndexRebuilding => {
                answer.insert_header((header::RETRY_AFTER, "2"));
            }
            Self::RangeNotSatisfiable { size_bytes } => {
                answer.insert_header((header::CONTENT_RANGE, format!("bytes */{size_bytes}")));
            }
            Self::Unauthenticated(_) => {
                answer.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"mainstay\"")));
            }
            _ => {}
        }
        answer.body(serde_json::to_vec(&self.problem(place)).unwrap_or_default())
    }

    /// Tells the log about a fault of ours; a client's mistake is not worth a line.
    pub fn log(&self, place: &Place) {
        let (path, request_id) = (place.path.as_deref().unwrap_or(""), place.request_id.as_deref().unwrap_or(""));
        match self {
            Self::Internal(cause) => {
                tracing::error!(path, request_id, "a request failed: {}", chain(cause.as_ref()));
            }
            Self::EngineUnreachable(cause) | Self::StoreUnavailable(cause) => {
                tracing::warn!(path, request_id, "a request failed: {self}: {}", chain(cause.as_ref()));
            }
            _ => {}
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.kind().0
    }

    fn error_response(&self) -> HttpResponse {
        self.respond(&Place::default())
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

/// Which request an answer belongs to.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The path that was asked for, without the query, which may hold what nobody else should read.
    pub path: Option<String>,
    /// Names the request in the log.
    pub request_id: Option<String>,
}

impl Place {
    /// Of `req`.
    #[must_use]
    pub fn of(req: &HttpRequest) -> Self {
        let request_id = req.extensions().get::<RequestId>().map(ToString::to_string);
        Self { path: Some(req.path().to_owned()), request_id }
    }
}

/// An error and its causes on one line.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    std::iter::successors(Some(error), |&e| e.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use actix_web::body::to_bytes;
    use chrono::DateTime;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("opening the database")]
    struct Outer(#[source] std::io::Error);

    fn cause() -> Cause {
        Box::new(Outer(std::io::Error::other("/secret/place is gone")))
    }

    fn samples() -> Vec<ApiError> {
        let job = || JobId::new(DateTime::UNIX_EPOCH);
        vec![
            ApiError::StackNotFound("a".into()),
            ApiError::JobNotFound("a".into()),
            ApiError::SnapshotNotFound("a".into()),
            ApiError::EntryNotFound("a".into()),
            ApiError::ArchiveMissing("a".into()),
            ApiError::ArchiveDamaged("a".into()),
            ApiError::ArchiveNotIndexed("a".into()),
            ApiError::IndexRebuilding,
            ApiError::NotADirectory("a".into()),
            ApiError::NotAFile { path: "a".into(), kind: "directory" },
            ApiError::RangeNotSatisfiable { size_bytes: 1 },
            ApiError::LogNotFound("a".into()),
            ApiError::TokenNotFound("a".into()),
            ApiError::invalid_field("a", "b"),
            ApiError::invalid_query("a", "b"),
            ApiError::InvalidPath("a".into()),
            ApiError::InvalidName(InvalidName::Empty),
            ApiError::InvalidCursor,
            ApiError::JobConflict { stack: "a".into(), job_id: job() },
            ApiError::JobFinished(job()),
            ApiError::JobUnfinished(job()),
            ApiError::JobNotRetryable(JobKind::Forget),
            ApiError::IdempotencyKeyReused,
            ApiError::EngineUnreachable(cause()),
            ApiError::StoreUnavailable(cause()),
            ApiError::ShuttingDown,
            ApiError::Unauthenticated("sign in"),
            ApiError::Forbidden { needed: Scope::Admin, present: Scope::Read },
            ApiError::Csrf,
            ApiError::TooManyRequests { retry_after_secs: 7 },
            ApiError::PayloadTooLarge { limit_bytes: 1 },
            ApiError::UnsupportedMediaType("application/json"),
            ApiError::NotFound,
            ApiError::MethodNotAllowed { allow: "GET".into() },
            ApiError::BadRequest,
            ApiError::internal(cause()),
        ]
    }

    #[test]
    fn every_situation_has_a_code_of_its_own() {
        let samples = samples();
        let codes: BTreeSet<_> = samples.iter().map(ApiError::code).collect();
        assert_eq!(codes.len(), samples.len());
        for code in codes {
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
        }
    }

    #[actix_web::test]
    async fn no_server_error_tells_its_cause_and_the_log_gets_all_of_it() {
        for error in samples() {
            let text = to_bytes(error.respond(&Place::default()).into_body()).await.expect("a body");
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains("secret") && !text.contains("opening"), "{text}");
        }
        assert_eq!(chain(&Outer(std::io::Error::other("gone"))), "opening the database: gone");
    }

    #[actix_web::test]
    async fn a_conflict_names_the_job_and_the_place() {
        let job_id = JobId::new(DateTime::UNIX_EPOCH);
        let place = Place { path: Some("/p".into()), request_id: Some("r".into()) };
        let answer = ApiError::JobConflict { stack: "blog".into(), job_id: job_id.clone() }.respond(&place);
        assert_eq!(answer.status(), 409);
        assert_eq!(answer.headers().get("content-type").expect("a type"), MEDIA_TYPE);
        let problem: Problem =
            serde_json::from_slice(&to_bytes(answer.into_body()).await.expect("a body")).expect("JSON");
        assert_eq!(problem.job_id, Some(job_id.to_string()));
        assert_eq!((problem.instance.as_deref(), problem.request_id.as_deref()), (Some("/p"), Some("r")));
    }

    #[test]
    fn answers_carry_the_headers_of_their_kind() {
        fn header(error: &ApiError, name: &str) -> Option<String> {
            error.respond(&Place::default()).headers().get(name).map(|v| v.to_str().expect("text").to_owned())
        }
        assert_eq!(
            header(&ApiError::MethodNotAllowed { allow: "GET, PUT".into() }, "allow").as_deref(),
            Some("GET, PUT")
        );
        assert_eq!(header(&ApiError::TooManyRequests { retry_after_secs: 7 }, "retry-after").as_deref(), Some("7"));
        assert!(header(&ApiError::Unauthenticated("x"), "www-authenticate").is_some());
    }
}
