//! `GET /api/v1/snapshots`

use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::answer;
use crate::api::input::parse_parameter;
use crate::api::page::PageQuery;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::SnapshotList;
use crate::store::SnapshotFilter;

const LIST: &str = "snapshots";

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Only those of this stack.
    #[param(example = "blog")]
    stack: Option<String>,
    /// Only those that this job made.
    #[param(example = "job_019aa3f1c2d47c3e9f00112233445566")]
    job: Option<String>,
    /// Only those made for this instance.
    #[param(example = "nas")]
    instance: Option<String>,
    /// Only those that this plan made.
    #[param(example = "nas")]
    plan: Option<String>,
    /// Only those with every target whole, or only the others.
    #[param(value_type = Option<bool>, example = true)]
    complete: Option<String>,
    /// Only those that this backend stored: `archive`, `restic` or `custom_image`.
    #[param(example = "archive")]
    backend: Option<String>,
    /// Only those that were imported, or only the others.
    #[param(value_type = Option<bool>, example = false)]
    imported: Option<String>,
    /// Only those whose capture began then or later.
    #[param(example = "2026-11-21T00:00:00Z")]
    since: Option<String>,
    /// Only those whose capture began before.
    #[param(example = "2026-11-28T00:00:00Z")]
    until: Option<String>,
}

impl Filter {
    fn parse(self) -> Result<SnapshotFilter, ApiError> {
        Ok(SnapshotFilter {
            stack: parse_parameter("stack", self.stack.as_deref())?,
            job: parse_parameter("job", self.job.as_deref())?,
            instance: self.instance,
            plan: parse_parameter("plan", self.plan.as_deref())?,
            is_complete: parse_parameter("complete", self.complete.as_deref())?,
            backend: parse_parameter("backend", self.backend.as_deref())?,
            is_imported: parse_parameter("imported", self.imported.as_deref())?,
            since: parse_parameter::<DateTime<Utc>>("since", self.since.as_deref())?,
            until: parse_parameter::<DateTime<Utc>>("until", self.until.as_deref())?,
            ..SnapshotFilter::default()
        })
    }
}

/// List snapshots
///
/// What can be restored, newest first. Those that were removed where they lay are left out; they can still be had by id.
#[utoipa::path(
    tag = "snapshots",
    operation_id = "list_snapshots",
    params(PageQuery, Filter),
    responses((status = 200, description = "A page of snapshots", body = SnapshotList))
)]
#[get("/api/v1/snapshots")]
pub(crate) async fn list_snapshots(
    state: web::Data<AppState>,
    page: web::Query<PageQuery>,
    filter: web::Query<Filter>,
) -> Result<HttpResponse, ApiError> {
    let (page, filter) = (page.parse(LIST)?, filter.into_inner().parse()?);
    let snapshots = state.store.list_snapshots(&filter, &page).await?;
    Ok(answer::page(LIST, snapshots, SnapshotList::page))
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
            ("stack=a%2Fb", "stack"),
            ("job=7", "job"),
            ("plan=..", "plan"),
            ("complete=yes", "complete"),
            ("backend=tape", "backend"),
            ("imported=1", "imported"),
            ("since=yesterday", "since"),
            ("until=2026-13-01T00:00:00Z", "until"),
            ("x=1", "x"),
        ] {
            let answer = api.get_with(&secret, &format!("/api/v1/snapshots?{query}")).await;
            answer.assert_problem(400, "invalid_query");
            assert_eq!(answer.body["errors"][0]["name"], name);
        }
        let all = "stack=blog&complete=true&instance=nas&plan=nas&backend=archive&imported=false&since=2026-01-01T00:00:00%2B01:00\
            &until=2026-02-01T00:00:00Z";
        let answer = api.get_with(&secret, &format!("/api/v1/snapshots?{all}")).await;
        assert_eq!((answer.status, answer.body), (200, serde_json::json!({"items": [], "next_cursor": null})));
    }
}
