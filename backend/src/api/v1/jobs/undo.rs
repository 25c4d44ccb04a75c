//! `POST /api/v1/jobs/{id}/undo`

use actix_web::{HttpRequest, HttpResponse, post, web};

use crate::api::auth::Caller;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::submission::{accept_job, trigger_of};
use crate::api::wire::Job;
use crate::domain::ids::JobId;
use crate::domain::restore::RestoreOrder;
use crate::engine::RestoreRequest;

/// Take a restore back
///
/// Queues a job that lets what was restored and what was kept of before change places once more. It can be taken back in
/// turn. Databases into which a dump was loaded stay as they are.
#[utoipa::path(
    tag = "jobs",
    operation_id = "undo_job",
    security(("bearer" = ["admin"]), ("session" = ["admin"])),
    params(("id" = String, Path, description = "The restore", example = "job_019aa3f1c2d47c3e9f00112233445566")),
    responses(
        (status = 202, description = "The job was queued", body = Job,
            headers(("Location" = String, description = "Where the job is"))),
        (status = 404, description = "restore_not_found: there is no such job, or it is no restore"),
        (status = 409, description = "restore_refused: there is nothing to put back, and the detail says why; \
            job_conflict: a job works on the stack or for the instance; `job_id` names it"),
        (status = 503, description = "shutting_down, store_unavailable: no job can be queued now"),
    )
)]
#[post("/api/v1/jobs/{id}/undo")]
pub(crate) async fn undo_job(
    req: HttpRequest,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<JobId>,
) -> Result<HttpResponse, ApiError> {
    let order = RestoreOrder::Undo(id.into_inner());
    let request = RestoreRequest { order, trigger: trigger_of(&req, &caller) };
    accept_job(Some(state.engine.submit_restore(request).await?))
}
