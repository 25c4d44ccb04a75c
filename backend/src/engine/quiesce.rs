//! Bringing containers to rest, and bringing the same ones back.
//!
//! The journal row of a container is committed before the container is touched and removed only when it is up again,
//! so that whatever kills the process, a later one knows what to bring back. Only what ran is touched; nothing is
//! ever removed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::docker::{ContainerDetail, ContainerEngine, EngineError};
use crate::domain::ids::JobId;
use crate::domain::job::Quiesce;
use crate::domain::log::Level;
use crate::domain::order::start_order;
use crate::domain::stack::{Container, ContainerState, Health, Service, Stack, labels};
use crate::store::{HeldContainer, HoldAction, Store};

use super::{chain, pause_point};

/// Pauses between attempts to start a container: about eight seconds in all.
const START_PAUSES: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// Who is told what happens: a job's log, or the system log during recovery.
pub(super) type Say<'a> = &'a (dyn Fn(Level, &str, String) + Send + Sync);

/// Which containers of a stack are held, and which are not although they run.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// Containers to hold, in start order.
    pub(super) held: Vec<HeldContainer>,
    /// Running containers that are left alone, with the reason.
    pub(super) left: Vec<(String, &'static str)>,
    /// Services whose dependencies go in a circle.
    pub(super) cycle: Vec<String>,
}

/// Decides what to hold. `details` are those of the containers that are up, by id; `own_id` is Mainstay's own.
pub(super) fn choose(
    stack: &Stack,
    mode: Quiesce,
    details: &BTreeMap<String, ContainerDetail>,
    own_id: Option<&str>,
) -> Choice {
    let action = match mode {
        Quiesce::None => return Choice::default(),
        Quiesce::Stop => HoldAction::Stop,
        Quiesce::Pause => HoldAction::Pause,
    };
    let needs = stack.services.iter().map(|s| (s.name.clone(), s.depends_on.clone())).collect();
    let order = start_order(&needs);
    let mut choice = Choice { cycle: order.cycle, ..Choice::default() };
    let services = order.services.iter().filter_map(|name| stack.services.iter().find(|s| s.name == *name));
    for (service, container) in services.flat_map(|s| s.containers.iter().map(move |c| (s, c))) {
        if !matches!(container.state, ContainerState::Running | ContainerState::Restarting) {
            continue;
        }
        match reason_to_leave(container, details.get(&container.id), own_id) {
            Some(reason) => choice.left.push((container.name.clone(), reason)),
            None => choice.held.push(held(stack, service, container, action)),
        }
    }
    choice
}

fn held(stack: &Stack, service: &Service, container: &Container, action: HoldAction) -> HeldContainer {
    HeldContainer {
        stack: stack.name.clone(),
        service: service.name.clone(),
        number: container.number,
        id: container.id.clone(),
        name: container.name.clone(),
        action,
    }
}

fn reason_to_leave(container: &Container, detail: Option<&ContainerDetail>, own_id: Option<&str>) -> Option<&'static str> {
    let removes_itself = || detail.is_some_and(|d| d.redacted["HostConfig"]["AutoRemove"] == true);
    if own_id == Some(container.id.as_str()) {
        Some("it is Mainstay itself")
    } else if container.is_oneoff {
        Some("it is a one-off container, which a stop would end for good")
    } else if removes_itself() {
        Some("it removes itself when it stops, so it could not be brought back")
    } else {
        None
    }
}

/// Why a stack could not be brought to rest.
#[derive(Debug, thiserror::Error)]
pub(super) enum QuiesceError {
    #[error("the stop journal could not be written, so nothing was stopped")]
    Journal(#[from] crate::store::StoreError),
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

/// Brings containers to rest, in reverse start order. On an error some may already rest: the caller brings back all.
pub(super) async fn bring_to_rest(
    docker: &dyn ContainerEngine,
    store: &Store,
    job: &JobId,
    held: &[HeldContainer],
    timeout: Option<Duration>,
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
        hold(docker, container, timeout).await?;
        let word = if container.action == HoldAction::Stop { "stopped" } else { "paused" };
        let took = crate::domain::size::human_millis(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
        say(Level::Info, &container.service, format!("{word} container {} in {took}", container.name));
        pause_point::reach("quiesce.first").await;
    }
    Ok(())
}

async fn hold(docker: &dyn ContainerEngine, container: &HeldContainer, timeout: Option<Duration>) -> Result<(), QuiesceError> {
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

/// A container that is not back.
#[derive(Debug)]
pub(super) struct NotBack {
    /// Its name.
    pub(super) name: String,
    /// Why.
    pub(super) reason: String,
}

/// Brings containers back, in start order, whatever happens to one of them. The journal keeps what did not come back.
pub(super) async fn bring_back(
    docker: &dyn ContainerEngine,
    store: &Store,
    job: &JobId,
    held: &[HeldContainer],
    say: Say<'_>,
) -> Vec<NotBack> {
    let mut not_back = Vec::new();
    for container in held {
        match bring_one_back(docker, container, say).await {
            Ok(()) => {
                if let Err(error) = store.clear_journal(job, &container.id).await {
                    // The row brings a container back that runs already, which is harmless.
                    say(Level::Warning, &container.service, format!("the stop journal was not cleared: {}", chain(&error)));
                }
            }
            Err(reason) => {
                say(Level::Error, &container.service, format!("container {} is not back: {reason}", container.name));
                not_back.push(NotBack { name: container.name.clone(), reason });
            }
        }
        pause_point::reach("resume.first").await;
    }
    not_back
}

async fn bring_one_back(docker: &dyn ContainerEngine, container: &HeldContainer, say: Say<'_>) -> Result<(), String> {
    let mut last_error = String::new();
    for pause in std::iter::once(Duration::ZERO).chain(START_PAUSES) {
        tokio::time::sleep(pause).await;
        match start_same(docker, container, say).await {
            Ok(()) => return Ok(()),
            Err(error) => last_error = chain(&error),
        }
    }
    Err(last_error)
}

async fn start_same(docker: &dyn ContainerEngine, container: &HeldContainer, say: Say<'_>) -> Result<(), EngineError> {
    let Some(present) = find_same(docker, container).await? else {
        say(Level::Warning, &container.service, format!("container {} was removed meanwhile by something else; nothing to start", container.name));
        return Ok(());
    };
    if present.state == ContainerState::Paused {
        docker.unpause_container(&present.id).await?;
    } else if !present.state.is_up() {
        docker.start_container(&present.id).await?;
    } else {
        return Ok(());
    }
    say(Level::Info, &container.service, format!("started container {}", present.name));
    Ok(())
}

/// The container with the same id, or the one that took its place in the stack.
async fn find_same(docker: &dyn ContainerEngine, held: &HeldContainer) -> Result<Option<Container>, EngineError> {
    match docker.inspect_container(&held.id).await {
        Ok(detail) => return Ok(Some(detail.container)),
        Err(EngineError::NotFound { .. }) => {}
        Err(error) => return Err(error),
    }
    let takes_its_place = |c: &Container| {
        c.labels.get(labels::PROJECT).map(String::as_str) == Some(held.stack.as_str())
            && c.labels.get(labels::SERVICE).map(String::as_str) == Some(held.service.as_str())
            && c.number == held.number
            && !c.is_oneoff
    };
    Ok(docker.list_containers().await?.into_iter().find(takes_its_place))
}

/// Waits until the containers run and those that were healthy are healthy again, at most for `limit`. Returns those
/// that are not.
pub(super) async fn wait_until_well(
    docker: &dyn ContainerEngine,
    held: &[HeldContainer],
    before: &BTreeMap<String, ContainerDetail>,
    limit: Duration,
) -> Vec<NotBack> {
    let deadline = Instant::now() + limit;
    let mut not_well = Vec::new();
    for container in held {
        let was_healthy = before.get(&container.id).is_some_and(|d| d.container.health == Some(Health::Healthy));
        if let Err(reason) = wait_for_one(docker, &container.id, was_healthy, deadline).await {
            not_well.push(NotBack { name: container.name.clone(), reason });
        }
    }
    not_well
}

async fn wait_for_one(docker: &dyn ContainerEngine, id: &str, was_healthy: bool, deadline: Instant) -> Result<(), String> {
    loop {
        match docker.inspect_container(id).await {
            // Removed or replaced by something else: there is nothing to wait for.
            Err(EngineError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(chain(&error)),
            // A container that does its work and ends well is not missing.
            Ok(detail) if !detail.is_up() && detail.exit_code == Some(0) => return Ok(()),
            Ok(detail) if !detail.is_up() => {
                return Err(format!("it ended again with exit code {}", detail.exit_code.unwrap_or(-1)));
            }
            Ok(detail) if !was_healthy || detail.container.health == Some(Health::Healthy) => return Ok(()),
            Ok(_) if Instant::now() >= deadline => return Err("it was healthy before and is not healthy again".into()),
            Ok(_) => tokio::time::sleep(Duration::from_millis(250)).await,
        }
    }
}
