//! `GET /readyz`

use actix_web::{HttpResponse, get, web};

use crate::api::state::AppState;
use crate::api::wire::Readiness;

/// Tell whether the service can work
///
/// It can when its store takes writes and the Docker Engine answers. The reasons name no details, because everybody
/// may ask; the self-test at `/api/v1/doctor` tells more.
#[utoipa::path(
    tag = "service",
    operation_id = "get_readiness",
    security(()),
    responses(
        (status = 200, description = "It can work", body = Readiness, example = json!({"ready": true, "reasons": []})),
        (status = 503, description = "It cannot, for these reasons", body = Readiness)
    )
)]
#[get("/readyz")]
pub(crate) async fn get_readiness(state: web::Data<AppState>) -> HttpResponse {
    let mut reasons = Vec::new();
    if state.shutdown.is_cancelled() {
        reasons.push("the service is shutting down".to_owned());
    } else if let Err(error) = state.store.check_writable().await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the store cannot be written to");
        reasons.push("the database cannot be written to".to_owned());
    }
    if !state.discovery.view().engine.reachable {
        reasons.push("the Docker Engine does not answer".to_owned());
    }
    let ready = reasons.is_empty();
    let mut answer = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.insert_header(("cache-control", "no-store")).json(Readiness { ready, reasons })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::testing::TestApi;

    #[actix_web::test]
    async fn it_is_ready_as_long_as_the_engine_answers() {
        let api = TestApi::new().await;
        for (is_reachable, status) in [(true, 200), (false, 503), (true, 200)] {
            api.docker.set_reachable(is_reachable);
            api.state.discovery.refresh().await;
            let answer = api.get("/readyz").await;
            assert_eq!((answer.status, &answer.body["ready"]), (status, &json!(is_reachable)), "{}", answer.text);
        }
        assert_eq!(api.get("/readyz").await.body["reasons"], json!([]));
    }

    #[actix_web::test]
    async fn every_reason_is_told() {
        let api = TestApi::new().await;
        api.state.store.clone().close().await.expect("closed");
        let answer = api.get("/readyz").await;
        let reasons = json!(["the database cannot be written to", "the Docker Engine does not answer"]);
        assert_eq!((answer.status, &answer.body["reasons"]), (503, &reasons));
        assert_eq!(answer.header("content-type"), "application/json");
    }

    #[actix_web::test]
    async fn a_service_that_ends_is_not_ready() {
        let api = TestApi::new().await;
        api.state.discovery.refresh().await;
        api.state.shutdown.cancel();
        let answer = api.get("/readyz").await;
        assert_eq!((answer.status, &answer.body["reasons"]), (503, &json!(["the service is shutting down"])));
    }
}
