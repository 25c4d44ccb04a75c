//! An engine in memory, for tests that need to know what was asked or that want a fault at a certain call.
//!
//! Containers really change their state, every request is written down in order, and a script says what goes wrong:
//!
//! ```ignore
//! let engine = ScriptedEngine::new();
//! engine.add_container(running_container("a1", "blog-db-1"));
//! engine.fail_nth(CallKind::Start, 1, ScriptedEngine::rejection("no space left on device"));
//! let gate = engine.block_nth(CallKind::Stop, 2);   // later: gate.reached().await; … gate.release();
//! let shared: SharedEngine = engine.shared();
//! ```
//!
//! What commands and images do is scripted too ([`Program`]); a command that nothing was scripted for ends as one whose
//! tool is missing.
//!
//! Calls of a kind are counted from 1, from the engine's making. Do not teach it what a real engine would do beyond
//! states and events: tests of that belong to a real one.

mod calls;
mod port;
mod state;
#[cfg(test)]
mod tests;
mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chrono::DateTime;

use super::{ContainerDetail, EngineError, EngineEvent, EngineVolume, HiddenWords, SharedEngine};
use crate::domain::stack::{Container, ContainerState};

use calls::GateState;
pub use calls::{Call, CallKind, Gate};
use state::{Fault, State};
pub use work::{Program, RanCommand};

/// The address of every scripted engine.
const ADDRESS: &str = "scripted://engine";

/// The engine. Clones are the same engine, so a test keeps one and gives another away.
#[derive(Clone, Default)]
pub struct ScriptedEngine(Arc<Mutex<State>>);

/// Its script.
impl ScriptedEngine {
    /// An engine that is reachable and empty.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same engine behind the port.
    #[must_use]
    pub fn shared(&self) -> SharedEngine {
        Arc::new(self.clone())
    }

    /// A refusal that says `message`, for [`Self::fail_nth`].
    #[must_use]
    pub fn rejection(message: &str) -> EngineError {
        EngineError::Rejected { action: "do as scripted".to_owned(), message: message.to_owned() }
    }

    /// Adds a container, or replaces the one with the same id.
    pub fn add_container(&self, detail: ContainerDetail) {
        self.state().containers.insert(detail.container.id.clone(), detail);
    }

    /// Removes a container, as something outside would.
    pub fn remove_container(&self, id: &str) {
        self.state().containers.remove(id);
    }

    /// Removes a volume, as something outside would.
    pub fn remove_volume(&self, name: &str) {
        self.state().volumes.remove(name);
    }

    /// Adds a volume.
    pub fn add_volume(&self, volume: EngineVolume) {
        self.state().volumes.insert(volume.name.clone(), volume);
    }

    /// Sets what [`ContainerEngine::stream_path`] yields for a path of the container with this id, or of those whose
    /// names begin so: the id of one that is yet to be made is not known.
    pub fn add_path(&self, container: &str, path: impl Into<PathBuf>, pieces: Vec<Bytes>) {
        self.state().paths.insert((container.to_owned(), path.into()), pieces);
    }

    /// Changes a container's state, as something outside would. Says so in an event.
    pub fn set_state(&self, id: &str, state: ContainerState) {
        self.state().change(id, state);
    }

    /// A container's state, by id or name.
    #[must_use]
    pub fn state_of(&self, id: &str) -> Option<ContainerState> {
        self.state().find(id).map(|detail| detail.container.state)
    }

    /// Makes the engine answer, or not. Listeners hear of it.
    pub fn set_reachable(&self, is_reachable: bool) {
        let mut state = self.state();
        if state.is_unreachable == is_reachable {
            state.is_unreachable = !is_reachable;
            let event = state.greeting();
            state.tell(&event);
        }
    }

    /// Tells every listener of an event.
    pub fn push_event(&self, event: &EngineEvent) {
        self.state().tell(event);
    }

    /// Makes the `nth` call of a kind fail without any effect.
    pub fn fail_nth(&self, kind: CallKind, nth: usize, error: EngineError) {
        self.state().faults.push((kind, nth, Fault::Fail(error)));
    }

    /// Makes the next call of a kind fail without any effect.
    pub fn fail_next(&self, kind: CallKind, error: EngineError) {
        let made = self.calls().iter().filter(|call| call.kind() == kind).count();
        self.fail_nth(kind, made + 1, error);
    }

    /// Makes every call of a kind about a container, by its id as given, fail without any effect.
    pub fn refuse(&self, kind: CallKind, id: &str, why: &str) {
        self.state().refusals.push((kind, id.to_owned(), why.to_owned()));
    }

    /// Takes back what [`Self::refuse`] said.
    pub fn allow(&self, kind: CallKind, id: &str) {
        self.state().refusals.retain(|(of, about, _)| *of != kind || about != id);
    }

    /// Makes the `nth` call of a kind have its effect and fail all the same.
    pub fn lose_nth_reply(&self, kind: CallKind, nth: usize, error: EngineError) {
        self.state().faults.push((kind, nth, Fault::LoseReply(error)));
    }

    /// Makes the `nth` call of a kind stand still before its effect, until the gate is released.
    #[must_use]
    pub fn block_nth(&self, kind: CallKind, nth: usize) -> Gate {
        let gate = Arc::new(GateState::default());
        self.state().faults.push((kind, nth, Fault::Block(Arc::clone(&gate))));
        Gate(gate)
    }

    /// Runs something at the `nth` call of a kind, before its effect: another actor comes in between.
    pub fn run_at_nth(&self, kind: CallKind, nth: usize, hook: impl FnOnce(&Self) + Send + 'static) {
        self.state().faults.push((kind, nth, Fault::Run(Box::new(hook))));
    }

    /// Every call so far, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The calls so far that change a container, in order.
    #[must_use]
    pub fn changes(&self) -> Vec<Call> {
        self.state().calls.iter().filter(|call| call.is_change()).cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a call down, plays the faults that are due, and does what was asked.
    async fn play<T>(
        &self,
        call: Call,
        effect: impl FnOnce(&mut State) -> Result<T, EngineError> + Send,
    ) -> Result<T, EngineError> {
        let mut lost_reply = None;
        let due = self.state().note(call);
        for fault in due {
            match fault {
                Fault::Fail(error) => return Err(error),
                Fault::LoseReply(error) => lost_reply = Some(error),
                Fault::Block(gate) => {
                    gate.reached.notify_one();
                    gate.released.notified().await;
                }
                Fault::Run(hook) => hook(self),
            }
        }
        let mut state = self.state();
        state.check_reachable()?;
        let outcome = effect(&mut state)?;
        lost_reply.map_or(Ok(outcome), Err)
    }
}

/// A running container with this id and name and nothing else, to be filled in by a test.
#[must_use]
pub fn running_container(id: &str, name: &str) -> ContainerDetail {
    ContainerDetail {
        container: Container {
            id: id.to_owned(),
            name: name.to_owned(),
            state: ContainerState::Running,
            health: None,
            image: "busybox".to_owned(),
            number: 1,
            is_oneoff: false,
            labels: BTreeMap::new(),
            mounts: Vec::new(),
            shares_network_of: None,
        },
        started_at: Some(DateTime::UNIX_EPOCH),
        exit_code: None,
        stop_timeout_secs: None,
        image_id: "sha256:0".to_owned(),
        network_mode: "bridge".to_owned(),
        networks: vec!["bridge".to_owned()],
        volumes_from: Vec::new(),
        arguments: HiddenWords::default(),
        redacted: serde_json::Value::Null,
    }
}
