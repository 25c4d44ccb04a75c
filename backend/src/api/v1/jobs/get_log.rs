//! `GET /api/v1/jobs/{id}/log`

use std::io;

use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::input::parse_parameter;
use crate::api::page::parse_limit;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{LogLevel, LogLine, LogPage};
use crate::domain::ids::JobId;
use crate::domain::log::Level;
use crate::engine::logbook::OpenLog;

const DEFAULT_LINES: u64 = 500;
const MAX_LINES: u64 = 5000;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// Only lines after this one: a line's `id`, or `next_cursor` of the page before. From the start when left out.
    #[param(example = "17")]
    after: Option<String>,
    /// How many lines to give, at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 5000, default = 500, example = 500)]
    limit: Option<String>,
    /// Only lines of this level or above; `SUCCESS` ranks between `INFO` and `WARNING`.
    #[param(value_type = Option<LogLevel>)]
    level: Option<String>,
}

/// Get lines of a job's log
///
/// Lines in the order in which they were written; they keep their numbers when a level leaves some out. While the job
/// is at work more lines follow: ask again with the last `id`, or follow the stream.
#[utoipa::path(
    tag = "jobs",
    operation_id = "get_job_log",
    params(("id" = String, Path, description = "The job", example = "job_019aa3f1c2d47c3e9f00112233445566"), Part),
    responses(
        (status = 200, description = "A page of lines", body = LogPage),
        (status = 404, description = "job_not_found: there is no such job; log_not_found: its log was removed"),
    )
)]
#[get("/api/v1/jobs/{id}/log")]
pub(crate) async fn get_job_log(
    state: web::Data<AppState>,
    id: web::Path<JobId>,
    part: web::Query<Part>,
) -> Result<HttpResponse, ApiError> {
    let after: u64 = parse_parameter("after", part.after.as_deref())?.unwrap_or(0);
    let limit = parse_limit(part.limit.as_deref(), DEFAULT_LINES, MAX_LINES)?;
    let limit = usize::try_from(limit).map_err(ApiError::internal)?;
    let level: Option<Level> = parse_parameter("level", part.level.as_deref())?;
    let log = find_log(&state, &id).await?;
    let page = web::block(move || log.read(after, limit, level)).await.map_err(ApiError::internal)?;
    let page = page.map_err(|error| read_error(error, &id))?;
    let next_cursor = page.next_after.map(|n| n.to_string());
    Ok(HttpResponse::Ok().json(LogPage { items: page.lines.into_iter().map(LogLine::of_job).collect(), next_cursor }))
}

/// The log of the job called `id`.
///
/// # Errors
/// [`ApiError::JobNotFound`] when there is no such job.
pub(super) async fn find_log(state: &AppState, id: &JobId) -> Result<OpenLog, ApiError> {
    state.engine.open_log(id).await?.ok_or_else(|| ApiError::JobNotFound(id.to_string()))
}

/// Why the log of the job called `id` cannot be read.
pub(super) fn read_error(error: io::Error, id: &JobId) -> ApiError {
    match error.kind() {
        io::ErrorKind::NotFound => ApiError::LogNotFound(id.to_string()),
        _ => ApiError::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;
    use crate::domain::ids::JobId;

    #[actix_web::test]
    async fn a_wrong_parameter_is_named() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        let id = JobId::new(DateTime::UNIX_EPOCH);
        for (query, name) in [
            ("after=x", "after"),
            ("after=-1", "after"),
            ("limit=5001", "limit"),
            ("limit=0", "limit"),
            ("level=LOUD", "level"),
            ("lines=5", "lines"),
        ] {
            let answer = api.get_with(&secret, &format!("/api/v1/jobs/{id}/log?{query}")).await;
            answer.assert_problem(400, "invalid_query");
            assert_eq!(answer.body["errors"][0]["name"], name);
        }
    }
}
