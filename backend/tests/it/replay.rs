//! The stop journal and an engine that goes away and comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstay::docker::ContainerEngine as _;
use mainstay::docker::bollard_engine::BollardEngine;
use mainstay::docker::events::EventTiming;
use mainstay::docker::scripted::{ScriptedEngine, running_container};
use mainstay::domain::ids::JobId;
use mainstay::store::{HeldContainer, HoldAction};

use crate::support::engine::{Lab, Recipe};
use crate::support::process::{Process, write_config};
use crate::support::service::{Service, Setup};
use crate::support::socket_proxy::Proxy;
use crate::support::stack::{SampleStack, Shape};
use crate::support::store;

fn held(stack: &str, id: &str) -> HeldContainer {
    HeldContainer {
        stack: stack.parse().expect("a name"),
        service: "app".into(),
        number: 1,
        id: id.into(),
        name: id.into(),
        action: HoldAction::Stop,
        started_at: None,
        stop_timeout_secs: 10,
    }
}

async fn journal(service: &Service, held: HeldContainer) {
    let job = JobId::new(chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a time"));
    service.running.store().write_journal(&job, &[held]).await.expect("written");
}

#[tokio::test]
async fn an_engine_that_comes_back_finds_the_journal_replayed_at_once() {
    let Some(lab) = Lab::open("an engine that goes away and comes back").await else { return };
    let mut proxy = Proxy::before(&lab.engine);
    let pause = Duration::from_millis(100);
    let timing = EventTiming { first_pause: pause, longest_pause: pause, ..EventTiming::default() };
    let engine = BollardEngine::connect(Some(proxy.address())).with_event_timing(timing);
    let service = Setup::on(Arc::new(engine)).start().await;
    let name = lab.created("app", Recipe::default()).await;
    let id = lab.engine.inspect_container(&name).await.expect("a container").container.id;
    let mut events = lab.events_of(&name).await;
    proxy.cut();
    journal(&service, held("blog", &id)).await;
    // Told at this attempt; the next one by the clock is far away.
    let report = service.call("resume_journal").ok().await;
    assert_eq!(report["items"][0]["state"], "failed", "{report}");
    proxy.restore();
    let began = Instant::now();
    events.wait_for("start").await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_down_at_the_start_is_waited_for() {
    let Some(lab) = Lab::open("an engine that is down at the start").await else { return };
    let root = tempfile::tempdir().expect("a directory");
    let mut proxy = Proxy::before(&lab.engine);
    let engine = format!("docker_host: '{}'", proxy.address());
    let config = write_config(root.path(), &store::new_database(root.path()).await, &[engine]);
    let stack = SampleStack::up(&lab, &root.path().join("stacks"), Shape::default()).await;
    let mut first = Process::start(&config, &[("MAINSTAY_PAUSE_AT", "quiesce.after")]);
    first.client().await.call("backup_stack").path("name", &stack.name).ok().await;
    first.wait_for_line("paused at quiesce.after");
    first.kill();
    proxy.cut();
    let second = Process::start(&config, &[]);
    let at_rest = second.client().await.call("list_journal").ok().await;
    assert_eq!(at_rest["items"].as_array().map(Vec::len), Some(2), "{at_rest}");
    let (mut db, mut app) = (lab.events_of(&stack.db).await, lab.events_of(&stack.app).await);
    proxy.restore();
    db.wait_for("start").await;
    app.wait_for("start").await;
    assert!(second.terminate());
    assert_eq!(stack.is_up(&lab).await, (true, true));
}

#[tokio::test]
async fn what_the_engine_brought_back_itself_counts_as_back_and_is_not_touched() {
    let docker = ScriptedEngine::new();
    docker.add_container(running_container("app", "app"));
    let service = Setup::scripted(&docker).start().await;
    let before = chrono::DateTime::from_timestamp(1_000_000_000, 0);
    journal(&service, HeldContainer { started_at: before, ..held("blog", "app") }).await;
    let report = service.call("resume_journal").ok().await;
    assert_eq!((&report["all_back"], &report["items"][0]["state"]), (&true.into(), &"back".into()), "{report}");
    assert!(docker.changes().is_empty());
    assert_eq!(service.call("list_journal").ok().await["items"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn a_container_that_was_removed_is_told_and_starts_nothing() {
    let docker = ScriptedEngine::new();
    let service = Setup::scripted(&docker).start().await;
    journal(&service, held("blog", "removed")).await;
    let report = service.call("resume_journal").ok().await;
    assert_eq!((&report["all_back"], &report["items"][0]["state"]), (&true.into(), &"gone".into()), "{report}");
    assert!(docker.changes().is_empty());
    let again = service.call("list_journal").ok().await;
    assert_eq!(again["items"][0]["state"], "gone", "it may come back under another id: {again}");
}
