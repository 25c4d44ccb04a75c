//! `POST /api/v1/stacks/backup`

use actix_web::{HttpRequest, HttpResponse, post, web};

use crate::api::auth::Caller;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::submission::{refuse_instance, request_key, trigger_of};
use crate::api::wire::{BackupStacks, JobList};
use crate::engine::BackupRequest;

/// Back several stacks up
///
/// Queues one backup per stack, all or none, and answers at once with the jobs. A stack that is named twice is backed
/// up once. A request that is repeated with the same `Idempotency-Key` within a day gets the jobs of the first one.
#[utoipa::path(
    tag = "stacks",
    operation_id = "backup_stacks",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the request, 1 to 200 visible ASCII characters")),
    request_body = BackupStacks,
    responses(
        (status = 202, description = "The jobs were queued, one per stack", body = JobList),
        (status = 404, description = "stack_not_found: one of the stacks does not exist; nothing was queued"),
        (status = 409, description = "job_conflict: a job works on one of the stacks; `job_id` names it; nothing was queued"),
        (status = 422, description = "idempotency_key_reused: the key belongs to another request"),
        (status = 503, description = "shutting_down, store_unavailable: no job can be queued now"),
    )
)]
#[post("/api/v1/stacks/backup")]
pub(crate) async fn backup_stacks(
    req: HttpRequest,
    state: web::Data<AppState>,
    caller: Caller,
    body: web::Json<BackupStacks>,
) -> Result<HttpResponse, ApiError> {
    let requests = parse(body.into_inner(), trigger_of(&req, &caller))?;
    let key = request_key(&req, "backup_stacks", &requests)?;
    let jobs = state.engine.submit_backups_once(key, requests).await?;
    Ok(HttpResponse::Accepted().json(JobList::whole(jobs)))
}

fn parse(body: BackupStacks, trigger: crate::domain::job::Trigger) -> Result<Vec<BackupRequest>, ApiError> {
    let BackupStacks { stacks, instance, quiesce, dry_run } = body;
    refuse_instance(instance.as_deref())?;
    if stacks.is_empty() {
        return Err(ApiError::invalid_field("stacks", "name at least one stack"));
    }
    let quiesce = quiesce.map(Into::into);
    let request = |name: String| Ok(BackupRequest { stack: name.parse()?, quiesce, is_dry_run: dry_run, trigger });
    stacks.into_iter().map(request).collect()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::{Value, json};

    use crate::api::testing::{Answer, TestApi};
    use crate::domain::access::Scope;

    async fn post(body: Value) -> Answer {
        let api = TestApi::new().await;
        let bearer = format!("Bearer {}", api.token(Scope::Operate).await);
        let post = TestRequest::post().uri("/api/v1/stacks/backup").insert_header(("authorization", bearer));
        api.send(post.set_json(body)).await
    }

    #[actix_web::test]
    async fn what_is_wrong_with_a_body_is_named() {
        for (body, field) in [
            (json!({"stacks": []}), "stacks"),
            (json!({}), "stacks"),
            (json!({"stacks": ["blog"], "instance": "nas"}), "instance"),
            (json!({"stacks": ["blog"], "stack": "wiki"}), "stack"),
        ] {
            let answer = post(body).await;
            answer.assert_problem(400, "invalid_body");
            assert_eq!(answer.body["errors"][0]["name"], field);
        }
    }

    #[actix_web::test]
    async fn names_are_checked() {
        for name in ["..", "a/b", "a\0b", "", "-rf", &"x".repeat(300)] {
            post(json!({"stacks": ["blog", name]})).await.assert_problem(400, "invalid_name");
        }
        post(json!({"stacks": ["blog", "blog"]})).await.assert_problem(404, "stack_not_found");
    }
}
