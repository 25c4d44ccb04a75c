//! `GET /api/v1/plans/{id}`

use actix_web::{HttpResponse, get, web};

use super::any;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::Plan;
use crate::domain::names::PlanId;

/// Get a plan
///
/// One plan with its next five runs, or the next one of a plan of Backrest. Commands and arguments that may hold passwords are never shown.
#[utoipa::path(
    tag = "plans",
    operation_id = "get_plan",
    params(("id" = String, Path, description = "The plan", example = "nightly")),
    responses(
        (status = 200, description = "The plan", body = Plan),
        (status = 404, description = "plan_not_found: there is no such plan"),
    )
)]
#[get("/api/v1/plans/{id}")]
pub(crate) async fn get_plan(state: web::Data<AppState>, id: web::Path<PlanId>) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(any::find(&state, &id)?.describe(&state).await?))
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn unknown_and_impossible_ids_are_told_apart() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        api.get_with(&secret, "/api/v1/plans/nightly").await.assert_problem(404, "plan_not_found");
        api.get_with(&secret, "/api/v1/plans/..%2Fnightly").await.assert_problem(400, "invalid_path");
    }
}
