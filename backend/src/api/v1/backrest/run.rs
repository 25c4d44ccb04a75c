//! `POST /api/v1/backrest/plans/{id}/run`

use actix_web::{HttpResponse, post, web};

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::engine::backrest::RunPlanError;

/// Have Backrest run a plan now
///
/// Asks the running Backrest through its API; the run goes on there, and is no job of Mainstay.
#[utoipa::path(
    tag = "backrest",
    operation_id = "run_backrest_plan",
    params(("id" = String, Path, description = "The plan's id in Backrest", example = "backrest_sidecar_shop_db")),
    responses(
        (status = 202, description = "Backrest runs it, or has it in its queue"),
        (status = 404, description = "backrest_not_configured, plan_not_found: there is no such plan"),
        (status = 409, description = "not_supported: the address of Backrest's API is not configured"),
        (status = 502, description = "backrest_failed: Backrest refuses; says why"),
    )
)]
#[post("/api/v1/backrest/plans/{id}/run")]
pub(crate) async fn run_backrest_plan(
    state: web::Data<AppState>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let (reconciler, id) = (super::find(&state)?, id.into_inner());
    let last = reconciler.status().last;
    let is_known = last.is_some_and(|round| round.plans.iter().any(|plan| plan.change.id == id));
    if !is_known {
        return Err(ApiError::PlanNotFound(id));
    }
    match reconciler.run_plan(&id).await {
        Ok(()) => Ok(HttpResponse::Accepted().finish()),
        Err(RunPlanError::NoApi) => Err(ApiError::NotSupported("the address of Backrest's API is not configured")),
        Err(error) => Err(ApiError::BackrestFailed(error.to_string())),
    }
}
