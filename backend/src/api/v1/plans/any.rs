//! Plans of Mainstay and plans of Backrest as one list. Where both have the same id, the one of Mainstay is meant; the other
//! stays in `/api/v1/backrest/plans`.

use std::sync::Arc;

use super::{describe, find_last_jobs};
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire;
use crate::domain::names::PlanId;
use crate::domain::plan::Plan;
use crate::engine::backrest::{PlanSeen, Reconciler, Round, Status};
use crate::store::JobFilter;

/// Either.
pub(super) enum AnyPlan {
    Own(Arc<Plan>),
    Backrest(Box<SeenPlan>),
}

/// A plan that labels want of Backrest, with the round that found it.
pub(super) struct SeenPlan {
    pub(super) reconciler: Reconciler,
    pub(super) id: PlanId,
    plan: PlanSeen,
    round: Arc<Round>,
    status: Arc<Status>,
}

impl AnyPlan {
    pub(super) fn id(&self) -> &PlanId {
        match self {
            Self::Own(plan) => &plan.id,
            Self::Backrest(plan) => &plan.id,
        }
    }

    /// The plan for clients, with its jobs.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn describe(&self, state: &AppState) -> Result<wire::Plan, ApiError> {
        match self {
            Self::Own(plan) => describe(state, plan).await,
            Self::Backrest(plan) => plan.describe(state).await,
        }
    }
}

impl SeenPlan {
    async fn describe(&self, state: &AppState) -> Result<wire::Plan, ApiError> {
        let of_plan = JobFilter { plan: Some(self.id.to_string()), ..JobFilter::default() };
        let jobs = find_last_jobs(state, of_plan).await?;
        let parts = wire::BackrestPlanParts {
            seen: &self.plan,
            round: &self.round,
            status: &self.status,
            timezone: state.engine.settings().timezone.to_string(),
            last_job: jobs.last.as_ref(),
            last_success_at: jobs.last_success_at,
        };
        Ok(parts.into())
    }
}

/// All of them, by id.
pub(super) fn list(state: &AppState) -> Vec<AnyPlan> {
    let own = state.engine.registry().list_plans();
    let mut all: Vec<AnyPlan> = own.into_iter().map(AnyPlan::Own).collect();
    all.extend(list_of_backrest(state).into_iter().map(|plan| AnyPlan::Backrest(Box::new(plan))));
    all.sort_by(|a, b| a.id().cmp(b.id()));
    all
}

/// The plan called `id`, whoever carries it out.
///
/// # Errors
/// [`ApiError::PlanNotFound`].
pub(super) fn find(state: &AppState, id: &PlanId) -> Result<AnyPlan, ApiError> {
    if let Some(plan) = state.engine.registry().find_plan(id) {
        return Ok(AnyPlan::Own(plan));
    }
    let found = list_of_backrest(state).into_iter().find(|plan| plan.id == *id);
    found.map(|plan| AnyPlan::Backrest(Box::new(plan))).ok_or_else(|| ApiError::PlanNotFound(id.to_string()))
}

/// Those that Backrest carries out and that no plan of Mainstay hides.
fn list_of_backrest(state: &AppState) -> Vec<SeenPlan> {
    let Some(reconciler) = &state.backrest else { return Vec::new() };
    let mut status = reconciler.status();
    let Some(round) = status.last.take().map(Arc::new) else { return Vec::new() };
    let status = Arc::new(status);
    let registry = state.engine.registry();
    let seen = |plan: &PlanSeen| {
        let id: PlanId = plan.change.id.parse().ok()?;
        let is_hidden = registry.find_plan(&id).is_some();
        let (round, status) = (round.clone(), status.clone());
        (!is_hidden).then(|| SeenPlan { reconciler: reconciler.clone(), id, plan: plan.clone(), round, status })
    };
    round.plans.iter().filter_map(seen).collect()
}
