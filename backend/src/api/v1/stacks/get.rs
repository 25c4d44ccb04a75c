//! `GET /api/v1/stacks/{name}`

use actix_web::{HttpResponse, get, web};

use crate::api::answer;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::Stack;
use crate::domain::names::StackName;

/// Get a stack
///
/// One stack as it is now. It is found by its Compose project name, and by the name of its directory where no project
/// is called so.
#[utoipa::path(
    tag = "stacks",
    operation_id = "get_stack",
    params(("name" = String, Path, description = "The stack", example = "blog")),
    responses(
        (status = 200, description = "The stack", body = Stack),
        (status = 404, description = "stack_not_found: there is no such stack"),
    )
)]
#[get("/api/v1/stacks/{name}")]
pub(crate) async fn get_stack(
    state: web::Data<AppState>,
    name: web::Path<StackName>,
) -> Result<HttpResponse, ApiError> {
    let found = state.engine.find_stack(&name).await?;
    answer::one::<Stack, _>(found, || ApiError::StackNotFound(name.into_inner().into()))
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn unknown_and_impossible_names_are_told_apart() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        api.get_with(&secret, "/api/v1/stacks/blog").await.assert_problem(404, "stack_not_found");
        for name in ["a%2Fb", "..%2Fb", "a%00b", "%2e%2e", ".", &"x".repeat(300)] {
            let answer = api.get_with(&secret, &format!("/api/v1/stacks/{name}")).await;
            answer.assert_problem(400, "invalid_name");
        }
    }
}
