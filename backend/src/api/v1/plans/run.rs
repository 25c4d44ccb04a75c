//! `POST /api/v1/plans/{id}/run`

use actix_web::{HttpRequest, HttpResponse, post, web};

use crate::api::auth::Caller;
use crate::api::input::OptionalJson;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::submission::{accept_job, request_key, trigger_of};
use crate::api::wire::{Job, RunOptions};
use crate::domain::names::PlanId;
use crate::engine::PlanRequest;

/// Run a plan now
///
/// Queues a run and answers at once with its job. A plan of Backrest is run by Backrest; the job follows it to its end, and
/// takes no options. The body may be left out. A request that is repeated with the same
/// `Idempotency-Key` within a day gets the job of the first one.
#[utoipa::path(
    tag = "plans",
    operation_id = "run_plan",
    params(
        ("id" = String, Path, description = "The plan", example = "nightly"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, 1 to 200 visible ASCII characters"),
    ),
    request_body(content = Option<RunOptions>, content_type = "application/json", example = json!({"dry_run": false})),
    responses(
        (status = 202, description = "The job was queued", body = Job,
            headers(("Location" = String, description = "Where the job is"))),
        (status = 404, description = "plan_not_found: there is no such plan"),
        (status = 409, description = "job_conflict: a job works for the plan's instance, or has Backrest run the plan, \
            already; `job_id` names it; not_supported: the address of Backrest's API is not configured, or a plan of \
            Backrest was asked for with options"),
        (status = 422, description = "idempotency_key_reused: the key belongs to another request"),
        (status = 503, description = "shutting_down, store_unavailable: no job can be queued now"),
    )
)]
#[post("/api/v1/plans/{id}/run")]
pub(crate) async fn run_plan(
    req: HttpRequest,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<PlanId>,
    options: OptionalJson<RunOptions>,
) -> Result<HttpResponse, ApiError> {
    let RunOptions { quiesce, dry_run } = options.0;
    let (quiesce, trigger) = (quiesce.map(Into::into), trigger_of(&req, &caller));
    let plan = id.into_inner();
    let requests = vec![PlanRequest { plan: plan.clone(), only: None, quiesce, is_dry_run: dry_run, trigger }];
    let key = request_key(&req, "run_plan", &requests)?;
    let has_options = quiesce.is_some() || dry_run;
    if let Some(job) = super::run_by_backrest(&state, &plan, (key.clone(), trigger, has_options)).await? {
        return accept_job(Some(job));
    }
    let jobs = state.engine.submit_plans_once(key, requests).await?;
    accept_job(jobs.into_iter().next())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn unknown_plans_and_readers_start_nothing() {
        let api = TestApi::new().await;
        for path in ["/api/v1/plans/nightly/run", "/api/v1/plans/nightly/preview"] {
            for (scope, status, code) in [(Scope::Read, 403, "forbidden"), (Scope::Operate, 404, "plan_not_found")] {
                let bearer = format!("Bearer {}", api.token(scope).await);
                let post = TestRequest::post().uri(path).insert_header(("authorization", bearer));
                api.send(post).await.assert_problem(status, code);
            }
        }
    }
}
