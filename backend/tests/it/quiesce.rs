//! What a job stops comes back: after a cancel, a stop or a start that fails, a container that was replaced, a store that
//! hangs; and what was disturbed meanwhile is no success.

use std::time::Duration;

use chrono::DateTime;
use mainstay::docker::ContainerEngine as _;
use mainstay::docker::scripted::{CallKind, ScriptedEngine};
use mainstay::domain::ids::JobId;
use mainstay::domain::stack::ContainerState;
use mainstay::store::{HeldContainer, HoldAction};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection};
use serde_json::Value;

use crate::support::job::{id, step, target};
use crate::support::scene::{BOTH_UP, Scene, Stage};
use crate::support::store::{database_of, is_postgres};

/// Cancels the job while the engine holds a call of `kind`, and expects the stack back and no archive.
async fn cancel_during(kind: CallKind, nth: usize) -> (Scene, Value) {
    let stage = Stage::new();
    let gate = stage.engine.block_nth(kind, nth);
    let scene = stage.start().await;
    let job = scene.service.call("backup_stack").path("name", "blog").ok().await;
    gate.reached().await;
    scene.service.call("cancel_job").path("id", id(&job)).ok().await;
    gate.release();
    let job = scene.service.end_of(id(&job)).await;
    (scene, job)
}

#[tokio::test]
async fn a_cancel_during_the_stop_brings_the_stack_back() {
    for nth in [1, 2] {
        let (scene, job) = cancel_during(CallKind::Stop, nth).await;
        assert_eq!(job["state"], "cancelled", "{job:#}");
        assert_eq!(scene.states(), BOTH_UP);
        assert!(scene.service.archives().is_empty());
    }
}

#[tokio::test]
async fn a_cancel_during_the_start_does_not_stop_the_start() {
    let (scene, job) = cancel_during(CallKind::Start, 1).await;
    assert_eq!(job["state"], "cancelled", "{job:#}");
    assert_eq!(scene.states(), BOTH_UP);
    assert!(scene.service.archives().is_empty());
}

#[tokio::test]
async fn a_job_that_has_ended_cannot_be_cancelled() {
    let scene = Stage::new().start().await;
    let job = scene.service.back_up("blog").await;
    scene.service.call("cancel_job").path("id", id(&job)).problem(409, "job_finished").await;
}

#[tokio::test]
async fn a_stop_that_fails_brings_back_what_was_stopped() {
    let stage = Stage::new();
    stage.engine.fail_nth(
        CallKind::Stop,
        2,
        ScriptedEngine::rejection("tried to kill container, but did not receive an exit event"),
    );
    let scene = stage.start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert!(job["error"].as_str().expect("an error").contains("did not receive an exit event"), "{job:#}");
    assert_eq!(scene.states(), BOTH_UP);
    assert!(scene.service.archives().is_empty());
}

#[tokio::test]
async fn what_the_engine_was_never_asked_about_is_left_alone() {
    let stage = Stage::new();
    // The first stop fails; the other container ends by itself meanwhile, which nobody asked Mainstay to mend.
    stage.engine.run_at_nth(CallKind::Stop, 1, |engine| engine.set_state("blog-db", ContainerState::Exited));
    stage.engine.fail_nth(CallKind::Stop, 1, ScriptedEngine::rejection("no answer from the process"));
    let scene = stage.start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert_eq!(scene.engine.state_of("blog-db"), Some(ContainerState::Exited), "it was not started");
    assert_eq!(scene.engine.state_of("blog-app"), Some(ContainerState::Running));
    let journal = scene.service.running.store().list_journal().await.expect("the journal");
    assert!(journal.iter().all(|row| row.held.id != "blog-db"), "{journal:?}");
}

#[tokio::test]
async fn a_start_that_fails_is_tried_again() {
    let stage = Stage::new();
    for nth in [1, 2] {
        stage.engine.fail_nth(CallKind::Start, nth, ScriptedEngine::rejection("port is already allocated"));
    }
    let scene = stage.start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(scene.states(), BOTH_UP);
}

/// Makes every start fail for a while, longer than a job goes on with it.
fn refuse_starts(engine: &ScriptedEngine) {
    for nth in 1..=40 {
        engine.fail_nth(CallKind::Start, nth, ScriptedEngine::rejection("port is already allocated"));
    }
}

#[tokio::test]
async fn a_container_that_does_not_come_back_is_loud_and_kept_in_the_journal() {
    let stage = Stage::new();
    refuse_starts(&stage.engine);
    let scene = stage.start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "partial", "{job:#}");
    assert!(job["error"].as_str().expect("an error").contains("port is already allocated"), "{job:#}");
    let held = scene.service.running.store().list_journal().await.expect("the journal");
    assert_eq!(held.len(), 2, "{held:?}");
    for _ in 0..40 {
        if scene.service.running.engine().replay_journal().await.expect("replayed") == 0 {
            break;
        }
    }
    assert_eq!(scene.states(), BOTH_UP, "further attempts bring it back");
    assert!(scene.service.running.store().list_journal().await.expect("the journal").is_empty());
}

/// A row that an earlier job left in the journal.
async fn leave_in_journal(scene: &Scene, container: &str, service: &str) {
    let held = HeldContainer {
        stack: "blog".parse().expect("a name"),
        service: service.to_owned(),
        number: 1,
        id: container.to_owned(),
        name: format!("{container}-1"),
        action: HoldAction::Stop,
        started_at: None,
        stop_timeout_secs: 10,
    };
    let job = JobId::new(DateTime::UNIX_EPOCH);
    scene.service.running.store().write_journal(&job, &[held]).await.expect("written");
    scene.engine.set_state(container, ContainerState::Exited);
}

#[tokio::test]
async fn a_job_first_brings_back_what_an_earlier_one_left_at_rest() {
    let scene = Stage::new().start().await;
    leave_in_journal(&scene, "blog-app", "app").await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let expected = ["start blog-app", "stop blog-app", "stop blog-db", "start blog-db", "start blog-app"];
    assert_eq!(scene.changes(), expected);
    assert!(scene.service.running.store().list_journal().await.expect("the journal").is_empty());
}

#[tokio::test]
async fn a_job_does_not_touch_a_stack_that_an_earlier_one_could_not_bring_back() {
    let stage = Stage::new();
    refuse_starts(&stage.engine);
    let scene = stage.start().await;
    leave_in_journal(&scene, "blog-app", "app").await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(
        (job["state"].as_str(), step(&job, "resolve")["state"].as_str()),
        (Some("failed"), Some("failed")),
        "{job:#}"
    );
    assert!(job["error"].as_str().expect("an error").contains("an earlier job left"), "{job:#}");
    assert!(!scene.changes().iter().any(|change| change.starts_with("stop")), "{:?}", scene.changes());
}

#[tokio::test]
async fn nothing_is_started_under_a_capture() {
    let stage = Stage::new();
    let gate = stage.engine.block_nth(CallKind::Stop, 2);
    let scene = stage.start().await;
    let job = scene.service.call("backup_stack").path("name", "blog").ok().await;
    gate.reached().await;
    leave_in_journal(&scene, "blog-app", "app").await;
    scene.service.running.engine().replay_journal().await.expect("replayed");
    assert_eq!(scene.changes(), ["stop blog-app", "stop blog-db"]);
    gate.release();
    assert_eq!(scene.service.end_of(id(&job)).await["state"], "succeeded");
}

/// Locks the tables that a job writes to, until it is dropped.
async fn lock_store(scene: &Scene) -> DatabaseConnection {
    let url = database_of(&scene.service.path("config.yml"));
    let mut options = ConnectOptions::new(url);
    options.max_connections(1);
    let database = Database::connect(options).await.expect("a database");
    let lock = if is_postgres() { "BEGIN; LOCK TABLE jobs, stop_journal" } else { "BEGIN IMMEDIATE" };
    database.execute_unprepared(lock).await.expect("locked");
    database
}

#[tokio::test]
async fn a_store_that_hangs_does_not_keep_a_container_down() {
    let stage = Stage::new();
    let gate = stage.engine.block_nth(CallKind::Start, 1);
    let scene = stage.start().await;
    let job = scene.service.call("backup_stack").path("name", "blog").ok().await;
    gate.reached().await;
    let database = lock_store(&scene).await;
    gate.release();
    let back = async {
        while scene.states() != BOTH_UP {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(3), back).await.expect("both are started while the store hangs");
    database.execute_unprepared("ROLLBACK").await.expect("unlocked");
    assert_eq!(scene.service.end_of(id(&job)).await["state"], "succeeded");
}

/// Backs up while something else changes the engine at the second stop, and expects every target to be doubted.
async fn disturb(change: impl FnOnce(&ScriptedEngine) + Send + 'static) -> String {
    let stage = Stage::new();
    stage.engine.run_at_nth(CallKind::Stop, 2, change);
    let scene = stage.start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "partial", "{job:#}");
    target(&job, "volume")["message"].as_str().expect("a message").to_owned()
}

#[tokio::test]
async fn what_was_up_in_between_makes_the_job_partial() {
    let message = disturb(|engine| {
        engine.set_state("blog-app", ContainerState::Running);
        engine.set_state("blog-app", ContainerState::Exited);
    });
    let message = message.await;
    assert!(message.contains("container blog-app-1 was started by something else"), "{message}");
}

#[tokio::test]
async fn what_came_up_meanwhile_makes_the_job_partial() {
    let message = disturb(|engine| {
        let found = futures_util::FutureExt::now_or_never(engine.inspect_container("blog-db"));
        let mut newcomer = found.expect("at once").expect("the container");
        newcomer.container.id = "blog-db-new".to_owned();
        newcomer.container.name = "blog-db-2".to_owned();
        newcomer.container.number = 2;
        engine.add_container(newcomer);
    });
    let message = message.await;
    assert!(message.contains("container blog-db-2 came up"), "{message}");
}

#[tokio::test]
async fn a_stop_whose_answer_is_lost_is_judged_by_the_container() {
    let stage = Stage::new();
    stage.engine.lose_nth_reply(CallKind::Start, 1, ScriptedEngine::rejection("connection reset"));
    let scene = stage.start().await;
    assert_eq!(scene.service.back_up("blog").await["state"], "succeeded");
    assert_eq!(scene.states(), BOTH_UP);
}

#[tokio::test]
async fn a_container_that_was_replaced_meanwhile_is_found_by_its_place() {
    let stage = Stage::new();
    stage.engine.run_at_nth(CallKind::Start, 1, |engine| {
        let mut twin = futures_util::FutureExt::now_or_never(engine.inspect_container("blog-app"));
        let mut twin = twin.take().expect("at once").expect("the container");
        twin.container.id = "blog-app-again".to_owned();
        twin.container.state = ContainerState::Exited;
        engine.remove_container("blog-app");
        engine.add_container(twin);
    });
    let scene = stage.start().await;
    scene.service.back_up("blog").await;
    assert_eq!(scene.engine.state_of("blog-app-again"), Some(ContainerState::Running));
}
