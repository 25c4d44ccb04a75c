//! `POST /api/v1/auth/tokens`

use actix_web::{HttpResponse, post, web};
use chrono::Duration;

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{CreatedToken, NewToken};

/// The longest name of a token, in characters.
const MAX_NAME: usize = 100;
/// The longest life of a token that ends at all.
const MAX_DAYS: u32 = 3650;

/// Make a token
///
/// For a program. Its secret is in this answer and nowhere else.
#[utoipa::path(
    tag = "auth",
    operation_id = "create_token",
    security(("bearer" = ["admin"]), ("session" = ["admin"])),
    request_body = NewToken,
    responses((status = 201, description = "The token and its secret", body = CreatedToken))
)]
#[post("/api/v1/auth/tokens")]
pub(crate) async fn create_token(
    state: web::Data<AppState>,
    wanted: web::Json<NewToken>,
) -> Result<HttpResponse, ApiError> {
    let name = parse_name(&wanted.name)?;
    let expires_at = parse_days(wanted.expires_in_days)?.map(|lifetime| state.clock.now() + lifetime);
    let (about, token) = state.store.create_token(name, wanted.scope.into(), false, expires_at).await?;
    let created = CreatedToken { token, about: about.into() };
    Ok(HttpResponse::Created().insert_header(("cache-control", "no-store")).json(created))
}

fn parse_name(text: &str) -> Result<&str, ApiError> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        let detail = format!("a name has 1 to {MAX_NAME} characters and no line breaks");
        return Err(ApiError::invalid_field("name", detail));
    }
    Ok(name)
}

fn parse_days(days: Option<u32>) -> Result<Option<Duration>, ApiError> {
    match days {
        Some(days) if !(1..=MAX_DAYS).contains(&days) => {
            Err(ApiError::invalid_field("expires_in_days", format!("it must be a whole number from 1 to {MAX_DAYS}")))
        }
        days => Ok(days.map(|days| Duration::days(days.into()))),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::{Value, json};

    use crate::api::testing::{Answer, TestApi};
    use crate::domain::access::Scope;

    async fn create(api: &TestApi, scope: Scope, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", api.token(scope).await);
        let post = TestRequest::post().uri("/api/v1/auth/tokens").insert_header(("authorization", bearer));
        api.send(post.set_json(body)).await
    }

    #[actix_web::test]
    async fn a_token_works_until_its_day() {
        let api = TestApi::new().await;
        let body = json!({"name": " monitoring ", "scope": "read", "expires_in_days": 1});
        let answer = create(&api, Scope::Admin, &body).await;
        assert_eq!((answer.status, &answer.body["name"]), (201, &"monitoring".into()), "{}", answer.text);
        assert_eq!(answer.body["expires_at"], "2027-01-16T08:00:00.000Z");
        assert_eq!((&answer.body["is_session"], answer.header("cache-control")), (&json!(false), "no-store"));
        let secret = answer.body["token"].as_str().expect("a secret");
        assert_eq!(api.get_with(secret, "/api/v1/auth/me").await.body["scope"], "read");
        api.clock.advance(chrono::Duration::days(1));
        api.get_with(secret, "/api/v1/auth/me").await.assert_problem(401, "unauthenticated");
    }

    #[actix_web::test]
    async fn bad_wishes_name_their_field() {
        let api = TestApi::new().await;
        for (field, body) in [
            ("name", json!({"name": "  ", "scope": "read"})),
            ("name", json!({"name": "a\nb", "scope": "read"})),
            ("name", json!({"name": "x".repeat(101), "scope": "read"})),
            ("name", json!({"scope": "read"})),
            ("expires_in_days", json!({"name": "a", "scope": "read", "expires_in_days": 0})),
            ("expires_in_days", json!({"name": "a", "scope": "read", "expires_in_days": 3651})),
            ("expires_at", json!({"name": "a", "scope": "read", "expires_at": "2027-01-01T00:00:00Z"})),
        ] {
            let answer = create(&api, Scope::Admin, &body).await;
            answer.assert_problem(400, "invalid_body");
            assert_eq!(answer.body["errors"][0]["name"], field, "{body}");
        }
        for body in [json!({"name": "a", "scope": "root"}), json!({"name": 7, "scope": "read"}), json!([])] {
            create(&api, Scope::Admin, &body).await.assert_problem(400, "invalid_body");
        }
    }

    #[actix_web::test]
    async fn nobody_makes_a_token_stronger_than_their_own() {
        let api = TestApi::new().await;
        for scope in [Scope::Read, Scope::Operate] {
            create(&api, scope, &json!({"name": "a", "scope": "admin"})).await.assert_problem(403, "forbidden");
        }
    }
}
