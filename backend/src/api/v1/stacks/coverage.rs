//! `GET /api/v1/stacks/{name}/coverage`

use actix_web::{HttpResponse, get, web};

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::CoverageList;
use crate::domain::names::StackName;

/// Tell what of a stack is captured
///
/// Everything that the stack has: its files, volumes and bind mounts, each with how a backup captures it or why not.
/// The paths are looked at anew for every answer.
#[utoipa::path(
    tag = "stacks",
    operation_id = "get_stack_coverage",
    params(("name" = String, Path, description = "The stack", example = "blog")),
    responses(
        (status = 200, description = "Everything that the stack has, on one page", body = CoverageList),
        (status = 404, description = "stack_not_found: there is no such stack"),
    )
)]
#[get("/api/v1/stacks/{name}/coverage")]
pub(crate) async fn get_stack_coverage(
    state: web::Data<AppState>,
    name: web::Path<StackName>,
) -> Result<HttpResponse, ApiError> {
    let coverage = state.engine.find_coverage(&name).await;
    let coverage = coverage.ok_or_else(|| ApiError::StackNotFound(name.into_inner().into()))?;
    Ok(HttpResponse::Ok().json(CoverageList::whole(coverage)))
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn an_unknown_stack_has_none() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        api.get_with(&secret, "/api/v1/stacks/blog/coverage").await.assert_problem(404, "stack_not_found");
    }
}
