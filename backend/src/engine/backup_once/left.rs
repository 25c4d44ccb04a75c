//! What a run left behind whose process is dead: containers at rest, a worker that goes on.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::journal::{self, Left, OWNER};
use super::owner::Owner;
use crate::backrest::line::{Line, Tell};
use crate::backrest::rcb::worker_label_prefixes;
use crate::docker::{ContainerEngine, EngineError, SharedEngine};
use crate::domain::clock::SharedClock;
use crate::domain::stack::{Container, labels};
use crate::engine::JobEngine;
use crate::engine::quiesce::{Ascent, Case, NotBack, Order};

/// How long the health of a container is waited for by those that depend on it.
const HEALTH_LIMIT: Duration = Duration::from_mins(2);

/// When a service looks for the first time: its own journal goes first.
const FIRST_LOOK: Duration = Duration::from_secs(15);
/// How often a service looks.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// What the stops of a run may take beyond their timeouts.
const STOP_MARGIN: TimeDelta = TimeDelta::seconds(30);
/// Nobody waits for a longer stop timeout than this.
const LONGEST_STOP_SECS: u64 = 24 * 3600;

/// How it stands after a look at what runs left behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftBehind {
    /// Containers that are still not back.
    pub not_back: usize,
    /// Runs of other processes that are at work.
    pub at_work: usize,
}

/// Brings back what dead runs left at rest, and ends what they had begun. What a living run holds is left alone.
///
/// # Errors
/// When the engine cannot say what there is.
pub async fn bring_back_left(
    docker: &SharedEngine,
    clock: &SharedClock,
    tell: Tell<'_>,
) -> Result<LeftBehind, EngineError> {
    let engine = docker.as_ref();
    let now = clock.now();
    let mut left_behind = LeftBehind::default();
    let mut living: Vec<Owner> = Vec::new();
    let containers = engine.list_containers().await?;
    for (container, owner) in containers.iter().filter_map(|one| Some((one, owner_of(one)?))) {
        if owner.is_alive(engine, now).await {
            living.push(owner);
        } else {
            end_run(engine, container, &containers, tell).await?;
        }
    }
    for left in journal::list(engine).await? {
        if let Some(owner) = &left.owner
            && owner.is_alive(engine, now).await
        {
            living.push(owner.clone());
            continue;
        }
        let names: Vec<&str> = left.held.iter().map(|held| held.name.as_str()).collect();
        tell(
            Line::warning("quiesce.replay")
                .with("containers", names)
                .with("message", "a run was killed while these were at rest; they are brought back"),
        );
        let not_back = bring_back(engine, &left, now, tell).await;
        for one in &not_back {
            tell(Line::error("quiesce.failed").with("container", &one.name).with("message", &one.reason));
        }
        left_behind.not_back += not_back.len() + usize::from(left.is_damaged);
        if left.is_damaged {
            let message = "this volume says what is at rest and cannot be read: look at its labels, start what is down, and remove it";
            tell(Line::error("quiesce.failed").with("volume", &left.volume).with("message", message));
        } else if not_back.is_empty() {
            engine.remove_volume(&left.volume).await?;
        }
    }
    living.retain(|owner| !owner.is_this());
    living.dedup();
    left_behind.at_work = living.len();
    Ok(left_behind)
}

impl JobEngine {
    /// Brings back what dead runs of `backup-once` left at rest, from time to time. Ends with `cancel`.
    pub async fn watch_left(&self, cancel: CancellationToken) {
        let tell = |line: Line| self.tell_of_backrest(&line);
        let mut pause = FIRST_LOOK;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(pause) => pause = LOOK_EVERY,
            }
            if let Err(error) = bring_back_left(&self.0.parts.docker, &self.0.parts.clock, &tell).await {
                // Whoever asks the engine for more tells that it is away.
                tracing::debug!(error = crate::engine::chain(&error), "what runs left at rest is not known");
            }
        }
    }
}

/// Brings back what a dead run left at rest, one after another in start order. Returns what is not back.
async fn bring_back(docker: &dyn ContainerEngine, left: &Left, now: DateTime<Utc>, tell: Tell<'_>) -> Vec<NotBack> {
    let all_stops: u64 = left.held.iter().map(|held| held.stop_timeout_secs.min(LONGEST_STOP_SECS)).sum();
    let settled_at =
        left.written_at.map(|at| at + STOP_MARGIN + TimeDelta::seconds(i64::try_from(all_stops).unwrap_or(0)));
    let mut not_back = Vec::new();
    for held in &left.held {
        let is_settled = settled_at.is_some_and(|at| at < now);
        let case = if is_settled { Case::settled(held.clone()) } else { Case::new(held.clone()) };
        not_back.extend(bring_back_cases(docker, &mut [case], &Order::default(), tell).await);
    }
    not_back
}

/// Brings containers back, given in start order, and stays with them as long as a job would. Returns those that are not.
pub(super) async fn bring_back_cases(
    docker: &dyn ContainerEngine,
    cases: &mut [Case],
    order: &Order,
    tell: Tell<'_>,
) -> Vec<NotBack> {
    let say = |level, service: &str, message: String| {
        tell(Line::new(level, "quiesce.start").with("service", service).with("message", message));
    };
    let hurry = CancellationToken::new();
    let returned = Ascent { docker, order, limit: HEALTH_LIMIT, hurry: &hurry, say: &say }.bring_back(cases).await;
    let mut not_back: Vec<NotBack> = cases.iter().filter_map(Case::to_not_back).collect();
    not_back.extend(returned.unmet);
    not_back
}

fn owner_of(container: &Container) -> Option<Owner> {
    serde_json::from_str(container.labels.get(OWNER)?).ok()
}

/// Ends a container of a run, and the worker that rcb made for it.
async fn end_run(
    docker: &dyn ContainerEngine,
    container: &Container,
    all: &[Container],
    tell: Tell<'_>,
) -> Result<(), EngineError> {
    let project = container.labels.get(labels::PROJECT).map(String::as_str);
    let workers: Vec<&Container> =
        all.iter().filter(|one| project.is_some_and(|project| is_worker(one, project))).collect();
    for one in workers.into_iter().chain([container]) {
        tell(Line::warning("worker.removed").with("container", &one.name).with("message", "its run was killed"));
        docker.remove_container(&one.id).await?;
    }
    Ok(())
}

/// Whether a container is what rcb makes to do the work of a project.
pub(super) fn is_worker(container: &Container, project: &str) -> bool {
    worker_label_prefixes().iter().any(|prefix| container.labels.contains_key(&format!("{prefix}{project}")))
}

/// Removes the workers of a project; best effort, what fails is told.
pub(super) async fn remove_workers(docker: &dyn ContainerEngine, project: &str, tell: Tell<'_>) {
    let found = match docker.list_containers().await {
        Ok(found) => found,
        Err(error) => {
            tell(Line::error("worker.left").with("message", crate::engine::chain(&error)));
            return;
        }
    };
    let removals = found.iter().filter(|one| is_worker(one, project)).map(|one| docker.remove_container(&one.id));
    for error in join_all(removals).await.into_iter().filter_map(Result::err) {
        tell(Line::error("worker.left").with("message", crate::engine::chain(&error)));
    }
}
