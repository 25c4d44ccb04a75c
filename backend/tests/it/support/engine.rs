//! A real Docker Engine for tests, and throw-away things on it.
//!
//! Everything made here has the label `mainstay.test=1` and a name of its own, `mst-<random>-…`, and is removed when
//! its [`Lab`] is dropped. Tests never touch anything else, so they can run beside each other.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;

use bollard::Docker;
use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, RestartPolicy, RestartPolicyNameEnum, VolumeCreateRequest,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder, RemoveVolumeOptionsBuilder,
};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use mainstay::docker::bollard_engine::BollardEngine;
use mainstay::docker::{ContainerEngine, EngineEvent};

/// The image of throw-away containers: a static busybox that the test run imports.
pub(crate) const IMAGE: &str = "mainstay-test/busybox:local";
/// Says that a run without an engine is meant.
const WITHOUT_ENGINE: &str = "MAINSTAY_TEST_WITHOUT_DOCKER";
/// A process that ends at once when it is told to.
pub(crate) const POLITE: &str = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
/// A process that does not listen.
pub(crate) const DEAF: &str = "trap '' TERM; while :; do sleep 0.05; done";

/// A place to make throw-away containers and volumes.
pub(crate) struct Lab {
    /// The engine under test.
    pub(crate) engine: BollardEngine,
    /// The engine behind its back.
    docker: Docker,
    run: String,
    made: Mutex<Vec<Made>>,
}

/// What happens to one container.
pub(crate) struct ContainerEvents {
    id: String,
    events: BoxStream<'static, EngineEvent>,
}

impl ContainerEvents {
    /// Waits until the engine tells of `what`.
    pub(crate) async fn wait_for(&mut self, what: &str) {
        let find = async {
            while let Some(event) = self.events.next().await {
                if matches!(&event, EngineEvent::Container { id, action, .. } if *id == self.id && action == what) {
                    return;
                }
            }
        };
        let found = tokio::time::timeout(std::time::Duration::from_secs(60), find).await;
        found.unwrap_or_else(|_| panic!("the engine does not tell of a {what}"));
    }
}

enum Made {
    Container(String),
    Volume(String),
    Image(String),
}

/// What a throw-away container is like.
#[derive(Default)]
pub(crate) struct Recipe<'a> {
    /// Another image than [`IMAGE`]; it runs what it declares.
    pub(crate) image: &'a str,
    /// The shell script it runs; [`POLITE`] when empty.
    pub(crate) script: &'a str,
    /// Labels besides the one of all test things.
    pub(crate) labels: &'a [(&'a str, &'a str)],
    /// Mounts, `source:destination[:ro]`; a source without a slash is a volume.
    pub(crate) binds: Vec<String>,
    /// Paths where the engine puts a nameless volume.
    pub(crate) volumes: &'a [&'a str],
    /// Environment, `NAME=value`.
    pub(crate) env: &'a [&'a str],
    /// Whether it has a health check that passes.
    pub(crate) is_healthy: bool,
    /// Its own stop timeout in seconds.
    pub(crate) stop_timeout: Option<i64>,
    /// Its network mode, such as `container:<name>`; a network of its own when absent.
    pub(crate) network_mode: Option<String>,
    /// Whether the engine starts it again whenever it ends by itself.
    pub(crate) restarts_always: bool,
}

impl Lab {
    /// Opens the lab. `None` when no engine answers and the run is meant to be without one: what is left out is
    /// printed then. Without an engine in any other run the test fails.
    pub(crate) async fn open(left_out: &str) -> Option<Self> {
        let engine = BollardEngine::connect(None);
        if let Err(error) = engine.info().await {
            let is_meant = std::env::var(WITHOUT_ENGINE).is_ok_and(|value| value == "1");
            assert!(is_meant, "this test needs a Docker Engine ({error}); set {WITHOUT_ENGINE}=1 to leave it out");
            println!("left out, no Docker Engine: {left_out}");
            return None;
        }
        let docker = Docker::connect_with_host(engine.address()).expect("a client");
        let run = format!("mst-{:08x}", getrandom::u32().expect("random bytes"));
        Some(Self { engine, docker, run, made: Mutex::default() })
    }

    /// A name that no other lab has.
    pub(crate) fn name(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.run)
    }

    /// Makes a volume and returns its name.
    pub(crate) async fn volume(&self, suffix: &str) -> String {
        self.labelled_volume(suffix, &[]).await
    }

    /// Makes a volume with labels besides the one of all test things.
    pub(crate) async fn labelled_volume(&self, suffix: &str, labels: &[(&str, &str)]) -> String {
        let name = self.name(suffix);
        let request = VolumeCreateRequest {
            name: Some(name.clone()),
            labels: Some(test_labels(labels)),
            ..VolumeCreateRequest::default()
        };
        self.docker.create_volume(request).await.expect("a volume");
        self.remember(Made::Volume(name.clone()));
        name
    }

    /// Makes a container without starting it, and returns its name.
    pub(crate) async fn created(&self, suffix: &str, recipe: Recipe<'_>) -> String {
        let name = self.name(suffix);
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let made = self.docker.create_container(Some(options), body_of(recipe)).await;
        made.unwrap_or_else(|error| panic!("no container from {IMAGE}, which the test run has to import: {error}"));
        self.remember(Made::Container(name.clone()));
        name
    }

    /// Makes a container, starts it, and returns its name.
    pub(crate) async fn running(&self, suffix: &str, recipe: Recipe<'_>) -> String {
        let name = self.created(suffix, recipe).await;
        self.engine.start_container(&name).await.expect("started");
        name
    }

    /// Makes a container, starts it, and waits until its own check finds it healthy.
    pub(crate) async fn healthy(&self, suffix: &str, recipe: Recipe<'_>) -> String {
        let name = self.created(suffix, recipe).await;
        self.start_until_healthy(&name).await;
        name
    }

    /// Starts a container that rests, and waits until its own check finds it healthy.
    pub(crate) async fn start_until_healthy(&self, name: &str) {
        let mut events = self.events_of(name).await;
        self.engine.start_container(name).await.expect("started");
        events.wait_for("health_status: healthy").await;
    }

    /// Stops a container, as someone at a terminal would.
    pub(crate) async fn engine_stop(&self, name: &str) -> bool {
        self.engine.stop_container(name, None).await.is_ok()
    }

    /// Waits until a container has ended by itself.
    pub(crate) async fn ended(&self, name: &str) {
        let options = bollard::query_parameters::WaitContainerOptions::default();
        // The library tells of an exit code other than 0 as an error; both mean that it ended.
        self.docker.wait_container(name, Some(options)).next().await;
    }

    /// What happens to a container from now on.
    pub(crate) async fn events_of(&self, name: &str) -> ContainerEvents {
        let id = self.engine.inspect_container(name).await.expect("a container").container.id;
        let mut events = self.engine.events();
        assert!(matches!(events.next().await, Some(EngineEvent::Connected)), "no event stream");
        ContainerEvents { id, events }
    }

    /// Builds an image of these lines of a Dockerfile, over the image of throw-away containers, and of executable
    /// `files`; returns its reference.
    pub(crate) fn image(&self, suffix: &str, lines: &str, files: &[(&str, &str)]) -> String {
        let reference = format!("mainstay-test/{}:local", self.name(suffix));
        let context = tempfile::tempdir().expect("a directory");
        std::fs::write(context.path().join("Dockerfile"), format!("FROM {IMAGE}\n{lines}\n")).expect("a Dockerfile");
        for (name, content) in files {
            let path = context.path().join(name);
            std::fs::write(&path, content).expect("a file");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("a mode");
        }
        let mut build = std::process::Command::new("docker");
        build.env("DOCKER_BUILDKIT", "0").args(["build", "--quiet", "--label", "mainstay.test=1", "--tag", &reference]);
        let output = build.arg(context.path()).output().expect("docker runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.remember(Made::Image(reference.clone()));
        reference
    }

    /// Removes a container at the end that something else makes, by name.
    pub(crate) fn adopt_container(&self, name: &str) {
        self.remember(Made::Container(name.to_owned()));
    }

    /// Removes a volume at the end that something else makes.
    pub(crate) fn adopt_volume(&self, name: &str) {
        self.remember(Made::Volume(name.to_owned()));
    }

    fn remember(&self, made: Made) {
        self.made.lock().expect("the list").push(made);
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let made = std::mem::take(self.made.get_mut().expect("the list"));
        let docker = self.docker.clone();
        // A destructor cannot wait inside the test's own runtime.
        let cleaner = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(remove(&docker, made));
        });
        assert!(cleaner.join().is_ok() || std::thread::panicking(), "test things are left behind");
    }
}

/// Removes the youngest first: containers hold their volumes.
async fn remove(docker: &Docker, made: Vec<Made>) {
    for thing in made.into_iter().rev() {
        let outcome = match &thing {
            Made::Container(name) => {
                let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
                docker.remove_container(name, Some(options)).await
            }
            Made::Volume(name) => {
                docker.remove_volume(name, Some(RemoveVolumeOptionsBuilder::default().force(true).build())).await
            }
            Made::Image(reference) => {
                let options = RemoveImageOptionsBuilder::default().force(true).build();
                docker.remove_image(reference, Some(options), None).await.map(drop)
            }
        };
        match outcome {
            Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) | Ok(()) => {}
            Err(error) => panic!("a test thing cannot be removed: {error}"),
        }
    }
}

fn test_labels(more: &[(&str, &str)]) -> HashMap<String, String> {
    let all = std::iter::once(&("mainstay.test", "1")).chain(more);
    all.map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn body_of(recipe: Recipe<'_>) -> ContainerCreateBody {
    let script = if recipe.script.is_empty() { POLITE } else { recipe.script };
    let second = 1_000_000_000;
    let check = HealthConfig {
        test: Some(vec!["CMD".to_owned(), "true".to_owned()]),
        interval: Some(second),
        ..HealthConfig::default()
    };
    ContainerCreateBody {
        image: Some(if recipe.image.is_empty() { IMAGE } else { recipe.image }.to_owned()),
        cmd: recipe.image.is_empty().then(|| ["sh", "-c", script].map(str::to_owned).to_vec()),
        labels: Some(test_labels(recipe.labels)),
        env: Some(recipe.env.iter().map(|&entry| entry.to_owned()).collect()),
        volumes: Some(recipe.volumes.iter().map(|&path| path.to_owned()).collect()),
        healthcheck: recipe.is_healthy.then_some(check),
        stop_timeout: recipe.stop_timeout,
        host_config: Some(HostConfig {
            binds: Some(recipe.binds),
            network_mode: recipe.network_mode,
            restart_policy: recipe
                .restarts_always
                .then(|| RestartPolicy { name: Some(RestartPolicyNameEnum::ALWAYS), ..RestartPolicy::default() }),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}
