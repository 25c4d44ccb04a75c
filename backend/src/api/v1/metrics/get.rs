//! `GET /metrics`

use actix_web::{HttpResponse, get, web};

use super::exposition::expose;
use crate::api::problem::ApiError;
use crate::api::state::AppState;

/// Tell numbers to Prometheus
///
/// Stacks and their last backups, jobs at work, room on the disk, and whether the engine answers, in the text format
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
    let text = expose(&overview, &stacks, state.about.version).map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok().content_type(prometheus::TEXT_FORMAT).body(text))
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
