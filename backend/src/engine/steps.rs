//! What every kind of job does with its steps: record them, end between them, judge the outcome.
//!
//! A kind of job is a folder beside this file with a `run` of its own; [`super::rest`] brings containers to rest for all
//! of them. Put nothing here that only one kind needs.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;

use crate::domain::job::{JobState, StepName, StepState, TargetResult, TargetState, judge_targets};
use crate::domain::log::Level;
use crate::domain::size::human_millis;

use super::live::LiveJob;
use super::quiesce::NotBack;
use super::{JobEngine, pause_point};

/// How long the store may take while containers are at rest.
const STORE_PATIENCE_AT_REST: Duration = Duration::from_secs(2);

/// What every step works with. `R` is what was asked for.
pub(super) struct Cx<'a, R> {
    pub(super) engine: &'a JobEngine,
    pub(super) live: &'a Arc<LiveJob>,
    pub(super) request: &'a R,
}

// Not derived: what is asked for need not be copied.
impl<R> Copy for Cx<'_, R> {}

impl<R> Clone for Cx<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

/// Why a step ended the job.
#[derive(Debug)]
pub(super) enum Stop {
    /// Someone asked for it.
    Cancelled,
    /// It cannot go on; one sentence says why.
    Failed(String),
}

impl Stop {
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    pub(super) fn because(what: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Failed(format!("{what}: {}", super::chain(error)))
    }
}

/// What a step leaves in its record.
pub(super) trait StepResult {
    fn detail(&self) -> Option<String> {
        None
    }
}

impl StepResult for String {
    fn detail(&self) -> Option<String> {
        Some(self.clone())
    }
}

impl<R> Cx<'_, R> {
    /// Work that may be dropped half-way, because it changes nothing: a cancel ends it even when it hangs.
    pub(super) async fn unless_cancelled<T>(self, work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
        tokio::select! {
            result = work => result,
            () = self.live.cancel.cancelled() => Err(Stop::Cancelled),
        }
    }

    /// Runs a step: records its beginning and end, and ends the job between steps when that was asked for.
    pub(super) async fn step<T: StepResult>(
        self,
        name: StepName,
        work: impl Future<Output = Result<T, Stop>>,
    ) -> Result<T, Stop> {
        if self.live.cancel.is_cancelled() {
            self.skip(name, "the job was cancelled").await;
            return Err(Stop::Cancelled);
        }
        self.always(name, work).await
    }

    /// Runs a step even when the job is to end: what was begun for others is ended for them.
    pub(super) async fn always<T: StepResult>(
        self,
        name: StepName,
        work: impl Future<Output = Result<T, Stop>>,
    ) -> Result<T, Stop> {
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

    pub(super) async fn skip(self, name: StepName, why: &str) {
        self.record(self.live.end_step(name, StepState::Skipped, Some(why.to_owned()))).await;
    }

    /// Writes the job's state. A store that hangs keeps nothing at rest: the next write makes up for this one.
    async fn record(self, written: impl Future<Output = ()>) {
        let limit = if self.live.is_holding() { STORE_PATIENCE_AT_REST } else { Duration::MAX };
        if tokio::time::timeout(limit, written).await.is_err() {
            self.live.log.write(
                Level::Warning,
                "the job's state could not be recorded in time; the stack is brought back first",
            );
        }
    }

    /// The last step. `what` is the job's work in words, such as `backup of stack 'blog'`.
    pub(super) async fn report(self, what: &str, state: JobState, error: Option<String>, began: Instant) {
        self.live.begin_step(StepName::Report).await;
        pause_point::reach("report.before").await;
        let took = human_millis(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
        let level = match state {
            JobState::Succeeded => Level::Success,
            JobState::Failed => Level::Error,
            _ => Level::Warning,
        };
        let why = error.as_deref().map(|e| format!(": {e}")).unwrap_or_default();
        self.live.log.write(level, format!("{what} {state} after {took}{why}"));
        self.live.end_step(StepName::Report, StepState::Succeeded, None).await;
        self.engine.end(self.live, state, error).await;
    }

    /// What a job that went through every step is called, and what its targets lack.
    pub(super) fn judge(self, is_dry_run: bool) -> (JobState, Option<String>) {
        if is_dry_run {
            return (JobState::Succeeded, None);
        }
        let targets = self.live.now().targets;
        let is_broken = |t: &&TargetResult| !matches!(t.state, TargetState::Succeeded | TargetState::Skipped);
        let say =
            |t: &TargetResult| format!("{} {}: {}", t.kind, t.name, t.message.as_deref().unwrap_or("not captured"));
        let broken: Vec<String> = targets.iter().filter(is_broken).map(say).collect();
        (judge_targets(&targets), (!broken.is_empty()).then(|| broken.join("; ")))
    }
}

/// Keeps a defect of ours in work at rest from leaving containers stopped.
pub(super) async fn guarded<T>(work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.unwrap_or_else(|_| Err(Stop::failed("a defect in Mainstay ended the capture; see the system log")))
}

/// No job is a success while a container that it stopped is not well again, and none keeps quiet about one.
pub(super) fn with_not_back(
    state: JobState,
    reason: Option<String>,
    not_back: &[NotBack],
) -> (JobState, Option<String>) {
    if not_back.is_empty() {
        return (state, reason);
    }
    let names: Vec<String> = not_back.iter().map(|n| format!("{}: {}", n.name, n.reason)).collect();
    let unwell = format!("not every container is well again: {}", names.join("; "));
    let state = if state == JobState::Succeeded { JobState::Partial } else { state };
    (state, Some(reason.map_or_else(|| unwell.clone(), |reason| format!("{reason}; {unwell}"))))
}

/// `1 container`, `2 containers`, `2 entries`.
pub(super) fn count(n: usize, what: &str) -> String {
    match what.strip_suffix('y') {
        _ if n == 1 => format!("1 {what}"),
        Some(stem) => format!("{n} {stem}ies"),
        None => format!("{n} {what}s"),
    }
}
