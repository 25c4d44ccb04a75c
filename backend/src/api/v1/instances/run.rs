//! `POST /api/v1/instances/{id}/run`

use actix_web::{HttpRequest, HttpResponse, post, web};

use crate::api::auth::Caller;
use crate::api::input::OptionalJson;
use crate::api::problem::ApiError;
use crate::api::refusal::of_own_plan;
use crate::api::state::AppState;
use crate::api::submission::{accept_job, request_key, trigger_of};
use crate::api::wire::{Job, RunOptions};
use crate::domain::names::{InstanceId, PlanId};
use crate::engine::PlanRequest;

/// Back up to an instance now
///
/// Queues a run of the instance's own plan and answers at once with its job. The body may be left out. A request that
/// is repeated with the same `Idempotency-Key` within a day gets the job of the first one.
#[utoipa::path(
    tag = "instances",
    operation_id = "run_instance",
    params(
        ("id" = String, Path, description = "The instance", example = "nas"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, 1 to 200 visible ASCII characters"),
    ),
    request_body(content = Option<RunOptions>, content_type = "application/json", example = json!({"dry_run": false})),
    responses(
        (status = 202, description = "The job was queued", body = Job,
            headers(("Location" = String, description = "Where the job is"))),
        (status = 404, description = "instance_not_found: there is no such instance"),
        (status = 409, description = "job_conflict: a job works for the instance already; `job_id` names it"),
        (status = 422, description = "idempotency_key_reused: the key belongs to another request"),
        (status = 503, description = "shutting_down, store_unavailable: no job can be queued now"),
    )
)]
#[post("/api/v1/instances/{id}/run")]
pub(crate) async fn run_instance(
    req: HttpRequest,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<InstanceId>,
    options: OptionalJson<RunOptions>,
) -> Result<HttpResponse, ApiError> {
    super::find(&state, &id)?;
    let RunOptions { quiesce, dry_run } = options.0;
    let request = PlanRequest {
        plan: PlanId::from(&*id),
        only: None,
        quiesce: quiesce.map(Into::into),
        is_dry_run: dry_run,
        trigger: trigger_of(&req, &caller),
    };
    let requests = vec![request];
    let key = request_key(&req, "run_instance", &requests)?;
    let jobs = state.engine.submit_plans_once(key, requests).await.map_err(of_own_plan)?;
    accept_job(jobs.into_iter().next())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::json;

    use crate::api::testing::{Answer, TestApi};
    use crate::domain::access::Scope;

    async fn post(api: &TestApi, scope: Scope, path: &str) -> Answer {
        let bearer = format!("Bearer {}", api.token(scope).await);
        let path = format!("/api/v1/instances/{path}");
        api.send(TestRequest::post().uri(&path).insert_header(("authorization", bearer))).await
    }

    #[actix_web::test]
    async fn whoever_only_reads_starts_nothing() {
        let api = TestApi::new().await;
        for path in ["nas/run", "nas/test", "nas/forget", "nas/check"] {
            post(&api, Scope::Read, path).await.assert_problem(403, "forbidden");
            post(&api, Scope::Operate, path).await.assert_problem(404, "instance_not_found");
        }
    }

    #[actix_web::test]
    async fn what_is_wrong_with_a_body_is_named() {
        let api = TestApi::new().await;
        let bearer = format!("Bearer {}", api.token(Scope::Operate).await);
        for path in ["run", "forget"] {
            let path = format!("/api/v1/instances/nas/{path}");
            let post = TestRequest::post().uri(&path).insert_header(("authorization", bearer.as_str()));
            let answer = api.send(post.set_json(json!({"dryrun": true}))).await;
            answer.assert_problem(400, "invalid_body");
            assert_eq!(answer.body["errors"][0]["name"], "dryrun");
        }
    }
}
