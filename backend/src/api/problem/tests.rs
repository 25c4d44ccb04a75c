//! Every situation, as it is told.

use std::collections::BTreeSet;

use actix_web::body::to_bytes;
use chrono::DateTime;

use super::*;
use crate::domain::access::Scope;
use crate::domain::ids::JobId;
use crate::domain::job::JobKind;
use crate::domain::names::InvalidName;

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
        ApiError::NothingStored("a".into()),
        ApiError::ArchiveDamaged("a".into()),
        ApiError::ArchiveNotIndexed("a".into()),
        ApiError::IndexRebuilding,
        ApiError::NotADirectory("a".into()),
        ApiError::NotAFile { path: "a".into(), kind: "directory" },
        ApiError::RangeNotSatisfiable { size_bytes: 1 },
        ApiError::LogNotFound("a".into()),
        ApiError::TokenNotFound("a".into()),
        ApiError::InstanceNotFound("a".into()),
        ApiError::PlanNotFound("a".into()),
        ApiError::ReadOnly("a".into()),
        ApiError::IdTaken("a".into()),
        ApiError::InUse("a".into()),
        ApiError::NotSupported("a"),
        ApiError::InstanceNotReady("a".into()),
        ApiError::InstanceFailed("a".into(), Some(cause())),
        ApiError::BackrestNotConfigured,
        ApiError::BackrestFailed("a".into()),
        ApiError::invalid_field("a", "b"),
        ApiError::invalid_query("a", "b"),
        ApiError::InvalidPath("a".into()),
        ApiError::InvalidName(InvalidName::Empty),
        ApiError::InvalidCursor,
        ApiError::JobConflict { subject: "stack 'a'".into(), job_id: job() },
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
    let answer = ApiError::JobConflict { subject: "stack 'blog'".into(), job_id: job_id.clone() }.respond(&place);
    assert_eq!(answer.status(), 409);
    assert_eq!(answer.headers().get("content-type").expect("a type"), MEDIA_TYPE);
    let problem: Problem = serde_json::from_slice(&to_bytes(answer.into_body()).await.expect("a body")).expect("JSON");
    assert_eq!(problem.job_id, Some(job_id.to_string()));
    assert_eq!((problem.instance.as_deref(), problem.request_id.as_deref()), (Some("/p"), Some("r")));
}

#[test]
fn answers_carry_the_headers_of_their_kind() {
    fn header(error: &ApiError, name: &str) -> Option<String> {
        error.respond(&Place::default()).headers().get(name).map(|v| v.to_str().expect("text").to_owned())
    }
    assert_eq!(header(&ApiError::MethodNotAllowed { allow: "GET, PUT".into() }, "allow").as_deref(), Some("GET, PUT"));
    assert_eq!(header(&ApiError::TooManyRequests { retry_after_secs: 7 }, "retry-after").as_deref(), Some("7"));
    assert!(header(&ApiError::Unauthenticated("x"), "www-authenticate").is_some());
}

#[test]
fn a_pointer_has_a_name_for_people() {
    let name = |pointer| FieldError::at(pointer, "").name;
    assert_eq!(name("/targets/0/paths/12"), "targets[0].paths[12]");
    assert_eq!(name("/env/A~1B~0C"), "env.A/B~C");
    assert_eq!((name("/schedule"), name("")), ("schedule".into(), String::new()));
}
