//! `DELETE /api/v1/plans/{id}`

use actix_web::{HttpResponse, delete, web};

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::domain::names::PlanId;

/// Remove a plan
///
/// A job at work goes on. What the plan's jobs stored stays where it is.
#[utoipa::path(
    tag = "plans",
    operation_id = "delete_plan",
    security(("bearer" = ["admin"]), ("session" = ["admin"])),
    params(("id" = String, Path, description = "The plan", example = "nightly")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "plan_not_found: there is no such plan"),
        (status = 409, description = "read_only: it is written down in the configuration, in labels or in its instance, \
            and is removed there"),
    )
)]
#[delete("/api/v1/plans/{id}")]
pub(crate) async fn delete_plan(state: web::Data<AppState>, id: web::Path<PlanId>) -> Result<HttpResponse, ApiError> {
    super::find_own(&state, &id, ApiError::ReadOnly)?;
    state.engine.registry().delete_plan(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}
