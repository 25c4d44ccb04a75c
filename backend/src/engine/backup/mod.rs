//! A backup job, step by step.
//!
//! The order is the promise: everything that can fail without a stop fails before it (`resolve`, `preflight`); the
//! stack is at rest only for `quiesce` and `capture`; `resume` runs whatever happened before it; and what takes time
//! but not the stack's rest (`publish`, `verify`, `retention`) comes after.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;

use crate::domain::job::{JobState, StepName, StepState, TargetState, judge_targets};
use crate::domain::log::Level;
use crate::domain::size::human_millis;

use super::live::LiveJob;
use super::quiesce::{self, NotBack};
use super::{BackupRequest, JobEngine, pause_point};

mod capture;
mod coverage;
mod finish;
mod manifest;
mod preflight;
mod resolve;
mod source;

pub use coverage::{CapturedVia, Coverage};
use resolve::Resolved;

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
    let (state, error) = match Box::pin(carry_out(cx)).await {
        Ok((state, error)) => (state, error),
        Err(Stop::Cancelled) => (engine.state_when_stopped(), Some("it was cancelled; the stack was brought back".into())),
        Err(Stop::Failed(reason)) => (JobState::Failed, Some(reason)),
    };
    live.remove_partial_files();
    cx.report(state, error, began).await;
}

async fn carry_out(cx: Cx<'_>) -> Result<(JobState, Option<String>), Stop> {
    let resolved = cx.step(StepName::Resolve, resolve::run(cx)).await?;
    cx.step(StepName::Preflight, preflight::run(cx, &resolved)).await?;
    if cx.request.is_dry_run {
        cx.live.log.write(Level::Success, "dry run: nothing was stopped, nothing was written");
        return Ok((JobState::Succeeded, None));
    }
    let (captured, not_back) = Box::pin(cx.capture_at_rest(&resolved)).await?;
    let stored = cx.step(StepName::Publish, finish::publish(cx, &resolved, captured)).await?;
    cx.step(StepName::Verify, finish::verify(cx, &resolved, stored)).await?;
    let state = judge_targets(&cx.live.now().targets);
    if state == JobState::Succeeded {
        cx.step(StepName::Retention, finish::retention(cx, &resolved)).await?;
    } else {
        cx.skip(StepName::Retention, "runs only after a success").await;
    }
    Ok(outcome(state, cx, &not_back))
}

/// What the job is called in the end, and the sentence that says why it is no success.
fn outcome(state: JobState, cx: Cx<'_>, not_back: &[NotBack]) -> (JobState, Option<String>) {
    if !not_back.is_empty() {
        let names: Vec<String> = not_back.iter().map(|n| format!("{}: {}", n.name, n.reason)).collect();
        return (JobState::Partial, Some(format!("the archive is good, but not every container is well again: {}", names.join("; "))));
    }
    let broken: Vec<String> = cx
        .live
        .now()
        .targets
        .iter()
        .filter(|t| !matches!(t.state, TargetState::Succeeded | TargetState::Skipped))
        .map(|t| format!("{} {}: {}", t.kind, t.name, t.message.as_deref().unwrap_or("not captured")))
        .collect();
    (state, (!broken.is_empty()).then(|| broken.join("; ")))
}

impl Cx<'_> {
    /// Quiesce, capture, and the resume that always follows.
    async fn capture_at_rest(self, resolved: &Resolved) -> Result<(capture::Captured, Vec<NotBack>), Stop> {
        let held_since = Instant::now();
        let at_rest = async {
            self.step(StepName::Quiesce, self.quiesce(resolved)).await?;
            Box::pin(self.step(StepName::Capture, capture::run(self, resolved))).await
        };
        // A defect of ours must not leave the stack stopped either.
        let captured = AssertUnwindSafe(at_rest).catch_unwind().await;
        let not_back = self.resume(resolved, held_since).await;
        let captured = captured.unwrap_or_else(|_| Err(Stop::failed("a defect in Mainstay ended the capture; see the system log")));
        Ok((captured?, not_back))
    }

    async fn quiesce(self, resolved: &Resolved) -> Result<String, Stop> {
        let parts = &self.engine.0.parts;
        let held = &resolved.choice.held;
        if held.is_empty() {
            return Ok(resolved.why_nothing_is_held().to_owned());
        }
        let say = |level: Level, service: &str, message: String| self.live.log.write_about(level, Some(service), message);
        let timeout = self.engine.0.settings.stop_timeout;
        let result =
            quiesce::bring_to_rest(parts.docker.as_ref(), &parts.store, self.live.id(), held, timeout, &self.live.cancel, &say)
                .await;
        match result {
            Ok(()) => Ok(format!("{} of {} brought to rest", count(held.len(), "container"), resolved.stack.name)),
            Err(quiesce::QuiesceError::Cancelled) => Err(Stop::Cancelled),
            Err(error) => Err(Stop::because("the stack could not be brought to rest", &error)),
        }
    }

    /// Brings the stack back; nothing ends this early. Returns what is not well again.
    async fn resume(self, resolved: &Resolved, held_since: Instant) -> Vec<NotBack> {
        let held = &resolved.choice.held;
        if held.is_empty() {
            self.skip(StepName::Resume, "nothing was at rest").await;
            return Vec::new();
        }
        pause_point::reach("resume.before").await;
        self.live.begin_step(StepName::Resume).await;
        let parts = &self.engine.0.parts;
        let say = |level: Level, service: &str, message: String| self.live.log.write_about(level, Some(service), message);
        let mut not_back = quiesce::bring_back(parts.docker.as_ref(), &parts.store, self.live.id(), held, &say).await;
        let stopped_ms = u64::try_from(held_since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.live.change(|job| job.stopped_ms = Some(stopped_ms));
        self.live.log.write(Level::Info, format!("the stack was at rest for {}", human_millis(stopped_ms)));
        if not_back.is_empty() {
            let limit = self.engine.0.settings.health_timeout;
            not_back = quiesce::wait_until_well(parts.docker.as_ref(), held, &resolved.details, limit).await;
        }
        for container in &not_back {
            self.live.log.write(Level::Error, format!("container {} is not well again: {}", container.name, container.reason));
        }
        let (state, detail) = if not_back.is_empty() {
            (StepState::Succeeded, format!("{} back after {}", count(held.len(), "container"), human_millis(stopped_ms)))
        } else {
            (StepState::Failed, format!("{} not well again", count(not_back.len(), "container")))
        };
        self.live.end_step(StepName::Resume, state, Some(detail)).await;
        pause_point::reach("resume.after").await;
        not_back
    }

    /// Runs a step: records its beginning and end, and ends the job between steps when that was asked for.
    async fn step<T: StepResult>(self, name: StepName, work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
        if self.live.cancel.is_cancelled() {
            self.skip(name, "the job was cancelled").await;
            return Err(Stop::Cancelled);
        }
        self.live.begin_step(name).await;
        pause_point::reach(&format!("{name}.before")).await;
        let result = work.await;
        let (state, detail) = match &result {
            Ok(value) => (StepState::Succeeded, value.detail()),
            Err(Stop::Cancelled) => (StepState::Failed, Some("cancelled".to_owned())),
            Err(Stop::Failed(reason)) => (StepState::Failed, Some(reason.clone())),
        };
        self.live.end_step(name, state, detail).await;
        pause_point::reach(&format!("{name}.after")).await;
        result
    }

    async fn skip(self, name: StepName, why: &str) {
        self.live.end_step(name, StepState::Skipped, Some(why.to_owned())).await;
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

/// `1 container`, `2 containers`.
fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// Details of containers, by id.
type Details = BTreeMap<String, crate::docker::ContainerDetail>;
