//! `GET /api/v1/plans`

use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::describe;
use crate::api::answer;
use crate::api::input::parse_parameter;
use crate::api::page::{PageQuery, cut_ascending};
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::PlanList;
use crate::domain::names::InstanceId;
use crate::store::Page;

const LIST: &str = "plans";

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Only those of this instance.
    #[param(example = "nas")]
    instance: Option<String>,
}

/// List plans
///
/// Every plan, by id: the own plans of the instances, with what labels add to them, and those made here.
#[utoipa::path(
    tag = "plans",
    operation_id = "list_plans",
    params(PageQuery, Filter),
    responses((status = 200, description = "A page of plans", body = PlanList))
)]
#[get("/api/v1/plans")]
pub(crate) async fn list_plans(
    state: web::Data<AppState>,
    page: web::Query<PageQuery>,
    filter: web::Query<Filter>,
) -> Result<HttpResponse, ApiError> {
    let page = page.parse(LIST)?;
    let wanted = parse_parameter::<InstanceId>("instance", filter.instance.as_deref())?;
    let mut plans = state.engine.registry().list_plans();
    plans.retain(|plan| wanted.as_ref().is_none_or(|wanted| plan.instance == *wanted));
    let Page { items, next } = cut_ascending(plans, &page, |plan| plan.id.to_string());
    let mut described = Vec::with_capacity(items.len());
    for plan in &items {
        described.push(describe(&state, plan).await?);
    }
    Ok(answer::page(LIST, Page { items: described, next }, PlanList::page))
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn a_service_without_plans_has_an_empty_list() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        let answer = api.get_with(&secret, "/api/v1/plans?limit=5&instance=nas").await;
        assert_eq!((answer.status, answer.body), (200, serde_json::json!({"items": [], "next_cursor": null})));
        let answer = api.get_with(&secret, "/api/v1/plans?instance=a%2Fb").await;
        answer.assert_problem(400, "invalid_query");
        assert_eq!(answer.body["errors"][0]["name"], "instance");
    }
}
