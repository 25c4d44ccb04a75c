//! The last look before a stop, and the stop.
//!
//! A container is brought to rest as soon as everything that depends on it is, so independent ones are brought to rest
//! at the same time: the stop timeouts are what a stop mostly consists of.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::DurationRound as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, FuturesUnordered};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio_util::sync::CancellationToken;

use crate::docker::{ContainerDetail, ContainerEngine, EngineError};
use crate::domain::ids::JobId;
use crate::domain::log::Level;
use crate::domain::size::human_millis;
use crate::domain::stack::ContainerState;
use crate::engine::pause_point;
use crate::store::{HeldContainer, HoldAction, Store};

use super::choose::{Choice, is_at_work, stop_timeout_secs};
use super::order::Need;
use super::touched::Touched;
use super::{AT_ONCE, Say};

/// How long the stops that are under way may take to end, once it is clear that the stack is brought back at once.
const LAST_STOPS: Duration = Duration::from_secs(2);

/// Why a stack could not be brought to rest.
#[derive(Debug, thiserror::Error)]
pub(in crate::engine) enum QuiesceError {
    #[error("the stop journal could not be written, so nothing was stopped")]
    Journal(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("container {name} could not be looked at, so nothing was stopped")]
    Look {
        name: String,
        #[source]
        source: EngineError,
    },
    #[error("container {name} could not be brought to rest")]
    Engine {
        name: String,
        #[source]
        source: EngineError,
    },
    #[error("container {0} still runs after it was stopped")]
    StillUp(String),
    #[error("the job was cancelled")]
    Cancelled,
}

/// Looks at the chosen containers once more, right before the stop: what has ended since it was chosen is left alone,
/// and none is added. Returns what is to be held, with the run that it is about.
pub(in crate::engine) async fn look_again(
    docker: &dyn ContainerEngine,
    choice: &Choice,
    say: Say<'_>,
) -> Result<Vec<HeldContainer>, QuiesceError> {
    let looks: Vec<_> = choice.held.iter().map(|chosen| docker.inspect_container(&chosen.id)).collect();
    let looks: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
    let mut held = Vec::with_capacity(looks.len());
    for (chosen, found) in choice.held.iter().zip(looks) {
        match found {
            Ok(detail) if is_at_work(detail.container.state) => {
                held.push(with_run(chosen, &detail, choice.timeouts.get(&chosen.id).copied(), say));
            }
            Ok(_) | Err(EngineError::NotFound { .. }) => {
                let message = format!("container {} is no longer up and is left alone", chosen.name);
                say(Level::Warning, &chosen.service, message);
            }
            Err(source) => return Err(QuiesceError::Look { name: chosen.name.clone(), source }),
        }
    }
    Ok(held)
}

fn with_run(
    chosen: &HeldContainer,
    detail: &ContainerDetail,
    stop_timeout: Option<Duration>,
    say: Say<'_>,
) -> HeldContainer {
    let mut held = HeldContainer { started_at: run_of(detail), ..chosen.clone() };
    held.stop_timeout_secs = stop_timeout_secs(stop_timeout, detail.stop_timeout_secs);
    if held.action == HoldAction::Pause && detail.container.state == ContainerState::Restarting {
        let message = format!("container {} is just restarting, which cannot be paused: it is stopped", held.name);
        say(Level::Warning, &held.service, message);
        held.action = HoldAction::Stop;
    }
    held
}

/// Which run of a container this is: when its process was started, in the precision that the store keeps.
pub(in crate::engine) fn run_of(detail: &ContainerDetail) -> Option<chrono::DateTime<chrono::Utc>> {
    detail.started_at.map(|at| at.duration_trunc(chrono::Duration::milliseconds(1)).unwrap_or(at))
}

/// Where what is about to be held is written down before it is touched.
#[async_trait]
pub(in crate::engine) trait Journal: Send + Sync {
    /// Commits the containers, in start order. On an error nothing may be stopped.
    async fn write(&self, held: &[HeldContainer]) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// The journal of a job, in the store.
pub(in crate::engine) struct OfJob<'a> {
    pub(in crate::engine) store: &'a Store,
    pub(in crate::engine) job: &'a JobId,
}

#[async_trait]
impl Journal for OfJob<'_> {
    async fn write(&self, held: &[HeldContainer]) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.store.write_journal(self.job, held).await?)
    }
}

/// Everything that bringing a stack to rest takes.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Descent<'a> {
    pub(in crate::engine) docker: &'a dyn ContainerEngine,
    pub(in crate::engine) journal: &'a dyn Journal,
    /// What to hold, in start order, and what waits for what.
    pub(in crate::engine) choice: &'a Choice,
    /// Told of every container that the engine is asked about.
    pub(in crate::engine) touched: &'a Touched,
    pub(in crate::engine) cancel: &'a CancellationToken,
    pub(in crate::engine) say: Say<'a>,
}

impl Descent<'_> {
    /// Writes the journal, then brings the containers to rest, each after those that depend on it. On an error some may
    /// already rest, and some may come to rest later: the caller brings back all.
    pub(in crate::engine) async fn run(&self) -> Result<(), QuiesceError> {
        self.journal.write(&self.choice.held).await.map_err(QuiesceError::Journal)?;
        pause_point::reach("quiesce.journaled").await;
        let held = &self.choice.held;
        let needs: Needs<'_> = held.iter().map(|h| (h.id.as_str(), self.choice.order.needs_of(&h.id, held))).collect();
        let mut waiting: Vec<&HeldContainer> = held.iter().rev().collect();
        let mut at_work: Vec<&str> = Vec::new();
        let mut holds = FuturesUnordered::new();
        loop {
            if self.cancel.is_cancelled() {
                return self.give_up(holds, QuiesceError::Cancelled).await;
            }
            while let Some(next) = find_next(&needs, &waiting, &at_work).filter(|_| at_work.len() < AT_ONCE) {
                let container = waiting.remove(next);
                at_work.push(&container.id);
                holds.push(self.hold(container).boxed());
            }
            let ended = tokio::select! {
                ended = holds.next() => ended,
                () = self.cancel.cancelled() => continue,
            };
            match ended {
                None => return Ok(()),
                Some((id, Ok(()))) => at_work.retain(|other| *other != id),
                Some((_, Err(error))) => return self.give_up(holds, error).await,
            }
        }
    }

    /// Waits a moment for what is under way; what ends later is in doubt, which the way back knows how to handle.
    async fn give_up<'h>(
        &self,
        holds: FuturesUnordered<BoxFuture<'h, (&'h str, Result<(), QuiesceError>)>>,
        error: QuiesceError,
    ) -> Result<(), QuiesceError> {
        let others = holds.for_each(|(_, result)| async move {
            if let Err(error) = result {
                (self.say)(Level::Warning, "", crate::engine::chain(&error));
            }
        });
        // Whatever is not over by then has been noted as touched.
        let _ = tokio::time::timeout(LAST_STOPS, others).await;
        Err(error)
    }

    async fn hold<'h>(&self, container: &'h HeldContainer) -> (&'h str, Result<(), QuiesceError>) {
        let began = Instant::now();
        self.touched.ask(&container.id);
        let result = self.bring_to_rest(container).await;
        if result.is_ok() {
            self.touched.settle(&container.id);
            let word = if container.action == HoldAction::Stop { "stopped" } else { "paused" };
            let took = human_millis(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
            (self.say)(Level::Info, &container.service, format!("{word} container {} in {took}", container.name));
            pause_point::reach("quiesce.first").await;
        }
        (&container.id, result)
    }

    async fn bring_to_rest(&self, container: &HeldContainer) -> Result<(), QuiesceError> {
        let failed = |source| QuiesceError::Engine { name: container.name.clone(), source };
        if container.action == HoldAction::Pause {
            return self.docker.pause_container(&container.id).await.map_err(failed);
        }
        let timeout = self.choice.timeouts.get(&container.id).copied();
        self.docker.stop_container(&container.id, timeout).await.map_err(failed)?;
        match self.docker.inspect_container(&container.id).await {
            Ok(detail) if detail.is_up() && is_same_run(container, &detail) => {
                Err(QuiesceError::StillUp(container.name.clone()))
            }
            Ok(detail) if detail.is_up() => {
                // It was stopped; that it did not stay so is for the witnesses of the capture to tell.
                let message = format!("container {} was started again by something else at once", container.name);
                (self.say)(Level::Warning, &container.service, message);
                Ok(())
            }
            Ok(_) | Err(EngineError::NotFound { .. }) => Ok(()),
            Err(source) => Err(failed(source)),
        }
    }
}

/// What each held container waits for on the way up.
type Needs<'a> = BTreeMap<&'a str, Vec<Need>>;

/// The place of the next container that nothing depends on any more. Those that wait and those at work are up.
fn find_next(needs: &Needs<'_>, waiting: &[&HeldContainer], at_work: &[&str]) -> Option<usize> {
    let up = || waiting.iter().map(|held| held.id.as_str()).chain(at_work.iter().copied());
    let needed: BTreeSet<&str> = up().filter_map(|id| needs.get(id)).flatten().map(|need| need.id.as_str()).collect();
    waiting.iter().position(|held| !needed.contains(held.id.as_str()))
}

fn is_same_run(held: &HeldContainer, now: &ContainerDetail) -> bool {
    held.started_at.is_none() || run_of(now) == held.started_at
}

#[cfg(test)]
#[path = "hold_tests.rs"]
mod tests;
