//! Backups by plan, and what they would do.

use std::collections::BTreeSet;
use std::path::Path;

use crate::backends::BackendError;
use crate::domain::job::{Job, JobKind, Quiesce, StepName, Trigger};
use crate::domain::keep::KeepVerdict;
use crate::domain::names::{InstanceId, PlanId, StackName};
use crate::domain::plan::Plan;

use super::errand::{Errand, NewJob};
use super::{JobEngine, SubmitError, plan_run};

/// A backup by plan that someone wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRequest {
    /// Which plan.
    pub plan: PlanId,
    /// A stack that is captured by the means of the plan, instead of the plan's own targets.
    pub only: Option<StackName>,
    /// How containers are brought to rest; the plan decides when absent.
    pub quiesce: Option<Quiesce>,
    /// Whether only to show what would be done.
    pub is_dry_run: bool,
    /// What set it off.
    pub trigger: Trigger,
}

/// What a run of a plan would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanPreview {
    /// Containers that would be brought to rest, in the order of the stop, each with how.
    pub stops: Vec<String>,
    /// What would be read: kind, name, estimated bytes, and why not when it would be left out.
    pub targets: Vec<PreviewTarget>,
    /// What becomes of each snapshot by retention; absent when that cannot be told, or is not ours to say.
    pub verdicts: Option<Vec<KeepVerdict>>,
    /// What is doubtful, in sentences for people.
    pub warnings: Vec<String>,
}

/// One target of a preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewTarget {
    /// What kind of thing it is.
    pub kind: crate::domain::job::TargetKind,
    /// Its name.
    pub name: String,
    /// Estimated bytes; absent when they cannot be told.
    pub size_bytes: Option<u64>,
    /// Why it would be left out.
    pub skipped: Option<String>,
}

/// Why an instance could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// There is no such instance.
    #[error("there is no instance '{0}'")]
    UnknownInstance(InstanceId),
    /// It is not usable as it is.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Why retention was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// There is no such instance.
    #[error("there is no instance '{0}'")]
    UnknownInstance(InstanceId),
    /// The means of backup does not know retention, or could not carry it out.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A job works for the instance.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// What retention did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForgetReport {
    /// What becomes of each snapshot, newest first.
    pub verdicts: Vec<KeepVerdict>,
    /// Bytes freed, when known; absent for a preview.
    pub freed_bytes: Option<u64>,
}

impl JobEngine {
    /// Queues one job per plan, all or none.
    ///
    /// # Errors
    /// When a plan or a stack is unknown, the plan's instance has a job already, the service is shutting down, or a job
    /// cannot be recorded.
    pub async fn submit_plans(&self, requests: Vec<PlanRequest>) -> Result<Vec<Job>, SubmitError> {
        // On a task of its own, as every request: see `submit_backups`.
        let engine = self.clone();
        let submitted = self.0.parts.runtime.spawn(async move { engine.queue_plans(requests).await });
        submitted.await.unwrap_or(Err(SubmitError::ShuttingDown))
    }

    async fn queue_plans(&self, requests: Vec<PlanRequest>) -> Result<Vec<Job>, SubmitError> {
        if self.0.shutdown.is_cancelled() {
            return Err(SubmitError::ShuttingDown);
        }
        let mut wanted: Vec<(Job, Errand)> = Vec::with_capacity(requests.len());
        let mut seen = BTreeSet::new();
        for request in requests {
            let plan = self.0.parts.registry.find_plan(&request.plan);
            let plan = plan.ok_or_else(|| SubmitError::UnknownPlan(request.plan.clone()))?;
            let request = PlanRequest { only: self.find_only(request.only)?, ..request };
            if seen.insert((request.plan.clone(), request.only.clone())) {
                wanted.push((self.plan_job(&plan, &request), Errand::Plan(request)));
            }
        }
        self.queue(wanted).await
    }

    /// The stack by the name that it is known by.
    fn find_only(&self, only: Option<StackName>) -> Result<Option<StackName>, SubmitError> {
        let Some(name) = only else { return Ok(None) };
        let found = self.0.parts.discovery.find_stack(&name).map(|stack| stack.name);
        found.map_or(Err(SubmitError::UnknownStack(name)), |name| Ok(Some(name)))
    }

    fn plan_job(&self, plan: &Plan, request: &PlanRequest) -> Job {
        self.new_job(NewJob {
            kind: JobKind::Backup,
            name: plan.id.as_str(),
            stack: request.only.clone(),
            instance: Some(plan.instance.clone()),
            plan: Some(plan.id.clone()),
            trigger: request.trigger,
            quiesce: request.quiesce,
            is_dry_run: request.is_dry_run,
            steps: StepName::OF_PLAN,
        })
    }

    /// What a run of the plan would do; nothing is touched.
    ///
    /// # Errors
    /// When there is no such plan, or the service is shutting down.
    pub async fn preview_plan(&self, plan: &PlanId) -> Result<PlanPreview, SubmitError> {
        if self.0.parts.registry.find_plan(plan).is_none() {
            return Err(SubmitError::UnknownPlan(plan.clone()));
        }
        let (engine, plan) = (self.clone(), plan.clone());
        let look = async move { Box::pin(plan_run::preview(&engine, &plan)).await };
        let seen = self.0.tracker.spawn_on(look, &self.0.parts.runtime).await;
        seen.map_err(|_| SubmitError::ShuttingDown)
    }
}

/// A pattern that means this path and nothing else.
pub(super) fn literal_pattern(path: &Path) -> String {
    let mut pattern = String::new();
    for character in path.display().to_string().chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_ours_is_no_pattern() {
        assert_eq!(literal_pattern(Path::new("/backups/a*[1]")), "/backups/a\\*\\[1\\]");
    }
}
