//! `POST /api/v1/snapshots/{id}/restore/preview`

use actix_web::{HttpResponse, post, web};

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{RestoreOptions, RestorePreview};
use crate::domain::ids::SnapshotId;

/// Show what a restore would do
///
/// Where each target would go, what would be replaced, which containers would rest, how much room there is, and why the
/// restore would be refused. Nothing is touched, and no job is made.
#[utoipa::path(
    tag = "snapshots",
    operation_id = "preview_restore",
    security(("bearer" = ["admin"]), ("session" = ["admin"])),
    params(("id" = String, Path, description = "The snapshot", example = "snap_019aa3f1d9e07c3e9f00112233445566")),
    request_body = RestoreOptions,
    responses(
        (status = 200, description = "What would be done", body = RestorePreview),
        (status = 404, description = "snapshot_not_found: there is no such snapshot"),
        (status = 503, description = "shutting_down, store_unavailable: it cannot be found out now"),
    )
)]
#[post("/api/v1/snapshots/{id}/restore/preview")]
pub(crate) async fn preview_restore(
    state: web::Data<AppState>,
    id: web::Path<SnapshotId>,
    options: web::Json<RestoreOptions>,
) -> Result<HttpResponse, ApiError> {
    let wish =
        options.into_inner().read(id.into_inner()).map_err(|(field, why)| ApiError::invalid_field(field, why))?;
    let preview = state.engine.preview_restore(wish).await?;
    Ok(HttpResponse::Ok().json(RestorePreview::from(preview)))
}
