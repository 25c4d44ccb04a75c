//! Plans: what is captured by which instance, when, and for how long.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::api::definition::Fallback;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire;
use crate::domain::job::{Job, JobKind, JobState};
use crate::domain::names::{InstanceId, PlanId};
use crate::domain::plan::Plan;
use crate::store::{JobFilter, PageRequest};

pub mod create;
pub mod delete;
pub mod drill;
pub mod get;
pub mod list;
pub mod preview;
pub mod run;
pub mod update;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_plans)
        .service(create::create_plan)
        .service(get::get_plan)
        .service(update::update_plan)
        .service(delete::delete_plan)
        .service(run::run_plan)
        .service(drill::drill_plan)
        .service(preview::preview_plan);
}

/// More drills of one plan are never queued or at work.
const LOOK_BACK: u64 = 10;

/// The plan called `id`.
///
/// # Errors
/// [`ApiError::PlanNotFound`].
fn find(state: &AppState, id: &PlanId) -> Result<Arc<Plan>, ApiError> {
    state.engine.registry().find_plan(id).ok_or_else(|| ApiError::PlanNotFound(id.to_string()))
}

/// A plan with its jobs.
///
/// # Errors
/// When the store does not answer.
async fn describe(state: &AppState, plan: &Plan) -> Result<wire::Plan, ApiError> {
    let of_plan = JobFilter { plan: Some(plan.id.to_string()), ..JobFilter::default() };
    let jobs = find_last_jobs(state, of_plan).await?;
    let (last_job, last_success_at) = (jobs.last.as_ref(), jobs.last_success_at);
    let drills = JobFilter { plan: Some(plan.id.to_string()), kind: Some(JobKind::Drill), ..JobFilter::default() };
    let drills = state.engine.list_jobs(&drills, &PageRequest::first(LOOK_BACK)).await?.items;
    let last_drill = drills.iter().find(|job| job.state.is_final());
    Ok(wire::PlanParts { plan, now: state.clock.now(), last_job, last_success_at, last_drill }.into())
}

/// What holds for plans of the instance called `id` that say nothing: what its own plan does.
fn find_fallback(state: &AppState, id: &InstanceId) -> Option<Fallback> {
    let (registry, settings) = (state.engine.registry(), state.engine.settings());
    let instance = registry.find_instance(id)?;
    let own = registry.find_plan(&PlanId::from(id));
    Some(Fallback {
        timezone: own.as_ref().map_or(settings.timezone, |own| own.timezone),
        quiesce: own.as_ref().map_or(settings.quiesce, |own| own.quiesce),
        stop_attached: own.as_ref().is_some_and(|own| own.stop_attached),
        retention: instance.retention,
    })
}

/// The newest job of some, and when the last good backup among them ended.
pub(in crate::api::v1) struct LastJobs {
    pub(in crate::api::v1) last: Option<Job>,
    pub(in crate::api::v1) last_success_at: Option<DateTime<Utc>>,
}

/// Looks them up.
///
/// # Errors
/// When the store does not answer.
pub(in crate::api::v1) async fn find_last_jobs(state: &AppState, filter: JobFilter) -> Result<LastJobs, ApiError> {
    let first = PageRequest::first(1);
    let last = state.engine.list_jobs(&filter, &first).await?.items.pop();
    let good = JobFilter { state: Some(JobState::Succeeded), kind: Some(JobKind::Backup), ..filter };
    let last_success_at = state.engine.list_jobs(&good, &first).await?.items.pop().and_then(|job| job.finished_at);
    Ok(LastJobs { last, last_success_at })
}
