//! `GET /api/v1/status`

use actix_web::{HttpResponse, get, web};

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::Status;

/// Sum everything up
///
/// How many stacks there are and how many are protected, what is at work, how the last jobs came out, what is scheduled
/// next, what someone should look at, and how much room archives take and have.
#[utoipa::path(
    tag = "service",
    operation_id = "get_status",
    responses(
        (status = 200, description = "The summary", body = Status),
        (status = 503, description = "store_unavailable: the database does not answer")
    )
)]
#[get("/api/v1/status")]
pub(crate) async fn get_status(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let overview = state.engine.overview().await?;
    let backup_dir = &state.engine.settings().backup_dir;
    let (registry, warnings) = (state.engine.registry(), state.about.config_warnings.clone());
    let status = Status::new(state.clock.now(), overview, registry, backup_dir, warnings);
    Ok(HttpResponse::Ok().json(status))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn an_empty_host_is_summed_up() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        std::fs::create_dir(api.path("stacks/blog")).expect("made");
        std::fs::write(api.path("stacks/blog/compose.yaml"), "services: {app: {image: img}}").expect("written");
        api.state.discovery.refresh().await;
        let answer = api.get_with(&secret, "/api/v1/status").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.body["stacks"], json!({"found": 1, "running": 0, "protected": 0, "overdue": 0}));
        assert_eq!(answer.body["engine"], json!({"is_reachable": true, "message": null}));
        assert!(answer.body["backup_disk"]["free_bytes"].as_u64().is_some_and(|free| free > 0), "{}", answer.text);
        assert_eq!((&answer.body["instances"], &answer.body["next_runs"]), (&json!(0), &json!([])));
        assert_eq!((&answer.body["running_jobs"], &answer.body["last_results"]), (&json!([]), &json!([])));
    }

    #[actix_web::test]
    async fn a_lost_engine_and_a_lost_store_are_told_apart() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        api.docker.set_reachable(false);
        api.state.discovery.refresh().await;
        let answer = api.get_with(&secret, "/api/v1/status").await;
        assert_eq!((answer.status, &answer.body["engine"]["is_reachable"]), (200, &json!(false)));
        assert!(answer.body["engine"]["message"].is_string(), "{}", answer.text);
        api.state.store.clone().close().await.expect("closed");
        api.get_with(&secret, "/api/v1/status").await.assert_problem(503, "store_unavailable");
    }
}
