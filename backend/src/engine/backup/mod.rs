//! A backup job, step by step.
//!
//! The order is the promise: everything that can fail without a stop fails before it (`resolve`, `preflight`), and what
//! can be read without one is read before it (`precopy`); the stack is at rest only for `quiesce` and `capture`;
//! `resume` runs whatever happened before it; and what takes time but not the stack's rest (`publish`, `verify`,
//! `retention`) comes after.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;

use crate::domain::job::{JobState, StepName, StepState, TargetResult, TargetState, judge_targets};
use crate::domain::log::Level;
use crate::domain::size::human_millis;
use crate::domain::strategy::Strategy;
use crate::store::HeldContainer;

use super::live::LiveJob;
use super::quiesce::{self, Ascent, Case, Descent, NotBack, QuiesceError, Standing, Touched};
use super::{BackupRequest, JobEngine, pause_point};

mod capture;
mod coverage;
mod doubts;
mod draft;
mod finish;
mod manifest;
mod precopy;
mod preflight;
mod reading;
mod resolve;
mod source;
mod work;

pub use coverage::{CapturedVia, Coverage};
pub(super) use draft::{AT_REST_SUFFIX, HOT_SUFFIX};
use resolve::Resolved;

/// How long the store may take after the stack was started.
const STORE_PATIENCE: Duration = Duration::from_secs(15);
/// How long the store may take while the stack is at rest.
const STORE_PATIENCE_AT_REST: Duration = Duration::from_secs(2);

/// What every step works with.
#[derive(Clone, Copy)]
struct Cx<'a> {
    engine: &'a JobEngine,
    live: &'a Arc<LiveJob>,
    request: &'a BackupRequest,
}

/// Why a step ended the job.
#[derive(Debug)]
enum Stop {
    /// Someone asked for it.
    Cancelled,
    /// It cannot go on; one sentence says why.
    Failed(String),
}

impl Stop {
    fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    fn because(what: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Failed(format!("{what}: {}", super::chain(error)))
    }
}

/// Runs the job to its end.
pub(super) async fn run(engine: &JobEngine, live: &Arc<LiveJob>, request: &BackupRequest) {
    let cx = Cx { engine, live, request };
    live.begin().await;
    let began = Instant::now();
    let mut not_back = Vec::new();
    let (state, reason) = match Box::pin(carry_out(cx, &mut not_back)).await {
        Ok(()) => judge(cx),
        Err(Stop::Cancelled) => (engine.state_when_stopped(), Some("it was cancelled".to_owned())),
        Err(Stop::Failed(reason)) => (JobState::Failed, Some(reason)),
    };
    live.remove_partial_files();
    let (state, error) = with_not_back(state, reason, &not_back);
    cx.report(state, error, began).await;
}

/// Every step. What is not well again after the resume is told through `not_back`, whatever comes of the rest.
async fn carry_out(cx: Cx<'_>, not_back: &mut Vec<NotBack>) -> Result<(), Stop> {
    let mut resolved = Box::pin(cx.step(StepName::Resolve, cx.unless_cancelled(resolve::run(cx)))).await?;
    let preflight = cx.unless_cancelled(preflight::run(cx, &resolved));
    let sized_up = Box::pin(cx.step(StepName::Preflight, preflight)).await?;
    if cx.request.is_dry_run {
        cx.live.log.write(Level::Success, "dry run: nothing was stopped, nothing was written");
        return Ok(());
    }
    let mut plan = precopy::plan(cx, &resolved, sized_up.0).await?;
    if plan.strategy == Strategy::Direct {
        cx.skip(StepName::Precopy, "everything is read at rest").await;
    } else {
        Box::pin(cx.step(StepName::Precopy, precopy::run(cx, &resolved, &mut plan, sized_up.0.bytes))).await?;
    }
    let begun = capture::begin(cx, &plan)?;
    let (captured, found) = Box::pin(cx.capture_at_rest(&mut resolved, begun)).await;
    *not_back = found;
    let stored = Box::pin(cx.step(StepName::Publish, finish::publish(cx, &resolved, &plan, captured?))).await?;
    // Its files go before the record of them does.
    drop(plan);
    Box::pin(cx.step(StepName::Verify, finish::verify(cx, &resolved, stored))).await?;
    if judge(cx).0 != JobState::Succeeded {
        cx.skip(StepName::Retention, "runs only after a success").await;
    } else if cx.live.cancel.is_cancelled() {
        cx.skip(StepName::Retention, "a cancel was asked for; the archive was complete by then and is kept").await;
    } else {
        cx.step(StepName::Retention, finish::retention(cx, &resolved)).await?;
    }
    Ok(())
}

/// What a job that went through every step is called, and what its targets lack.
fn judge(cx: Cx<'_>) -> (JobState, Option<String>) {
    if cx.request.is_dry_run {
        return (JobState::Succeeded, None);
    }
    let targets = cx.live.now().targets;
    let is_broken = |t: &&TargetResult| !matches!(t.state, TargetState::Succeeded | TargetState::Skipped);
    let say = |t: &TargetResult| format!("{} {}: {}", t.kind, t.name, t.message.as_deref().unwrap_or("not captured"));
    let broken: Vec<String> = targets.iter().filter(is_broken).map(say).collect();
    (judge_targets(&targets), (!broken.is_empty()).then(|| broken.join("; ")))
}

/// No job is a success while a container that it stopped is not well again, and none keeps quiet about one.
fn with_not_back(state: JobState, reason: Option<String>, not_back: &[NotBack]) -> (JobState, Option<String>) {
    if not_back.is_empty() {
        return (state, reason);
    }
    let names: Vec<String> = not_back.iter().map(|n| format!("{}: {}", n.name, n.reason)).collect();
    let unwell = format!("not every container is well again: {}", names.join("; "));
    let state = if state == JobState::Succeeded { JobState::Partial } else { state };
    (state, Some(reason.map_or_else(|| unwell.clone(), |reason| format!("{reason}; {unwell}"))))
}

impl Cx<'_> {
    /// Quiesce, capture, and the resume that always follows.
    async fn capture_at_rest(
        self,
        resolved: &mut Resolved,
        begun: capture::Begun,
    ) -> (Result<capture::Captured, Stop>, Vec<NotBack>) {
        let touched = Touched::default();
        let at_rest = async {
            Box::pin(self.step(StepName::Quiesce, self.quiesce(resolved, &touched))).await?;
            Box::pin(self.step(StepName::Capture, capture::run(self, resolved, begun))).await
        };
        // A defect of ours must not leave the stack stopped either.
        let captured = AssertUnwindSafe(at_rest).catch_unwind().await;
        let not_back = self.resume(resolved, &touched).await;
        let captured = captured
            .unwrap_or_else(|_| Err(Stop::failed("a defect in Mainstay ended the capture; see the system log")));
        (captured, not_back)
    }

    async fn quiesce(self, resolved: &mut Resolved, touched: &Touched) -> Result<String, Stop> {
        let parts = &self.engine.0.parts;
        let docker = parts.docker.as_ref();
        let say =
            |level: Level, service: &str, message: String| self.live.log.write_about(level, Some(service), message);
        let failed = |error: QuiesceError| match error {
            QuiesceError::Cancelled => Stop::Cancelled,
            error => Stop::because("the stack could not be brought to rest", &error),
        };
        resolved.watch = Some(quiesce::Watch::begin(&parts.docker, &parts.runtime).await);
        resolved.choice.held = quiesce::look_again(docker, &resolved.choice, &say).await.map_err(failed)?;
        let choice = &resolved.choice;
        if choice.held.is_empty() {
            return Ok(resolved.why_nothing_is_held().to_owned());
        }
        {
            // A replay that is at work on this stack ends first; the next one sees that the stack is held.
            let stack = self.engine.0.replay.of(&resolved.stack.name);
            let _alone = stack.lock().await;
            self.live.set_holding(true);
        }
        let (job, cancel) = (self.live.id(), &self.live.cancel);
        let descent = Descent { docker, store: &parts.store, job, choice, touched, cancel, say: &say };
        descent.run().boxed().await.map_err(failed)?;
        Ok(format!("{} of {} brought to rest", count(choice.held.len(), "container"), resolved.stack.name))
    }

    /// Brings the stack back; nothing ends this early, and no start waits for the store. Returns what is not well
    /// again. `touched` knows which containers the engine was asked about.
    async fn resume(self, resolved: &Resolved, touched: &Touched) -> Vec<NotBack> {
        // What the engine was never asked about is not ours to start, whatever became of it meanwhile.
        let (held, spared): (Vec<HeldContainer>, Vec<HeldContainer>) =
            resolved.choice.held.iter().cloned().partition(|held| touched.was_asked(&held.id));
        if held.is_empty() {
            self.live.set_holding(false);
            self.clear_journal(spared.iter()).await;
            self.skip(StepName::Resume, "nothing was at rest").await;
            return Vec::new();
        }
        pause_point::reach("resume.before").await;
        let docker = self.engine.0.parts.docker.as_ref();
        let say =
            |level: Level, service: &str, message: String| self.live.log.write_about(level, Some(service), message);
        let case = |held: &HeldContainer| {
            if touched.is_open(&held.id) { Case::new(held.clone()) } else { Case::settled(held.clone()) }
        };
        let mut cases: Vec<Case> = held.iter().map(case).collect();
        let (limit, hurry) = (self.engine.0.settings.health_timeout, &self.engine.0.shutdown);
        let ascent = Ascent { docker, order: &resolved.choice.order, limit, hurry, say: &say };
        let began = tokio::time::timeout(STORE_PATIENCE, self.live.begin_step(StepName::Resume));
        let (_, returned) = tokio::join!(began, ascent.bring_back(&mut cases).boxed());
        self.live.set_holding(false);
        // The time at rest begins when the engine is first asked, not with the looks before.
        let last_start = returned.last_start.into_std();
        let stopped_for = touched.since().map(|since| last_start.saturating_duration_since(since)).unwrap_or_default();
        let stopped_ms = u64::try_from(stopped_for.as_millis()).unwrap_or(u64::MAX);
        self.live.change(|job| job.stopped_ms = Some(stopped_ms));
        self.live.log.write(Level::Info, format!("the stack was at rest for {}", human_millis(stopped_ms)));
        let back = cases.iter().filter(|case| case.standing == Standing::Back).map(|case| &case.held);
        self.clear_journal(back.chain(&spared)).await;
        let mut not_back: Vec<NotBack> = cases.iter().filter_map(Case::to_not_back).chain(returned.unmet).collect();
        let is_back = |held: &&HeldContainer| not_back.iter().all(|n| n.name != held.name);
        let back: Vec<HeldContainer> = held.iter().filter(is_back).cloned().collect();
        not_back.extend(quiesce::wait_until_well(docker, &back, &resolved.details, limit, hurry).boxed().await);
        self.end_resume(held.len(), stopped_ms, &not_back).await;
        not_back
    }

    /// Takes containers out of the stop journal: what is back, and what was never touched. A row that stays brings back
    /// what runs already, which is harmless.
    async fn clear_journal(self, back: impl Iterator<Item = &HeldContainer>) {
        let back: Vec<&str> = back.map(|held| held.id.as_str()).collect();
        if back.is_empty() {
            return;
        }
        let cleared = self.engine.0.parts.store.clear_journal(self.live.id(), &back);
        let problem = match tokio::time::timeout(STORE_PATIENCE, cleared).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => super::chain(&error),
            Err(_) => "the store does not answer".to_owned(),
        };
        self.live
            .log
            .write(Level::Warning, format!("the stop journal was not cleared, which is tried again: {problem}"));
    }

    async fn end_resume(self, held: usize, stopped_ms: u64, not_back: &[NotBack]) {
        for container in not_back {
            self.live
                .log
                .write(Level::Error, format!("container {} is not well again: {}", container.name, container.reason));
        }
        let (state, detail) = if not_back.is_empty() {
            (StepState::Succeeded, format!("{} back after {}", count(held, "container"), human_millis(stopped_ms)))
        } else {
            (StepState::Failed, format!("{} not well again", count(not_back.len(), "container")))
        };
        self.live.end_step(StepName::Resume, state, Some(detail)).await;
        pause_point::reach("resume.after").await;
    }

    /// Work that may be dropped half-way, because it changes nothing: a cancel ends it even when it hangs.
    async fn unless_cancelled<T>(self, work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
        tokio::select! {
            result = work => result,
            () = self.live.cancel.cancelled() => Err(Stop::Cancelled),
        }
    }

    /// Runs a step: records its beginning and end, and ends the job between steps when that was asked for.
    async fn step<T: StepResult>(self, name: StepName, work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
        if self.live.cancel.is_cancelled() {
            self.skip(name, "the job was cancelled").await;
            return Err(Stop::Cancelled);
        }
        self.record(self.live.begin_step(name)).await;
        pause_point::reach(&format!("{name}.before")).await;
        let result = work.await;
        let (state, detail) = match &result {
            Ok(value) => (StepState::Succeeded, value.detail()),
            Err(Stop::Cancelled) => (StepState::Failed, Some("cancelled".to_owned())),
            Err(Stop::Failed(reason)) => (StepState::Failed, Some(reason.clone())),
        };
        self.record(self.live.end_step(name, state, detail)).await;
        pause_point::reach(&format!("{name}.after")).await;
        result
    }

    async fn skip(self, name: StepName, why: &str) {
        self.record(self.live.end_step(name, StepState::Skipped, Some(why.to_owned()))).await;
    }

    /// Writes the job's state. A store that hangs does not keep a stack at rest: the next write makes up for this one.
    async fn record(self, written: impl Future<Output = ()>) {
        let limit = if self.live.is_holding() { STORE_PATIENCE_AT_REST } else { Duration::MAX };
        if tokio::time::timeout(limit, written).await.is_err() {
            self.live.log.write(
                Level::Warning,
                "the job's state could not be recorded in time; the stack is brought back first",
            );
        }
    }

    async fn report(self, state: JobState, error: Option<String>, began: Instant) {
        self.live.begin_step(StepName::Report).await;
        pause_point::reach("report.before").await;
        let took = human_millis(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
        let level = match state {
            JobState::Succeeded => Level::Success,
            JobState::Failed => Level::Error,
            _ => Level::Warning,
        };
        let why = error.as_deref().map(|e| format!(": {e}")).unwrap_or_default();
        self.live.log.write(level, format!("backup of stack '{}' {state} after {took}{why}", self.request.stack));
        self.live.end_step(StepName::Report, StepState::Succeeded, None).await;
        self.engine.end(self.live, state, error).await;
    }
}

/// What a step leaves in its record.
trait StepResult {
    fn detail(&self) -> Option<String> {
        None
    }
}

impl StepResult for String {
    fn detail(&self) -> Option<String> {
        Some(self.clone())
    }
}

/// `1 container`, `2 containers`, `2 entries`.
fn count(n: usize, what: &str) -> String {
    match what.strip_suffix('y') {
        _ if n == 1 => format!("1 {what}"),
        Some(stem) => format!("{n} {stem}ies"),
        None => format!("{n} {what}s"),
    }
}

/// Details of containers, by id.
type Details = BTreeMap<String, crate::docker::ContainerDetail>;
