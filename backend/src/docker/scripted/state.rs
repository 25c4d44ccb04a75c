//! What a scripted engine knows, and how it changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;

use super::calls::{Call, CallKind, GateState};
use super::work::Work;
use super::{ADDRESS, ScriptedEngine};
use crate::docker::{ContainerDetail, EngineError, EngineEvent, EngineVolume};
use crate::domain::stack::{ContainerState, labels};

pub(super) type Hook = Box<dyn FnOnce(&ScriptedEngine) + Send>;

/// What goes wrong at a call.
pub(super) enum Fault {
    Fail(EngineError),
    LoseReply(EngineError),
    Block(Arc<GateState>),
    Run(Hook),
}

#[derive(Default)]
pub(super) struct State {
    pub(super) is_unreachable: bool,
    pub(super) containers: BTreeMap<String, ContainerDetail>,
    pub(super) volumes: BTreeMap<String, EngineVolume>,
    pub(super) paths: BTreeMap<(String, PathBuf), Vec<Bytes>>,
    pub(super) calls: Vec<Call>,
    pub(super) refusals: Vec<(CallKind, String, String)>,
    pub(super) faults: Vec<(CallKind, usize, Fault)>,
    pub(super) listeners: Vec<mpsc::UnboundedSender<EngineEvent>>,
    pub(super) ticks: i64,
    pub(super) work: Work,
}

impl State {
    /// Writes a call down; the faults that are due at it, in the order they were scripted.
    pub(super) fn note(&mut self, call: Call) -> Vec<Fault> {
        let kind = call.kind();
        let is_refused = |(of, id, _): &&(CallKind, String, String)| *of == kind && call.container() == Some(id);
        let refused = self.refusals.iter().find(is_refused).map(|(.., why)| ScriptedEngine::rejection(why));
        self.calls.push(call);
        let nth = self.calls.iter().filter(|call| call.kind() == kind).count();
        let faults = std::mem::take(&mut self.faults);
        let (due, rest) = faults.into_iter().partition(|(of, at, _)| (*of, *at) == (kind, nth));
        self.faults = rest;
        let due: Vec<_> = due;
        due.into_iter().map(|(.., fault)| fault).chain(refused.map(Fault::Fail)).collect()
    }

    pub(super) fn check_reachable(&self) -> Result<(), EngineError> {
        if self.is_unreachable {
            return Err(EngineError::Unreachable { address: ADDRESS.to_owned(), source: "switched off".into() });
        }
        Ok(())
    }

    /// A container by id, by name, or by the beginning of its id.
    pub(super) fn find(&self, id: &str) -> Option<&ContainerDetail> {
        let exact = self.containers.values().find(|detail| detail.container.id == id || detail.container.name == id);
        exact.or_else(|| self.containers.values().find(|detail| detail.container.id.starts_with(id)))
    }

    pub(super) fn get(&self, id: &str) -> Result<ContainerDetail, EngineError> {
        self.find(id).cloned().ok_or_else(|| EngineError::NotFound { what: format!("container '{id}'") })
    }

    /// What was scripted for a path of a container, by its id or by the beginning of its name.
    pub(super) fn path_of(&self, container: &str, path: &Path) -> Result<Vec<Bytes>, EngineError> {
        let detail = self.get(container)?.container;
        let is_of = |of: &String| *of == detail.id || detail.name.starts_with(of.as_str());
        let found = self.paths.iter().find(|((of, at), _)| at == path && is_of(of));
        let what = format!("path '{}' in container '{container}'", path.display());
        found.map(|(_, pieces)| pieces.clone()).ok_or(EngineError::NotFound { what })
    }

    pub(super) fn change(&mut self, id: &str, to: ContainerState) {
        let Ok(mut detail) = self.get(id) else { return };
        let from = std::mem::replace(&mut detail.container.state, to);
        let at = self.tick();
        if to == ContainerState::Running && from != ContainerState::Paused {
            detail.started_at = Some(at);
        }
        if from.is_up() && !to.is_up() {
            detail.exit_code = Some(self.work.exit_code_of(&detail.container));
        }
        let project = detail.container.labels.get(labels::PROJECT).cloned();
        let id = detail.container.id.clone();
        self.containers.insert(id.clone(), detail);
        self.tell(&EngineEvent::Container { id, action: action_word(from, to).to_owned(), project, at });
    }

    /// Brings a container from one of the states where a request has an effect to another.
    pub(super) fn bring(
        &mut self,
        id: &str,
        is_due: impl FnOnce(ContainerState) -> bool,
        to: ContainerState,
    ) -> Result<(), EngineError> {
        if is_due(self.get(id)?.container.state) {
            self.change(id, to);
        }
        Ok(())
    }

    /// A time of its own: a second for each change.
    pub(super) fn tick(&mut self) -> DateTime<Utc> {
        self.ticks += 1;
        DateTime::UNIX_EPOCH + TimeDelta::seconds(self.ticks)
    }

    pub(super) fn greeting(&self) -> EngineEvent {
        match self.check_reachable() {
            Ok(()) => EngineEvent::Connected,
            Err(error) => EngineEvent::Disconnected { reason: error.to_string() },
        }
    }

    pub(super) fn tell(&mut self, event: &EngineEvent) {
        self.listeners.retain(|listener| listener.send(event.clone()).is_ok());
    }
}

fn action_word(from: ContainerState, to: ContainerState) -> &'static str {
    match (from, to) {
        (ContainerState::Paused, ContainerState::Running) => "unpause",
        (_, ContainerState::Running) => "start",
        (_, ContainerState::Paused) => "pause",
        (_, ContainerState::Created) => "create",
        _ => "die",
    }
}
