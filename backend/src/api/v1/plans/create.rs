//! `POST /api/v1/plans`

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, post, web};

use super::{describe, find_fallback};
use crate::api::definition::read_plan;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{Plan, PlanSpec};

/// Make a plan
///
/// Records a new plan for an instance that exists. Everything that is wrong with it is told at once, each with a JSON
/// pointer.
#[utoipa::path(
    tag = "plans",
    operation_id = "create_plan",
    security(("bearer" = ["admin"]), ("session" = ["admin"])),
    request_body = PlanSpec,
    responses(
        (status = 201, description = "The new plan", body = Plan,
            headers(("Location" = String, description = "Where the plan is"))),
        (status = 404, description = "instance_not_found: its instance was removed meanwhile"),
        (status = 409, description = "id_taken: another instance or plan is called so"),
    )
)]
#[post("/api/v1/plans")]
pub(crate) async fn create_plan(
    state: web::Data<AppState>,
    body: web::Json<PlanSpec>,
) -> Result<HttpResponse, ApiError> {
    let plan = read_plan(body.into_inner(), None, |id| find_fallback(&state, id))?;
    let plan = state.engine.registry().create_plan(plan).await?;
    let location = format!("/api/v1/plans/{}", plan.id);
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(describe(&state, &plan).await?))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::json;

    use crate::api::testing::{Answer, TestApi};
    use crate::domain::access::Scope;

    async fn post(scope: Scope) -> Answer {
        let api = TestApi::new().await;
        let bearer = format!("Bearer {}", api.token(scope).await);
        let post = TestRequest::post().uri("/api/v1/plans").insert_header(("authorization", bearer));
        api.send(post.set_json(json!({"id": "p", "instance": "nas", "targets": [{"kind": "stack", "name": "a"}]})))
            .await
    }

    #[actix_web::test]
    async fn a_plan_needs_an_instance_and_an_administrator() {
        post(Scope::Operate).await.assert_problem(403, "forbidden");
        let answer = post(Scope::Admin).await;
        answer.assert_problem(400, "invalid_body");
        assert_eq!(answer.body["errors"][0]["pointer"], "/instance");
    }
}
