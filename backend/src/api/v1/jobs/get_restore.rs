//! `GET /api/v1/jobs/{id}/restore`

use actix_web::{HttpResponse, get, web};

use crate::api::answer;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::Restore;
use crate::domain::ids::JobId;

/// Get what a restore did
///
/// Which data is in place, what is kept of before and where, and whether it can be put back.
#[utoipa::path(
    tag = "jobs",
    operation_id = "get_job_restore",
    params(("id" = String, Path, description = "The job", example = "job_019aa3f1c2d47c3e9f00112233445566")),
    responses(
        (status = 200, description = "What it did", body = Restore),
        (status = 404, description = "restore_not_found: there is no such job, or it is no restore"),
    )
)]
#[get("/api/v1/jobs/{id}/restore")]
pub(crate) async fn get_job_restore(
    state: web::Data<AppState>,
    id: web::Path<JobId>,
) -> Result<HttpResponse, ApiError> {
    let found = state.store.find_restore(&id).await?;
    answer::one::<Restore, _>(found, || ApiError::RestoreNotFound(id.into_inner().into()))
}
