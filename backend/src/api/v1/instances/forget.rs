//! `POST /api/v1/instances/{id}/forget`

use actix_web::{HttpResponse, post, web};

use crate::api::input::OptionalJson;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{ForgetOptions, ForgetReport};
use crate::domain::names::InstanceId;

/// Carry retention out, or show what it would do
///
/// Judges what lies where the instance stores by the retention of its plans, and removes what it does not keep; with
/// `dry_run` nothing is touched. What was made by others is never touched. Answers when it is done.
#[utoipa::path(
    tag = "instances",
    operation_id = "forget_instance_snapshots",
    params(("id" = String, Path, description = "The instance", example = "nas")),
    request_body(content = Option<ForgetOptions>, content_type = "application/json", example = json!({"dry_run": true})),
    responses(
        (status = 200, description = "What became of each snapshot, or would", body = ForgetReport),
        (status = 404, description = "instance_not_found: there is no such instance"),
        (status = 409, description = "not_supported: an image looks after its own data; instance_not_ready: it cannot be \
            used as it is; job_conflict: a job works for it, `job_id` names it"),
        (status = 502, description = "instance_failed: it tried and did not manage"),
        (status = 503, description = "shutting_down, store_unavailable: it cannot be done now"),
    )
)]
#[post("/api/v1/instances/{id}/forget")]
pub(crate) async fn forget_instance_snapshots(
    state: web::Data<AppState>,
    id: web::Path<InstanceId>,
    options: OptionalJson<ForgetOptions>,
) -> Result<HttpResponse, ApiError> {
    super::find(&state, &id)?;
    let ForgetOptions { dry_run } = options.0;
    let report = state.engine.forget_instance(&id, dry_run).await?;
    Ok(HttpResponse::Ok().json(ForgetReport::new(report, dry_run)))
}
