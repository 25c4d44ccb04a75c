//! `GET /api/v1/stacks`

use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::answer;
use crate::api::input::parse_word;
use crate::api::page::{PageQuery, cut_ascending};
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{StackList, StackState};

const LIST: &str = "stacks";

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Only those in this state.
    #[param(value_type = Option<StackState>)]
    state: Option<String>,
}

/// List stacks
///
/// Every Compose project that a directory or the labels of containers tell of, by name, with its newest backup.
#[utoipa::path(
    tag = "stacks",
    operation_id = "list_stacks",
    params(PageQuery, Filter),
    responses((status = 200, description = "A page of stacks", body = StackList))
)]
#[get("/api/v1/stacks")]
pub(crate) async fn list_stacks(
    state: web::Data<AppState>,
    page: web::Query<PageQuery>,
    filter: web::Query<Filter>,
) -> Result<HttpResponse, ApiError> {
    let page = page.parse(LIST)?;
    let wanted: Option<StackState> = parse_word("state", filter.state.as_deref())?;
    let mut stacks = state.engine.list_stacks().await?;
    stacks.retain(|one| wanted.is_none_or(|wanted| wanted == one.stack.state.into()));
    let stacks = cut_ascending(stacks, &page, |one| one.stack.name.to_string());
    Ok(answer::page(LIST, stacks, StackList::page))
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn a_host_without_stacks_has_an_empty_list() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        let answer = api.get_with(&secret, "/api/v1/stacks?state=running&limit=5").await;
        assert_eq!((answer.status, answer.body), (200, serde_json::json!({"items": [], "next_cursor": null})));
    }

    #[actix_web::test]
    async fn a_wrong_state_is_named() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        let answer = api.get_with(&secret, "/api/v1/stacks?state=up").await;
        answer.assert_problem(400, "invalid_query");
        assert_eq!(answer.body["errors"][0]["name"], "state");
        assert!(answer.text.contains("partial"), "{}", answer.text);
    }
}
