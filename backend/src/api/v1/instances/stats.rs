//! `GET /api/v1/instances/{id}/stats`

use actix_web::{HttpResponse, get, web};

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::RepositoryStats;
use crate::domain::names::InstanceId;

/// Measure what lies where an instance stores
///
/// How many bytes and snapshots. The place itself is asked for every answer, which may take a while.
#[utoipa::path(
    tag = "instances",
    operation_id = "get_instance_stats",
    params(("id" = String, Path, description = "The instance", example = "nas")),
    responses(
        (status = 200, description = "How much lies there", body = RepositoryStats),
        (status = 404, description = "instance_not_found: there is no such instance"),
        (status = 409, description = "not_supported: nobody but the image knows; instance_not_ready: it cannot be used \
            as it is"),
        (status = 502, description = "instance_failed: it tried and did not manage"),
    )
)]
#[get("/api/v1/instances/{id}/stats")]
pub(crate) async fn get_instance_stats(
    state: web::Data<AppState>,
    id: web::Path<InstanceId>,
) -> Result<HttpResponse, ApiError> {
    super::find(&state, &id)?;
    let stats = state.engine.measure_instance(&id).await?;
    Ok(HttpResponse::Ok().json(RepositoryStats::from(stats)))
}
