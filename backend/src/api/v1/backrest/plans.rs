//! `GET /api/v1/backrest/plans`

use actix_web::{HttpResponse, get, web};

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::BackrestPlans;

/// List what labels want of Backrest
///
/// The plans that labels want, how each label was understood, what is skipped and why, and whether Backrest has them, as the
/// last round found it. Nothing is asked anew; `POST /api/v1/backrest/reconcile` does that.
#[utoipa::path(
    tag = "backrest",
    operation_id = "list_backrest_plans",
    responses(
        (status = 200, description = "What the last round found", body = BackrestPlans),
        (status = 404, description = "backrest_not_configured: the configuration has no section `backrest`"),
    )
)]
#[get("/api/v1/backrest/plans")]
pub(crate) async fn list_backrest_plans(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let status = super::find(&state)?.status();
    Ok(HttpResponse::Ok().json(BackrestPlans::new(status, false)))
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn without_a_backrest_there_is_nothing_to_list_and_nothing_to_do() {
        use actix_web::test::TestRequest;
        let api = TestApi::new().await;
        let answer = api.get_with(&api.token(Scope::Read).await, "/api/v1/backrest/plans").await;
        answer.assert_problem(404, "backrest_not_configured");
        for path in ["/api/v1/backrest/reconcile", "/api/v1/backrest/plans/web_app/run"] {
            let bearer = format!("Bearer {}", api.token(Scope::Admin).await);
            let post = TestRequest::post().uri(path).insert_header(("authorization", bearer));
            api.send(post).await.assert_problem(404, "backrest_not_configured");
        }
    }
}
