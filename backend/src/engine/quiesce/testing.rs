//! What the tests of this module share: stacks in memory.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::docker::ContainerDetail;
use crate::docker::scripted::{Call, ScriptedEngine, running_container};
use crate::domain::dependency::parse_label;
use crate::domain::job::Quiesce;
use crate::domain::stack::{Container, Service, Stack, StackSource, StackState, labels};
use crate::store::{HeldContainer, HoldAction};

use super::Say;
use super::choose::{Choice, Question, choose};
use super::hold::run_of;

/// Nobody listens.
pub(super) const QUIET: Say<'static> = &|_, _, _| {};

/// A container that is held by a stop, known by its run.
pub(super) fn held(id: &str) -> HeldContainer {
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

/// An engine with running containers.
pub(super) fn engine(ids: &[&str]) -> ScriptedEngine {
    let engine = ScriptedEngine::new();
    ids.iter().for_each(|id| engine.add_container(running_container(id, id)));
    engine
}

/// The containers that were started, in order.
pub(super) fn starts(engine: &ScriptedEngine) -> Vec<String> {
    let name = |call: Call| if let Call::Start(id) = call { Some(id) } else { None };
    engine.changes().into_iter().filter_map(name).collect()
}

/// The stack `blog`, whose services have a container each, of the same name and id.
pub(super) struct Sample {
    pub(super) stack: Stack,
    pub(super) details: BTreeMap<String, ContainerDetail>,
}

impl Sample {
    /// Each service with what it depends on, in the words of Compose's label.
    pub(super) fn new(services: &[(&str, &str)]) -> Self {
        let mut sample = Self {
            stack: Stack {
                name: "blog".parse().expect("a name"),
                host: "local".to_owned(),
                state: StackState::Running,
                source: StackSource::Labels,
                directory: None,
                directory_name: None,
                compose_files: vec![],
                services: vec![],
                volumes: vec![],
                binds: vec![],
                skip_stop: false,
                quiesce: None,
                warnings: vec![],
            },
            details: BTreeMap::new(),
        };
        for (name, depends_on) in services {
            let mut detail = running_container(name, name);
            let pairs = [(labels::PROJECT, "blog"), (labels::SERVICE, name), (labels::DEPENDS_ON, depends_on)];
            detail.container.labels = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
            let depends_on = parse_label(depends_on);
            sample.stack.services.push(Service {
                name: (*name).to_owned(),
                image: None,
                depends_on,
                containers: vec![],
            });
            sample.details.insert((*name).to_owned(), detail);
        }
        sample
    }

    /// Changes a container before the stack is looked at.
    pub(super) fn with(mut self, id: &str, change: impl FnOnce(&mut ContainerDetail)) -> Self {
        change(self.details.get_mut(id).expect("a container"));
        self
    }

    /// Adds a label to a container.
    pub(super) fn label(self, id: &str, name: &str, value: &str) -> Self {
        self.with(id, |detail| drop(detail.container.labels.insert(name.to_owned(), value.to_owned())))
    }

    /// Decides, with `change` made to an ordinary question.
    pub(super) fn choose(self, change: impl FnOnce(&mut Question<'_>)) -> Choice {
        self.choose_beside(None, &[], change)
    }

    /// The same beside Mainstay's own container and those of other stacks.
    pub(super) fn choose_beside(
        mut self,
        own: Option<&ContainerDetail>,
        strangers: &[Container],
        change: impl FnOnce(&mut Question<'_>),
    ) -> Choice {
        for service in &mut self.stack.services {
            let name = service.name.as_str();
            let ours =
                |detail: &&ContainerDetail| detail.container.labels.get(labels::SERVICE).is_some_and(|s| s == name);
            service.containers = self.details.values().filter(ours).map(|detail| detail.container.clone()).collect();
        }
        let mut question = Question {
            stack: &self.stack,
            details: &self.details,
            requested: None,
            otherwise: Quiesce::Stop,
            stop_timeout: None,
            own,
            address: None,
            strangers,
            only: None,
        };
        change(&mut question);
        choose(&question)
    }

    /// An engine that runs the stack.
    pub(super) fn engine(&self) -> ScriptedEngine {
        let engine = ScriptedEngine::new();
        self.details.values().for_each(|detail| engine.add_container(detail.clone()));
        engine
    }
}

/// A running container of another stack.
pub(super) fn stranger(id: &str) -> Container {
    running_container(id, id).container
}

/// Waits for as long as a test is ready to.
pub(super) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), work).await.expect("in time")
}
