//! `GET /api/v1/instances/{id}`

use actix_web::{HttpResponse, get, web};

use super::{describe, find};
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::Instance;
use crate::domain::names::InstanceId;

/// Get an instance
///
/// One means of backup. Values of its environment, passwords and commands are never shown.
#[utoipa::path(
    tag = "instances",
    operation_id = "get_instance",
    params(("id" = String, Path, description = "The instance", example = "nas")),
    responses(
        (status = 200, description = "The instance", body = Instance),
        (status = 404, description = "instance_not_found: there is no such instance"),
        (status = 409, description = "instance_not_ready: it was made here, and its secrets cannot be read"),
    )
)]
#[get("/api/v1/instances/{id}")]
pub(crate) async fn get_instance(
    state: web::Data<AppState>,
    id: web::Path<InstanceId>,
) -> Result<HttpResponse, ApiError> {
    let instance = find(&state, &id)?;
    Ok(HttpResponse::Ok().json(describe(&state, &instance).await?))
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn unknown_and_impossible_ids_are_told_apart() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        for path in ["/api/v1/instances/nas", "/api/v1/instances/nas/snapshots", "/api/v1/instances/nas/stats"] {
            api.get_with(&secret, path).await.assert_problem(404, "instance_not_found");
        }
        api.get_with(&secret, "/api/v1/instances/..%2Fnas").await.assert_problem(400, "invalid_path");
    }
}
