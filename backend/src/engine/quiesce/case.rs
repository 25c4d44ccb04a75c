//! One container that must come back.
//!
//! A look at a [`Case`] does the next thing that is due. A job looks at its cases in the order of [`super::ascent`];
//! recovery looks at what a job left behind.

use std::time::Duration;

use tokio::time::Instant;

use crate::docker::{ContainerDetail, ContainerEngine, EngineError};
use crate::domain::log::Level;
use crate::domain::stack::{Container, ContainerState, labels};
use crate::engine::chain;
use crate::store::{HeldContainer, HoldAction};

use super::Say;
use super::hold::run_of;

/// How long a container must stay up after a start before it counts as back.
const STEADY_FOR: Duration = Duration::from_secs(1);
/// Starts of a container that ends by itself at once, before the job leaves it to recovery.
const STARTS_IN_A_ROW: u32 = 3;
/// How long one start may keep the others waiting; the engine goes on with it meanwhile.
const START_PATIENCE: Duration = Duration::from_secs(20);
/// What a stop may take beyond its timeout.
const STOP_MARGIN: Duration = Duration::from_secs(30);
/// Nobody waits for a longer stop timeout than this.
const LONGEST_STOP: Duration = Duration::from_hours(24);
/// What a pause may take; the engine is asked for nothing that could take longer.
const PAUSE_TAKES: Duration = Duration::from_secs(30);

/// How it stands with a container that must come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) enum Standing {
    /// Nobody looked yet.
    Unknown,
    /// It is up again, or did its work again and ended well.
    Back,
    /// It was started at this time; whether it stays up is seen later.
    Started(Instant),
    /// It is up, but a stop that is under way may still end it.
    InDoubt,
    /// There is no such container, and none in its place.
    Gone,
    /// It could not be brought back, for this reason.
    Failed(Trouble, String),
}

/// What kind of thing keeps a container down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Trouble {
    /// The engine does not answer.
    EngineAway,
    /// The engine refuses to start it.
    Refused,
    /// It ends by itself after each start.
    Ends,
}

impl Standing {
    /// How long a job goes on with it before it leaves it to recovery.
    pub(super) const fn patience(&self) -> Duration {
        match self {
            Self::Back | Self::Gone | Self::Failed(Trouble::Ends, _) => Duration::ZERO,
            Self::Failed(Trouble::EngineAway, _) => Duration::from_secs(60),
            Self::Failed(Trouble::Refused, _) => Duration::from_secs(8),
            Self::InDoubt => Duration::from_secs(10),
            // It becomes something else within a moment.
            Self::Unknown | Self::Started(_) => Duration::MAX,
        }
    }
}

/// A container that must come back.
#[derive(Debug)]
pub(in crate::engine) struct Case {
    /// What was brought to rest.
    pub(in crate::engine) held: HeldContainer,
    /// How it stands.
    pub(in crate::engine) standing: Standing,
    /// How often it was started here.
    pub(in crate::engine) starts: u32,
    /// When it was last started or thawed here.
    pub(super) changed_at: Option<Instant>,
    /// Until when a stop or a pause that was asked for may still reach the run that was held.
    in_doubt_until: Option<Instant>,
}

impl Case {
    /// A container that the engine may have been asked to stop or pause at any time before now.
    pub(in crate::engine) fn new(held: HeldContainer) -> Self {
        let takes = match held.action {
            HoldAction::Stop => Duration::from_secs(held.stop_timeout_secs).min(LONGEST_STOP) + STOP_MARGIN,
            HoldAction::Pause => PAUSE_TAKES,
        };
        let in_doubt_until = Some(Instant::now() + takes);
        Self { held, standing: Standing::Unknown, starts: 0, changed_at: None, in_doubt_until }
    }

    /// A container with which nothing is under way: the engine was not asked, or has done what it was asked for.
    pub(in crate::engine) fn settled(held: HeldContainer) -> Self {
        Self { in_doubt_until: None, ..Self::new(held) }
    }

    /// Looks at the container and does the next thing that is due.
    pub(in crate::engine) async fn look(&mut self, docker: &dyn ContainerEngine, say: Say<'_>) {
        if matches!(self.standing, Standing::Started(at) if at.elapsed() < STEADY_FOR) {
            return;
        }
        let before = self.standing.clone();
        self.standing = match find_same(docker, &self.held).await {
            Ok(Some(present)) => self.bring_on(docker, &present, say).await.unwrap_or_else(|error| failed(&error)),
            Ok(None) => Standing::Gone,
            Err(error) => failed(&error),
        };
        if self.standing == Standing::Gone && before != Standing::Gone {
            let message =
                format!("container {} was removed meanwhile by something else; nothing to start", self.held.name);
            say(Level::Warning, &self.held.service, message);
        }
    }

    async fn bring_on(
        &mut self,
        docker: &dyn ContainerEngine,
        present: &ContainerDetail,
        say: Say<'_>,
    ) -> Result<Standing, EngineError> {
        let id = &present.container.id;
        if present.container.state == ContainerState::Paused {
            in_time("thaw", id, docker.unpause_container(id)).await?;
            self.changed_at = Some(Instant::now());
            say(Level::Info, &self.held.service, format!("container {} goes on", present.container.name));
            return Ok(Standing::Back);
        }
        if present.is_up() {
            return Ok(if self.may_still_end(present) { Standing::InDoubt } else { Standing::Back });
        }
        let code = present.exit_code.unwrap_or(-1);
        if matches!(self.standing, Standing::Started(_)) {
            if code == 0 {
                return Ok(Standing::Back);
            }
            if self.starts.is_multiple_of(STARTS_IN_A_ROW) {
                return Ok(Standing::Failed(Trouble::Ends, format!("it ended again with exit code {code}")));
            }
        }
        in_time("start", id, docker.start_container(id)).await?;
        self.starts += 1;
        let again = if self.starts > 1 { " again" } else { "" };
        say(Level::Info, &self.held.service, format!("started container {}{again}", present.container.name));
        let now = Instant::now();
        self.changed_at = Some(now);
        Ok(Standing::Started(now))
    }

    /// Whether this is still the run that was to be brought to rest, and that may be under way.
    fn may_still_end(&self, present: &ContainerDetail) -> bool {
        let runs = run_of(present).zip(self.held.started_at);
        let is_same_run = present.container.id == self.held.id && runs.is_none_or(|(now, then)| now == then);
        is_same_run && self.in_doubt_until.is_some_and(|until| Instant::now() < until)
    }

    /// The container, when it is not back.
    pub(in crate::engine) fn to_not_back(&self) -> Option<NotBack> {
        self.reason().map(|reason| NotBack { name: self.held.name.clone(), reason })
    }

    /// What to say of it when it is not back.
    pub(in crate::engine) fn reason(&self) -> Option<String> {
        match &self.standing {
            Standing::Back | Standing::Gone => None,
            Standing::Failed(_, reason) => Some(reason.clone()),
            Standing::InDoubt if self.held.action == HoldAction::Pause => {
                Some("the engine may still be pausing it".to_owned())
            }
            Standing::InDoubt => Some("the engine may still be stopping it".to_owned()),
            Standing::Unknown | Standing::Started(_) => Some("it was only just started".to_owned()),
        }
    }
}

fn failed(error: &EngineError) -> Standing {
    let is_away = matches!(error, EngineError::Unreachable { .. } | EngineError::TimedOut { .. });
    Standing::Failed(if is_away { Trouble::EngineAway } else { Trouble::Refused }, chain(error))
}

async fn in_time(
    verb: &str,
    id: &str,
    request: impl Future<Output = Result<(), EngineError>>,
) -> Result<(), EngineError> {
    let late = EngineError::TimedOut { action: format!("{verb} container '{id}'"), after: START_PATIENCE };
    tokio::time::timeout(START_PATIENCE, request).await.unwrap_or(Err(late))
}

/// The container with the same id, or the one that took its place in the stack: names differ between the generations of
/// Compose and while a container is recreated, so the labels decide. Of two, the one that is up. A container of no stack
/// has no service; there the name decides.
pub(super) async fn find_same(
    docker: &dyn ContainerEngine,
    held: &HeldContainer,
) -> Result<Option<ContainerDetail>, EngineError> {
    match docker.inspect_container(&held.id).await {
        Ok(detail) => return Ok(Some(detail)),
        Err(EngineError::NotFound { .. }) => {}
        Err(error) => return Err(error),
    }
    let twins = docker.list_containers().await?.into_iter().filter(|c| takes_the_place_of(held, c));
    // The last of the best.
    let Some(twin) = twins.max_by_key(|twin| twin.state.is_up()) else { return Ok(None) };
    match docker.inspect_container(&twin.id).await {
        Ok(detail) => Ok(Some(detail)),
        Err(EngineError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn takes_the_place_of(held: &HeldContainer, other: &Container) -> bool {
    let label = |key: &str| other.labels.get(key).map(String::as_str);
    if held.service.is_empty() {
        return other.name == held.name && label(labels::PROJECT).is_none();
    }
    label(labels::PROJECT) == Some(held.stack.as_str())
        && label(labels::SERVICE) == Some(held.service.as_str())
        && other.number == held.number
        && !other.is_oneoff
}

/// A container that is not back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct NotBack {
    /// Its name.
    pub(in crate::engine) name: String,
    /// Why.
    pub(in crate::engine) reason: String,
}

#[cfg(test)]
#[path = "case_tests.rs"]
mod tests;
