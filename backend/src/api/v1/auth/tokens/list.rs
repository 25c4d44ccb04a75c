//! `GET /api/v1/auth/tokens`

use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::answer;
use crate::api::input::parse_parameter;
use crate::api::page::{PageQuery, cut};
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::TokenList;

/// The name of this list in cursors.
const LIST: &str = "tokens";

/// What the list may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TokenQuery {
    /// Whether sessions are listed too.
    #[param(value_type = Option<bool>, default = false, example = true)]
    sessions: Option<String>,
}

/// List tokens
///
/// Those that have not expired, newest first, without their secrets, which are kept nowhere.
#[utoipa::path(
    tag = "auth",
    operation_id = "list_tokens",
    security(("bearer" = ["admin"]), ("session" = ["admin"])),
    params(TokenQuery, PageQuery),
    responses((status = 200, description = "The tokens", body = TokenList))
)]
#[get("/api/v1/auth/tokens")]
pub(crate) async fn list_tokens(
    state: web::Data<AppState>,
    query: web::Query<TokenQuery>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let has_sessions = parse_parameter::<bool>("sessions", query.sessions.as_deref())?.unwrap_or(false);
    let request = page.parse(LIST)?;
    let mut tokens = state.store.list_tokens().await?;
    tokens.retain(|token| has_sessions || !token.is_session);
    let page = cut(tokens, &request, |token| token.id.to_string());
    Ok(answer::page(LIST, page, TokenList::page))
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    const PATH: &str = "/api/v1/auth/tokens";

    #[actix_web::test]
    async fn tokens_are_listed_and_sessions_only_when_asked_for() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Admin).await;
        api.state.store.create_token("session", Scope::Admin, true, None).await.expect("a session");
        let answer = api.get_with(&secret, PATH).await;
        assert_eq!((answer.status, answer.body["items"].as_array().map(Vec::len)), (200, Some(1)), "{}", answer.text);
        assert_eq!((&answer.body["items"][0]["name"], &answer.body["next_cursor"]), (&"test".into(), &().into()));
        assert!(!answer.text.contains(&secret) && !answer.text.contains("hash"), "{}", answer.text);
        let all = api.get_with(&secret, "/api/v1/auth/tokens?sessions=true").await;
        assert_eq!(all.body["items"].as_array().map(Vec::len), Some(2));
        let bad = api.get_with(&secret, "/api/v1/auth/tokens?sessions=perhaps").await;
        bad.assert_problem(400, "invalid_query");
        assert_eq!(bad.body["errors"][0]["name"], "sessions");
    }

    #[actix_web::test]
    async fn pages_join_without_gaps() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Admin).await;
        api.token(Scope::Read).await;
        let first = api.get_with(&secret, "/api/v1/auth/tokens?limit=1").await;
        let cursor = first.body["next_cursor"].as_str().expect("a second page");
        let second = api.get_with(&secret, &format!("{PATH}?limit=1&cursor={cursor}")).await;
        assert_eq!(
            (&first.body["items"][0]["scope"], &second.body["items"][0]["scope"]),
            (&"read".into(), &"admin".into())
        );
        assert!(second.body["next_cursor"].is_null());
    }

    #[actix_web::test]
    async fn only_an_admin_sees_them() {
        let api = TestApi::new().await;
        for scope in [Scope::Read, Scope::Operate] {
            api.get_with(&api.token(scope).await, PATH).await.assert_problem(403, "forbidden");
        }
    }
}
