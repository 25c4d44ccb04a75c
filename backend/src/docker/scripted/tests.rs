//! The scripted engine itself.

use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt as _;

use futures_util::stream;

use super::*;
use crate::docker::{ContainerEngine as _, ContainerSpec, ExecSpec, ExecState, OutputPiece, OutputStream};

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

async fn printed(output: OutputStream) -> Vec<OutputPiece> {
    output.map(|piece| piece.expect("a piece")).collect().await
}

#[tokio::test]
async fn commands_do_what_was_scripted_and_others_are_missing() {
    let engine = engine();
    engine.add_command("a1", "pg_dump", Program::printing("dump").err("note"));
    engine.add_command("a1", "pg_dump --broken", Program::failing(2, "no"));
    let spec = |words: &str| ExecSpec { command: words.split(' ').map(str::to_owned).collect(), ..ExecSpec::default() };
    for (words, code, pieces) in [("pg_dump all", 0, 2), ("pg_dump --broken", 2, 1), ("mysqldump", 127, 1)] {
        let exec = engine.exec("web", &spec(words)).await.expect("begun");
        assert_eq!(printed(exec.output).await.len(), pieces, "{words}");
        let state = engine.exec_state(&exec.id).await.expect("a state");
        assert_eq!(state, ExecState { is_running: false, exit_code: Some(code) }, "{words}");
    }
    let input = stream::iter([Ok(Bytes::from_static(b"se")), Ok(Bytes::from_static(b"cret"))]).boxed();
    engine.exec_with_input("a1", &spec("pg_dump -"), input).await.expect("begun");
    assert_eq!(engine.commands().last().map(|ran| ran.input.as_slice()), Some(&b"secret"[..]));
    engine.stop_container("a1", None).await.expect("stopped");
    assert!(engine.exec("a1", &spec("pg_dump")).await.is_err(), "it rests");
}

#[tokio::test]
async fn a_made_container_runs_its_images_program() {
    let engine = ScriptedEngine::new();
    let spec = |image: &str| ContainerSpec { name: "tool".into(), image: image.into(), ..ContainerSpec::default() };
    assert!(matches!(engine.create_container(&spec("tool:1")).await, Err(EngineError::NotFound { .. })));
    assert!(engine.pull_image("tool:1", None, &|_| {}).await.is_err(), "nobody has it");
    engine.add_pullable("tool:1", Program::failing(3, "no"));
    engine.pull_image("tool:1", None, &|_| {}).await.expect("pulled");
    let id = engine.create_container(&spec("tool:1")).await.expect("made");
    assert!(engine.create_container(&spec("tool:1")).await.is_err(), "the name is taken");
    engine.start_container(&id).await.expect("started");
    assert_eq!(printed(engine.container_output(&id).await.expect("an output")).await.len(), 1);
    assert_eq!(engine.wait_container(&id).await.expect("a code"), 3);
    engine.shared().remove_container("tool").await.expect("removed");
    engine.shared().remove_container("tool").await.expect("gone is well");
    assert_eq!((engine.state_of(&id), engine.made().len()), (None, 1));
}

#[tokio::test]
async fn an_endless_container_ends_when_it_is_stopped() {
    let engine = ScriptedEngine::new();
    engine.add_image("tool:1", Program::endless().out("begun"));
    let spec = ContainerSpec { name: "tool".into(), image: "tool:1".into(), ..ContainerSpec::default() };
    let id = engine.create_container(&spec).await.expect("made");
    engine.start_container(&id).await.expect("started");
    let output = engine.container_output(&id).await.expect("an output");
    let (pieces, waited, stopped) =
        tokio::join!(printed(output), engine.wait_container(&id), engine.stop_container(&id, None));
    assert_eq!((pieces.len(), stopped.is_ok(), waited.is_ok()), (1, true, true));
}
