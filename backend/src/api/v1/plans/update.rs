//! `PUT /api/v1/plans/{id}`

use actix_web::{HttpResponse, put, web};

use super::{describe, find_fallback, find_own};
use crate::api::definition::read_plan;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{Plan, PlanSpec};
use crate::domain::names::PlanId;
use crate::domain::plan::Origin;

/// Replace a plan
///
/// The body is the whole plan; what is left out gets its default, but `hooks` and `dump_args` that are left out stay.
#[utoipa::path(
    tag = "plans",
    operation_id = "update_plan",
    security(("bearer" = ["admin"]), ("session" = ["admin"])),
    params(("id" = String, Path, description = "The plan", example = "nightly")),
    request_body = PlanSpec,
    responses(
        (status = 200, description = "The plan as it is now", body = Plan),
        (status = 404, description = "plan_not_found, instance_not_found: there is no such plan, or its instance was \
            removed meanwhile"),
        (status = 409, description = "read_only: it is written down in the configuration, in labels or in its instance, \
            and is changed there"),
    )
)]
#[put("/api/v1/plans/{id}")]
pub(crate) async fn update_plan(
    state: web::Data<AppState>,
    id: web::Path<PlanId>,
    body: web::Json<PlanSpec>,
) -> Result<HttpResponse, ApiError> {
    let former = find_own(&state, &id, ApiError::ReadOnly)?;
    // The own plan of an instance is changed there, wherever the instance was written down.
    if former.origin != Origin::Api || PlanId::from(&former.instance) == former.id {
        return Err(ApiError::ReadOnly(id.to_string()));
    }
    let plan = read_plan(body.into_inner(), Some(&former), |id| find_fallback(&state, id))?;
    let plan = state.engine.registry().replace_plan(plan).await?;
    Ok(HttpResponse::Ok().json(describe(&state, &plan).await?))
}
