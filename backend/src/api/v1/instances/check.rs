//! `POST /api/v1/instances/{id}/check`

use actix_web::{HttpRequest, HttpResponse, post, web};

use crate::api::auth::Caller;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::submission::{accept_job, request_key, trigger_of};
use crate::api::wire::Job;
use crate::domain::names::InstanceId;

/// Check what an instance stores
///
/// Queues a job of the kind `verify` that reads what lies where the instance stores, as far as its settings say, and
/// answers at once with it. A request that is repeated with the same `Idempotency-Key` within a day gets the job of the
/// first one.
#[utoipa::path(
    tag = "instances",
    operation_id = "check_instance",
    params(
        ("id" = String, Path, description = "The instance", example = "nas"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, 1 to 200 visible ASCII characters"),
    ),
    responses(
        (status = 202, description = "The job was queued", body = Job,
            headers(("Location" = String, description = "Where the job is"))),
        (status = 404, description = "instance_not_found: there is no such instance"),
        (status = 409, description = "job_conflict: a job works for the instance already; `job_id` names it"),
        (status = 422, description = "idempotency_key_reused: the key belongs to another request"),
        (status = 503, description = "shutting_down, store_unavailable: no job can be queued now"),
    )
)]
#[post("/api/v1/instances/{id}/check")]
pub(crate) async fn check_instance(
    req: HttpRequest,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<InstanceId>,
) -> Result<HttpResponse, ApiError> {
    super::find(&state, &id)?;
    let key = request_key(&req, "check_instance", std::slice::from_ref(&*id))?;
    let jobs = state.engine.submit_check_once(key, &id, trigger_of(&req, &caller)).await?;
    accept_job(jobs.into_iter().next())
}
