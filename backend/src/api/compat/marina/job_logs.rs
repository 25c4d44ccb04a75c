//! `GET /api/logs/job/{id}`, `GET /api/logs/job`

use std::io;

use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::jobs;
use crate::api::page::parse_limit;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{MarinaJob, MarinaLogEntry};
use crate::domain::job::Job;
use crate::domain::log::LogLine;
use crate::store::{JobFilter, PageRequest};

const DEFAULT_LINES: u64 = 1000;
const MAX_LINES: u64 = 100_000;
/// How many of an instance's jobs are looked through for its newest backup.
const RECENT_JOBS: u64 = 50;

/// What a job's log may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// How many lines to give, at most; the last ones of a longer log.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100_000, default = 1000, example = 1000)]
    limit: Option<String>,
    /// Another node. There is none here, so it must be left out or empty.
    #[serde(rename = "nodeUrl")]
    node_url: Option<String>,
}

impl LogQuery {
    /// How many lines are wanted. Nothing is ever fetched from an address that a client names.
    fn parse(&self) -> Result<usize, ApiError> {
        if self.node_url.as_deref().is_some_and(|url| !url.is_empty()) {
            return Err(ApiError::invalid_query("nodeUrl", "Mainstay has no other nodes; ask that one itself"));
        }
        let lines = parse_limit(self.limit.as_deref(), DEFAULT_LINES, MAX_LINES)?;
        usize::try_from(lines).map_err(ApiError::internal)
    }
}

/// Get the log of a backup, as Marina does
///
/// Oldest line first; none for a job that is not known. New clients take `/api/v1/jobs/{id}/log`.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "get_marina_job_log",
    params(("id" = i64, Path, description = "The job's id as a number", example = 3_686_400_000_251_651_i64), LogQuery),
    responses((status = 200, description = "The lines", body = Vec<MarinaLogEntry>,
        example = json!([{"id": 17, "level": "INFO", "message": "volume 'blog_uploads' is read"}])))
)]
#[get("/api/logs/job/{id}")]
pub(crate) async fn get_marina_job_log(
    state: web::Data<AppState>,
    id: web::Path<String>,
    query: web::Query<LogQuery>,
) -> Result<HttpResponse, ApiError> {
    let id: i64 = id.parse().map_err(|_| ApiError::InvalidPath("the job's id must be a whole number".to_owned()))?;
    let limit = query.parse()?;
    let found = match u64::try_from(id) {
        Ok(number) => jobs::find(&state, number).await?,
        Err(_) => None,
    };
    answer(&state, found, limit).await
}

/// What the log of an instance may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InstanceQuery {
    /// The instance.
    #[serde(rename = "instanceId")]
    #[param(value_type = String, required = true, example = "nas")]
    instance_id: Option<String>,
}

/// Get the log of the newest backup of an instance, as Marina's guide promises
///
/// Oldest line first; none for an instance that is not known or was not backed up yet.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "get_marina_log_of_instance",
    params(InstanceQuery, LogQuery),
    responses((status = 200, description = "The lines", body = Vec<MarinaLogEntry>,
        example = json!([{"id": 17, "level": "INFO", "message": "volume 'blog_uploads' is read"}])))
)]
#[get("/api/logs/job")]
pub(crate) async fn get_marina_log_of_instance(
    state: web::Data<AppState>,
    instance: web::Query<InstanceQuery>,
    query: web::Query<LogQuery>,
) -> Result<HttpResponse, ApiError> {
    let limit = query.parse()?;
    let Some(instance) = instance.into_inner().instance_id else {
        return Err(ApiError::invalid_query("instanceId", "name the instance, or take /api/logs/job/{id}"));
    };
    let filter = JobFilter { instance: Some(instance), ..JobFilter::default() };
    let newest = jobs::list(&state, &filter, &PageRequest::first(RECENT_JOBS)).await?.into_iter().next();
    let found = match newest {
        Some(job) => jobs::find(&state, job.id).await?,
        None => None,
    };
    answer(&state, found, limit).await
}

async fn answer(state: &AppState, found: Option<(Job, MarinaJob)>, limit: usize) -> Result<HttpResponse, ApiError> {
    let Some((job, described)) = found else { return Ok(HttpResponse::Ok().json([(); 0])) };
    let lines = read(state, &job, limit).await?;
    let entries: Vec<_> = lines.into_iter().map(|line| MarinaLogEntry::of_job(line, &described)).collect();
    Ok(HttpResponse::Ok().json(entries))
}

/// The last lines of a job's log; none when the log was removed.
async fn read(state: &AppState, job: &Job, limit: usize) -> Result<Vec<LogLine>, ApiError> {
    let Some(log) = state.engine.open_log(&job.id).await? else { return Ok(Vec::new()) };
    let read = move || log.read(0, usize::MAX, None);
    let mut lines = match web::block(read).await.map_err(ApiError::internal)? {
        Ok(page) => page.lines,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(ApiError::internal(error)),
    };
    lines.drain(..lines.len().saturating_sub(limit));
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn what_is_wrong_is_told_as_text() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        for path in [
            "/api/logs/job/abc",
            "/api/logs/job",
            "/api/logs/job/7?limit=x",
            "/api/logs/job/7?nodeUrl=http%3A%2F%2F127.0.0.1%3A1",
            "/api/logs/system?limit=0",
        ] {
            let answer = api.get_with(&secret, path).await;
            assert_eq!(answer.status, 400, "{path}: {}", answer.text);
            assert!(answer.header("content-type").starts_with("text/plain"), "{path}: {}", answer.text);
        }
        assert_eq!(api.get_with(&secret, "/api/logs/job/-7").await.text, "[]");
        assert_eq!(api.get_with(&secret, "/api/logs/job?instanceId=nas").await.text, "[]");
    }
}
