//! `GET /api/v1/jobs`

use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::answer;
use crate::api::input::parse_parameter;
use crate::api::page::PageQuery;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{JobKind, JobList, JobState};
use crate::store::JobFilter;

const LIST: &str = "jobs";

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Only those in this state.
    #[param(value_type = Option<JobState>)]
    state: Option<String>,
    /// Only those of this kind.
    #[param(value_type = Option<JobKind>)]
    kind: Option<String>,
    /// Only those of this stack.
    #[param(example = "blog")]
    stack: Option<String>,
    /// Only those for this instance.
    #[param(example = "nas")]
    instance: Option<String>,
    /// Only those of this plan.
    #[param(example = "nightly")]
    plan: Option<String>,
    /// Only those that were asked for at this time or later.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-11-21T00:00:00Z")]
    since: Option<String>,
}

impl Filter {
    fn parse(self) -> Result<JobFilter, ApiError> {
        Ok(JobFilter {
            state: parse_parameter("state", self.state.as_deref())?,
            kind: parse_parameter("kind", self.kind.as_deref())?,
            stack: parse_parameter("stack", self.stack.as_deref())?,
            instance: self.instance,
            plan: self.plan,
            since: parse_parameter::<DateTime<Utc>>("since", self.since.as_deref())?,
        })
    }
}

/// List jobs
///
/// Jobs, newest first; those at work with their present progress. A page may hold fewer than `limit` although more
/// follow: go by `next_cursor`.
#[utoipa::path(
    tag = "jobs",
    operation_id = "list_jobs",
    params(PageQuery, Filter),
    responses((status = 200, description = "A page of jobs", body = JobList))
)]
#[get("/api/v1/jobs")]
pub(crate) async fn list_jobs(
    state: web::Data<AppState>,
    page: web::Query<PageQuery>,
    filter: web::Query<Filter>,
) -> Result<HttpResponse, ApiError> {
    let (page, filter) = (page.parse(LIST)?, filter.into_inner().parse()?);
    let jobs = state.engine.list_jobs(&filter, &page).await?;
    Ok(answer::page(LIST, jobs, JobList::page))
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn a_wrong_filter_is_named() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        for (query, name) in [
            ("state=done", "state"),
            ("kind=dump", "kind"),
            ("stack=a%2Fb", "stack"),
            ("since=yesterday", "since"),
            ("stat=running", "stat"),
            ("limit=0", "limit"),
        ] {
            let answer = api.get_with(&secret, &format!("/api/v1/jobs?{query}")).await;
            answer.assert_problem(400, "invalid_query");
            assert_eq!(answer.body["errors"][0]["name"], name);
        }
        api.get_with(&secret, "/api/v1/jobs?cursor=zz").await.assert_problem(400, "invalid_cursor");
    }

    #[actix_web::test]
    async fn every_filter_may_be_given_at_once() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        let query =
            "state=running&kind=backup&stack=blog&instance=nas&plan=p&since=2026-01-01T00:00:00%2B01:00&limit=3";
        let answer = api.get_with(&secret, &format!("/api/v1/jobs?{query}")).await;
        assert_eq!((answer.status, answer.body), (200, serde_json::json!({"items": [], "next_cursor": null})));
    }
}
