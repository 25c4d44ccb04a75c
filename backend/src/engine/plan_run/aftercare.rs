//! What a kill broke off of work for an instance, and the next start makes up for.
//!
//! The user's commands after the capture run whatever happened, so those that the killed process still owed run now: one
//! before the capture may have switched something off. What the backend had at work is ended before the data that it may be
//! reading leaves the staging directory.

use std::sync::Arc;

use crate::domain::ids::JobId;
use crate::domain::job::{Job, JobKind, StepName, StepState};
use crate::domain::log::Level;
use crate::domain::names::{InstanceId, PlanId};

use super::super::{JobEngine, chain};
use super::resolve::{self, Wanted};
use super::scene::Scene;
use super::staging::clear_left;
use super::{Stop, hooks, retention};

/// Makes up for what was broken off of `jobs`, which all worked for `instance`. Returns what went wrong, by job.
pub(in crate::engine) async fn make_up(
    engine: &JobEngine,
    instance: &InstanceId,
    jobs: &[Job],
) -> Vec<(JobId, String)> {
    let mut problems = Vec::new();
    for job in jobs.iter().filter(|job| owes_commands(job)) {
        if let Err(why) = Box::pin(run_owed(engine, job)).await {
            let message = format!("the commands after the capture are owed: {why}");
            tell(engine, job, Level::Error, &message);
            problems.push((job.id.clone(), message));
        }
    }
    tidy(engine, instance, jobs).await;
    problems
}

/// Whether commands before the capture may have run, and those after it did not come to their end.
fn owes_commands(job: &Job) -> bool {
    job.kind == JobKind::Backup
        && !is_at(job, StepName::PreHooks, &[StepState::Pending])
        && is_at(job, StepName::PostHooks, &[StepState::Pending, StepState::Running])
}

fn is_at(job: &Job, step: StepName, states: &[StepState]) -> bool {
    job.find_step(step).is_some_and(|step| states.contains(&step.state))
}

/// Finds the plan's targets once more, and runs every command after the capture.
async fn run_owed(engine: &JobEngine, job: &Job) -> Result<(), String> {
    let plan = job.plan.as_deref().and_then(|plan| plan.parse::<PlanId>().ok());
    let plan = plan.ok_or_else(|| "it is not known of which plan".to_owned())?;
    let wanted = Wanted { plan: &plan, only: job.stack.as_ref(), quiesce: job.quiesce };
    let found = async {
        let scene = Arc::new(Scene::look(engine).await?);
        let resolved = resolve::resolve(engine, &scene, wanted).await?;
        Ok((scene, resolved))
    };
    let (scene, resolved) = found.await.map_err(|stop| match stop {
        Stop::Cancelled => "it was cancelled".to_owned(),
        Stop::Failed(why) => why,
    })?;
    if !hooks::has_post(&resolved) {
        return Ok(());
    }
    tell(engine, job, Level::Warning, "the commands after the capture did not come to their end: they run now");
    let say = |level: Level, line: String| engine.append_to_log(job, level, &line);
    let problems = hooks::run_post(engine.0.parts.docker.as_ref(), &say, &resolved, &scene).await;
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
}

/// Tells the job's log, and the service's own.
fn tell(engine: &JobEngine, job: &Job, level: Level, message: &str) {
    engine.append_to_log(job, level, message);
    engine.say(level, job.instance.as_deref(), format!("job {}: {message}", job.id));
}

/// Ends and removes what the backend left, then what lies in the staging directory.
async fn tidy(engine: &JobEngine, id: &InstanceId, jobs: &[Job]) {
    if let Some(instance) = engine.0.parts.registry.find_instance(id) {
        let (backend, work) = (engine.backend_of(&instance), engine.system_work(id));
        // What reads the staged data may still be at work; the next run tries again.
        if !engine.sweep_once(id, &backend, &work).await {
            return;
        }
        if jobs.iter().any(|job| is_at(job, StepName::Retention, &[StepState::Running]))
            && let Err(error) = retention::catch_up(engine, id, &backend, &work).await
        {
            let message = format!("what retention had dropped is noted by the next one: {}", chain(&error));
            engine.say(Level::Warning, Some(id.as_str()), message);
        }
    }
    let (staging, instance) = (engine.0.parts.backends.staging_dir.clone(), id.clone());
    let cleared = tokio::task::spawn_blocking(move || clear_left(&staging, &instance)).await;
    if let Err(error) = cleared.unwrap_or_else(|e| Err(std::io::Error::other(e))) {
        let message = format!("what was left in the staging directory stays for now: {error}");
        engine.say(Level::Warning, Some(id.as_str()), message);
    }
}
