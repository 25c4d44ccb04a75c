//! The last look before a stop, and the stop.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use chrono::DurationRound as _;

use crate::docker::{ContainerDetail, ContainerEngine, EngineError};
use crate::domain::ids::JobId;
use crate::domain::log::Level;
use crate::domain::stack::ContainerState;
use crate::engine::pause_point;
use crate::store::{HeldContainer, HoldAction, Store};

use super::Say;
use super::choose::is_at_work;

/// Why a stack could not be brought to rest.
#[derive(Debug, thiserror::Error)]
pub(in crate::engine) enum QuiesceError {
    #[error("the stop journal could not be written, so nothing was stopped")]
    Journal(#[from] crate::store::StoreError),
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

/// Looks at the containers once more, right before the stop: what has ended since it was chosen is left alone, and none
/// is added. Returns what is to be held, with the run that it is about.
pub(in crate::engine) async fn look_again(
    docker: &dyn ContainerEngine,
    chosen: &[HeldContainer],
    stop_timeout: Option<Duration>,
    say: Say<'_>,
) -> Result<Vec<HeldContainer>, QuiesceError> {
    let mut held = Vec::with_capacity(chosen.len());
    for container in chosen {
        match docker.inspect_container(&container.id).await {
            Ok(detail) if is_at_work(detail.container.state) => {
                held.push(with_run(container, &detail, stop_timeout, say));
            }
            Ok(_) | Err(EngineError::NotFound { .. }) => {
                let message = format!("container {} is no longer up and is left alone", container.name);
                say(Level::Warning, &container.service, message);
            }
            Err(source) => return Err(QuiesceError::Look { name: container.name.clone(), source }),
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
    let own = detail.stop_timeout_secs.unwrap_or(held.stop_timeout_secs);
    held.stop_timeout_secs = stop_timeout.map_or(own, |timeout| timeout.as_secs());
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

/// Brings containers to rest, in reverse start order. On an error some may already rest: the caller brings back all.
/// `touched` counts those, from the end of `held`, that the engine was asked about, also when this ends by a panic.
#[expect(clippy::too_many_arguments, reason = "each is a different thing, and there is one caller")]
pub(in crate::engine) async fn bring_to_rest(
    docker: &dyn ContainerEngine,
    store: &Store,
    job: &JobId,
    held: &[HeldContainer],
    timeout: Option<Duration>,
    touched: &AtomicUsize,
    cancel: &CancellationToken,
    say: Say<'_>,
) -> Result<(), QuiesceError> {
    store.write_journal(job, held).await?;
    pause_point::reach("quiesce.journaled").await;
    for container in held.iter().rev() {
        if cancel.is_cancelled() {
            return Err(QuiesceError::Cancelled);
        }
        let began = Instant::now();
        touched.fetch_add(1, Ordering::Relaxed);
        hold(docker, container, timeout).await?;
        let word = if container.action == HoldAction::Stop { "stopped" } else { "paused" };
        let took = crate::domain::size::human_millis(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
        say(Level::Info, &container.service, format!("{word} container {} in {took}", container.name));
        pause_point::reach("quiesce.first").await;
    }
    Ok(())
}

async fn hold(
    docker: &dyn ContainerEngine,
    container: &HeldContainer,
    timeout: Option<Duration>,
) -> Result<(), QuiesceError> {
    let failed = |source| QuiesceError::Engine { name: container.name.clone(), source };
    match container.action {
        HoldAction::Pause => docker.pause_container(&container.id).await.map_err(failed),
        HoldAction::Stop => {
            docker.stop_container(&container.id, timeout).await.map_err(failed)?;
            match docker.inspect_container(&container.id).await {
                Ok(detail) if detail.is_up() => Err(QuiesceError::StillUp(container.name.clone())),
                Ok(_) | Err(EngineError::NotFound { .. }) => Ok(()),
                Err(source) => Err(failed(source)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::scripted::{ScriptedEngine, running_container};

    fn chosen(id: &str, action: HoldAction) -> HeldContainer {
        HeldContainer {
            stack: "blog".parse().expect("a name"),
            service: id.into(),
            number: 1,
            id: id.into(),
            name: id.into(),
            action,
            started_at: None,
            stop_timeout_secs: 10,
        }
    }

    #[tokio::test]
    async fn what_ended_since_it_was_chosen_is_left_alone_and_the_rest_is_known_by_its_run() {
        let engine = ScriptedEngine::new();
        let mut slow = running_container("slow", "slow");
        slow.stop_timeout_secs = Some(90);
        engine.add_container(slow);
        engine.add_container(running_container("ended", "ended"));
        engine.set_state("ended", ContainerState::Exited);
        let all = ["slow", "ended", "removed"].map(|id| chosen(id, HoldAction::Stop));
        let held = look_again(&engine, &all, None, &|_, _, _| {}).await.expect("looked at");
        let [slow] = held.as_slice() else { panic!("{held:?}") };
        assert_eq!((slow.stop_timeout_secs, slow.started_at.is_some()), (90, true));
        let held = look_again(&engine, &all, Some(Duration::from_secs(3)), &|_, _, _| {}).await.expect("looked at");
        assert_eq!(held[0].stop_timeout_secs, 3, "the configured one is asked for");
    }

    #[tokio::test]
    async fn one_that_is_restarting_cannot_be_paused() {
        let engine = ScriptedEngine::new();
        ["a", "b"].iter().for_each(|id| engine.add_container(running_container(id, id)));
        engine.set_state("b", ContainerState::Restarting);
        let all = ["a", "b"].map(|id| chosen(id, HoldAction::Pause));
        let held = look_again(&engine, &all, None, &|_, _, _| {}).await.expect("looked at");
        assert_eq!([held[0].action, held[1].action], [HoldAction::Pause, HoldAction::Stop]);
    }
}
