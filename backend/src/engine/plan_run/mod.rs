//! A backup by plan, step by step.
//!
//! As for a stack, what can fail without a stop fails before it, containers are at rest for as short as the backend
//! allows, and they come back whatever happened. What differs: a plan names targets of any kind, each of which may fail
//! by itself; the backend is a port and known by no name here; and stacks are locked only from the first dump to the
//! resume. To add a kind of target, add it to [`resolve`]; to add a step, a file here, a name in the domain and a line
//! in `carry_out`.

use std::sync::Arc;
use std::time::Instant;

use crate::backends::{RunRequest, Session};
use crate::domain::job::{JobState, StepName, TargetState};
use crate::domain::log::Level;
use crate::domain::restore::SCRATCH_PATTERN;

use super::backend_work::to_stop;
use super::live::LiveJob;
use super::plans::PlanRequest;
use super::quiesce::NotBack;
use super::steps::{self, StepResult, Stop, count, guarded, with_not_back};
use super::{JobEngine, plans};

mod aftercare;
mod beforehand;
mod capture;
mod dump;
mod finish;
mod hooks;
mod parties;
mod piece;
mod preflight;
mod preview;
mod resolve;
mod retention;
mod scene;
mod stage;
mod staging;
mod stored;
mod targets;

#[cfg(test)]
mod tests;

use capture::Material;
use parties::{Parties, names_concerned};
use preflight::Desk;
use resolve::{Resolved, Wanted};
pub(super) use scene::{Mounted, Scene};

pub(super) use aftercare::make_up;
pub(super) use parties::{Group, choose_in, name_of, party_of, stack_of_one};
pub(super) use preview::preview;
pub(super) use retention::{Dropped, RetentionError, drop_old, judge_plan};

/// What every step works with.
type Cx<'a> = steps::Cx<'a, PlanRequest>;

/// Runs the job to its end.
pub(super) async fn run(engine: &JobEngine, live: &Arc<LiveJob>, request: &PlanRequest) {
    let cx = Cx { engine, live, request };
    live.begin().await;
    let began = Instant::now();
    let mut after = Aftermath::default();
    let (state, reason) = match Box::pin(carry_out(cx, &mut after)).await {
        Ok(()) => cx.judge(request.is_dry_run),
        Err(Stop::Cancelled) => (engine.state_when_stopped(), Some("it was cancelled".to_owned())),
        Err(Stop::Failed(reason)) => (JobState::Failed, Some(reason)),
    };
    let (state, reason) = with_not_back(state, reason, &after.not_back);
    let (state, error) = with_problems(state, reason, &after.problems);
    cx.report(&format!("backup by plan '{}'", request.plan), state, error, began).await;
}

/// What is wrong after a run, whatever came of the run itself.
#[derive(Debug, Default)]
struct Aftermath {
    not_back: Vec<NotBack>,
    /// Commands after the capture that failed.
    problems: Vec<String>,
}

impl Aftermath {
    fn is_clean(&self) -> bool {
        self.not_back.is_empty() && self.problems.is_empty()
    }
}

/// Whoever relies on a command after the capture is told when it failed: it may have left something switched off.
fn with_problems(state: JobState, reason: Option<String>, problems: &[String]) -> (JobState, Option<String>) {
    if problems.is_empty() {
        return (state, reason);
    }
    let what = format!("a command after the capture failed: {}", problems.join("; "));
    let state = if state == JobState::Succeeded { JobState::Partial } else { state };
    (state, Some(reason.map_or_else(|| what.clone(), |reason| format!("{reason}; {what}"))))
}

async fn carry_out(cx: Cx<'_>, after: &mut Aftermath) -> Result<(), Stop> {
    let found = Box::pin(cx.step(StepName::Resolve, cx.unless_cancelled(find(cx)))).await?;
    // A backend is told of a cancel, and not dropped: it may have a program at work.
    let preflight = preflight::run(cx, &found.resolved, &found.scene.paths);
    let desk = Box::pin(cx.step(StepName::Preflight, preflight)).await?;
    if cx.request.is_dry_run {
        return Box::pin(tell_dry_run(cx, &found)).await;
    }
    let request = run_request(cx, &found.resolved, &desk);
    let mut session = match desk.backend.begin(request, desk.work.clone()).await {
        Ok(session) => session,
        Err(error) => {
            remove_staging(cx, &desk).await;
            return Err(to_stop("the backup could not be begun, so nothing was stopped", &error));
        }
    };
    // Whatever happens in between, the session ends and nothing stays in the staging directory.
    let done = guarded(Box::pin(with_session(cx, &found, &desk, session.as_mut(), after))).await;
    session.end().await;
    remove_staging(cx, &desk).await;
    done?;
    Box::pin(keep_or_drop(cx, &found.resolved, &desk, after)).await;
    Ok(())
}

/// What the job is about, and the host as it was then.
struct Found {
    scene: Arc<Scene>,
    resolved: Resolved,
}

impl StepResult for Found {
    fn detail(&self) -> Option<String> {
        Some(self.resolved.summary())
    }
}

async fn find(cx: Cx<'_>) -> Result<Found, Stop> {
    let PlanRequest { plan, only, quiesce, .. } = cx.request;
    let wanted = Wanted { plan, only: only.as_ref(), quiesce: *quiesce };
    let scene = Arc::new(Scene::look(cx.engine).await?);
    let resolved = resolve::resolve(cx.engine, &scene, wanted).await?;
    for stack in names_concerned(&scene, &resolved)? {
        cx.bring_back_leftovers(&stack).await?;
    }
    // What was brought back runs now, and is known by that.
    let scene = Arc::new(Scene::look(cx.engine).await?);
    let resolved = resolve::resolve(cx.engine, &scene, wanted).await?;
    tell(cx, &resolved);
    Ok(Found { scene, resolved })
}

/// Writes down what is captured, what is not, and why; and makes every target visible in the job.
fn tell(cx: Cx<'_>, resolved: &Resolved) {
    let log = &cx.live.log;
    for warning in &resolved.plan.warnings {
        log.write(Level::Warning, warning.clone());
    }
    for result in &resolved.results {
        let about = format!("{} {}", result.kind, result.name);
        let why = result.message.as_deref().unwrap_or_default();
        match result.state {
            TargetState::Failed => log.write_about(Level::Error, Some(&about), format!("not captured: {why}")),
            TargetState::Skipped => log.write_about(Level::Info, Some(&about), format!("not captured: {why}")),
            _ => log.write_about(Level::Info, Some(&about), "will be captured"),
        }
    }
    cx.live.change(|job| job.targets.clone_from(&resolved.results));
}

async fn tell_dry_run(cx: Cx<'_>, found: &Found) -> Result<(), Stop> {
    let parties = Parties::choose(cx.engine, &found.scene, &found.resolved).await?;
    parties.tell(&cx.live.log);
    for line in parties.describe_stops() {
        cx.live.log.write(Level::Info, format!("would {line}"));
    }
    cx.live.log.write(Level::Success, "dry run: nothing was stopped, nothing was written");
    Ok(())
}

fn run_request(cx: Cx<'_>, resolved: &Resolved, desk: &Desk) -> RunRequest {
    let job = cx.live.now();
    let of_targets = resolved.targets.iter().flat_map(|target| &target.excludes);
    let own = desk.own.iter().map(|path| plans::literal_pattern(path));
    let own = own.chain([SCRATCH_PATTERN.to_owned()]);
    let mut excludes: Vec<String> = resolved.plan.excludes.iter().chain(of_targets).cloned().chain(own).collect();
    let of_instance = resolved.instance.tags.iter().filter(|_| is_own_plan(resolved));
    let mut tags: Vec<String> =
        of_instance.chain(resolved.targets.iter().flat_map(|target| &target.tags)).cloned().collect();
    for list in [&mut excludes, &mut tags] {
        let mut seen = std::collections::BTreeSet::new();
        list.retain(|text| seen.insert(text.clone()));
    }
    RunRequest {
        instance: resolved.instance.id.clone(),
        job: job.id,
        node_name: cx.engine.0.parts.backends.node_name.clone(),
        started_at: job.started_at.unwrap_or(job.queued_at),
        run_dir: desk.staging.run.clone(),
        excludes,
        tags,
    }
}

fn is_own_plan(resolved: &Resolved) -> bool {
    resolved.plan.id.as_str() == resolved.instance.id.as_str()
}

/// Everything between the beginning of a session and its end.
async fn with_session(
    cx: Cx<'_>,
    found: &Found,
    desk: &Desk,
    session: &mut dyn Session,
    after: &mut Aftermath,
) -> Result<(), Stop> {
    let resolved = &found.resolved;
    let mut material = Material::new(resolved, desk);
    let plan = beforehand::choose(cx, found, &material).await?;
    if plan.is_empty() {
        cx.skip(StepName::Precopy, "nothing can be read beforehand").await;
    } else {
        Box::pin(cx.step(StepName::Precopy, beforehand::run(cx, plan, &mut material, session))).await?;
    }
    let captured = Box::pin(locked(cx, found, &mut material, session, after)).await;
    cx.engine.give_back_stacks(cx.live);
    captured?;
    let sources = material.sources(cx);
    let publish = finish::publish(cx, resolved, session, &sources);
    let stored = Box::pin(cx.step(StepName::Publish, publish)).await?;
    let lies = stored::describe(&found.scene, resolved, &sources);
    Box::pin(finish::verify(cx, resolved, session, stored, &lies)).await
}

/// What happens while other jobs keep their hands off: commands and dumps need containers that no other job stops.
async fn locked(
    cx: Cx<'_>,
    found: &Found,
    material: &mut Material<'_>,
    session: &mut dyn Session,
    after: &mut Aftermath,
) -> Result<(), Stop> {
    let names = names_concerned(&found.scene, &found.resolved)?;
    let log = &cx.live.log;
    let wait = cx.engine.take_all(cx.live, &names, |stack| {
        log.write(Level::Info, format!("waits for the job that works on '{stack}'"));
    });
    cx.unless_cancelled(async {
        wait.await;
        Ok(())
    })
    .await?;
    let mut is_begun = false;
    let captured = guarded(Box::pin(dump_and_capture(cx, found, material, session, after, &mut is_begun))).await;
    if !is_begun || !hooks::has_post(&found.resolved) {
        cx.skip(StepName::PostHooks, "no command is to run").await;
        return captured;
    }
    let post = async {
        let say = |level: Level, line: String| cx.live.log.write(level, line);
        let docker = cx.engine.0.parts.docker.as_ref();
        after.problems = hooks::run_post(docker, &say, &found.resolved, &found.scene).await;
        if after.problems.is_empty() { Ok("done".to_owned()) } else { Err(Stop::Failed(after.problems.join("; "))) }
    };
    // Told through the aftermath.
    let _ = Box::pin(cx.always(StepName::PostHooks, post)).await;
    captured
}

/// `is_begun` is set once a command may have run, so that those after the capture must run too.
async fn dump_and_capture(
    cx: Cx<'_>,
    found: &Found,
    material: &mut Material<'_>,
    session: &mut dyn Session,
    after: &mut Aftermath,
    is_begun: &mut bool,
) -> Result<(), Stop> {
    let resolved = &found.resolved;
    *is_begun = !cx.live.cancel.is_cancelled();
    if hooks::has_pre(resolved) {
        Box::pin(cx.step(StepName::PreHooks, hooks::run_pre(cx, resolved, &found.scene))).await?;
    } else {
        cx.skip(StepName::PreHooks, "no command is to run").await;
    }
    if resolved.databases.is_empty() {
        cx.skip(StepName::Dump, "no database is to be dumped").await;
    } else {
        let dumps = Box::pin(cx.step(StepName::Dump, dump::run(cx, resolved, material.desk))).await?;
        material.dumps = dumps.0;
    }
    session.stand_by(&material.sources(cx)).await;
    Box::pin(capture::at_rest(cx, material, session, &mut after.not_back)).await
}

async fn remove_staging(cx: Cx<'_>, desk: &Desk) {
    let staging = desk.staging.clone();
    let removed = tokio::task::spawn_blocking(move || staging.remove()).await;
    if let Err(error) = removed.unwrap_or_else(|e| Err(std::io::Error::other(e))) {
        let message = format!("the staging directory could not be emptied, which is tried again: {error}");
        cx.live.log.write(Level::Warning, message);
    }
}

/// Retention, only after a success. A failure leaves too much, never too little, so it does not undo the success: its
/// step has failed, and the log says why.
async fn keep_or_drop(cx: Cx<'_>, resolved: &Resolved, desk: &Desk, after: &Aftermath) {
    if cx.judge(false).0 != JobState::Succeeded || !after.is_clean() {
        cx.skip(StepName::Retention, "runs only after a success").await;
    } else if cx.live.cancel.is_cancelled() {
        cx.skip(StepName::Retention, "a cancel was asked for; what was stored by then is complete and kept").await;
    } else {
        Box::pin(retention::run(cx, resolved, desk)).await;
    }
}
