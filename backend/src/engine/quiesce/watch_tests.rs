//! What disturbs a capture.

use chrono::DateTime;

use super::*;
use crate::docker::scripted::{ScriptedEngine, running_container};
use crate::engine::quiesce::testing::Sample;

fn stack() -> StackName {
    "blog".parse().expect("a name")
}

/// `die db`: an event of the stack's container `db`; `start x other`: of one of the project `other`.
fn event(line: &str) -> EngineEvent {
    let words: Vec<&str> = line.split(' ').collect();
    if words == ["cut"] {
        return EngineEvent::Disconnected { reason: "cut".to_owned() };
    }
    EngineEvent::Container {
        id: words[1].to_owned(),
        action: words[0].to_owned(),
        project: Some(words.get(2).unwrap_or(&"blog").to_string()),
        at: DateTime::UNIX_EPOCH,
    }
}

#[test]
fn events_tell_of_what_was_up_while_the_stack_was_at_rest() {
    let sample = || Sample::new(&[("app", "db"), ("db", ""), ("left", "")]).label("left", labels::QUIESCE, "none");
    for (events, expected) in [
        (&["die app", "die db"][..], &[][..]),
        (&["pause app", "die db", "unpause app"], &["app"]),
        (&["die app", "start app", "die app", "die db"], &["app"]),
        (&["start db", "die app", "die db"], &[]),
        (&["start new", "die new", "die app", "die db"], &[]),
        (&["start new", "die app", "die db"], &["new"]),
        (&["die app", "die db", "start new", "die new", "destroy new"], &["new"]),
        (&["die app", "die db", "start new other", "start left", "create x", "exec_start db"], &[]),
        (&["die app", "cut", "die db", "start db"], &["db"]),
    ] {
        let choice = sample().choose(|_| {});
        let events: Vec<EngineEvent> = events.iter().map(|line| event(line)).collect();
        assert_eq!(find_disturbing(&events, &choice, &stack()), expected, "{events:?}");
    }
}

/// What is told of a stack that was brought to rest and then met with `change`.
async fn told(mode: Quiesce, has_watch: bool, change: impl FnOnce(&ScriptedEngine)) -> Vec<String> {
    let sample = Sample::new(&[("app", "db"), ("db", "")]);
    let engine = sample.engine();
    let mut choice = sample.choose(|question| question.otherwise = mode);
    for held in &mut choice.held {
        held.started_at = run_of(&engine.inspect_container(&held.id).await.expect("a container"));
    }
    let shared = engine.shared();
    let watch = Watch::begin(&shared, &tokio::runtime::Handle::current()).await;
    choice.held.iter().for_each(|held| engine.set_state(&held.id, ContainerState::Exited));
    change(&engine);
    // The listener has heard everything once it has heard the last word.
    engine.push_event(&event("destroy last-word"));
    while watch.heard.events.lock().expect("the events").last() != Some(&event("destroy last-word")) {
        tokio::task::yield_now().await;
    }
    let watch = has_watch.then_some(&watch);
    let stack = stack();
    Witness { docker: &engine, stack: &stack, choice: &choice, mode, watch }.find_disturbances().await
}

fn newcomer(engine: &ScriptedEngine, name: &str) {
    let mut detail = running_container("0123456789abcdef", name);
    detail.container.state = ContainerState::Created;
    detail.container.labels = [(labels::PROJECT.to_owned(), "blog".to_owned())].into();
    engine.add_container(detail);
    engine.set_state("0123456789abcdef", ContainerState::Running);
}

#[tokio::test]
async fn each_witness_tells_what_the_other_misses() {
    assert_eq!(told(Quiesce::Stop, true, |_| {}).await, [""; 0]);
    let again = |engine: &ScriptedEngine| {
        engine.set_state("db", ContainerState::Running);
        engine.set_state("db", ContainerState::Exited);
    };
    let expected = ["container db was started by something else during the capture"];
    assert_eq!(told(Quiesce::Stop, true, again).await, expected, "told once");
    assert_eq!(told(Quiesce::Stop, false, again).await, expected, "the look at the end sees another run");
    let passing = |engine: &ScriptedEngine| {
        newcomer(engine, "blog-run");
        engine.set_state("0123456789abcdef", ContainerState::Exited);
        engine.remove_container("0123456789abcdef");
    };
    assert_eq!(told(Quiesce::Stop, true, passing).await, ["container 0123456789ab came up during the capture"]);
    assert_eq!(told(Quiesce::Stop, false, passing).await, [""; 0], "only the events know of it");
    let stays = |engine: &ScriptedEngine| newcomer(engine, "blog-run");
    assert_eq!(told(Quiesce::Stop, true, stays).await, ["container blog-run came up during the capture"]);
}

#[tokio::test]
async fn nothing_disturbs_a_capture_without_a_stop() {
    let stays = |engine: &ScriptedEngine| newcomer(engine, "blog-run");
    assert_eq!(told(Quiesce::None, true, stays).await, [""; 0]);
}
