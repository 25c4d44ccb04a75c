//! Errors as the API tells them: RFC 9457 `application/problem+json`.
//!
//! This is the only place that knows which situation is which HTTP status. Handlers return [`ApiError`]; the gate
//! ([`super::gate`]) adds the path and the request id and logs what is a fault of ours, once, with its causes.
//!
//! To add a situation: a variant with a sentence for people in `#[error]` (`error.rs`), a line in `kind` (`answer.rs`), a
//! sample in the tests. A code that was published stays what it is: clients compare it. A 5xx never tells its cause to the
//! client; put the cause into `#[source]`, where only the log reads it.

use std::error::Error;

use actix_web::{HttpMessage, HttpRequest};
use serde::{Deserialize, Serialize};
use tracing_actix_web::RequestId;
use utoipa::ToSchema;

mod answer;
mod error;

#[cfg(test)]
mod tests;

pub use error::{ApiError, Cause};

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
    /// The field or parameter; a field within others with its way there.
    #[schema(example = "targets[0].paths[1]")]
    pub name: String,
    /// Where the field is in the body, as a JSON pointer (RFC 6901); only for bodies that are checked as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "/targets/0/paths/1")]
    pub pointer: Option<String>,
    /// What is wrong with it.
    #[schema(example = "a path must stay below the volume, without '..'")]
    pub detail: String,
}

impl FieldError {
    /// `detail` is wrong with `name`.
    pub fn new(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), pointer: None, detail: detail.into() }
    }

    /// `detail` is wrong with what `pointer` points at.
    pub fn at(pointer: &str, detail: impl Into<String>) -> Self {
        Self { name: name_of(pointer), pointer: Some(pointer.to_owned()), detail: detail.into() }
    }
}

/// A pointer as people write the way to a field: `/targets/0/paths/1` is `targets[0].paths[1]`.
fn name_of(pointer: &str) -> String {
    let mut name = String::new();
    for part in pointer.split('/').skip(1) {
        if part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() {
            name += &format!("[{part}]");
        } else {
            name += if name.is_empty() { "" } else { "." };
            name += &part.replace("~1", "/").replace("~0", "~");
        }
    }
    name
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
