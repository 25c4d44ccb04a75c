//! Whether a stack stayed at rest, as two witnesses tell it.
//!
//! The first is the engine's event stream, listened to from before the stop: it sees what was up only for a moment. The
//! second is a look at the containers at the end, because a stream can be cut without a sign. What either has seen makes
//! the capture less than clean. Do not take the stream's silence for proof.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::Notify;

use crate::docker::{ContainerDetail, ContainerEngine, EngineError, EngineEvent, SharedEngine};
use crate::domain::job::Quiesce;
use crate::domain::names::StackName;
use crate::domain::stack::{Container, ContainerState, labels};
use crate::domain::wishes::read_wishes;
use crate::engine::chain;
use crate::store::{HeldContainer, HoldAction};

use super::choose::{Choice, is_at_work};
use super::hold::run_of;

/// How long the stream may take to begin; nothing is at rest yet.
const BEGIN_LIMIT: Duration = Duration::from_secs(2);
/// The most events that are kept; a stack that makes more is not at rest.
const MOST_EVENTS: usize = 10_000;

/// Listens to what the engine tells, until it is dropped.
#[derive(Debug)]
pub(in crate::engine) struct Watch {
    heard: Arc<Heard>,
    listener: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Heard {
    events: Mutex<Vec<EngineEvent>>,
    begun: Notify,
}

impl Watch {
    /// Begins to listen on `runtime`, and waits a moment for the stream to begin.
    pub(in crate::engine) async fn begin(docker: &SharedEngine, runtime: &tokio::runtime::Handle) -> Self {
        let heard = Arc::new(Heard::default());
        let (mut events, ears) = (docker.events(), Arc::clone(&heard));
        let listener = runtime.spawn(async move {
            while let Some(event) = events.next().await {
                ears.note(event);
            }
        });
        let _ = tokio::time::timeout(BEGIN_LIMIT, heard.begun.notified()).await;
        Self { heard, listener }
    }

    /// The containers, by id, that came up although the stack was at rest.
    fn tell(&self, choice: &Choice, stack: &StackName) -> Vec<String> {
        let events = self.heard.events.lock().unwrap_or_else(PoisonError::into_inner);
        find_disturbing(&events, choice, stack)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Heard {
    fn note(&self, event: EngineEvent) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() < MOST_EVENTS {
            events.push(event);
        }
        self.begun.notify_one();
    }
}

/// The containers, by id, that were up while the stack was at rest, as `events` in their order say. A held container is
/// at rest from its own end on; a newcomer counts when it was up after the last of them had come to rest.
fn find_disturbing(events: &[EngineEvent], choice: &Choice, stack: &StackName) -> Vec<String> {
    let mut up: BTreeSet<&str> = choice.held.iter().map(|held| held.id.as_str()).collect();
    let mut newcomers: BTreeSet<&str> = BTreeSet::new();
    let mut found: BTreeSet<&str> = BTreeSet::new();
    for event in events {
        let EngineEvent::Container { id, action, project, .. } = event else { continue };
        let is_held = choice.held.iter().any(|held| held.id == *id);
        match (action.as_str(), is_held) {
            ("die" | "pause", true) => drop(up.remove(id.as_str())),
            ("start" | "unpause", true) if !up.contains(id.as_str()) => drop(found.insert(id)),
            ("die" | "destroy", false) => drop(newcomers.remove(id.as_str())),
            ("start" | "unpause", false) if project.as_deref() == Some(stack.as_str()) && !choice.knows(id) => {
                newcomers.insert(id);
            }
            _ => {}
        }
        if up.is_empty() {
            found.extend(newcomers.iter().copied());
        }
    }
    found.into_iter().map(str::to_owned).collect()
}

/// What a capture at rest is judged by.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Witness<'a> {
    pub(in crate::engine) docker: &'a dyn ContainerEngine,
    pub(in crate::engine) stack: &'a StackName,
    pub(in crate::engine) choice: &'a Choice,
    /// How newcomers without a label would be brought to rest.
    pub(in crate::engine) mode: Quiesce,
    pub(in crate::engine) watch: Option<&'a Watch>,
}

impl Witness<'_> {
    /// Containers that may have written although the stack was at rest, in sentences for people. Ask before the stack is
    /// brought back.
    pub(in crate::engine) async fn find_disturbances(&self) -> Vec<String> {
        if self.choice.held.is_empty() && self.mode == Quiesce::None {
            return Vec::new();
        }
        let mut found = self.look_at_held().await;
        found.extend(self.look_for_newcomers().await);
        for id in self.watch.map(|watch| watch.tell(self.choice, self.stack)).unwrap_or_default() {
            let is_told = found.iter().any(|(known, _)| *known == id);
            match self.choice.held.iter().find(|held| held.id == id) {
                _ if is_told => {}
                Some(held) => found.push((id, was_started(held))),
                None if self.mode == Quiesce::None => {}
                None => found.push((id.clone(), came_up(id.get(..12).unwrap_or(&id)))),
            }
        }
        found.into_iter().map(|(_, message)| message).collect()
    }

    async fn look_at_held(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for held in &self.choice.held {
            let message = match self.docker.inspect_container(&held.id).await {
                Ok(detail) if has_stayed_at_rest(held, &detail) => continue,
                // What took its place is in the list.
                Err(EngineError::NotFound { .. }) => continue,
                Ok(_) => was_started(held),
                Err(error) => {
                    format!("container {} may have been started during the capture: {}", held.name, chain(&error))
                }
            };
            found.push((held.id.clone(), message));
        }
        found
    }

    async fn look_for_newcomers(&self) -> Vec<(String, String)> {
        match self.docker.list_containers().await {
            Ok(all) => all.iter().filter(|c| self.is_newcomer(c)).map(|c| (c.id.clone(), came_up(&c.name))).collect(),
            Err(error) => vec![(String::new(), format!("it cannot be told what came up meanwhile: {}", chain(&error)))],
        }
    }

    /// Whether a container of the stack is up that was neither brought to rest nor left alone.
    fn is_newcomer(&self, container: &Container) -> bool {
        let is_of_the_stack = container.labels.get(labels::PROJECT).map(String::as_str) == Some(self.stack.as_str());
        let mode = read_wishes(&container.labels).0.quiesce.unwrap_or(self.mode);
        is_of_the_stack && is_at_work(container.state) && mode != Quiesce::None && !self.choice.knows(&container.id)
    }
}

fn was_started(held: &HeldContainer) -> String {
    format!("container {} was started by something else during the capture", held.name)
}

fn came_up(name: &str) -> String {
    format!("container {name} came up during the capture")
}

/// Whether a container is still at rest, and was all the time: another run means that it was up in between.
fn has_stayed_at_rest(held: &HeldContainer, now: &ContainerDetail) -> bool {
    let is_same_run = held.started_at.is_none() || run_of(now) == held.started_at;
    let is_at_rest = match held.action {
        HoldAction::Stop => !now.is_up(),
        HoldAction::Pause => now.container.state == ContainerState::Paused,
    };
    is_at_rest && is_same_run
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
