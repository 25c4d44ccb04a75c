//! `GET /api/v1/jobs/{id}/log/download`

use actix_web::{HttpResponse, get, web};

use super::get_log::find_log;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::v1::logs::get_file;
use crate::domain::ids::JobId;

/// Download a job's log
///
/// The log file as it is now.
#[utoipa::path(
    tag = "jobs",
    operation_id = "download_job_log",
    params(("id" = String, Path, description = "The job", example = "job_019aa3f1c2d47c3e9f00112233445566")),
    responses(
        (status = 200, description = "The file", content_type = "text/plain", body = String,
            headers(("Content-Disposition" = String, description = "The name of the file")),
            example = "2026-11-21T03:00:02.000Z [INFO] (blog_db) the volume is being read\n"),
        (status = 404, description = "job_not_found: there is no such job; log_not_found: its log was removed"),
    )
)]
#[get("/api/v1/jobs/{id}/log/download")]
pub(crate) async fn download_job_log(
    state: web::Data<AppState>,
    id: web::Path<JobId>,
) -> Result<HttpResponse, ApiError> {
    let log = find_log(&state, &id).await?;
    get_file::send(&state, log.file_name(), true).await
}
