//! `POST /api/v1/stacks/{name}/backup`

use actix_web::{HttpRequest, HttpResponse, post, web};

use crate::api::auth::Caller;
use crate::api::input::OptionalJson;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::submission::{StackBackups, accept_job, trigger_of};
use crate::api::wire::{BackupOptions, Job};
use crate::domain::names::StackName;

/// Back a stack up
///
/// Queues a backup and answers at once with its job. The body may be left out. With `instance` the stack is captured by
/// the means of that instance instead of as an archive. A request that is repeated with the same
/// `Idempotency-Key` within a day gets the job of the first one.
#[utoipa::path(
    tag = "stacks",
    operation_id = "backup_stack",
    params(
        ("name" = String, Path, description = "The stack", example = "blog"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, 1 to 200 visible ASCII characters"),
    ),
    request_body(content = Option<BackupOptions>, content_type = "application/json",
        example = json!({"quiesce": "stop", "dry_run": false})),
    responses(
        (status = 202, description = "The job was queued", body = Job,
            headers(("Location" = String, description = "Where the job is"))),
        (status = 404, description = "stack_not_found, instance_not_found: there is no such stack or instance"),
        (status = 409, description = "job_conflict: a job works on the stack or for the instance; `job_id` names it"),
        (status = 422, description = "idempotency_key_reused: the key belongs to another request"),
        (status = 503, description = "shutting_down, store_unavailable: no job can be queued now"),
    )
)]
#[post("/api/v1/stacks/{name}/backup")]
pub(crate) async fn backup_stack(
    req: HttpRequest,
    state: web::Data<AppState>,
    caller: Caller,
    name: web::Path<StackName>,
    options: OptionalJson<BackupOptions>,
) -> Result<HttpResponse, ApiError> {
    let BackupOptions { instance, quiesce, dry_run } = options.0;
    let backups = StackBackups {
        stacks: vec![name.into_inner()],
        instance,
        quiesce: quiesce.map(Into::into),
        is_dry_run: dry_run,
        trigger: trigger_of(&req, &caller),
    };
    accept_job(backups.submit(&req, &state, "backup_stack").await?.into_iter().next())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::json;

    use crate::api::testing::{Answer, TestApi};
    use crate::domain::access::Scope;

    async fn post(request: impl FnOnce(TestRequest) -> TestRequest) -> Answer {
        let api = TestApi::new().await;
        let bearer = format!("Bearer {}", api.token(Scope::Operate).await);
        let post = TestRequest::post().uri("/api/v1/stacks/blog/backup").insert_header(("authorization", bearer));
        api.send(request(post)).await
    }

    #[actix_web::test]
    async fn an_unknown_stack_is_not_found_with_and_without_a_body() {
        post(|p| p).await.assert_problem(404, "stack_not_found");
        post(|p| p.set_json(json!({"quiesce": "pause", "dry_run": true}))).await.assert_problem(404, "stack_not_found");
        post(|p| p.set_json(json!({"instance": null}))).await.assert_problem(404, "stack_not_found");
    }

    #[actix_web::test]
    async fn what_is_wrong_with_a_body_is_named() {
        let answer = post(|p| p.set_json(json!({"dryrun": true}))).await;
        answer.assert_problem(400, "invalid_body");
        assert_eq!(answer.body["errors"][0]["name"], "dryrun");
        post(|p| p.set_json(json!({"instance": "../nas"}))).await.assert_problem(400, "invalid_body");
        post(|p| p.set_json(json!({"quiesce": "freeze"}))).await.assert_problem(400, "invalid_body");
    }

    #[actix_web::test]
    async fn a_bad_key_is_refused() {
        let answer = post(|p| p.insert_header(("idempotency-key", "two words"))).await;
        answer.assert_problem(400, "invalid_query");
        assert_eq!(answer.body["errors"][0]["name"], "Idempotency-Key");
    }

    #[actix_web::test]
    async fn reading_rights_are_not_enough() {
        let api = TestApi::new().await;
        let bearer = format!("Bearer {}", api.token(Scope::Read).await);
        let post = TestRequest::post().uri("/api/v1/stacks/blog/backup").insert_header(("authorization", bearer));
        api.send(post).await.assert_problem(403, "forbidden");
    }
}
