//! The stop journal: what is at rest.

use utoipa_actix_web::service_config::ServiceConfig;

use crate::api::state::AppState;
use crate::domain::names::StackName;
use crate::engine::backrest::{BackrestAtRest, Reconciler};

pub mod list;
pub mod resume;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list::list_journal).service(resume::resume_journal);
}

/// The Backrest that is at rest because of us.
async fn find_backrest(state: &AppState) -> Option<BackrestAtRest> {
    state.backrest.as_ref()?.find_at_rest().await
}

/// The reconciler, when its Backrest is at rest because of us and belongs to `stack`.
async fn find_reconciler<'a>(state: &'a AppState, stack: Option<&StackName>) -> Option<&'a Reconciler> {
    let one = find_backrest(state).await?;
    let is_meant = stack.is_none_or(|stack| one.stack == stack.as_str());
    state.backrest.as_ref().filter(|_| is_meant)
}
