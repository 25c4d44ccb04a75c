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
//! Calls of a kind are counted from 1, from the engine's making. Do not teach it what a real engine would do beyond
//! states and events: tests of that belong to a real one.

mod calls;
mod state;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc;

use super::{
    ByteStream, ContainerDetail, ContainerEngine, ContainerSpec, EngineError, EngineEvent, EngineInfo, EngineVolume,
    Exec, ExecSpec, ExecState, ImageDetail, OutputStream, RegistryAuth, SharedEngine, TarStream, check_reference,
};
use crate::domain::stack::{Container, ContainerState};

use calls::GateState;
pub use calls::{Call, CallKind, Gate};
use state::{Fault, State};

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

    /// Sets what [`ContainerEngine::stream_path`] yields for a path of the container with this id.
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

#[async_trait]
impl ContainerEngine for ScriptedEngine {
    async fn info(&self) -> Result<EngineInfo, EngineError> {
        let info = EngineInfo {
            version: "20.10.24".to_owned(),
            api_version: "1.41".to_owned(),
            platform: "linux/amd64".to_owned(),
            host_name: "scripted".to_owned(),
            address: ADDRESS.to_owned(),
        };
        self.play(Call::Info, |_| Ok(info)).await
    }

    async fn list_containers(&self) -> Result<Vec<Container>, EngineError> {
        let list = |state: &mut State| {
            let mut list: Vec<_> = state.containers.values().map(|detail| detail.container.clone()).collect();
            list.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(list)
        };
        self.play(Call::ListContainers, list).await
    }

    async fn inspect_container(&self, id: &str) -> Result<ContainerDetail, EngineError> {
        check_reference(id)?;
        self.play(Call::Inspect(id.to_owned()), |state| state.get(id)).await
    }

    async fn list_volumes(&self) -> Result<Vec<EngineVolume>, EngineError> {
        self.play(Call::ListVolumes, |state| Ok(state.volumes.values().cloned().collect())).await
    }

    async fn stop_container(&self, id: &str, timeout: Option<Duration>) -> Result<(), EngineError> {
        check_reference(id)?;
        let call = Call::Stop(id.to_owned(), timeout);
        self.play(call, |state| state.bring(id, ContainerState::is_up, ContainerState::Exited)).await
    }

    async fn start_container(&self, id: &str) -> Result<(), EngineError> {
        check_reference(id)?;
        let call = Call::Start(id.to_owned());
        self.play(call, |state| state.bring(id, |now| !now.is_up(), ContainerState::Running)).await
    }

    async fn pause_container(&self, id: &str) -> Result<(), EngineError> {
        check_reference(id)?;
        let pause = |state: &mut State| {
            if !state.get(id)?.is_up() {
                return Err(Self::rejection("the container is not running"));
            }
            state.bring(id, |now| now == ContainerState::Running, ContainerState::Paused)
        };
        self.play(Call::Pause(id.to_owned()), pause).await
    }

    async fn unpause_container(&self, id: &str) -> Result<(), EngineError> {
        check_reference(id)?;
        let call = Call::Unpause(id.to_owned());
        self.play(call, |state| state.bring(id, |now| now == ContainerState::Paused, ContainerState::Running)).await
    }

    async fn stream_path(&self, container: &str, path: &Path) -> Result<TarStream, EngineError> {
        check_reference(container)?;
        let find = |state: &mut State| {
            let key = (state.get(container)?.container.id, path.to_owned());
            let what = format!("path '{}' in container '{container}'", path.display());
            state.paths.get(&key).cloned().ok_or(EngineError::NotFound { what })
        };
        let pieces = self.play(Call::StreamPath(container.to_owned(), path.to_owned()), find).await?;
        Ok(stream::iter(pieces.into_iter().map(Ok)).boxed())
    }

    async fn exec(&self, container: &str, _: &ExecSpec) -> Result<Exec, EngineError> {
        check_reference(container)?;
        Err(not_yet("run commands"))
    }

    async fn exec_state(&self, _: &str) -> Result<ExecState, EngineError> {
        Err(not_yet("look at commands"))
    }

    async fn create_container(&self, _: &ContainerSpec) -> Result<String, EngineError> {
        Err(not_yet("make containers"))
    }

    async fn container_output(&self, id: &str) -> Result<OutputStream, EngineError> {
        check_reference(id)?;
        Err(not_yet("follow containers"))
    }

    async fn wait_container(&self, id: &str) -> Result<i64, EngineError> {
        check_reference(id)?;
        Err(not_yet("wait for containers"))
    }

    async fn remove_container(&self, id: &str) -> Result<(), EngineError> {
        check_reference(id)?;
        Err(not_yet("remove containers"))
    }

    async fn put_archive(&self, container: &str, _: &Path, _: ByteStream) -> Result<(), EngineError> {
        check_reference(container)?;
        Err(not_yet("unpack archives"))
    }

    async fn inspect_image(&self, _: &str) -> Result<ImageDetail, EngineError> {
        Err(not_yet("look at images"))
    }

    async fn pull_image(
        &self,
        _: &str,
        _: Option<&RegistryAuth>,
        _: &(dyn Fn(String) + Send + Sync),
    ) -> Result<(), EngineError> {
        Err(not_yet("pull images"))
    }

    async fn create_volume(&self, name: &str, _: &BTreeMap<String, String>) -> Result<(), EngineError> {
        check_reference(name)?;
        Err(not_yet("make volumes"))
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        check_reference(name)?;
        Err(not_yet("remove volumes"))
    }

    fn events(&self) -> BoxStream<'static, EngineEvent> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut state = self.state();
        // The receiver is right here: this cannot fail.
        sender.send(state.greeting()).ok();
        state.listeners.push(sender);
        let told = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
        told.chain(stream::pending()).boxed()
    }
}

/// A request that this version does not know yet.
fn not_yet(action: &str) -> EngineError {
    EngineError::Rejected { action: action.to_owned(), message: "not built yet".to_owned() }
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
        redacted: serde_json::Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine() -> ScriptedEngine {
        let engine = ScriptedEngine::new();
        engine.add_container(running_container("a1", "web"));
        engine
    }

    #[tokio::test]
    async fn requests_change_states_and_are_written_down() {
        let engine = engine();
        let second = Some(Duration::from_secs(1));
        engine.stop_container("web", second).await.expect("stopped");
        engine.stop_container("a1", None).await.expect("stopped already");
        assert_eq!(engine.state_of("a1"), Some(ContainerState::Exited));
        assert!(engine.pause_container("a1").await.is_err(), "nothing to freeze");
        engine.start_container("a1").await.expect("started");
        engine.pause_container("a1").await.expect("paused");
        engine.unpause_container("a1").await.expect("thawed");
        assert_eq!(engine.state_of("web"), Some(ContainerState::Running));
        assert_eq!(engine.changes()[..2], [Call::Stop("web".to_owned(), second), Call::Stop("a1".to_owned(), None)]);
        assert!(matches!(engine.inspect_container("b").await, Err(EngineError::NotFound { .. })));
        assert!(matches!(engine.inspect_container("../a").await, Err(EngineError::InvalidName(_))));
        assert_eq!(engine.calls().len(), 7, "a refused name is no request");
    }

    #[tokio::test]
    async fn the_nth_call_fails_with_or_without_its_effect() {
        let engine = engine();
        engine.fail_nth(CallKind::Stop, 1, ScriptedEngine::rejection("no"));
        engine.lose_nth_reply(CallKind::Stop, 2, ScriptedEngine::rejection("lost"));
        assert!(engine.stop_container("a1", None).await.is_err());
        assert_eq!(engine.state_of("a1"), Some(ContainerState::Running));
        assert!(engine.stop_container("a1", None).await.is_err());
        assert_eq!(engine.state_of("a1"), Some(ContainerState::Exited));
        assert!(engine.stop_container("a1", None).await.is_ok(), "each fault once");
    }

    #[tokio::test]
    async fn a_blocked_call_waits_for_its_gate() {
        let engine = engine();
        let gate = engine.block_nth(CallKind::Stop, 1);
        let observer = engine.clone();
        let look = async move {
            gate.reached().await;
            let state = observer.state_of("a1");
            gate.release();
            state
        };
        let (stopped, seen) = tokio::join!(engine.stop_container("a1", None), look);
        assert!(stopped.is_ok());
        assert_eq!(seen, Some(ContainerState::Running));
    }

    #[tokio::test]
    async fn another_actor_comes_in_between() {
        let engine = engine();
        engine.run_at_nth(CallKind::Start, 1, |engine| engine.remove_container("a1"));
        assert!(matches!(engine.start_container("a1").await, Err(EngineError::NotFound { .. })));
    }

    #[tokio::test]
    async fn listeners_hear_of_changes_and_outages() {
        let engine = engine();
        let mut events = engine.events();
        assert_eq!(events.next().await, Some(EngineEvent::Connected));
        engine.stop_container("a1", None).await.expect("stopped");
        assert!(matches!(events.next().await, Some(EngineEvent::Container { action, .. }) if action == "die"));
        engine.set_reachable(false);
        engine.set_reachable(false);
        assert!(matches!(events.next().await, Some(EngineEvent::Disconnected { .. })));
        assert!(matches!(engine.info().await, Err(EngineError::Unreachable { .. })));
        engine.set_reachable(true);
        assert_eq!(events.next().await, Some(EngineEvent::Connected));
    }

    #[tokio::test]
    async fn a_path_yields_what_was_scripted() {
        let engine = engine();
        engine.add_path("a1", "/data", vec![Bytes::from_static(b"tar")]);
        let stream = engine.stream_path("web", Path::new("/data")).await.expect("a stream");
        let pieces: Vec<_> = stream.map(|piece| piece.expect("a piece")).collect().await;
        assert_eq!(pieces, ["tar"]);
        assert!(matches!(engine.stream_path("web", Path::new("/no")).await, Err(EngineError::NotFound { .. })));
    }
}
