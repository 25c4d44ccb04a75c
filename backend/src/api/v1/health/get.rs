//! `GET /healthz`

use actix_web::{HttpResponse, get};

use crate::api::wire::Health;

/// Tell whether the process lives
///
/// Answers as soon as the process takes requests, whatever else is wrong; ask `/readyz` whether it can work.
#[utoipa::path(
    tag = "service",
    operation_id = "get_health",
    security(()),
    responses((status = 200, description = "The process lives", body = Health))
)]
#[get("/healthz")]
pub(crate) async fn get_health() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use crate::api::testing::TestApi;

    #[actix_web::test]
    async fn everybody_may_ask() {
        let answer = TestApi::new().await.send(TestRequest::get().uri("/healthz")).await;
        assert_eq!((answer.status, answer.body["status"].as_str()), (200, Some("ok")));
    }

    #[actix_web::test]
    async fn probes_may_ask_with_head() {
        let answer = TestApi::new()
            .await
            .send(TestRequest::default().method("HEAD".parse().expect("a method")).uri("/healthz"))
            .await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    }
}
