//! The way back up: every container as soon as what it needs is there, and all of them in the end.
//!
//! Each container has a driver that waits for its needs and then looks at its [`Case`] until it is back or the patience
//! with it is used up; so independent ones start at the same time, and a bad one keeps nobody down. A need that does not
//! come true in time is told, and what waits for it is started all the same: a stack without its health check is
//! better than no stack.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, Shared, join_all};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::docker::{ContainerEngine, EngineError};
use crate::domain::dependency::Condition;
use crate::domain::size::human_millis;
use crate::domain::stack::Health;
use crate::engine::pause_point;
use crate::store::HeldContainer;

use super::case::{Case, NotBack, Standing};
use super::order::{Need, Order};
use super::{AT_ONCE, Say};

/// The pause after the first look; each one after it is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often a health that others wait for is looked at.
const HEALTH_PAUSE: Duration = Duration::from_millis(200);
/// How long a container whose start fails keeps those that need it waiting.
const FAILING_PATIENCE: Duration = Duration::from_secs(2);

/// What the way back takes.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Ascent<'a> {
    pub(in crate::engine) docker: &'a dyn ContainerEngine,
    /// What waits for what.
    pub(in crate::engine) order: &'a Order,
    /// How long the condition of one container is waited for.
    pub(in crate::engine) limit: Duration,
    /// Nothing waits for a health or an end any more once this is cancelled.
    pub(in crate::engine) hurry: &'a CancellationToken,
    pub(in crate::engine) say: Say<'a>,
}

/// What came of the way back, besides how each case stands.
#[derive(Debug)]
pub(in crate::engine) struct Returned {
    /// When the last container was started or went on.
    pub(in crate::engine) last_start: Instant,
    /// Containers that were not what others need of them in time, although these were started then.
    pub(in crate::engine) unmet: Vec<NotBack>,
}

/// How far a container is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// Nobody looked at it yet.
    Waiting,
    /// Its start fails, for the first time then.
    Failing(Instant),
    /// It was started.
    Up,
    /// There is nothing to wait for: it is gone, or given up.
    Over,
}

/// What came of a need; the error says what is wrong with the container that is needed.
type Outcome = Result<(), NotBack>;
/// A need that several containers may wait for.
type Gate<'a> = Shared<BoxFuture<'a, Outcome>>;

impl<'a> Ascent<'a> {
    /// Brings containers back, given in start order. Ends when all are back, or when the patience with those that are
    /// not is used up.
    pub(in crate::engine) async fn bring_back(&self, cases: &mut [Case]) -> Returned {
        let began = Instant::now();
        let held: Vec<HeldContainer> = cases.iter().map(|case| case.held.clone()).collect();
        let stages: Vec<watch::Sender<Stage>> = cases.iter().map(|_| watch::Sender::new(Stage::Waiting)).collect();
        let (at_once, mut gates) = (Semaphore::new(AT_ONCE), BTreeMap::new());
        let mut drivers = Vec::with_capacity(cases.len());
        for (case, stage) in cases.iter_mut().zip(&stages) {
            let needs = self.order.needs_of(&case.held.id, &held);
            let waits = needs.iter().filter_map(|need| {
                let n = held.iter().position(|held| held.id == need.id)?;
                let gate = gates.entry((n, need.condition)).or_insert_with(|| {
                    let waiting = self.wait_for(held[n].clone(), need.clone(), stages[n].subscribe());
                    waiting.boxed().shared()
                });
                Some((need.is_required, gate.clone()))
            });
            drivers.push(self.drive(case, waits.collect(), stage, &at_once).boxed());
        }
        let unmet = join_all(drivers).await.concat();
        let last_start = cases.iter().filter_map(|case| case.changed_at).fold(began, Instant::max);
        Returned { last_start, unmet: one_of_each(unmet) }
    }

    /// Brings one container back, once its needs are met or given up; returns those that a success takes and that were
    /// not met.
    async fn drive(
        &self,
        case: &mut Case,
        needs: Vec<(bool, Gate<'_>)>,
        stage: &watch::Sender<Stage>,
        at_once: &Semaphore,
    ) -> Vec<NotBack> {
        let waits = needs.into_iter().map(|(is_required, gate)| async move { (is_required, gate.await) });
        let unmet = join_all(waits).await.into_iter().filter(|(is_required, _)| *is_required);
        let unmet: Vec<NotBack> = unmet.filter_map(|(_, outcome)| outcome.err()).collect();
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            {
                let _turn = at_once.acquire().await;
                case.look(self.docker, self.say).await;
            }
            advance(stage, &case.standing);
            pause_point::reach("resume.first").await;
            if began.elapsed() >= case.standing.patience() {
                stage.send_if_modified(|stage| {
                    let is_up = *stage == Stage::Up && case.standing == Standing::Back;
                    if !is_up {
                        *stage = Stage::Over;
                    }
                    !is_up
                });
                return unmet;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits until `need` is met, at most for the limit from the start of the container on.
    async fn wait_for(self, held: HeldContainer, need: Need, mut stage: watch::Receiver<Stage>) -> Outcome {
        if !wait_until_up(&mut stage).await || need.condition == Condition::Started {
            // What does not start is told for itself.
            return Ok(());
        }
        let met = async {
            while !self.is_met(&held, need.condition, &stage).await? {
                tokio::time::sleep(HEALTH_PAUSE).await;
            }
            Ok(())
        };
        let result = tokio::select! {
            result = tokio::time::timeout(self.limit, met) => result.unwrap_or_else(|_| Err(self.too_late(need.condition))),
            () = self.hurry.cancelled() => Err("it was not waited for, because the service ends".to_owned()),
        };
        result.map_err(|reason| {
            let message = format!("container {}: {reason}; what depends on it is started anyway", held.name);
            (self.say)(crate::domain::log::Level::Warning, &held.service, message);
            NotBack { name: held.name, reason: format!("{reason}, and what depends on it was started anyway") }
        })
    }

    fn too_late(&self, condition: Condition) -> String {
        let limit = human_millis(u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX));
        let what = if condition == Condition::Completed { "did not end well" } else { "was not healthy" };
        format!("it {what} within {limit} after its start")
    }

    /// Whether a container that was started is what is needed; the error says why it never will be.
    async fn is_met(
        &self,
        held: &HeldContainer,
        condition: Condition,
        stage: &watch::Receiver<Stage>,
    ) -> Result<bool, String> {
        let detail = match super::case::find_same(self.docker, held).await {
            Ok(Some(detail)) => detail,
            // Removed by something else: nothing will come true.
            Ok(None) => return Ok(true),
            Err(EngineError::NotFound { .. }) => return Ok(true),
            Err(_) => return Ok(false),
        };
        let code = detail.exit_code.unwrap_or(-1);
        match condition {
            _ if *stage.borrow() == Stage::Over && !detail.is_up() && code != 0 => {
                Err(format!("it ended with exit code {code}"))
            }
            Condition::Completed => Ok(!detail.is_up() && code == 0),
            _ => Ok(detail.is_up() && matches!(detail.container.health, None | Some(Health::Healthy))),
        }
    }
}

/// Waits until a container was started, or for a while where its start fails. Returns whether it is up.
async fn wait_until_up(stage: &mut watch::Receiver<Stage>) -> bool {
    loop {
        let now = stage.borrow_and_update().clone();
        let limit = match now {
            Stage::Up => return true,
            Stage::Over => return false,
            Stage::Waiting => Duration::MAX,
            Stage::Failing(since) => FAILING_PATIENCE.saturating_sub(since.elapsed()),
        };
        match tokio::time::timeout(limit, stage.changed()).await {
            Ok(Ok(())) => {}
            // Its driver is gone, or the patience with it is.
            Ok(Err(_)) | Err(_) => return false,
        }
    }
}

fn advance(stage: &watch::Sender<Stage>, standing: &Standing) {
    stage.send_if_modified(|stage| {
        let next = match standing {
            Standing::Unknown => return false,
            Standing::Started(_) | Standing::InDoubt | Standing::Back => Stage::Up,
            Standing::Gone => Stage::Over,
            Standing::Failed(..) if matches!(stage, Stage::Failing(_)) => return false,
            Standing::Failed(..) => Stage::Failing(Instant::now()),
        };
        let is_new = *stage != next;
        *stage = next;
        is_new
    });
}

fn one_of_each(mut unmet: Vec<NotBack>) -> Vec<NotBack> {
    unmet.sort_by(|a, b| (&a.name, &a.reason).cmp(&(&b.name, &b.reason)));
    unmet.dedup();
    unmet
}

#[cfg(test)]
#[path = "ascent_tests.rs"]
mod tests;
