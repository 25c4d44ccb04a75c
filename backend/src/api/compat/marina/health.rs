//! `GET /api/health`

use actix_web::{HttpResponse, get, web};

use crate::api::state::AppState;
use crate::api::wire::MarinaHealth;

/// Tell that the service answers, as Marina does
///
/// Open, so that a health check of a container can ask. New clients take `/healthz`.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "get_marina_health",
    security(()),
    responses((status = 200, description = "It answers", body = MarinaHealth))
)]
#[get("/api/health")]
pub(crate) async fn get_marina_health(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(MarinaHealth { status: "ok", time: state.clock.now().into() })
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;

    #[actix_web::test]
    async fn nobody_has_to_sign_in() {
        let answer = TestApi::new().await.get("/api/health").await;
        let body = serde_json::json!({"status": "ok", "time": "2027-01-15T08:00:00.000Z"});
        assert_eq!((answer.status, answer.body), (200, body));
    }
}
