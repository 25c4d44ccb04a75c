//! Questions to instances, and retention that someone asks for.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use crate::backends::{BackendError, FoundSnapshot, Readiness, RepositoryStats};
use crate::domain::job::{Job, JobKind, JobState, StepName, Trigger};
use crate::domain::names::InstanceId;
use crate::domain::plan::{Instance, Plan};

use super::errand::{Errand, NewJob};
use super::live::LiveJob;
use super::plan_run::{Dropped, RetentionError, drop_old, judge_plan};
use super::plans::{ForgetError, ForgetReport, InstanceError};
use super::steps::{self, Stop};
use super::{JobEngine, SubmitError, chain};

type Cx<'a> = steps::Cx<'a, Arc<Instance>>;

impl JobEngine {
    /// Looks whether a run for the instance could succeed. Creates nothing.
    ///
    /// # Errors
    /// When there is no such instance, or it is not usable; the error says what to do.
    pub async fn test_instance(&self, id: &InstanceId) -> Result<Readiness, InstanceError> {
        let (engine, instance) = (self.clone(), self.find_instance(id)?);
        self.on_main(async move {
            let ready = engine.backend_of(&instance).prepare(&engine.unheard_work(), false).await;
            match ready {
                // The first run makes it. What held something and is gone is not made anew, see the preflight of a run.
                Err(BackendError::Absent(why)) if !engine.may_have_stored(&instance.id).await? => {
                    Ok(Readiness { notes: Vec::new(), warnings: vec![format!("{why}; the first run makes it")] })
                }
                ready => ready,
            }
        })
        .await
    }

    /// What lies where the instance stores, newest first; also what others put there.
    ///
    /// # Errors
    /// When there is no such instance, or its place cannot be read.
    pub async fn list_instance_snapshots(&self, id: &InstanceId) -> Result<Vec<FoundSnapshot>, InstanceError> {
        let (engine, instance) = (self.clone(), self.find_instance(id)?);
        self.on_main(async move {
            match engine.backend_of(&instance).snapshots(&engine.unheard_work()).await {
                Err(BackendError::Absent(_)) if !engine.may_have_stored(&instance.id).await? => Ok(Vec::new()),
                found => found,
            }
        })
        .await
    }

    async fn may_have_stored(&self, id: &InstanceId) -> Result<bool, BackendError> {
        let asked = self.has_stored(id).await;
        asked.map_err(|error| BackendError::because("the record of the snapshots cannot be read", error))
    }

    /// How much lies where the instance stores.
    ///
    /// # Errors
    /// As [`Self::list_instance_snapshots`].
    pub async fn measure_instance(&self, id: &InstanceId) -> Result<RepositoryStats, InstanceError> {
        let (engine, instance) = (self.clone(), self.find_instance(id)?);
        self.on_main(async move { engine.backend_of(&instance).stats(&engine.unheard_work()).await }).await
    }

    /// Queues a check of what lies where the instance stores: a job of kind `verify`.
    ///
    /// # Errors
    /// When there is no such instance (told as its own plan, which is called as it is), a job works for it, or the job
    /// cannot be recorded.
    pub async fn submit_check(&self, id: &InstanceId, trigger: Trigger) -> Result<Job, SubmitError> {
        let (engine, id) = (self.clone(), id.clone());
        let submit = async move {
            if engine.0.shutdown.is_cancelled() {
                return Err(SubmitError::ShuttingDown);
            }
            if engine.0.parts.registry.find_instance(&id).is_none() {
                return Err(SubmitError::UnknownPlan((&id).into()));
            }
            let job = engine.instance_job(JobKind::Verify, &id, trigger, StepName::OF_CHECK);
            let mut jobs = engine.queue(vec![(job, Errand::Check(id))]).await?;
            jobs.pop().ok_or(SubmitError::ShuttingDown)
        };
        // On a task of its own, as every request: see `submit_backups`.
        self.0.parts.runtime.spawn(submit).await.unwrap_or(Err(SubmitError::ShuttingDown))
    }

    /// Carries the retention of an instance's plans out, or shows what it would do.
    ///
    /// # Errors
    /// When there is no such instance, it does not know retention, or it could not be carried out.
    pub async fn forget_instance(&self, id: &InstanceId, is_dry_run: bool) -> Result<ForgetReport, ForgetError> {
        let instance = self.find_instance(id).map_err(|_| ForgetError::UnknownInstance(id.clone()))?;
        let engine = self.clone();
        let work = async move {
            if is_dry_run {
                return Box::pin(engine.judge_instance(&instance)).await;
            }
            Box::pin(engine.forget_in_a_job(instance)).await
        };
        let done = self.0.tracker.spawn_on(work, &self.0.parts.runtime).await;
        done.unwrap_or(Err(ForgetError::Submit(SubmitError::ShuttingDown)))
    }

    async fn judge_instance(&self, instance: &Instance) -> Result<ForgetReport, ForgetError> {
        let mut verdicts = Vec::new();
        for plan in self.plans_of(&instance.id) {
            verdicts.extend(judge_plan(self, &plan, instance, &self.unheard_work()).await?);
        }
        Ok(ForgetReport { verdicts, freed_bytes: None })
    }

    async fn forget_in_a_job(&self, instance: Arc<Instance>) -> Result<ForgetReport, ForgetError> {
        if self.0.shutdown.is_cancelled() {
            return Err(SubmitError::ShuttingDown.into());
        }
        let job = self.instance_job(JobKind::Forget, &instance.id, Trigger::Api, StepName::OF_FORGET);
        let jobs = [job];
        self.claim(&jobs)?;
        if let Err(error) = self.0.parts.store.insert_jobs(&jobs).await {
            self.release(&jobs);
            return Err(SubmitError::from(error).into());
        }
        let Some(live) = self.find_live(&jobs[0].id) else { return Err(SubmitError::ShuttingDown.into()) };
        let mut outcome = None;
        self.until_shutdown(&live, Box::pin(forget(self, &live, &instance, &mut outcome))).await;
        let dropped = outcome.unwrap_or(Err(RetentionError::Backend(BackendError::Cancelled)))?;
        Ok(ForgetReport { verdicts: dropped.verdicts, freed_bytes: dropped.freed_bytes })
    }

    fn instance_job(&self, kind: JobKind, id: &InstanceId, trigger: Trigger, steps: &'static [StepName]) -> Job {
        self.new_job(NewJob {
            kind,
            name: id.as_str(),
            stack: None,
            instance: Some(id.clone()),
            plan: None,
            trigger,
            quiesce: None,
            is_dry_run: false,
            steps,
        })
    }

    fn plans_of(&self, id: &InstanceId) -> Vec<Arc<Plan>> {
        self.0.parts.registry.list_plans().into_iter().filter(|plan| plan.instance == *id).collect()
    }

    fn find_instance(&self, id: &InstanceId) -> Result<Arc<Instance>, InstanceError> {
        let found = self.0.parts.registry.find_instance(id);
        found.ok_or_else(|| InstanceError::UnknownInstance(id.clone()))
    }

    /// Work of a backend never runs on an HTTP worker, which may end before it.
    async fn on_main<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, BackendError>> + Send + 'static,
    ) -> Result<T, InstanceError> {
        let done = self.0.tracker.spawn_on(work, &self.0.parts.runtime).await;
        Ok(done.unwrap_or(Err(BackendError::Cancelled))?)
    }
}

/// Runs the job to its end; what came of it goes to `outcome`, for the one who waits.
async fn forget(
    engine: &JobEngine,
    live: &Arc<LiveJob>,
    instance: &Arc<Instance>,
    outcome: &mut Option<Result<Dropped, RetentionError>>,
) {
    let cx = Cx { engine, live, request: instance };
    live.begin().await;
    let began = Instant::now();
    let work = async {
        let turn = engine.turn_of(&instance.id);
        let _alone = turn.lock().await;
        let plans = engine.plans_of(&instance.id);
        let plans: Vec<&Plan> = plans.iter().map(AsRef::as_ref).collect();
        let (backend, work) = (engine.backend_of(instance), engine.work_of(live));
        let dropped = drop_old(engine, &plans, &instance.id, &backend, &work).await;
        let told = dropped.as_ref().map(Dropped::describe).map_err(|error| match error {
            RetentionError::Backend(BackendError::Cancelled) => Stop::Cancelled,
            error => Stop::Failed(chain(error)),
        });
        *outcome = Some(dropped);
        told
    };
    let (state, error) = match Box::pin(cx.step(StepName::Retention, work)).await {
        Ok(_) => (JobState::Succeeded, None),
        Err(Stop::Cancelled) => (engine.state_when_stopped(), Some("it was cancelled".to_owned())),
        Err(Stop::Failed(why)) => (JobState::Failed, Some(why)),
    };
    cx.report(&format!("retention of instance '{}'", instance.id), state, error, began).await;
}

impl From<RetentionError> for ForgetError {
    fn from(error: RetentionError) -> Self {
        match error {
            RetentionError::Backend(error) => Self::Backend(error),
            RetentionError::Store(error) => Self::Submit(error.into()),
        }
    }
}
