//! Bringing the containers of one project to rest for a run, and back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::journal::VolumeJournal;
use super::left::bring_back_cases;
use super::owner::Owner;
use crate::backrest::line::{Line, Tell};
use crate::discovery::{Discovery, View};
use crate::docker::own_container::find_own_container;
use crate::docker::{EngineError, SharedEngine};
use crate::domain::job::Quiesce;
use crate::domain::names::StackName;
use crate::domain::stack::Stack;
use crate::engine::chain;
use crate::engine::quiesce::{Descent, Left, Question, QuiesceError, Touched, Watch, choose, look_again};
use crate::engine::rest::{Details, Party};

/// What a rest is about.
pub(super) struct Asked<'a> {
    pub(super) docker: &'a SharedEngine,
    pub(super) discovery: &'a Discovery,
    pub(super) project: &'a StackName,
    /// The containers that are to rest, by id.
    pub(super) ids: BTreeSet<String>,
    pub(super) stop_timeout: Option<Duration>,
    pub(super) tell: Tell<'a>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Returned {
    /// What is not well again, in sentences for people.
    pub(super) not_back: Vec<String>,
    /// What was up although it was to be at rest, in sentences for people.
    pub(super) disturbances: Vec<String>,
}

/// Containers of a project that are brought to rest and back.
pub(super) struct Rest<'a> {
    docker: &'a SharedEngine,
    party: Party,
    touched: Touched,
    journal: VolumeJournal<'a>,
    tell: Tell<'a>,
}

impl<'a> Rest<'a> {
    /// Finds out who is to rest; nothing is touched.
    ///
    /// # Errors
    /// When the engine cannot say what there is.
    pub(super) async fn prepare(
        asked: Asked<'a>,
        owner: &'a Owner,
        run: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, EngineError> {
        let view = asked.discovery.refresh().await;
        let (docker, engine) = (asked.docker, asked.docker.as_ref());
        let party = match view.stacks.iter().find(|stack| stack.name == *asked.project) {
            Some(stack) => party_of(&asked, &view, stack).await?,
            None => Party {
                name: asked.project.clone(),
                choice: Default::default(),
                details: Details::new(),
                mode: Quiesce::None,
                watch: None,
            },
        };
        for left in party.choice.left.iter().filter(|left| !left.is_meant && asked.ids.contains(&left.id)) {
            (asked.tell)(Line::warning("quiesce.skip").with("container", &left.name).with("message", left.reason));
        }
        let journal = VolumeJournal::new(engine, owner, run, now);
        Ok(Self { docker, party, touched: Touched::default(), journal, tell: asked.tell })
    }

    /// Lets a container run that takes the backup.
    pub(super) fn allow(&mut self, id: &str, name: &str) {
        let (id, name) = (id.to_owned(), name.to_owned());
        self.party.choice.left.push(Left { id, name, reason: "it takes the backup", is_meant: true });
    }

    /// Whether nobody is to rest.
    pub(super) fn is_empty(&self) -> bool {
        self.party.choice.held.is_empty()
    }

    /// Brings them to rest. On an error some may already rest: [`Self::end`] must follow whatever comes of it.
    pub(super) async fn begin(&mut self, runtime: &Handle, cancel: &CancellationToken) -> Result<(), QuiesceError> {
        let tell = self.tell;
        let say = |level, service: &str, message: String| {
            tell(Line::new(level, "quiesce.note").with("service", service).with("message", message));
        };
        let engine = self.docker.as_ref();
        self.party.watch = Some(Arc::new(Watch::begin(self.docker, runtime).await));
        self.party.choice.held = look_again(engine, &self.party.choice, &say).await?;
        if self.is_empty() {
            return Ok(());
        }
        tell(Line::info("quiesce.stop").with("containers", self.names()));
        let choice = &self.party.choice;
        let journal = &self.journal;
        Descent { docker: engine, journal, choice, touched: &self.touched, cancel, say: &say }.run().await
    }

    /// Brings everybody back, whatever happened before; nothing ends this early.
    pub(super) async fn end(self) -> Returned {
        let engine = self.docker.as_ref();
        let mut cases = self.party.cases(&self.touched);
        let mut returned = Returned::default();
        if !cases.is_empty() {
            returned.disturbances = self.party.witness(engine).find_disturbances().await;
            let not_back = bring_back_cases(engine, &mut cases, &self.party.choice.order, self.tell).await;
            returned.not_back = not_back
                .into_iter()
                .map(|one| format!("container {} is not well again: {}", one.name, one.reason))
                .collect();
            let stopped_ms = self.touched.since().map_or(0, |since| since.elapsed().as_millis());
            let line = if returned.not_back.is_empty() {
                Line::info("quiesce.started")
            } else {
                Line::error("quiesce.started")
            };
            let line =
                line.with("containers", self.names()).with("stopped_ms", u64::try_from(stopped_ms).unwrap_or(u64::MAX));
            (self.tell)(line);
        }
        // A journal that stays brings back what runs already, which is harmless.
        if returned.not_back.is_empty()
            && let Err(error) = self.journal.clear().await
        {
            (self.tell)(Line::warning("quiesce.journal").with("message", chain(&error)));
        }
        returned
    }

    fn names(&self) -> Vec<&str> {
        self.party.choice.held.iter().map(|held| held.name.as_str()).collect()
    }
}

async fn party_of(asked: &Asked<'_>, view: &View, stack: &Stack) -> Result<Party, EngineError> {
    let engine = asked.docker.as_ref();
    let mut details = Details::new();
    for (_, container) in stack.containers() {
        match engine.inspect_container(&container.id).await {
            Ok(detail) => drop(details.insert(container.id.clone(), detail)),
            Err(EngineError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let own = find_own_container(engine).await?;
    let strangers = asked.discovery.strangers(stack).await;
    let choice = choose(&Question {
        stack,
        details: &details,
        // Whoever put the label there wants the stop.
        requested: Some(Quiesce::Stop),
        otherwise: Quiesce::Stop,
        stop_timeout: asked.stop_timeout,
        own: own.as_ref(),
        address: view.engine.info.as_ref().map(|info| info.address.as_str()),
        strangers: &strangers,
        only: Some(&asked.ids),
    });
    Ok(Party { name: stack.name.clone(), choice, details, mode: Quiesce::Stop, watch: None })
}
