//! `POST /api/v1/plans/{id}/drill`

use actix_web::{HttpRequest, HttpResponse, post, web};

use crate::api::auth::Caller;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::submission::{accept_job, request_key, trigger_of};
use crate::api::wire::Job;
use crate::domain::names::PlanId;

/// Drill a plan
///
/// Queues a drill of the plan's newest snapshot that is complete and not damaged, as `drill_snapshot` does.
#[utoipa::path(
    tag = "plans",
    operation_id = "drill_plan",
    params(
        ("id" = String, Path, description = "The plan", example = "nightly"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, 1 to 200 visible ASCII characters"),
    ),
    responses(
        (status = 202, description = "The job was queued", body = Job,
            headers(("Location" = String, description = "Where the job is"))),
        (status = 404, description = "plan_not_found: there is no such plan"),
        (status = 409, description = "job_conflict: a job works for the plan's instance already; `job_id` names it; \
            nothing_stored: it has no snapshot that is complete and sound; not_supported: Backrest carries it out"),
        (status = 422, description = "idempotency_key_reused: the key belongs to another request"),
        (status = 503, description = "shutting_down, store_unavailable: no job can be queued now"),
    )
)]
#[post("/api/v1/plans/{id}/drill")]
pub(crate) async fn drill_plan(
    req: HttpRequest,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<PlanId>,
) -> Result<HttpResponse, ApiError> {
    let of_backrest = |_| ApiError::NotSupported("Backrest carries the plan out, and what it stored is drilled there");
    let plan = super::find_own(&state, &id, of_backrest)?.id.clone();
    let key = request_key(&req, "drill_plan", std::slice::from_ref(&plan))?;
    let submit = state.engine.submit_drill_of_plan(&plan, trigger_of(&req, &caller));
    let jobs = state.engine.submit_one_once(key, submit).await?;
    accept_job(jobs.into_iter().next())
}
