//! `DELETE /api/v1/auth/tokens/{id}`

use actix_web::{HttpResponse, delete, web};

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::domain::ids::TokenId;

/// Remove a token
///
/// It stops working at once. A session is ended the same way.
#[utoipa::path(
    tag = "auth",
    operation_id = "delete_token",
    security(("bearer" = ["admin"]), ("session" = ["admin"])),
    params(("id" = String, Path, description = "The token's id", example = "tok_019aa3f1c2d47c3e9f00112233445566")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "token_not_found: no token has this id")
    )
)]
#[delete("/api/v1/auth/tokens/{id}")]
pub(crate) async fn delete_token(state: web::Data<AppState>, id: web::Path<TokenId>) -> Result<HttpResponse, ApiError> {
    if state.store.delete_token(&id).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::TokenNotFound(id.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use crate::api::testing::{Answer, TestApi};
    use crate::domain::access::Scope;

    async fn delete(api: &TestApi, scope: Scope, id: &str) -> Answer {
        let bearer = format!("Bearer {}", api.token(scope).await);
        let path = format!("/api/v1/auth/tokens/{id}");
        api.send(TestRequest::delete().uri(&path).insert_header(("authorization", bearer))).await
    }

    #[actix_web::test]
    async fn a_token_that_was_removed_does_not_work() {
        let api = TestApi::new().await;
        let (token, secret) = api.state.store.create_token("t", Scope::Read, false, None).await.expect("a token");
        let id = token.id.as_str();
        delete(&api, Scope::Operate, id).await.assert_problem(403, "forbidden");
        assert_eq!(api.get_with(&secret, "/api/v1/auth/me").await.status, 200);
        let answer = delete(&api, Scope::Admin, id).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        api.get_with(&secret, "/api/v1/auth/me").await.assert_problem(401, "unauthenticated");
        delete(&api, Scope::Admin, id).await.assert_problem(404, "token_not_found");
    }

    #[actix_web::test]
    async fn what_is_no_id_is_told() {
        let api = TestApi::new().await;
        for id in ["7", "job_019aa3f1c2d47c3e9f00112233445566", "tok_..%2f"] {
            delete(&api, Scope::Admin, id).await.assert_problem(400, "invalid_path");
        }
    }
}
