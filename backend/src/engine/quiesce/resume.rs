//! Bringing containers back.
//!
//! A [`Case`] is one container that must come back; a look at it does the next thing that is due. A job looks at all of
//! its cases in passes, so that a bad one does not keep the others down; recovery looks at what a job left behind.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::docker::{ContainerDetail, ContainerEngine, EngineError};
use crate::domain::log::Level;
use crate::domain::stack::{Container, ContainerState, Health, labels};
use crate::engine::{chain, pause_point};
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
/// The pause after the first pass; each one after it is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

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
    const fn patience(&self) -> Duration {
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
    /// Until when a stop that was asked for may still end the run that was held.
    in_doubt_until: Option<Instant>,
}

impl Case {
    /// A container that the engine may have been asked to stop at any time before now.
    pub(in crate::engine) fn new(held: HeldContainer) -> Self {
        let stop_takes = Duration::from_secs(held.stop_timeout_secs).min(LONGEST_STOP) + STOP_MARGIN;
        let in_doubt_until = (held.action == HoldAction::Stop).then(|| Instant::now() + stop_takes);
        Self { held, standing: Standing::Unknown, starts: 0, in_doubt_until }
    }

    /// A container that nobody was asked to stop yet.
    pub(in crate::engine) fn untouched(held: HeldContainer) -> Self {
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
        Ok(Standing::Started(Instant::now()))
    }

    /// Whether this is still the run that was to be stopped, and the stop may be under way.
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

/// The container with the same id, or the one that took its place in the stack.
async fn find_same(docker: &dyn ContainerEngine, held: &HeldContainer) -> Result<Option<ContainerDetail>, EngineError> {
    match docker.inspect_container(&held.id).await {
        Ok(detail) => return Ok(Some(detail)),
        Err(EngineError::NotFound { .. }) => {}
        Err(error) => return Err(error),
    }
    let takes_its_place = |c: &Container| {
        c.labels.get(labels::PROJECT).map(String::as_str) == Some(held.stack.as_str())
            && c.labels.get(labels::SERVICE).map(String::as_str) == Some(held.service.as_str())
            && c.number == held.number
            && !c.is_oneoff
    };
    let Some(twin) = docker.list_containers().await?.into_iter().find(takes_its_place) else { return Ok(None) };
    match docker.inspect_container(&twin.id).await {
        Ok(detail) => Ok(Some(detail)),
        Err(EngineError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A container that is not back.
#[derive(Debug)]
pub(in crate::engine) struct NotBack {
    /// Its name.
    pub(in crate::engine) name: String,
    /// Why.
    pub(in crate::engine) reason: String,
}

/// Brings containers back, given in start order: all are tried in each pass, whatever happens to one of them. Ends
/// when all are back, or when the patience with those that are not is used up. Returns when the last one was started.
pub(in crate::engine) async fn bring_back(docker: &dyn ContainerEngine, cases: &mut [Case], say: Say<'_>) -> Instant {
    let began = Instant::now();
    let mut last_start = began;
    let mut pause = FIRST_PAUSE;
    loop {
        for case in cases.iter_mut().filter(|case| !matches!(case.standing, Standing::Back | Standing::Gone)) {
            case.look(docker, say).await;
            if let Standing::Started(at) = case.standing {
                last_start = last_start.max(at);
            }
            pause_point::reach("resume.first").await;
        }
        if cases.iter().all(|case| began.elapsed() >= case.standing.patience()) {
            return last_start;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Waits until the containers run and those that were healthy are healthy again, at most for `limit`. Returns those
/// that are not.
pub(in crate::engine) async fn wait_until_well(
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

async fn wait_for_one(
    docker: &dyn ContainerEngine,
    id: &str,
    was_healthy: bool,
    deadline: Instant,
) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::scripted::{Call, CallKind, ScriptedEngine, running_container};

    const QUIET: Say<'static> = &|_, _, _| {};

    fn held(id: &str) -> HeldContainer {
        HeldContainer {
            stack: "blog".parse().expect("a name"),
            service: id.into(),
            number: 1,
            id: id.into(),
            name: id.into(),
            action: HoldAction::Stop,
            started_at: run_of(&running_container(id, id)),
            stop_timeout_secs: 2,
        }
    }

    fn engine(ids: &[&str]) -> ScriptedEngine {
        let engine = ScriptedEngine::new();
        ids.iter().for_each(|id| engine.add_container(running_container(id, id)));
        engine
    }

    fn starts(engine: &ScriptedEngine) -> Vec<String> {
        let name = |call: Call| if let Call::Start(id) = call { Some(id) } else { None };
        engine.changes().into_iter().filter_map(name).collect()
    }

    #[tokio::test]
    async fn the_run_that_was_to_be_stopped_is_in_doubt_and_another_one_is_back() {
        let engine = engine(&["db"]);
        let mut case = Case::new(held("db"));
        case.look(&engine, QUIET).await;
        assert_eq!(case.standing, Standing::InDoubt);
        engine.set_state("db", ContainerState::Exited);
        case.look(&engine, QUIET).await;
        assert_eq!(starts(&engine), ["db"], "the stop landed, so it is started");
        let mut later = Case::new(held("db"));
        later.look(&engine, QUIET).await;
        assert_eq!(later.standing, Standing::Back, "another run");
    }

    #[tokio::test]
    async fn what_nobody_touched_and_what_was_left_up_long_enough_is_back() {
        let engine = engine(&["db"]);
        let mut case = Case::untouched(held("db"));
        case.look(&engine, QUIET).await;
        assert_eq!(case.standing, Standing::Back);
        let mut case = Case::new(held("db"));
        case.in_doubt_until = Some(Instant::now());
        case.look(&engine, QUIET).await;
        assert_eq!(case.standing, Standing::Back);
        assert!(starts(&engine).is_empty());
    }

    #[tokio::test]
    async fn one_that_does_not_start_does_not_keep_the_others_down() {
        let engine = engine(&["bad", "good"]);
        ["bad", "good"].iter().for_each(|id| engine.set_state(id, ContainerState::Exited));
        for nth in [1, 3] {
            engine.fail_nth(CallKind::Start, nth, ScriptedEngine::rejection("port is already allocated"));
        }
        let mut cases = [Case::new(held("bad")), Case::new(held("good"))];
        bring_back(&engine, &mut cases, QUIET).await;
        assert!(cases.iter().all(|case| case.standing == Standing::Back), "{cases:?}");
        assert_eq!(starts(&engine), ["bad", "good", "bad", "bad"], "in passes");
    }

    #[tokio::test]
    async fn one_that_ends_at_once_is_started_a_few_times() {
        let engine = engine(&["app"]);
        let mut down = running_container("app", "app");
        down.container.state = ContainerState::Exited;
        down.exit_code = Some(1);
        engine.add_container(down.clone());
        // It is seen down at every look, whatever was started.
        for nth in 1..=8 {
            let down = down.clone();
            engine.run_at_nth(CallKind::Inspect, nth, move |engine| engine.add_container(down));
        }
        let mut cases = [Case::new(held("app"))];
        bring_back(&engine, &mut cases, QUIET).await;
        assert_eq!(starts(&engine).len(), 3);
        assert_eq!(cases[0].reason().as_deref(), Some("it ended again with exit code 1"));
    }

    #[tokio::test]
    async fn a_twin_is_started_only_in_the_same_place() {
        let engine = engine(&[]);
        let mut twin = running_container("other", "blog-db-2");
        twin.container.state = ContainerState::Exited;
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        twin.container.labels = [label(labels::PROJECT, "blog"), label(labels::SERVICE, "db")].into();
        twin.container.number = 2;
        engine.add_container(twin.clone());
        let mut case = Case::new(held("db"));
        case.look(&engine, QUIET).await;
        assert_eq!((case.standing.clone(), starts(&engine).len()), (Standing::Gone, 0));
        twin.container.number = 1;
        engine.add_container(twin);
        case.look(&engine, QUIET).await;
        assert_eq!(starts(&engine), ["other"]);
    }
}
