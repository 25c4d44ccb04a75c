//! Instances: the means of backup, what lies where they store, and running them.

use std::sync::Arc;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire;
use crate::domain::names::{InstanceId, PlanId};
use crate::domain::plan::Instance;
use crate::store::JobFilter;

pub mod check;
pub mod create;
pub mod delete;
pub mod forget;
pub mod get;
pub mod list;
pub mod list_snapshots;
pub mod run;
pub mod stats;
pub mod test;
pub mod update;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_instances)
        .service(create::create_instance)
        .service(get::get_instance)
        .service(update::update_instance)
        .service(delete::delete_instance)
        .service(run::run_instance)
        .service(test::test_instance)
        .service(forget::forget_instance_snapshots)
        .service(check::check_instance)
        .service(list_snapshots::list_instance_snapshots)
        .service(stats::get_instance_stats);
}

/// The instance called `id`.
///
/// # Errors
/// [`ApiError::InstanceNotFound`], and [`ApiError::InstanceNotReady`] for one whose secrets cannot be read.
fn find(state: &AppState, id: &InstanceId) -> Result<Arc<Instance>, ApiError> {
    let registry = state.engine.registry();
    registry.find_instance(id).ok_or_else(|| {
        let unusable = registry.list_unusable().into_iter().find(|one| one.id == *id);
        unusable
            .map_or_else(|| ApiError::InstanceNotFound(id.to_string()), |one| ApiError::InstanceNotReady(one.reason))
    })
}

/// An instance with its plan and its jobs.
///
/// # Errors
/// When the store does not answer.
async fn describe(state: &AppState, instance: &Instance) -> Result<wire::Instance, ApiError> {
    let plan = state.engine.registry().find_plan(&PlanId::from(&instance.id));
    let of_instance = JobFilter { instance: Some(instance.id.to_string()), ..JobFilter::default() };
    let jobs = super::plans::find_last_jobs(state, of_instance).await?;
    Ok(wire::InstanceParts {
        instance,
        plan: plan.as_deref(),
        timezone: state.engine.settings().timezone,
        now: state.clock.now(),
        last_job: jobs.last.as_ref(),
        last_success_at: jobs.last_success_at,
    }
    .into())
}
