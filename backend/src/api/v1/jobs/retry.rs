//! `POST /api/v1/jobs/{id}/retry`

use actix_web::{HttpRequest, HttpResponse, post, web};

use crate::api::auth::Caller;
use crate::api::problem::ApiError;
use crate::api::refusal;
use crate::api::state::AppState;
use crate::api::submission::{accept_job, trigger_of};
use crate::api::v1::plans;
use crate::api::wire::Job;
use crate::domain::access::Scope;
use crate::domain::ids::JobId;
use crate::domain::job::JobKind;

/// Try a job again
///
/// Queues the same work as a new job, whether the old one succeeded or not. A restore needs the scope `admin`.
#[utoipa::path(
    tag = "jobs",
    operation_id = "retry_job",
    params(("id" = String, Path, description = "The job that has ended", example = "job_019aa3f1c2d47c3e9f00112233445566")),
    responses(
        (status = 202, description = "The new job was queued", body = Job,
            headers(("Location" = String, description = "Where the new job is"))),
        (status = 404, description = "job_not_found, stack_not_found: the job or its stack does not exist"),
        (status = 409, description = "job_unfinished: the job has not ended; job_conflict: another one works on the stack; \
            job_not_retryable: it is of a kind that cannot be tried again"),
        (status = 503, description = "shutting_down, store_unavailable: no job can be queued now"),
    )
)]
#[post("/api/v1/jobs/{id}/retry")]
pub(crate) async fn retry_job(
    req: HttpRequest,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<JobId>,
) -> Result<HttpResponse, ApiError> {
    let id = id.into_inner();
    let known = state.engine.find_job(&id).await?;
    // Who may not ask for a restore may not repeat one.
    if known.is_some_and(|job| job.kind == JobKind::Restore) && caller.scope < Scope::Admin {
        return Err(ApiError::Forbidden { needed: Scope::Admin, present: caller.scope });
    }
    let trigger = trigger_of(&req, &caller);
    if let Some(plan) = state.engine.find_plan_to_retry(&id).await?
        && let Some(job) = plans::run_again_by_backrest(&state, &plan, trigger).await?
    {
        return accept_job(Some(job));
    }
    let job = state.engine.retry(&id, trigger).await;
    accept_job(Some(job.map_err(|error| refusal::of_retry(error, id))?))
}
