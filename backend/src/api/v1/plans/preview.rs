//! `POST /api/v1/plans/{id}/preview`

use actix_web::{HttpResponse, post, web};

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::PlanPreview;
use crate::domain::names::PlanId;

/// Show what a run of a plan would do
///
/// What would be brought to rest, what would be read and how large it is, and what retention would remove. Nothing is
/// touched, and no job is made.
#[utoipa::path(
    tag = "plans",
    operation_id = "preview_plan",
    params(("id" = String, Path, description = "The plan", example = "nightly")),
    responses(
        (status = 200, description = "What would be done", body = PlanPreview),
        (status = 404, description = "plan_not_found: there is no such plan"),
        (status = 409, description = "job_conflict: a job works for the plan's instance; `job_id` names it; \
            not_supported: Backrest carries it out"),
        (status = 503, description = "shutting_down, store_unavailable: it cannot be found out now"),
    )
)]
#[post("/api/v1/plans/{id}/preview")]
pub(crate) async fn preview_plan(state: web::Data<AppState>, id: web::Path<PlanId>) -> Result<HttpResponse, ApiError> {
    let of_backrest = |_| ApiError::NotSupported("Backrest carries the plan out, and tells nothing beforehand");
    super::find_own(&state, &id, of_backrest)?;
    let preview = state.engine.preview_plan(&id).await?;
    Ok(HttpResponse::Ok().json(PlanPreview::from(preview)))
}
