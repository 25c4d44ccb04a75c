//! `POST /api/v1/snapshots/{id}/verify`

use actix_web::{HttpRequest, HttpResponse, post, web};

use crate::api::auth::Caller;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::submission::{accept_job, request_key, trigger_of};
use crate::api::wire::Job;
use crate::domain::ids::SnapshotId;

/// Verify a snapshot
///
/// Queues a job of the kind `verify` that reads the snapshot again, and answers at once with it. An archive is read from
/// the first byte to the last and held against its manifest, its recorded hash and its index; of a restic snapshot every
/// directory is listed, and the repository is checked as far as the instance's settings say. What is wrong is told in
/// the job's `error` and in the snapshot's `damage`; a damaged snapshot counts as no good backup. A request that is
/// repeated with the same `Idempotency-Key` within a day gets the job of the first one.
#[utoipa::path(
    tag = "snapshots",
    operation_id = "verify_snapshot",
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
#[post("/api/v1/snapshots/{id}/verify")]
pub(crate) async fn verify_snapshot(
    req: HttpRequest,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<SnapshotId>,
) -> Result<HttpResponse, ApiError> {
    let key = request_key(&req, "verify_snapshot", std::slice::from_ref(&*id))?;
    let jobs = state.engine.submit_verify_once(key, &id, trigger_of(&req, &caller)).await?;
    accept_job(jobs.into_iter().next())
}
