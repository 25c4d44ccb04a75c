//! What labels, the compose file and the request say of how a stack is brought to rest, and what else meets it on the
//! way down and up; on a scripted engine.

use std::time::Duration;

use mainstay::docker::ContainerEngine as _;
use mainstay::docker::scripted::{Call, CallKind, ScriptedEngine};
use mainstay::domain::stack::{ContainerState, Health, labels};
use serde_json::{Value, json};

use crate::support::job::{id, target};
use crate::support::scene::{BOTH_UP, Scene, Stage};

async fn back_up_with(scene: &Scene, body: Value) -> Value {
    let job = scene.service.call("backup_stack").path("name", "blog").json(body).ok().await;
    scene.service.end_of(id(&job)).await
}

#[tokio::test]
async fn a_service_that_asks_to_be_left_alone_runs_on_and_that_is_no_defect() {
    let scene = Stage::new().label("blog-db", labels::QUIESCE, "none").start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(scene.changes(), ["stop blog-app", "start blog-app"]);
    assert_eq!(target(&job, "volume")["message"], "captured while blog-db-1 ran, as asked");
    assert!(target(&job, "data")["message"].is_null(), "only what it writes to: {job:#}");
    let log = scene.service.log_of(id(&job)).await.join("\n");
    assert!(log.contains("INFO container blog-db-1 keeps running: its label says so"), "{log}");
}

#[tokio::test]
async fn a_stack_may_be_paused_in_part_and_stopped_in_part() {
    let scene = Stage::new().label("blog-db", labels::QUIESCE, "pause").start().await;
    assert_eq!(scene.service.back_up("blog").await["state"], "succeeded");
    let expected = ["stop blog-app", "pause blog-db", "unpause blog-db", "start blog-app"];
    assert_eq!(scene.changes(), expected);
}

#[tokio::test]
async fn the_request_goes_before_labels() {
    let scene = Stage::new().label("blog-db", labels::QUIESCE, "none").start().await;
    let job = back_up_with(&scene, json!({"quiesce": "pause"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(scene.changes(), ["pause blog-app", "pause blog-db", "unpause blog-db", "unpause blog-app"]);
}

#[tokio::test]
async fn the_compose_file_may_say_it_for_the_whole_stack() {
    let stage = Stage::new();
    let compose = stage.setup.root().join("stacks/blog/compose.yaml");
    let text = std::fs::read_to_string(&compose).expect("read");
    std::fs::write(&compose, format!("x-mainstay: {{quiesce: pause}}\n{text}")).expect("written");
    let scene = stage.start().await;
    assert_eq!(scene.service.back_up("blog").await["state"], "succeeded");
    assert_eq!(scene.changes(), ["pause blog-app", "pause blog-db", "unpause blog-db", "unpause blog-app"]);
}

#[tokio::test]
async fn a_paused_container_stays_paused() {
    let stage = Stage::new();
    stage.engine.set_state("blog-db", ContainerState::Paused);
    let scene = stage.start().await;
    scene.service.back_up("blog").await;
    assert_eq!(scene.changes(), ["stop blog-app", "start blog-app"]);
    assert_eq!(scene.engine.state_of("blog-db"), Some(ContainerState::Paused));
}

#[tokio::test]
async fn the_socket_proxy_is_never_touched() {
    let stage = Stage::new().label("blog-app", labels::SOCKET_PROXY, "true").config("archive: {quiesce: pause}");
    let scene = stage.start().await;
    back_up_with(&scene, json!({"quiesce": "stop"})).await;
    assert_eq!(scene.changes(), ["stop blog-db", "start blog-db"]);
}

#[tokio::test]
async fn a_stop_timeout_comes_from_the_label_or_the_configuration() {
    let stage = Stage::new().label("blog-db", labels::STOP_TIMEOUT, "2m").config("stop_timeout: 30s");
    let scene = stage.label("blog-app", labels::STOP_TIMEOUT, "long").start().await;
    scene.service.back_up("blog").await;
    let stops = [("blog-app", 30), ("blog-db", 120)]
        .map(|(container, seconds)| Call::Stop(container.to_owned(), Some(Duration::from_secs(seconds))));
    assert_eq!(scene.engine.changes()[..2], stops);
    let stack = scene.service.call("get_stack").path("name", "blog").ok().await;
    let warning = stack["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("service 'app'") && warning.contains("mainstay.stop-timeout says 'long'"), "{warning}");
}

#[tokio::test]
async fn the_order_label_turns_the_order_around() {
    let scene = Stage::new().label("blog-db", labels::ORDER, "10").start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(scene.changes(), ["stop blog-db", "stop blog-app", "start blog-app", "start blog-db"]);
    let log = scene.service.log_of(id(&job)).await.join("\n");
    assert!(log.contains("WARNING mainstay.order starts 'app' before 'db', on which it depends"), "{log}");
}

#[tokio::test]
async fn a_dry_run_lists_the_order_level_by_level() {
    let stage = Stage::new().label("blog-db", labels::QUIESCE, "pause").label("blog-app", labels::STOP_TIMEOUT, "1m");
    let scene = stage.start().await;
    let job = back_up_with(&scene, json!({"dry_run": true})).await;
    let log = scene.service.log_of(id(&job)).await.join("\n");
    for line in [
        "INFO start order, level 1 of 2: blog-db-1 (pause)",
        "INFO start order, level 2 of 2: blog-app-1 (stop within 60 s)",
        "INFO would stop container blog-app-1 within 60 s",
        "INFO would pause container blog-db-1",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert!(scene.changes().is_empty());
}

#[tokio::test]
async fn a_health_that_does_not_come_back_is_told_and_keeps_nobody_down() {
    let stage =
        Stage::new().config("health_timeout: 2s").label("blog-app", labels::DEPENDS_ON, "db:service_healthy:true");
    let stage = stage.change("blog-db", |detail| detail.container.health = Some(Health::Healthy));
    stage.engine.run_at_nth(CallKind::Start, 1, |engine| {
        let found = futures_util::FutureExt::now_or_never(engine.inspect_container("blog-db"));
        let mut detail = found.expect("at once").expect("the container");
        detail.container.health = Some(Health::Unhealthy);
        engine.add_container(detail);
    });
    let scene = stage.start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "partial", "{job:#}");
    assert_eq!(scene.changes(), ["stop blog-app", "stop blog-db", "start blog-db", "start blog-app"]);
    assert_eq!(scene.states(), BOTH_UP);
    let error = job["error"].as_str().expect("an error");
    assert!(error.contains("blog-db-1: it was not healthy within 2.0 s after its start"), "{error}");
    assert_eq!(error.matches("blog-db-1").count(), 1, "told once: {error}");
    assert!(job["stopped_ms"].as_u64().expect("a time") >= 2_000, "the wait counts: {job:#}");
    assert_eq!(scene.service.archives().len(), 1, "the archive is complete all the same");
}

/// Runs `change` once the stack is at rest: at the look that follows the second stop.
fn once_at_rest(stage: &Stage, change: impl FnOnce(&ScriptedEngine) + Send + 'static) {
    stage.engine.run_at_nth(CallKind::Stop, 2, |engine| {
        let looks = engine.calls().iter().filter(|call| call.kind() == CallKind::Inspect).count();
        engine.run_at_nth(CallKind::Inspect, looks + 1, change);
    });
}

#[tokio::test]
async fn what_came_and_went_during_the_capture_is_seen_through_events() {
    let stage = Stage::new();
    once_at_rest(&stage, |engine| {
        let found = futures_util::FutureExt::now_or_never(engine.inspect_container("blog-db"));
        let mut passing = found.expect("at once").expect("the container");
        passing.container.id = "0123456789abcdef".to_owned();
        passing.container.is_oneoff = true;
        engine.add_container(passing);
        engine.set_state("0123456789abcdef", ContainerState::Running);
        engine.set_state("0123456789abcdef", ContainerState::Exited);
        engine.remove_container("0123456789abcdef");
    });
    let scene = stage.start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "partial", "{job:#}");
    let message = target(&job, "volume")["message"].as_str().expect("a message");
    assert!(message.contains("container 0123456789ab came up during the capture"), "{message}");
}

#[tokio::test]
async fn containers_that_are_all_recreated_meanwhile_are_found_by_their_places() {
    let stage = Stage::new();
    once_at_rest(&stage, |engine| {
        for service in ["db", "app"] {
            let found = futures_util::FutureExt::now_or_never(engine.inspect_container(&format!("blog-{service}")));
            let mut again = found.expect("at once").expect("the container");
            // The first generation of Compose names with underscores, and puts an id before while it recreates.
            again.container.name = format!("4c9a43810063_blog_{service}_1");
            again.container.id = format!("again-{service}");
            again.container.state = ContainerState::Exited;
            again.container.labels.remove(labels::DEPENDS_ON);
            engine.remove_container(&format!("blog-{service}"));
            engine.add_container(again);
        }
    });
    let scene = stage.start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(scene.changes()[2..], ["start again-db", "start again-app"], "in the order of those they replace");
    assert_eq!(job["state"], "succeeded", "nothing was up meanwhile: {job:#}");
    assert!(scene.service.running.store().list_journal().await.expect("the journal").is_empty());
}

#[tokio::test]
async fn a_stop_whose_answer_is_lost_is_no_success_and_leaves_nothing_down() {
    let stage = Stage::new();
    stage.engine.lose_nth_reply(CallKind::Stop, 1, ScriptedEngine::rejection("connection reset"));
    let scene = stage.start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert_eq!(scene.changes(), ["stop blog-app", "start blog-app"]);
    assert_eq!(scene.states(), BOTH_UP);
    assert!(scene.service.running.store().list_journal().await.expect("the journal").is_empty());
}

#[tokio::test]
async fn when_the_second_of_three_cannot_be_stopped_the_first_comes_back_and_the_third_is_not_touched() {
    let stage = Stage::new().label("blog-app", labels::DEPENDS_ON, "db,cache");
    let found = futures_util::FutureExt::now_or_never(stage.engine.inspect_container("blog-db"));
    let mut cache = found.expect("at once").expect("the container");
    (cache.container.id, cache.container.name) = ("blog-cache".to_owned(), "blog-cache-1".to_owned());
    cache.container.labels.insert(labels::SERVICE.to_owned(), "cache".to_owned());
    cache.container.labels.insert(labels::DEPENDS_ON.to_owned(), "db".to_owned());
    stage.engine.add_container(cache);
    stage.engine.refuse(CallKind::Stop, "blog-cache", "did not receive an exit event");
    let scene = stage.start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert_eq!(scene.changes(), ["stop blog-app", "stop blog-cache", "start blog-app"]);
    assert_eq!(scene.states(), BOTH_UP);
    let rows = scene.service.running.store().list_journal().await.expect("the journal");
    let held: Vec<&str> = rows.iter().map(|row| row.held.id.as_str()).collect();
    assert_eq!(held, ["blog-cache"], "that stop may still land, so it is watched");
}
