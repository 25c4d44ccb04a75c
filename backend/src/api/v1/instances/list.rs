//! `GET /api/v1/instances`

use actix_web::{HttpResponse, get, web};

use super::describe;
use crate::api::answer;
use crate::api::page::{PageQuery, cut_ascending};
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::InstanceList;
use crate::store::Page;

const LIST: &str = "instances";

/// List instances
///
/// Every means of backup, by id: those of the configuration and those made here, each with what its own plan captures
/// and when it runs next.
#[utoipa::path(
    tag = "instances",
    operation_id = "list_instances",
    params(PageQuery),
    responses((status = 200, description = "A page of instances", body = InstanceList))
)]
#[get("/api/v1/instances")]
pub(crate) async fn list_instances(
    state: web::Data<AppState>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let page = page.parse(LIST)?;
    let Page { items, next } = cut_ascending(state.engine.registry().list_instances(), &page, |one| one.id.to_string());
    let mut described = Vec::with_capacity(items.len());
    for instance in &items {
        described.push(describe(&state, instance).await?);
    }
    Ok(answer::page(LIST, Page { items: described, next }, InstanceList::page))
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn a_service_without_instances_has_an_empty_list() {
        let api = TestApi::new().await;
        api.get("/api/v1/instances").await.assert_problem(401, "unauthenticated");
        let secret = api.token(Scope::Read).await;
        let answer = api.get_with(&secret, "/api/v1/instances?limit=5").await;
        assert_eq!((answer.status, answer.body), (200, serde_json::json!({"items": [], "next_cursor": null})));
        api.get_with(&secret, "/api/v1/instances?cursor=zz").await.assert_problem(400, "invalid_cursor");
    }
}
