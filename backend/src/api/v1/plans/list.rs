//! `GET /api/v1/plans`

use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::any::{self, AnyPlan};
use crate::api::answer;
use crate::api::input::parse_parameter;
use crate::api::page::{PageQuery, cut_ascending};
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{Executor, PlanList};
use crate::domain::names::InstanceId;
use crate::store::Page;

const LIST: &str = "plans";

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Only those of this instance.
    #[param(example = "nas")]
    instance: Option<String>,
    /// Only those that this one carries out: `mainstay` or `backrest`.
    #[param(value_type = Option<Executor>, example = "backrest")]
    executor: Option<String>,
}

/// List plans
///
/// Every plan, by id: the own plans of the instances, with what labels add to them, and those made here; and the plans of Backrest that labels
/// ask for, as the last reconciliation found them.
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
    let executor = parse_executor(filter.executor.as_deref())?;
    let mut plans = any::list(&state);
    plans.retain(|plan| match plan {
        AnyPlan::Own(own) => {
            executor != Some(Executor::Backrest) && wanted.as_ref().is_none_or(|wanted| own.instance == *wanted)
        }
        AnyPlan::Backrest(_) => executor != Some(Executor::Mainstay) && wanted.is_none(),
    });
    let Page { items, next } = cut_ascending(plans, &page, |plan| plan.id().to_string());
    let mut described = Vec::with_capacity(items.len());
    for plan in &items {
        described.push(plan.describe(&state).await?);
    }
    Ok(answer::page(LIST, Page { items: described, next }, PlanList::page))
}

fn parse_executor(text: Option<&str>) -> Result<Option<Executor>, ApiError> {
    match text {
        None => Ok(None),
        Some("mainstay") => Ok(Some(Executor::Mainstay)),
        Some("backrest") => Ok(Some(Executor::Backrest)),
        Some(_) => Err(ApiError::invalid_query("executor", "it must be 'mainstay' or 'backrest'".to_owned())),
    }
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
        let answer = api.get_with(&secret, "/api/v1/plans?executor=cron").await;
        answer.assert_problem(400, "invalid_query");
        assert_eq!(answer.body["errors"][0]["name"], "executor");
    }
}
