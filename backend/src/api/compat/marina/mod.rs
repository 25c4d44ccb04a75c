//! The routes of Marina, for its dashboard, for scripts, and for its other nodes, which ask with `X-Marina-Mesh: true`.
//!
//! They read only, and a session that began here may only read. Errors are plain texts, but for the object that asks to
//! sign in. Ids of jobs are whole numbers here ([`crate::domain::ids::JobId::to_number`]). Nothing is fetched from other
//! nodes. Every operation has `marina` in its id, by which the gate knows how to answer errors.

use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::{HttpResponse, ResponseError as _};
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::api::problem::{ApiError, Place};

pub mod auth;
pub mod health;
pub mod info;
pub mod job_logs;
pub mod jobs;
pub mod schedules;
pub mod system_logs;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(auth::log_in_marina)
        .service(auth::log_out_marina)
        .service(auth::check_marina_auth)
        .service(health::get_marina_health)
        .service(info::get_marina_info)
        .service(schedules::list_marina_schedules)
        .service(schedules::list_marina_schedules_with_slash)
        .service(jobs::list_marina_jobs)
        .service(jobs::list_marina_jobs_of_instance)
        .service(job_logs::get_marina_job_log)
        .service(job_logs::get_marina_log_of_instance)
        .service(system_logs::list_marina_system_log);
}

/// Whether the operation with this id is one of Marina's.
#[must_use]
pub fn is_operation(id: &str) -> bool {
    id.split('_').any(|word| word == "marina")
}

/// An error as Marina's clients expect it.
#[must_use]
pub fn respond(error: &ApiError, place: &Place) -> HttpResponse {
    // Status and headers are those of the problem; only the body is another.
    let mut answer = error.respond(place);
    answer.headers_mut().remove(actix_web::http::header::CONTENT_TYPE);
    let mut plain = HttpResponse::build(error.status_code());
    for (name, value) in answer.headers() {
        plain.append_header((name.clone(), value.clone()));
    }
    plain.insert_header((CACHE_CONTROL, "no-store"));
    match error {
        ApiError::Unauthenticated(_) if place.path.as_deref() != Some(auth::LOGIN) => {
            plain.json(json!({"error": "Authentication required"}))
        }
        error => plain.content_type(ContentType::plaintext()).body(error.to_string()),
    }
}
