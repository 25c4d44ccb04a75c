//! `GET /api/jobs`, `GET /api/status/{instanceID}`

use std::collections::HashMap;

use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::page::parse_limit;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::MarinaJob;
use crate::domain::job::{Job, JobKind};
use crate::domain::names::InstanceId;
use crate::store::{JobFilter, PageRequest};

/// How many jobs are given when nothing is asked, which Marina had no bound for.
const DEFAULT_JOBS: u64 = 1000;
const MAX_JOBS: u64 = 5000;

/// What the lists may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobsQuery {
    /// How many to give, at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 5000, default = 1000, example = 1000)]
    limit: Option<String>,
}

impl JobsQuery {
    fn page(&self) -> Result<PageRequest, ApiError> {
        Ok(PageRequest::first(parse_limit(self.limit.as_deref(), DEFAULT_JOBS, MAX_JOBS)?))
    }
}

/// List the backups of an instance, as Marina does
///
/// Newest first; none for an instance that is not known. New clients take `/api/v1/jobs?instance=`.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "list_marina_jobs_of_instance",
    params(("instanceID" = String, Path, description = "The instance", example = "nas"), JobsQuery),
    responses((status = 200, description = "The backups", body = Vec<MarinaJob>,
        example = json!([{"id": 3686400000251651_u64, "iid": 12, "instanceId": "nas", "status": "success"}])))
)]
#[get("/api/status/{instanceID}")]
pub(crate) async fn list_marina_jobs_of_instance(
    state: web::Data<AppState>,
    instance: web::Path<String>,
    query: web::Query<JobsQuery>,
) -> Result<HttpResponse, ApiError> {
    let filter = JobFilter { instance: Some(instance.into_inner()), ..JobFilter::default() };
    Ok(HttpResponse::Ok().json(list(&state, &filter, &query.page()?).await?))
}

/// List the backups of all instances, as Marina's guide promises
///
/// Newest first. New clients take `/api/v1/jobs`.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "list_marina_jobs",
    params(JobsQuery),
    responses((status = 200, description = "The backups", body = Vec<MarinaJob>,
        example = json!([{"id": 3686400000251651_u64, "iid": 12, "instanceId": "nas", "status": "success"}])))
)]
#[get("/api/jobs")]
pub(crate) async fn list_marina_jobs(
    state: web::Data<AppState>,
    query: web::Query<JobsQuery>,
) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(list(&state, &JobFilter::default(), &query.page()?).await?))
}

/// Those of instances among the jobs of a page, numbered within their instance.
pub(super) async fn list(state: &AppState, filter: &JobFilter, page: &PageRequest) -> Result<Vec<MarinaJob>, ApiError> {
    let mut found = Vec::new();
    // The number of the next job of each instance, newest first.
    let mut numbers: HashMap<String, u64> = HashMap::new();
    for job in state.engine.list_jobs(filter, page).await?.items {
        let Some(instance) = job.instance.clone() else { continue };
        let iid = match numbers.get(&instance) {
            Some(number) => *number,
            None => state.store.count_jobs_of_instance(&instance, &job.id).await?,
        };
        numbers.insert(instance.clone(), iid.saturating_sub(1));
        if is_backup(&job) {
            found.push(describe(state, &job, &instance, iid));
        }
    }
    Ok(found)
}

/// The backup with this number.
pub(super) async fn find(state: &AppState, number: u64) -> Result<Option<(Job, MarinaJob)>, ApiError> {
    let Some(recorded) = state.store.find_job_by_number(number).await? else { return Ok(None) };
    let Some(instance) = recorded.instance.clone().filter(|_| is_backup(&recorded)) else { return Ok(None) };
    let job = state.engine.find_job(&recorded.id).await?.unwrap_or(recorded);
    let iid = state.store.count_jobs_of_instance(&instance, &job.id).await?;
    let described = describe(state, &job, &instance, iid);
    Ok(Some((job, described)))
}

fn is_backup(job: &Job) -> bool {
    job.kind == JobKind::Backup && !job.is_dry_run
}

fn describe(state: &AppState, job: &Job, instance: &str, iid: u64) -> MarinaJob {
    let id = instance.parse::<InstanceId>().ok();
    let is_active = id.is_some_and(|id| state.engine.registry().find_instance(&id).is_some());
    MarinaJob::new(job, instance, iid, &state.about.node_name, is_active)
}
