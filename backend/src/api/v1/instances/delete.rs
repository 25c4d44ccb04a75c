//! `DELETE /api/v1/instances/{id}`

use actix_web::{HttpResponse, delete, web};

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::domain::names::InstanceId;

/// Remove an instance
///
/// It and its own plan are gone; a job at work goes on. What it stored stays where it is.
#[utoipa::path(
    tag = "instances",
    operation_id = "delete_instance",
    security(("bearer" = ["admin"]), ("session" = ["admin"])),
    params(("id" = String, Path, description = "The instance", example = "nas")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "instance_not_found: there is no such instance"),
        (status = 409, description = "read_only: it is written down in the configuration, and is removed there; \
            in_use: a plan uses it"),
    )
)]
#[delete("/api/v1/instances/{id}")]
pub(crate) async fn delete_instance(
    state: web::Data<AppState>,
    id: web::Path<InstanceId>,
) -> Result<HttpResponse, ApiError> {
    state.engine.registry().delete_instance(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}
