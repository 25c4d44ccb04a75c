//! Order, conditions and modes on a real engine, told by its own events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use mainstay::docker::{ContainerEngine as _, EngineEvent};
use mainstay::domain::stack::{ContainerState, labels};
use serde_json::Value;

use crate::support::engine::{DEAF, Lab, Recipe};
use crate::support::service::{Service, Setup};

/// A stack `shop` that is put together service by service.
struct Shop {
    lab: Lab,
    setup: Setup,
    name: String,
    events: BoxStream<'static, EngineEvent>,
    services: BTreeMap<String, String>,
}

/// Labels that Compose 1 does not write are absent.
#[derive(Clone, Copy, PartialEq)]
enum Compose {
    One,
    Two,
}

impl Shop {
    async fn open(left_out: &str) -> Option<Self> {
        let lab = Lab::open(left_out).await?;
        let setup = Setup::on(Arc::new(lab.engine.clone()));
        let name = lab.name("shop");
        let events = listen(&lab).await;
        let shop = Self { lab, setup, name, events, services: BTreeMap::new() };
        shop.write("compose.yaml", "services: {}\n");
        Some(shop)
    }

    fn write(&self, file: &str, text: &str) {
        let directory = self.setup.root().join("stacks").join(&self.name);
        std::fs::create_dir_all(&directory).expect("made");
        std::fs::write(directory.join(file), text).expect("written");
    }

    /// Makes and starts a container of a service; `depends_on` is the label of Compose 2.
    async fn run(&mut self, compose: Compose, service: &str, depends_on: &str, recipe: Recipe<'_>) {
        let at = self.setup.root().join("stacks").join(&self.name).display().to_string();
        let file = if compose == Compose::One { "docker-compose.yml".to_owned() } else { format!("{at}/compose.yaml") };
        let mut pairs = vec![
            (labels::PROJECT, self.name.as_str()),
            (labels::SERVICE, service),
            (labels::NUMBER, "1"),
            (labels::ONEOFF, "False"),
            (labels::WORKING_DIR, &at),
            (labels::CONFIG_FILES, &file),
        ];
        if compose == Compose::Two {
            pairs.push((labels::DEPENDS_ON, depends_on));
        }
        pairs.extend(recipe.labels);
        let separator = if compose == Compose::One { "_" } else { "-" };
        let suffix = ["shop", service, "1"].join(separator);
        let container = self.lab.running(&suffix, Recipe { labels: &pairs, ..recipe }).await;
        let id = self.lab.engine.inspect_container(&container).await.expect("a container").container.id;
        self.services.insert(id, service.to_owned());
    }

    async fn healthy(&mut self, service: &str) {
        self.until(&format!("health_status: healthy {service}")).await;
    }

    /// Starts the service, and listens anew: what was heard before does not count.
    async fn serve(self) -> (Open, Service) {
        let Self { lab, setup, name, services, .. } = self;
        let service = setup.start().await;
        let events = listen(&lab).await;
        (Open { lab, name, events, services }, service)
    }

    async fn until(&mut self, last: &str) -> Vec<String> {
        until(&mut self.events, &self.services, last).await
    }
}

/// The stack once the service runs.
struct Open {
    lab: Lab,
    name: String,
    events: BoxStream<'static, EngineEvent>,
    services: BTreeMap<String, String>,
}

impl Open {
    async fn back_up(&self, service: &Service) -> Value {
        service.back_up(&self.name).await
    }

    /// What happened to the containers of the stack up to an event, such as `die db`.
    async fn until(&mut self, last: &str) -> Vec<String> {
        until(&mut self.events, &self.services, last).await
    }

    fn id(&self, service: &str) -> &str {
        self.services.iter().find(|(_, name)| *name == service).map(|(id, _)| id.as_str()).expect("a service")
    }

    async fn state(&self, service: &str) -> ContainerState {
        self.lab.engine.inspect_container(self.id(service)).await.expect("a container").container.state
    }
}

async fn listen(lab: &Lab) -> BoxStream<'static, EngineEvent> {
    let mut events = lab.engine.events();
    assert_eq!(events.next().await, Some(EngineEvent::Connected));
    events
}

async fn until(
    events: &mut BoxStream<'static, EngineEvent>,
    services: &BTreeMap<String, String>,
    last: &str,
) -> Vec<String> {
    let listen = async {
        let mut heard = Vec::new();
        while heard.last().is_none_or(|word| word != last) {
            let Some(EngineEvent::Container { id, action, .. }) = events.next().await else { continue };
            if let Some(service) = services.get(&id) {
                heard.push(format!("{action} {service}"));
            }
        }
        heard
    };
    tokio::time::timeout(Duration::from_secs(60), listen).await.unwrap_or_else(|_| panic!("no '{last}' is heard"))
}

/// Only the words that say what a container did, with `healthy` for short.
fn story(heard: &[String]) -> Vec<String> {
    let kept = ["die ", "start ", "pause ", "unpause ", "health_status: healthy "];
    let told = heard.iter().filter(|word| kept.iter().any(|kept| word.starts_with(kept)));
    let mut told: Vec<String> = told.map(|word| word.replace("health_status: healthy", "healthy")).collect();
    // A health check is told of again only when it changes; the first counts.
    told.dedup();
    told
}

#[tokio::test]
async fn what_needs_a_healthy_one_is_started_after_it_is_healthy() {
    let Some(mut shop) = Shop::open("service_healthy on the way up").await else { return };
    shop.run(Compose::Two, "db", "", Recipe { is_healthy: true, ..Recipe::default() }).await;
    shop.run(Compose::Two, "app", "db:service_healthy:false", Recipe::default()).await;
    shop.healthy("db").await;
    let (mut shop, service) = shop.serve().await;
    let job = shop.back_up(&service).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let story = story(&shop.until("start app").await);
    assert_eq!(story, ["die app", "die db", "start db", "healthy db", "start app"]);
}

#[tokio::test]
async fn the_compose_file_speaks_for_containers_of_compose_1() {
    let Some(mut shop) = Shop::open("dependencies of Compose 1").await else { return };
    let file = "version: '2.1'\nservices:\n  aaa:\n    image: x\n    depends_on:\n      zzz: {condition: service_healthy}\n  \
                zzz: {image: x}\n";
    shop.write("docker-compose.yml", file);
    std::fs::remove_file(shop.setup.root().join("stacks").join(&shop.name).join("compose.yaml")).expect("removed");
    shop.run(Compose::One, "zzz", "", Recipe { is_healthy: true, ..Recipe::default() }).await;
    shop.run(Compose::One, "aaa", "", Recipe::default()).await;
    shop.healthy("zzz").await;
    let (mut shop, service) = shop.serve().await;
    let job = shop.back_up(&service).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let story = story(&shop.until("start aaa").await);
    assert_eq!(story, ["die aaa", "die zzz", "start zzz", "healthy zzz", "start aaa"]);
}

#[tokio::test]
async fn independent_containers_are_stopped_at_the_same_time() {
    let Some(mut shop) = Shop::open("parallel stops").await else { return };
    let deaf = || Recipe { script: DEAF, stop_timeout: Some(3), ..Recipe::default() };
    for service in ["one", "two", "three"] {
        shop.run(Compose::Two, service, "", deaf()).await;
    }
    shop.run(Compose::Two, "web", "one:service_started:false,two:service_started:false,three", Recipe::default()).await;
    let (mut shop, service) = shop.serve().await;
    let job = shop.back_up(&service).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let heard = shop.until("start web").await;
    let place =
        |word: &str| heard.iter().position(|heard| heard == word).unwrap_or_else(|| panic!("{word}: {heard:?}"));
    let first_death = ["die one", "die two", "die three"].map(place).into_iter().min().expect("a death");
    for asked in ["kill one", "kill two", "kill three"].map(place) {
        assert!(place("die web") < asked && asked < first_death, "{heard:?}");
    }
    for started in ["start one", "start two", "start three"].map(place) {
        assert!(started < place("start web"), "{heard:?}");
    }
}

#[tokio::test]
async fn one_that_lives_in_the_network_of_another_goes_first_and_comes_last() {
    let Some(mut shop) = Shop::open("network_mode: container:").await else { return };
    shop.run(Compose::Two, "vpn", "", Recipe::default()).await;
    let owner = shop.services.keys().next().expect("a container").clone();
    let guest = || Recipe { network_mode: Some(format!("container:{owner}")), ..Recipe::default() };
    shop.run(Compose::Two, "app", "", guest()).await;
    let (mut shop, service) = shop.serve().await;
    let job = shop.back_up(&service).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(story(&shop.until("start app").await), ["die app", "die vpn", "start vpn", "start app"]);
}

#[tokio::test]
async fn services_of_one_stack_are_stopped_paused_and_left_alone() {
    let Some(mut shop) = Shop::open("mixed modes").await else { return };
    shop.run(Compose::Two, "cron", "", Recipe { labels: &[(labels::QUIESCE, "none")], ..Recipe::default() }).await;
    shop.run(Compose::Two, "db", "", Recipe { labels: &[(labels::QUIESCE, "pause")], ..Recipe::default() }).await;
    shop.run(Compose::Two, "app", "db:service_started:false,cron", Recipe::default()).await;
    let (mut shop, service) = shop.serve().await;
    let job = shop.back_up(&service).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(story(&shop.until("start app").await), ["die app", "pause db", "unpause db", "start app"]);
    for service in ["cron", "db", "app"] {
        assert_eq!(shop.state(service).await, ContainerState::Running, "{service}");
    }
}

#[tokio::test]
async fn one_that_the_engine_restarts_stays_at_rest_and_comes_back_once() {
    let Some(mut shop) = Shop::open("restart: always").await else { return };
    shop.run(Compose::Two, "db", "", Recipe { restarts_always: true, ..Recipe::default() }).await;
    shop.run(Compose::Two, "app", "db", Recipe { script: DEAF, stop_timeout: Some(1), ..Recipe::default() }).await;
    let (mut shop, service) = shop.serve().await;
    let job = shop.back_up(&service).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(story(&shop.until("start app").await), ["die app", "die db", "start db", "start app"]);
}

#[tokio::test]
async fn one_that_something_else_starts_during_the_stop_makes_the_job_partial() {
    let Some(mut shop) = Shop::open("a container that something else starts").await else { return };
    let deaf = Recipe { script: DEAF, stop_timeout: Some(4), ..Recipe::default() };
    shop.run(Compose::Two, "db", "", deaf).await;
    shop.run(Compose::Two, "app", "db", Recipe::default()).await;
    let (mut shop, service) = shop.serve().await;
    let name = shop.name.clone();
    let meddle = async {
        shop.until("die app").await;
        shop.lab.engine.start_container(shop.id("app")).await.expect("started");
        shop.lab.engine.stop_container(shop.id("app"), None).await.expect("stopped");
    };
    let (job, ()) = tokio::join!(service.back_up(&name), meddle);
    assert_eq!(job["state"], "partial", "{job:#}");
    assert!(job["error"].as_str().expect("an error").contains("was started by something else"), "{job:#}");
    assert_eq!((shop.state("db").await, shop.state("app").await), (ContainerState::Running, ContainerState::Running));
}
