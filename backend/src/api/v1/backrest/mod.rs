//! The plans of a Backrest that is kept in step with labels.

use utoipa_actix_web::service_config::ServiceConfig;

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::engine::backrest::Reconciler;

pub mod plans;
pub mod reconcile;
pub mod run;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(plans::list_backrest_plans).service(reconcile::reconcile_backrest).service(run::run_backrest_plan);
}

/// The reconciler.
///
/// # Errors
/// [`ApiError::BackrestNotConfigured`].
fn find(state: &AppState) -> Result<&Reconciler, ApiError> {
    state.backrest.as_ref().ok_or(ApiError::BackrestNotConfigured)
}
