//! Calls to the engine that are never answered: they hold up their own stack, and nothing else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstay::docker::ContainerEngine as _;
use mainstay::docker::bollard_engine::BollardEngine;
use mainstay::domain::ids::JobId;
use mainstay::store::{HeldContainer, HoldAction};
use serde_json::json;

use crate::support::engine::{Lab, Recipe};
use crate::support::service::{Service, Setup};
use crate::support::socket_proxy::Proxy;
use crate::support::stack::{SampleStack, Shape};

/// What everything that has nothing to do with the hung container may take. Far below any deadline of a call.
const AT_ONCE: Duration = Duration::from_secs(5);

struct Scene {
    lab: Lab,
    proxy: Proxy,
    service: Service,
}

impl Scene {
    async fn set(left_out: &str) -> Option<Self> {
        let lab = Lab::open(left_out).await?;
        let proxy = Proxy::before(&lab.engine);
        let engine = BollardEngine::connect(Some(proxy.address()));
        let setup = Setup::on(Arc::new(engine)).config("max_concurrent_jobs: 2").config("shutdown_timeout: 5s");
        Some(Self { service: setup.start().await, proxy, lab })
    }

    /// A stopped container; returns its id.
    async fn stopped(&self, stack: &str) -> String {
        let name = self.lab.created(stack, Recipe::default()).await;
        self.lab.engine.inspect_container(&name).await.expect("a container").container.id
    }

    /// Writes it into the stop journal.
    async fn journal(&self, stack: &str, id: &str) {
        let held = HeldContainer {
            stack: self.lab.name(stack).parse().expect("a name"),
            service: "app".into(),
            number: 1,
            id: id.to_owned(),
            name: self.lab.name(stack),
            action: HoldAction::Stop,
            started_at: None,
            stop_timeout_secs: 10,
        };
        let job = JobId::new(chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a time"));
        self.service.running.store().write_journal(&job, &[held]).await.expect("written");
    }

    async fn is_up(&self, id: &str) -> bool {
        self.lab.engine.inspect_container(id).await.expect("a container").is_up()
    }

    /// Everything that people look at answers.
    async fn everything_else_answers(&self) {
        for operation in ["get_status", "get_readiness", "list_stacks", "list_journal", "get_health"] {
            let answer = tokio::time::timeout(AT_ONCE, self.service.call(operation).ok()).await;
            assert!(answer.is_ok(), "{operation} waits for the hung container");
        }
    }
}

#[tokio::test]
async fn a_container_whose_calls_hang_keeps_no_other_stack_down() {
    let Some(scene) = Scene::set("a container whose engine calls hang").await else { return };
    // By name, the hung one comes first.
    let (hung, other) = (scene.stopped("a-hung").await, scene.stopped("b-other").await);
    scene.proxy.hang(&hung);
    let mut of_hung = scene.lab.events_of(&hung).await;
    let mut of_other = scene.lab.events_of(&other).await;
    scene.journal("a-hung", &hung).await;
    scene.journal("b-other", &other).await;
    let client = scene.service.client.clone();
    let asked = tokio::spawn(async move { client.call("resume_journal").ok().await });
    let began = Instant::now();
    of_other.wait_for("start").await;
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    assert!(!asked.is_finished(), "the hung one is still waited for");
    scene.everything_else_answers().await;
    assert!(!scene.is_up(&hung).await);
    scene.proxy.hang_no_more();
    of_hung.wait_for("start").await;
    let report = asked.await.expect("an answer");
    assert!(report["items"].as_array().is_some_and(|items| items.len() == 2), "{report}");
}

#[tokio::test]
async fn the_watch_brings_others_back_while_one_hangs() {
    let Some(scene) = Scene::set("the watch of the journal, one container hung").await else { return };
    let (hung, other) = (scene.stopped("a-hung").await, scene.stopped("b-other").await);
    let mut of_other = scene.lab.events_of(&other).await;
    scene.proxy.hang(&hung);
    scene.journal("a-hung", &hung).await;
    let client = scene.service.client.clone();
    let only = json!({ "stack": scene.lab.name("a-hung") });
    tokio::spawn(async move { client.call("resume_journal").json(only).send().await });
    while scene.proxy.hanging() == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.journal("b-other", &other).await;
    let began = Instant::now();
    of_other.wait_for("start").await;
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    assert!(!scene.is_up(&hung).await);
}

#[tokio::test]
async fn a_stop_that_hangs_keeps_no_other_backup_and_no_shutdown_waiting() {
    let Some(scene) = Scene::set("a stop that hangs").await else { return };
    let stacks = scene.service.path("stacks");
    let hung = SampleStack::up(&scene.lab, &stacks, Shape::default()).await;
    let other_lab = Lab::open("a stop that hangs").await.expect("an engine");
    let other = SampleStack::up(&other_lab, &stacks, Shape::default()).await;
    let id = scene.lab.engine.inspect_container(&hung.app).await.expect("a container").container.id;
    scene.service.call("get_doctor").ok().await;
    scene.proxy.hang(&format!("/{id}/stop"));
    scene.service.call("backup_stack").path("name", &hung.name).ok().await;
    while scene.proxy.hanging() == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let began = Instant::now();
    let job = scene.service.back_up(&other.name).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert!(began.elapsed() < Duration::from_secs(20), "it waited for the other: {:?}", began.elapsed());
    scene.everything_else_answers().await;
    let ended = tokio::time::timeout(Duration::from_secs(20), scene.service.running.stop()).await;
    assert!(ended.is_ok(), "the shutdown waits for the hung call");
    // The request never reached the engine, so nothing was stopped.
    assert_eq!(hung.is_up(&scene.lab).await, (true, true));
    scene.proxy.hang_no_more();
}
