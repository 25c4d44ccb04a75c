//! A backup job, step by step.
//!
//! The order is the promise: everything that can fail without a stop fails before it (`resolve`, `preflight`), and what
//! can be read without one is read before it (`precopy`); the stack is at rest only for `quiesce` and `capture`;
//! `resume` runs whatever happened before it; and what takes time but not the stack's rest (`publish`, `verify`,
//! `retention`) comes after.

use std::sync::Arc;
use std::time::Instant;

use crate::domain::job::{JobState, StepName};
use crate::domain::log::Level;
use crate::domain::strategy::Strategy;

use super::live::LiveJob;
use super::quiesce::{NotBack, Touched};
use super::rest::{Details, Party};
use super::steps::{self, StepResult, Stop, count, guarded, with_not_back};
use super::{BackupRequest, JobEngine};

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

pub use coverage::{CapturedVia, Coverage};
pub(super) use doubts::has_lost_content;
pub(super) use draft::{AT_REST_SUFFIX, HOT_SUFFIX};
use resolve::Resolved;

/// What every step works with.
type Cx<'a> = steps::Cx<'a, BackupRequest>;

/// Runs the job to its end.
pub(super) async fn run(engine: &JobEngine, live: &Arc<LiveJob>, request: &BackupRequest) {
    let cx = Cx { engine, live, request };
    live.begin().await;
    let began = Instant::now();
    let mut not_back = Vec::new();
    let (state, reason) = match Box::pin(carry_out(cx, &mut not_back)).await {
        Ok(()) => cx.judge(request.is_dry_run),
        Err(Stop::Cancelled) => (engine.state_when_stopped(), Some("it was cancelled".to_owned())),
        Err(Stop::Failed(reason)) => (JobState::Failed, Some(reason)),
    };
    live.remove_partial_files();
    let (state, error) = with_not_back(state, reason, &not_back);
    cx.report(&format!("backup of stack '{}'", request.stack), state, error, began).await;
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
    let (captured, found) = Box::pin(capture_at_rest(cx, &mut resolved, begun)).await;
    *not_back = found;
    let stored = Box::pin(cx.step(StepName::Publish, finish::publish(cx, &resolved, &plan, captured?))).await?;
    // Its files go before the record of them does.
    drop(plan);
    Box::pin(cx.step(StepName::Verify, finish::verify(cx, &resolved, stored))).await?;
    if cx.judge(false).0 != JobState::Succeeded {
        cx.skip(StepName::Retention, "runs only after a success").await;
    } else if cx.live.cancel.is_cancelled() {
        cx.skip(StepName::Retention, "a cancel was asked for; the archive was complete by then and is kept").await;
    } else {
        cx.step(StepName::Retention, finish::retention(cx, &resolved)).await?;
    }
    Ok(())
}

/// Quiesce, capture, and the resume that always follows.
async fn capture_at_rest(
    cx: Cx<'_>,
    resolved: &mut Resolved,
    begun: capture::Begun,
) -> (Result<capture::Captured, Stop>, Vec<NotBack>) {
    let touched = Touched::default();
    let captured = guarded(async {
        Box::pin(cx.step(StepName::Quiesce, bring_to_rest(cx, resolved, &touched))).await?;
        Box::pin(cx.step(StepName::Capture, capture::run(cx, resolved, begun))).await
    });
    let captured = captured.await;
    let not_back = cx.resume(std::slice::from_ref(&resolved.party), &touched).await;
    (captured, not_back)
}

async fn bring_to_rest(cx: Cx<'_>, resolved: &mut Resolved, touched: &Touched) -> Result<String, Stop> {
    let done = cx.quiesce(std::slice::from_mut(&mut resolved.party), touched).await?;
    let party = &resolved.party;
    Ok(if party.choice.held.is_empty() { party.why_nothing_is_held().to_owned() } else { done })
}
