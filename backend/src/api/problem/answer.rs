//! How a situation is answered: status, code, headers, body.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};

use super::{ApiError, FieldError, MEDIA_TYPE, Place, Problem, chain};

/// Status, code and title of a situation.
struct Kind(StatusCode, &'static str, &'static str);

impl ApiError {
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
            Self::RestoreNotFound(_) => Kind(S::NOT_FOUND, "restore_not_found", "Restore not found"),
            Self::RestoreRefused(_) => Kind(S::CONFLICT, "restore_refused", "Not restored"),
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
            Self::InstanceNotFound(_) => Kind(S::NOT_FOUND, "instance_not_found", "Instance not found"),
            Self::PlanNotFound(_) => Kind(S::NOT_FOUND, "plan_not_found", "Plan not found"),
            Self::ReadOnly(_) => Kind(S::CONFLICT, "read_only", "Not changed here"),
            Self::NothingStored(_) => Kind(S::CONFLICT, "nothing_stored", "Nothing is stored"),
            Self::IdTaken(_) => Kind(S::CONFLICT, "id_taken", "The id is taken"),
            Self::InUse(_) => Kind(S::CONFLICT, "in_use", "In use"),
            Self::NotSupported(_) => Kind(S::CONFLICT, "not_supported", "Not supported by the instance"),
            Self::InstanceNotReady(_) => Kind(S::CONFLICT, "instance_not_ready", "The instance is not usable"),
            Self::InstanceFailed(..) => Kind(S::BAD_GATEWAY, "instance_failed", "The instance failed"),
            Self::BackrestNotConfigured => Kind(S::NOT_FOUND, "backrest_not_configured", "No Backrest is configured"),
            Self::BackrestFailed(_) => Kind(S::BAD_GATEWAY, "backrest_failed", "Backrest failed"),
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
            Self::InstanceFailed(_, Some(cause)) => {
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
