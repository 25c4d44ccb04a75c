//! `GET /api/info`

use actix_web::{HttpResponse, get, web};

use crate::api::state::AppState;
use crate::api::wire::MarinaInfo;

/// Tell what this node is, as Marina does
///
/// Its name and version. New clients take `/api/v1/info`.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "get_marina_info",
    responses((status = 200, description = "The node", body = MarinaInfo))
)]
#[get("/api/info")]
pub(crate) async fn get_marina_info(state: web::Data<AppState>) -> HttpResponse {
    let node_name = state.about.node_name.clone();
    HttpResponse::Ok().json(MarinaInfo { node_name, version: state.about.version.to_owned() })
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn whoever_is_not_signed_in_is_told_so_in_the_former_words() {
        let api = TestApi::new().await;
        let answer = api.get("/api/info").await;
        assert_eq!((answer.status, answer.body), (401, serde_json::json!({"error": "Authentication required"})));
        let answer = api.get_with(&api.token(Scope::Read).await, "/api/info").await;
        assert_eq!((answer.status, answer.body), (200, serde_json::json!({"nodeName": "", "version": "0.0.0"})));
    }
}
