//! The file while Backrest's container stands still.

use super::*;
use crate::docker::scripted::{CallKind, Program};

/// The note of a stop.
const NOTE: &str = ".config.json.mainstay-stopped";

/// Lets a change come as far as the gate and drops it there, as a kill does.
async fn kill_at(scene: &Scene, kind: CallKind, nth: usize) {
    let gate = scene.engine.block_nth(kind, nth);
    tokio::select! {
        applied = scene.apply_with_stop() => panic!("it went on: {applied:?}"),
        () = gate.reached() => {}
    }
}

/// Has the container end at the `nth` look at it.
fn crash_at_look(scene: &Scene, nth: usize) {
    scene.engine.run_at_nth(CallKind::Inspect, nth, |engine| engine.set_state(ID, ContainerState::Exited));
}

#[tokio::test]
async fn backrest_stands_still_while_its_file_is_written_and_runs_after_it() {
    let scene = Scene::new();
    let (path, note) = (scene.path(), scene.beside(NOTE));
    scene.engine.run_at_nth(CallKind::Stop, 1, move |_| {
        assert!(note.exists(), "noted before the stop");
        assert!(!fs::read_to_string(&path).expect("a file").contains("s_web"), "written after the stop");
    });
    let path = scene.path();
    scene.engine.run_at_nth(CallKind::Start, 1, move |_| {
        assert!(fs::read_to_string(&path).expect("a file").contains("s_web"), "written before the start");
    });
    let applied = scene.apply_with_stop().await.expect("applied");
    assert!(matches!(applied.outcome, Outcome::Restarted { .. }), "{:?}", applied.outcome);
    assert!(applied.notes[0].contains("could not be seen"), "its image has no shell: {:?}", applied.notes);
    assert_eq!(scene.state(), ContainerState::Running);
    assert_eq!(scene.names(), ["config.json", "config.json.mainstay-before"]);
}

#[tokio::test]
async fn what_backrest_saves_while_it_ends_is_not_lost() {
    let scene = Scene::new();
    let path = scene.path();
    scene.engine.run_at_nth(CallKind::Stop, 1, move |_| fs::write(path, foreign("saved_last")).expect("written"));
    scene.apply_with_stop().await.expect("applied");
    assert_eq!(scene.plans(), ["s_web", "saved_last"]);
}

#[tokio::test]
async fn a_backrest_that_does_not_run_is_not_started() {
    let scene = Scene::new();
    scene.engine.set_state(ID, ContainerState::Exited);
    let applied = scene.apply_with_stop().await.expect("applied");
    assert_eq!((applied.outcome, scene.state()), (Outcome::Written, ContainerState::Exited));
    assert!(applied.notes[0].contains("does not run"), "{:?}", applied.notes);
}

#[tokio::test]
async fn a_backrest_at_work_is_not_stopped() {
    for worker in ["restic", "docker"] {
        let scene = Scene::new();
        scene.engine.add_command(ID, "/proc", Program::printing(&format!("tini\nbackrest\n{worker}\n")));
        let applied = scene.apply_with_stop().await.expect("no error");
        let Outcome::Deferred { why } = applied.outcome else { panic!("{:?}", applied.outcome) };
        assert!(why.contains(worker), "{why}");
        assert_eq!(scene.plans(), ["theirs"]);
        assert!(scene.engine.changes().is_empty());
        assert_eq!(scene.names(), ["config.json"]);
    }
    let idle = Scene::new();
    idle.engine.add_command(ID, "/proc", Program::printing("tini\nbackrest\nsh\n"));
    let applied = idle.apply_with_stop().await.expect("applied");
    assert!(matches!(applied.outcome, Outcome::Restarted { .. }), "{:?}", applied.outcome);
    assert_eq!(applied.notes, Vec::<String>::new());
}

#[tokio::test]
async fn a_backrest_that_does_not_come_up_gets_its_old_file_back() {
    let scene = Scene::new();
    let before = scene.text();
    // Looks: before the stop, for the time of the start, then whether it is up.
    crash_at_look(&scene, 3);
    let error = scene.apply_with_stop().await.expect_err("it ends at once");
    let ApplyError::NotUp { is_restored: true, source: NotUp::Ended(_) } = &error else { panic!("{error:?}") };
    assert_eq!((scene.text(), scene.state()), (before, ContainerState::Running));
    assert!(!scene.beside(NOTE).exists());
}

#[tokio::test]
async fn one_that_the_engine_starts_again_and_again_does_not_count_as_up() {
    let scene = Scene::new();
    scene.engine.run_at_nth(CallKind::Inspect, 3, |engine| {
        engine.set_state(ID, ContainerState::Exited);
        engine.set_state(ID, ContainerState::Running);
    });
    let error = scene.apply_with_stop().await.expect_err("it was started by the engine");
    assert!(matches!(error, ApplyError::NotUp { is_restored: true, source: NotUp::Restarts }), "{error:?}");
}

#[tokio::test]
async fn one_that_runs_with_no_file_at_all_is_noted_and_tried_again() {
    let scene = Scene::new();
    let before = scene.text();
    crash_at_look(&scene, 3);
    crash_at_look(&scene, 5);
    let error = scene.apply_with_stop().await.expect_err("it ends twice");
    assert!(matches!(error, ApplyError::NotUp { is_restored: false, .. }), "{error:?}");
    assert_eq!(scene.text(), before);
    assert!(scene.recover().await.expect("it starts now"));
    assert_eq!(scene.state(), ContainerState::Running);
    assert!(!scene.recover().await.expect("nothing is left to do"));
}

#[tokio::test]
async fn a_stop_that_fails_leaves_everything_as_it_was() {
    let scene = Scene::new();
    let before = scene.text();
    scene.engine.fail_nth(CallKind::Stop, 1, ScriptedEngine::rejection("no"));
    let error = scene.apply_with_stop().await.expect_err("no stop");
    assert!(matches!(error, ApplyError::Engine(_)), "{error:?}");
    assert_eq!((scene.text(), scene.state()), (before, ContainerState::Running));
    scene.engine.set_state(ID, ContainerState::Exited);
    assert!(scene.recover().await.expect("started"), "the stop came true after it was given up");
    assert_eq!(scene.names(), ["config.json"]);
}

#[tokio::test]
async fn a_stop_whose_answer_is_lost_is_undone() {
    let scene = Scene::new();
    let before = scene.text();
    scene.engine.lose_nth_reply(CallKind::Stop, 1, ScriptedEngine::rejection("lost"));
    let error = scene.apply_with_stop().await.expect_err("no answer");
    assert!(matches!(error, ApplyError::Engine(_)), "{error:?}");
    assert_eq!((scene.text(), scene.state()), (before, ContainerState::Running));
    assert_eq!(scene.names(), ["config.json"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_replaced_while_backrest_stands_still_brings_it_back() {
    let scene = Scene::new();
    let path = scene.path();
    scene.engine.run_at_nth(CallKind::Stop, 1, move |_| {
        fs::remove_file(&path).expect("removed");
        fs::create_dir(&path).expect("a directory that no rename replaces");
    });
    let error = scene.apply_with_stop().await.expect_err("not written");
    assert!(matches!(error, ApplyError::File(FileError::NotAFile(_))), "{error:?}");
    assert_eq!(scene.state(), ContainerState::Running);
    assert!(!scene.beside(NOTE).exists());
}

#[tokio::test]
async fn an_engine_that_is_gone_is_told_and_nothing_is_written() {
    let scene = Scene::new();
    scene.engine.set_reachable(false);
    let error = scene.apply_with_stop().await.expect_err("no engine");
    assert!(matches!(error, ApplyError::Engine(EngineError::Unreachable { .. })), "{error:?}");
    assert_eq!((scene.plans(), scene.names()), (vec!["theirs".to_owned()], vec!["config.json".to_owned()]));
}

#[tokio::test]
async fn killed_at_any_call_of_the_engine_backrest_runs_after_the_next_recovery() {
    let places = [
        (CallKind::Exec, 1),
        (CallKind::Stop, 1),
        (CallKind::Start, 1),
        (CallKind::Inspect, 2),
        (CallKind::Inspect, 3),
    ];
    for (kind, nth) in places {
        let scene = Scene::new();
        kill_at(&scene, kind, nth).await;
        scene.recover().await.expect("recovered");
        assert_eq!(scene.state(), ContainerState::Running, "{kind:?} {nth}");
        scene.apply_with_stop().await.expect("applied");
        assert_eq!(scene.plans(), ["s_web", "theirs"], "{kind:?} {nth}");
        assert_eq!(scene.state(), ContainerState::Running, "{kind:?} {nth}");
    }
}

#[tokio::test]
async fn a_stop_that_lands_after_its_asker_is_gone_is_undone_too() {
    let scene = Scene::new();
    kill_at(&scene, CallKind::Stop, 1).await;
    assert!(!scene.recover().await.expect("it runs"), "it is up in the same run");
    assert!(scene.beside(NOTE).exists(), "the stop may land yet");
    scene.engine.set_state(ID, ContainerState::Exited);
    assert!(scene.recover().await.expect("started"));
    assert!(!scene.beside(NOTE).exists());
}

#[tokio::test]
async fn a_note_goes_when_no_stop_can_land_any_more() {
    let scene = Scene::new();
    kill_at(&scene, CallKind::Stop, 1).await;
    scene.clock.advance(TimeDelta::minutes(2));
    assert!(!scene.recover().await.expect("it runs"));
    assert!(!scene.beside(NOTE).exists());
    scene.engine.set_state(ID, ContainerState::Exited);
    assert!(!scene.recover().await.expect("nothing"), "a person stopped it");
    assert_eq!(scene.state(), ContainerState::Exited);
}

#[tokio::test]
async fn a_killed_run_whose_file_backrest_does_not_take_is_rolled_back_by_the_next() {
    let scene = Scene::new();
    let before = scene.text();
    kill_at(&scene, CallKind::Start, 1).await;
    assert_eq!(scene.plans(), ["s_web", "theirs"], "the new file is there");
    // Looks: before the stop; in the recovery: for what is noted, the time of the start, then whether it is up.
    crash_at_look(&scene, 4);
    let error = scene.recover().await.expect_err("it ends at once");
    assert!(matches!(error, ApplyError::NotUp { is_restored: true, .. }), "{error:?}");
    assert_eq!((scene.text(), scene.state()), (before, ContainerState::Running));
}

#[tokio::test]
async fn a_container_that_was_made_anew_needs_no_recovery() {
    let scene = Scene::new();
    kill_at(&scene, CallKind::Start, 1).await;
    scene.engine.remove_container(ID);
    assert!(!scene.recover().await.expect("nothing to start"));
    assert!(!scene.beside(NOTE).exists());
}

#[tokio::test]
async fn a_note_that_is_damaged_is_told() {
    let scene = Scene::new();
    fs::write(scene.beside(NOTE), "{").expect("written");
    let error = scene.recover().await.expect_err("damaged");
    assert!(error.to_string().contains("start Backrest's container"), "{error}");
}
