//! `POST /api/v1/stacks/backup`

use actix_web::{HttpRequest, HttpResponse, post, web};

use crate::api::auth::Caller;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::submission::{StackBackups, trigger_of};
use crate::api::wire::{BackupStacks, JobList};
use crate::domain::job::Trigger;
use crate::domain::names::StackName;

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
        (status = 404, description = "stack_not_found, instance_not_found: a stack or the instance does not exist; nothing was queued"),
        (status = 409, description = "job_conflict: a job works on a stack or for the instance; `job_id` names it; nothing was queued"),
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
    let backups = parse(body.into_inner(), trigger_of(&req, &caller))?;
    let jobs = backups.submit(&req, &state, "backup_stacks").await?;
    Ok(HttpResponse::Accepted().json(JobList::whole(jobs)))
}

fn parse(body: BackupStacks, trigger: Trigger) -> Result<StackBackups, ApiError> {
    let BackupStacks { stacks, instance, quiesce, dry_run } = body;
    if stacks.is_empty() {
        return Err(ApiError::invalid_field("stacks", "name at least one stack"));
    }
    let stacks: Vec<StackName> = stacks.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
    Ok(StackBackups { stacks, instance, quiesce: quiesce.map(Into::into), is_dry_run: dry_run, trigger })
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
