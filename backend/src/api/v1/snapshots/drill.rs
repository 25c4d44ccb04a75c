//! `POST /api/v1/snapshots/{id}/drill`

use actix_web::{HttpRequest, HttpResponse, post, web};

use crate::api::auth::Caller;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::submission::{accept_job, request_key, trigger_of};
use crate::api::wire::Job;
use crate::domain::ids::SnapshotId;

/// Drill a snapshot
///
/// Queues a job of the kind `drill` and answers at once with it. The snapshot is unpacked into a directory of its own
/// below `staging_dir` and compared, its dumps are loaded into throw-away containers without a network and asked, and the
/// command of the settings runs over the files. Everything is removed afterwards, and nothing of the host is touched. A
/// request that is repeated with the same `Idempotency-Key` within a day gets the job of the first one.
#[utoipa::path(
    tag = "snapshots",
    operation_id = "drill_snapshot",
    params(
        ("id" = String, Path, description = "The snapshot", example = "snap_019aa3f1d9e07c3e9f00112233445566"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, 1 to 200 visible ASCII characters"),
    ),
    responses(
        (status = 202, description = "The job was queued", body = Job,
            headers(("Location" = String, description = "Where the job is"))),
        (status = 404, description = "snapshot_not_found: there is no such snapshot; archive_missing: it was removed"),
        (status = 409, description = "job_conflict: a job works for the snapshot's instance already; `job_id` names it"),
        (status = 422, description = "idempotency_key_reused: the key belongs to another request"),
        (status = 503, description = "shutting_down, store_unavailable: no job can be queued now"),
    )
)]
#[post("/api/v1/snapshots/{id}/drill")]
pub(crate) async fn drill_snapshot(
    req: HttpRequest,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<SnapshotId>,
) -> Result<HttpResponse, ApiError> {
    let key = request_key(&req, "drill_snapshot", std::slice::from_ref(&*id))?;
    let submit = state.engine.submit_drill(&id, trigger_of(&req, &caller));
    let jobs = state.engine.submit_one_once(key, submit).await?;
    accept_job(jobs.into_iter().next())
}
