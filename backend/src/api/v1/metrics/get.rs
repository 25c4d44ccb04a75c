//! `GET /metrics`

use actix_web::{HttpResponse, get, web};

use super::exposition::{PlanNumbers, expose};
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::v1::plans::find_last_jobs;
use crate::store::JobFilter;

/// Tell numbers to Prometheus
///
/// Stacks, plans and their last backups, jobs at work, room on the disk, and whether the engine answers, in the text format
/// of Prometheus. A token with the scope `read` is enough.
#[utoipa::path(
    tag = "service",
    operation_id = "get_metrics",
    responses(
        (
            status = 200, description = "Text format 0.0.4", body = String, content_type = "text/plain",
            example = json!("# HELP mainstay_engine_reachable Whether the Docker Engine answers.\n\
                # TYPE mainstay_engine_reachable gauge\nmainstay_engine_reachable 1\n")
        ),
        (status = 503, description = "store_unavailable: the database does not answer")
    )
)]
#[get("/metrics")]
pub(crate) async fn get_metrics(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let (overview, stacks) = (state.engine.overview().await?, state.engine.list_stacks().await?);
    let plans = measure_plans(&state).await?;
    let text = expose(&overview, &stacks, &plans, state.about.version).map_err(ApiError::internal)?;
    let of_backrest = state.backrest.as_ref().map(|reconciler| reconciler.status().metrics()).unwrap_or_default();
    let text = format!("{text}{of_backrest}");
    Ok(HttpResponse::Ok().content_type(prometheus::TEXT_FORMAT).body(text))
}

/// Every plan with what became of its last runs.
async fn measure_plans(state: &AppState) -> Result<Vec<PlanNumbers>, ApiError> {
    let (registry, now) = (state.engine.registry(), state.clock.now());
    let mut measured = Vec::new();
    for plan in registry.list_plans() {
        let of_plan = JobFilter { plan: Some(plan.id.to_string()), ..JobFilter::default() };
        let jobs = find_last_jobs(state, of_plan).await?;
        measured.push(PlanNumbers {
            plan: plan.id.to_string(),
            instance: plan.instance.to_string(),
            last_success_at: jobs.last_success_at,
            last_state: jobs.last.map(|job| job.state),
            next_run_at: plan.next_runs(now, 1).first().copied(),
        });
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn numbers_are_told_to_whoever_may_read() {
        let api = TestApi::new().await;
        api.get("/metrics").await.assert_problem(401, "unauthenticated");
        std::fs::create_dir(api.path("stacks/blog")).expect("made");
        api.state.discovery.refresh().await;
        let answer = api.get_with(&api.token(Scope::Read).await, "/metrics").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/plain; version=0.0.4"));
        for line in [
            "mainstay_build_info{version=\"0.0.0\"} 1",
            "mainstay_stacks{state=\"stopped\"} 1",
            "mainstay_stacks{state=\"running\"} 0",
            "mainstay_jobs_running 0",
            "mainstay_stored_bytes 0",
            "mainstay_engine_reachable 1",
        ] {
            assert!(answer.text.lines().any(|l| l == line), "{line} is missing in:\n{}", answer.text);
        }
    }
}
