//! `GET /api/v1/auth/me`

use actix_web::{HttpResponse, get};

use crate::api::auth::{self, Caller};
use crate::api::wire::{Me, Via};

/// Tell who one is
///
/// What the token or session of the request may do, and when it ends.
#[utoipa::path(
    tag = "auth",
    operation_id = "get_me",
    responses((status = 200, description = "The caller", body = Me))
)]
#[get("/api/v1/auth/me")]
pub(crate) async fn get_me(caller: Caller) -> HttpResponse {
    let via = match caller.via {
        auth::Via::Bearer => Via::Bearer,
        auth::Via::Cookie => Via::Cookie,
        auth::Via::Nothing => Via::Nothing,
    };
    let (scope, expires_at) = (caller.scope.into(), caller.expires_at.map(Into::into));
    HttpResponse::Ok().json(Me { name: caller.name, scope, via, expires_at })
}

#[cfg(test)]
mod tests {
    use crate::api::state::AuthSettings;
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    const PATH: &str = "/api/v1/auth/me";

    #[actix_web::test]
    async fn a_token_sees_itself() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        let me = api.get_with(&secret, PATH).await;
        assert_eq!(me.status, 200, "{}", me.text);
        assert_eq!(me.body, serde_json::json!({"name": "test", "scope": "read", "via": "bearer", "expires_at": null}));
    }

    #[actix_web::test]
    async fn without_authentication_everybody_is_admin() {
        let api = TestApi::with_auth(AuthSettings { is_disabled: true, ..AuthSettings::default() }).await;
        let me = api.get(PATH).await;
        assert_eq!(
            (me.status, me.body["via"].as_str(), me.body["scope"].as_str()),
            (200, Some("nothing"), Some("admin"))
        );
    }
}
