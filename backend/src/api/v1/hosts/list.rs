//! `GET /api/v1/hosts`

use actix_web::{HttpResponse, get, web};

use crate::api::state::AppState;
use crate::api::wire::{Host, HostList};

/// What the engine that Mainstay runs beside is called.
const LOCAL: &str = "local";

/// List Docker Engines
///
/// Every engine that Mainstay drives, and whether it answers.
#[utoipa::path(
    tag = "hosts",
    operation_id = "list_hosts",
    responses((status = 200, description = "The engines", body = HostList))
)]
#[get("/api/v1/hosts")]
pub(crate) async fn list_hosts(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(HostList::whole([Host::new(LOCAL, &state.discovery.view().engine)]))
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn an_engine_that_is_lost_says_why() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        let look = async || {
            api.state.discovery.refresh().await;
            let answer = api.get_with(&secret, "/api/v1/hosts").await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            answer.body["items"][0].clone()
        };
        let host = look().await;
        assert_eq!((&host["name"], &host["state"]), (&"local".into(), &"reachable".into()), "{host}");
        assert!(host["engine_version"].is_string() && host["message"].is_null(), "{host}");
        api.docker.set_reachable(false);
        let host = look().await;
        assert!(host["state"] == "unreachable" && host["message"].is_string(), "{host}");
    }
}
