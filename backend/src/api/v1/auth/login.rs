//! `POST /api/v1/auth/login`

use actix_web::{HttpRequest, HttpResponse, post, web};
use secrecy::ExposeSecret;

use crate::api::auth::{cookie, password};
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{Login, Session};
use crate::domain::access::Scope;

/// Sign in
///
/// Begins a session with all rights. A browser gets it as a cookie; a program may use the token of the answer. Five
/// wrong passwords from one address are free, then one is taken every ten seconds.
#[utoipa::path(
    tag = "auth",
    operation_id = "log_in",
    security(()),
    request_body = Login,
    responses(
        (status = 200, description = "Signed in; the cookie `mainstay_session` is set", body = Session),
        (status = 401, description = "unauthenticated: the password is wrong"),
        (status = 429, description = "too_many_requests: too many wrong passwords; `Retry-After` says when to try again"),
    )
)]
#[post("/api/v1/auth/login")]
pub(crate) async fn log_in(
    req: HttpRequest,
    state: web::Data<AppState>,
    login: web::Json<Login>,
) -> Result<HttpResponse, ApiError> {
    let peer = req.peer_addr().map(|address| address.ip());
    state.logins.take(peer, state.clock.now())?;
    let password = login.password.expose_secret().to_owned();
    if !password::check(&state, password).await? {
        return Err(ApiError::Unauthenticated("the password is wrong"));
    }
    state.logins.forgive(peer);
    let lifetime = state.auth.session_lifetime;
    let expires_at = state.clock.now() + lifetime;
    let (_, secret) = state.store.create_token("session", Scope::Admin, true, Some(expires_at)).await?;
    let cookie = cookie::make(&req, secret.clone(), lifetime);
    Ok(HttpResponse::Ok()
        .cookie(cookie)
        .insert_header(("cache-control", "no-store"))
        .json(Session { token: secret, expires_at: expires_at.into() }))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::json;

    use crate::api::testing::{PASSWORD, TestApi};

    fn login(password: &str) -> TestRequest {
        TestRequest::post().uri("/api/v1/auth/login").set_json(json!({"password": password}))
    }

    #[actix_web::test]
    async fn the_right_password_begins_a_session() {
        let api = TestApi::new().await;
        let answer = api.send(login(PASSWORD)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let token = answer.body["token"].as_str().expect("a token").to_owned();
        assert!(
            answer.header("set-cookie").starts_with(&format!("mainstay_session={token}; HttpOnly; SameSite=Strict"))
        );
        let me =
            TestRequest::get().uri("/api/v1/auth/me").insert_header(("cookie", format!("mainstay_session={token}")));
        let me = api.send(me).await;
        assert_eq!(
            (me.status, me.body["via"].as_str(), me.body["scope"].as_str()),
            (200, Some("cookie"), Some("admin"))
        );
    }

    #[actix_web::test]
    async fn wrong_passwords_are_refused_and_slowed_down() {
        let api = TestApi::new().await;
        for _ in 0..5 {
            api.send(login("wrong")).await.assert_problem(401, "unauthenticated");
        }
        let answer = api.send(login(PASSWORD)).await;
        answer.assert_problem(429, "too_many_requests");
        assert_eq!(answer.header("retry-after"), "10");
        api.clock.advance(chrono::Duration::seconds(10));
        assert_eq!(api.send(login(PASSWORD)).await.status, 200);
        assert_eq!(api.send(login(PASSWORD)).await.status, 200, "who knows the password is not slowed down");
    }

    #[actix_web::test]
    async fn bad_bodies_get_a_clear_answer() {
        let api = TestApi::new().await;
        let post = || TestRequest::post().uri("/api/v1/auth/login");
        api.send(post()).await.assert_problem(415, "unsupported_media_type");
        api.send(post().set_json(json!({"pasword": "x"}))).await.assert_problem(400, "invalid_body");
        api.send(post().set_json(json!({"password": 7}))).await.assert_problem(400, "invalid_body");
        let answer = api.send(post().set_json(json!({"password": "x", "user": "root"}))).await;
        answer.assert_problem(400, "invalid_body");
        assert_eq!(answer.body["errors"][0]["name"], "user");
    }
}
