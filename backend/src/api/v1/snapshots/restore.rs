//! `POST /api/v1/snapshots/{id}/restore`

use actix_web::{HttpRequest, HttpResponse, post, web};

use crate::api::auth::Caller;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::submission::{accept_job, request_key, trigger_of};
use crate::api::wire::{Job, RestoreOptions};
use crate::domain::ids::SnapshotId;
use crate::domain::restore::RestoreOrder;
use crate::engine::RestoreRequest;

/// Restore a snapshot
///
/// Queues a job of the kind `restore` and answers at once with it. In place, what is new is unpacked beside what is there
/// while everything runs; then the containers that use it rest for as long as it takes to let both change places. What
/// was there is kept, and can be put back: `GET /api/v1/jobs/{id}/restore` says where it is. A preview with the same body
/// says beforehand what would happen. A request that is repeated with the same `Idempotency-Key` within a day gets the job
/// of the first one.
#[utoipa::path(
    tag = "snapshots",
    operation_id = "restore_snapshot",
    security(("bearer" = ["admin"]), ("session" = ["admin"])),
    params(
        ("id" = String, Path, description = "The snapshot", example = "snap_019aa3f1d9e07c3e9f00112233445566"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, 1 to 200 visible ASCII characters"),
    ),
    request_body = RestoreOptions,
    responses(
        (status = 202, description = "The job was queued", body = Job,
            headers(("Location" = String, description = "Where the job is"))),
        (status = 404, description = "snapshot_not_found: there is no such snapshot"),
        (status = 409, description = "job_conflict: a job works on the stack or for the instance; `job_id` names it; \
            restore_refused: it cannot be done as it is asked for, and the detail says why"),
        (status = 422, description = "idempotency_key_reused: the key belongs to another request"),
        (status = 503, description = "shutting_down, store_unavailable: no job can be queued now"),
    )
)]
#[post("/api/v1/snapshots/{id}/restore")]
pub(crate) async fn restore_snapshot(
    req: HttpRequest,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<SnapshotId>,
    options: web::Json<RestoreOptions>,
) -> Result<HttpResponse, ApiError> {
    let wish =
        options.into_inner().read(id.into_inner()).map_err(|(field, why)| ApiError::invalid_field(field, why))?;
    let request = RestoreRequest { order: RestoreOrder::Restore(wish), trigger: trigger_of(&req, &caller) };
    let key = request_key(&req, "restore_snapshot", std::slice::from_ref(&request))?;
    let jobs = state.engine.submit_restore_once(key, request).await?;
    accept_job(jobs.into_iter().next())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use chrono::DateTime;
    use serde_json::{Value, json};

    use crate::api::testing::{Answer, TestApi};
    use crate::domain::access::Scope;
    use crate::domain::ids::SnapshotId;

    async fn post(scope: Scope, path: &str, body: Value) -> Answer {
        let api = TestApi::new().await;
        let bearer = format!("Bearer {}", api.token(scope).await);
        let uri = format!("/api/v1/snapshots/{}/{path}", SnapshotId::new(DateTime::UNIX_EPOCH));
        api.send(TestRequest::post().uri(&uri).insert_header(("authorization", bearer)).set_json(body)).await
    }

    #[actix_web::test]
    async fn only_an_administrator_restores_and_only_what_there_is() {
        for path in ["restore", "restore/preview"] {
            let body = json!({"destination": "in_place"});
            post(Scope::Operate, path, body.clone()).await.assert_problem(403, "forbidden");
            post(Scope::Admin, path, body).await.assert_problem(404, "snapshot_not_found");
        }
    }

    #[actix_web::test]
    async fn what_is_wrong_with_a_body_is_named() {
        for (body, field) in [
            (json!({"destination": "directory"}), "directory"),
            (json!({"destination": "in_place", "directory": "/srv/x"}), "directory"),
            (json!({"destination": "new_stack"}), "stack_name"),
            (json!({"destination": "new_stack", "stack_name": "../x"}), "stack_name"),
            (json!({"destination": "directory", "directory": "/srv/x", "stack_name": "y"}), "stack_name"),
            (json!({"destination": "in_place", "paths": ["a/../../b"]}), "paths"),
            (json!({"destination": "in_place", "paths": ["/"]}), "paths"),
            (json!({"destination": "in_place", "overwrit": true}), "overwrit"),
        ] {
            let answer = post(Scope::Admin, "restore", body).await;
            answer.assert_problem(400, "invalid_body");
            assert_eq!(answer.body["errors"][0]["name"], field, "{:#}", answer.body);
        }
    }
}
