//! Plans: what is captured by which instance, when, and for how long.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::api::definition::Fallback;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire;
use crate::domain::job::{Job, JobKind, JobState, Trigger};
use crate::domain::names::{InstanceId, PlanId};
use crate::domain::plan::Plan;
use crate::engine::RequestKey;
use crate::engine::backrest::BackrestRun;
use crate::store::{JobFilter, PageRequest};

mod any;
pub mod create;
pub mod delete;
pub mod drill;
pub mod get;
pub mod list;
pub mod preview;
pub mod run;
pub mod update;

use any::AnyPlan;

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

/// The plan of Mainstay that is called `id`.
///
/// # Errors
/// [`ApiError::PlanNotFound`]; for a plan of Backrest, what `of_backrest` makes of its id.
fn find_own(
    state: &AppState,
    id: &PlanId,
    of_backrest: impl FnOnce(String) -> ApiError,
) -> Result<Arc<Plan>, ApiError> {
    match any::find(state, id)? {
        AnyPlan::Own(plan) => Ok(plan),
        AnyPlan::Backrest(plan) => Err(of_backrest(plan.id.to_string())),
    }
}

/// Has Backrest run a plan again; `None` when it carries out no such plan.
///
/// # Errors
/// When Backrest cannot be asked.
pub(in crate::api::v1) async fn run_again_by_backrest(
    state: &AppState,
    id: &PlanId,
    trigger: Trigger,
) -> Result<Option<Job>, ApiError> {
    match run_by_backrest(state, id, (None, trigger, false)).await {
        Err(ApiError::PlanNotFound(_)) => Ok(None),
        other => other,
    }
}

/// Has Backrest run a plan; `None` when it is a plan of Mainstay.
///
/// # Errors
/// When there is no such plan, or Backrest cannot be asked.
async fn run_by_backrest(
    state: &AppState,
    id: &PlanId,
    (key, trigger, has_options): (Option<RequestKey>, Trigger, bool),
) -> Result<Option<Job>, ApiError> {
    let AnyPlan::Backrest(seen) = any::find(state, id)? else { return Ok(None) };
    if has_options {
        return Err(ApiError::NotSupported("Backrest runs a plan as it is, so there are no options for it"));
    }
    let run = BackrestRun { reconciler: seen.reconciler, plan: seen.id, trigger };
    Ok(state.engine.run_by_backrest_once(key, run).await?)
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
