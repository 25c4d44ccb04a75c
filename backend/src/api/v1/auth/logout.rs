//! `POST /api/v1/auth/logout`

use actix_web::{HttpRequest, HttpResponse, post, web};

use crate::api::auth::{Caller, cookie};
use crate::api::problem::ApiError;
use crate::api::state::AppState;

/// Sign out
///
/// Ends the session that the request was sent with and makes the browser forget its cookie. Only sessions end this
/// way; a token is removed by its id.
#[utoipa::path(
    tag = "auth",
    operation_id = "log_out",
    security(("bearer" = ["read"]), ("session" = ["read"])),
    responses((status = 204, description = "Signed out"))
)]
#[post("/api/v1/auth/logout")]
pub(crate) async fn log_out(
    req: HttpRequest,
    state: web::Data<AppState>,
    caller: Caller,
) -> Result<HttpResponse, ApiError> {
    if let Some(id) = caller.token_id.filter(|_| caller.is_session) {
        state.store.delete_token(&id).await?;
    }
    Ok(HttpResponse::NoContent().cookie(cookie::make_removal(&req)).finish())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    fn post(cookie: &str) -> TestRequest {
        let cookie = format!("mainstay_session={cookie}");
        TestRequest::post().uri("/api/v1/auth/logout").insert_header(("cookie", cookie))
    }

    #[actix_web::test]
    async fn a_session_ends_for_good() {
        let api = TestApi::new().await;
        let (_, secret) = api.state.store.create_token("session", Scope::Admin, true, None).await.expect("a session");
        let answer = api.send(post(&secret).insert_header(("x-requested-with", "mainstay"))).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
        assert!(answer.header("set-cookie").contains("Max-Age=0"));
        let again =
            TestRequest::get().uri("/api/v1/auth/me").insert_header(("authorization", format!("Bearer {secret}")));
        api.send(again).await.assert_problem(401, "unauthenticated");
    }

    #[actix_web::test]
    async fn a_cookie_alone_does_not_sign_out() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Admin).await;
        api.send(post(&secret)).await.assert_problem(403, "csrf");
    }

    #[actix_web::test]
    async fn a_token_is_not_removed() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        let bearer = format!("Bearer {secret}");
        let out = TestRequest::post().uri("/api/v1/auth/logout").insert_header(("authorization", bearer));
        assert_eq!(api.send(out).await.status, 204);
        assert_eq!(api.get_with(&secret, "/api/v1/auth/me").await.status, 200);
    }
}
