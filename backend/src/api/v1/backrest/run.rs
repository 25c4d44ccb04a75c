//! `POST /api/v1/backrest/plans/{id}/run`

use actix_web::{HttpRequest, HttpResponse, post, web};

use crate::api::auth::Caller;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::submission::{accept_job, request_key, trigger_of};
use crate::api::wire::Job;
use crate::domain::names::PlanId;
use crate::engine::backrest::BackrestRun;

/// Have Backrest run a plan now
///
/// Asks the running Backrest through its API. The job follows the run to its end; cancelling it ends the waiting, not the run.
/// `POST /api/v1/plans/{id}/run` does the same, where no plan of Mainstay has the same id.
#[utoipa::path(
    tag = "backrest",
    operation_id = "run_backrest_plan",
    params(
        ("id" = String, Path, description = "The plan's id in Backrest", example = "backrest_sidecar_shop_db"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, 1 to 200 visible ASCII characters"),
    ),
    responses(
        (status = 202, description = "The job was queued", body = Job,
            headers(("Location" = String, description = "Where the job is"))),
        (status = 404, description = "backrest_not_configured, plan_not_found: there is no such plan"),
        (status = 409, description = "not_supported: the address of Backrest's API is not configured; job_conflict: a job has \
            Backrest run the plan already; `job_id` names it"),
        (status = 422, description = "idempotency_key_reused: the key belongs to another request"),
        (status = 503, description = "shutting_down, store_unavailable: no job can be queued now"),
    )
)]
#[post("/api/v1/backrest/plans/{id}/run")]
pub(crate) async fn run_backrest_plan(
    req: HttpRequest,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<PlanId>,
) -> Result<HttpResponse, ApiError> {
    let (reconciler, plan) = (super::find(&state)?.clone(), id.into_inner());
    let last = reconciler.status().last;
    let is_known = last.is_some_and(|round| round.plans.iter().any(|one| one.change.id == plan.as_str()));
    if !is_known {
        return Err(ApiError::PlanNotFound(plan.to_string()));
    }
    let key = request_key(&req, "run_backrest_plan", std::slice::from_ref(&plan))?;
    let run = BackrestRun { reconciler, plan, trigger: trigger_of(&req, &caller) };
    accept_job(state.engine.run_by_backrest_once(key, run).await?)
}
