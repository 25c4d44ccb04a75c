//! `POST /api/auth/login`, `POST /api/auth/logout`, `GET /api/auth/check`

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::Duration;
use secrecy::ExposeSecret as _;

use crate::api::auth::{cookie, identify, password};
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{MarinaAuth, MarinaLogin, MarinaLoginAnswer, MarinaLogout};
use crate::domain::access::Scope;

/// Where one signs in: there a 401 is a text.
pub(super) const LOGIN: &str = "/api/auth/login";

/// How long a sign-in lasts.
const LIFETIME: Duration = Duration::hours(24);

/// Sign in, as with Marina
///
/// Begins a session that may only read, for a day. New clients take `/api/v1/auth/login`.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "log_in_marina",
    security(()),
    request_body = MarinaLogin,
    responses(
        (status = 200, description = "Signed in; the cookie `marina_auth_token` is set", body = MarinaLoginAnswer),
        (status = 401, description = "The password is wrong", body = String, content_type = "text/plain"),
        (status = 429, description = "Too many wrong passwords; `Retry-After` says when to try again"),
    )
)]
#[post("/api/auth/login")]
pub(crate) async fn log_in_marina(
    req: HttpRequest,
    state: web::Data<AppState>,
    login: web::Json<MarinaLogin>,
) -> Result<HttpResponse, ApiError> {
    if state.auth.is_disabled {
        let message = Some("Authentication not required");
        return Ok(HttpResponse::Ok().json(MarinaLoginAnswer { success: true, token: None, message }));
    }
    let peer = req.peer_addr().map(|address| address.ip());
    state.logins.take(peer, state.clock.now())?;
    if !password::check(&state, login.password.expose_secret().to_owned()).await? {
        return Err(ApiError::Unauthenticated("the password is wrong"));
    }
    state.logins.forgive(peer);
    let expires_at = state.clock.now() + LIFETIME;
    let (_, secret) =
        state.store.create_token("session of a Marina client", Scope::Read, true, Some(expires_at)).await?;
    let cookie = cookie::make_for_marina(&req, secret.clone(), LIFETIME);
    let answer = MarinaLoginAnswer { success: true, token: Some(secret), message: None };
    Ok(HttpResponse::Ok().cookie(cookie).insert_header(("cache-control", "no-store")).json(answer))
}

/// Sign out, as from Marina
///
/// Ends the session that the request was sent with, if there is one, and makes the browser forget its cookie.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "log_out_marina",
    security(()),
    responses((status = 200, description = "Signed out", body = MarinaLogout))
)]
#[post("/api/auth/logout")]
pub(crate) async fn log_out_marina(req: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    // A page of another site may sign somebody out of reading, which harms nobody; of nothing else.
    let caller = identify(&req, &state).await.ok();
    let session = caller.filter(|caller| caller.is_session && caller.scope == Scope::Read);
    if let Some(id) = session.and_then(|caller| caller.token_id) {
        state.store.delete_token(&id).await?;
    }
    let mut cookie = cookie::make_for_marina(&req, String::new(), Duration::zero());
    cookie.make_removal();
    Ok(HttpResponse::Ok().cookie(cookie).json(MarinaLogout { success: true }))
}

/// Tell whether one is signed in, as Marina does
///
/// Open, so that a dashboard can ask before it shows anything.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "check_marina_auth",
    security(()),
    responses((status = 200, description = "Whether one has to sign in, and did", body = MarinaAuth))
)]
#[get("/api/auth/check")]
pub(crate) async fn check_marina_auth(req: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    let authenticated = identify(&req, &state).await.is_ok();
    HttpResponse::Ok().json(MarinaAuth { auth_required: !state.auth.is_disabled, authenticated })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::json;

    use crate::api::state::AuthSettings;
    use crate::api::testing::{Answer, PASSWORD, TestApi};

    async fn log_in(api: &TestApi, password: &str) -> Answer {
        api.send(TestRequest::post().uri(super::LOGIN).set_json(json!({"password": password}))).await
    }

    async fn get_with_cookie(api: &TestApi, path: &str, token: &str) -> Answer {
        let cookie = format!("marina_auth_token={token}");
        api.send(TestRequest::get().uri(path).insert_header(("cookie", cookie))).await
    }

    #[actix_web::test]
    async fn the_cookie_opens_the_former_routes_and_no_others() {
        let api = TestApi::new().await;
        let answer = log_in(&api, PASSWORD).await;
        let token = answer.body["token"].as_str().expect("a token").to_owned();
        assert_eq!((answer.status, &answer.body["success"]), (200, &json!(true)));
        let cookie = answer.header("set-cookie");
        let expected = format!("marina_auth_token={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age=86400");
        assert_eq!(cookie, expected);
        let checked = get_with_cookie(&api, "/api/auth/check", &token).await;
        assert_eq!(checked.body, json!({"authRequired": true, "authenticated": true}));
        assert_eq!(get_with_cookie(&api, "/api/schedules/", &token).await.status, 200);
        get_with_cookie(&api, "/api/v1/jobs", &token).await.assert_problem(401, "unauthenticated");
        api.send(TestRequest::post().uri("/backup").insert_header(("authorization", format!("Bearer {token}"))))
            .await
            .assert_problem(403, "forbidden");
    }

    #[actix_web::test]
    async fn a_session_ends() {
        let api = TestApi::new().await;
        let token = log_in(&api, PASSWORD).await.body["token"].as_str().expect("a token").to_owned();
        let cookie = format!("marina_auth_token={token}");
        let answer = api.send(TestRequest::post().uri("/api/auth/logout").insert_header(("cookie", cookie))).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({"success": true})));
        assert!(answer.header("set-cookie").contains("Max-Age=0"), "{}", answer.header("set-cookie"));
        let checked = get_with_cookie(&api, "/api/auth/check", &token).await;
        assert_eq!(checked.body, json!({"authRequired": true, "authenticated": false}));
    }

    #[actix_web::test]
    async fn what_is_wrong_is_told_as_text() {
        let api = TestApi::new().await;
        let answer = log_in(&api, "wrong").await;
        assert_eq!((answer.status, answer.text.as_str()), (401, "the password is wrong"));
        assert!(answer.header("content-type").starts_with("text/plain"));
        let post = TestRequest::post().uri(super::LOGIN).insert_header(("content-type", "application/json"));
        let answer = api.send(post.set_payload("{")).await;
        assert_eq!(answer.status, 400);
        assert!(answer.header("content-type").starts_with("text/plain"), "{}", answer.text);
        for _ in 0..4 {
            log_in(&api, "wrong").await;
        }
        let answer = log_in(&api, PASSWORD).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, "10"), "it is as slow as the other door");
    }

    #[actix_web::test]
    async fn where_nobody_signs_in_it_says_so() {
        let api = TestApi::with_auth(AuthSettings { is_disabled: true, ..AuthSettings::default() }).await;
        let answer = log_in(&api, "").await;
        assert_eq!(answer.body, json!({"success": true, "message": "Authentication not required"}));
        assert_eq!(api.get("/api/auth/check").await.body, json!({"authRequired": false, "authenticated": true}));
    }
}
