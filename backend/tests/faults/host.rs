//! A Docker Engine, asked without Mainstay's own code: what the suite makes there, and what it sees there.

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, EventMessage, VolumeCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, EventsOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveImageOptions, RemoveVolumeOptionsBuilder, StopContainerOptionsBuilder,
};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::picture::{Picture, Seen};

/// No event of the engine may take longer, on a slow machine either.
const PATIENCE: Duration = Duration::from_secs(60);
/// The image of a stack's own, which goes with it.
pub(crate) fn image_of(stack: &str) -> String {
    format!("mainstay-test/{stack}:local")
}

/// The label of a stack's name.
pub(crate) const PROJECT: &str = "com.docker.compose.project";

/// One engine.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) docker: Docker,
    pub(crate) address: String,
}

/// What the engine tells of one container.
pub(crate) struct Events(BoxStream<'static, EventMessage>);

impl Host {
    /// The engine that the environment names.
    pub(crate) fn usual() -> Self {
        Self::at(mainstay::docker::bollard_engine::BollardEngine::connect(None).address())
    }

    /// The engine at an address.
    pub(crate) fn at(address: &str) -> Self {
        let docker = Docker::connect_with_host(address).expect("a client");
        Self { docker, address: address.to_owned() }
    }

    /// The path of its socket.
    pub(crate) fn socket(&self) -> &str {
        self.address.strip_prefix("unix://").expect("the suite needs the engine's Unix socket")
    }

    /// Whether it answers.
    pub(crate) async fn answers(&self) -> bool {
        self.docker.ping().await.is_ok()
    }

    /// Makes a volume.
    pub(crate) async fn make_volume(&self, name: &str) {
        let labels = HashMap::from([("mainstay.test".to_owned(), "1".to_owned())]);
        let request = VolumeCreateRequest { name: Some(name.to_owned()), labels: Some(labels), ..Default::default() };
        self.docker.create_volume(request).await.expect("a volume");
    }

    /// Makes a container without starting it.
    pub(crate) async fn make_container(&self, name: &str, body: ContainerCreateBody) {
        let options = CreateContainerOptionsBuilder::default().name(name).build();
        self.docker.create_container(Some(options), body).await.expect("a container");
    }

    pub(crate) async fn start(&self, name: &str) {
        self.docker.start_container(name, None).await.unwrap_or_else(|e| panic!("{name} does not start: {e}"));
    }

    pub(crate) async fn stop(&self, name: &str, seconds: i32) {
        let options = StopContainerOptionsBuilder::default().t(seconds).build();
        self.docker.stop_container(name, Some(options)).await.unwrap_or_else(|e| panic!("{name} does not stop: {e}"));
    }

    /// Removes a container whatever it does; one that is not there is fine.
    pub(crate) async fn remove(&self, name: &str) {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        let removed = self.docker.remove_container(name, Some(options)).await;
        assert_is_gone(name, removed);
    }

    pub(crate) async fn remove_volume(&self, name: &str) {
        let options = RemoveVolumeOptionsBuilder::default().force(true).build();
        assert_is_gone(name, self.docker.remove_volume(name, Some(options)).await);
    }

    /// Removes the containers of a stack, its volume and its network.
    pub(crate) async fn clear(&self, stack: &str) {
        for id in self.list(stack).await {
            self.remove(&id).await;
        }
        self.remove_volume(&format!("{stack}-db")).await;
        let _ = self.docker.remove_network(&format!("{stack}-net")).await;
        let _ = self.docker.remove_image(&image_of(stack), None::<RemoveImageOptions>, None).await;
    }

    async fn list(&self, stack: &str) -> Vec<String> {
        self.labelled(&format!("{PROJECT}={stack}")).await
    }

    /// The ids of the containers with a label, running or not.
    pub(crate) async fn labelled(&self, label: &str) -> Vec<String> {
        let filters = HashMap::from([("label", vec![label.to_owned()])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let listed = self.docker.list_containers(Some(options)).await.expect("a list");
        listed.into_iter().filter_map(|container| container.id).collect()
    }

    /// Every container of a stack as it is now.
    pub(crate) async fn picture(&self, stack: &str) -> Picture {
        let mut picture = Picture::default();
        for id in self.list(stack).await {
            let inspected = self.docker.inspect_container(&id, None::<InspectContainerOptions>).await;
            // It may be removed between the two questions.
            let Ok(inspected) = inspected else { continue };
            let state = inspected.state.expect("a state");
            let is_up = state.running == Some(true) && state.paused != Some(true) && state.restarting != Some(true);
            let status = state.status.map(|status| status.to_string()).unwrap_or_default();
            let started_at = state.started_at.map(|at| format!("{at:?}")).unwrap_or_default();
            let name = inspected.name.expect("a name").trim_start_matches('/').to_owned();
            picture.0.insert(name, Seen { id, is_up, status, started_at });
        }
        picture
    }

    /// Waits until the engine calls a container healthy.
    pub(crate) async fn is_healthy(&self, name: &str) {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let inspected = self.docker.inspect_container(name, None::<InspectContainerOptions>).await;
            let health = inspected.expect("a container").state.and_then(|state| state.health);
            if health.and_then(|health| health.status) == Some(bollard::models::HealthStatusEnum::HEALTHY) {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "{name} does not become healthy");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Where a volume lies on this machine.
    pub(crate) async fn volume_path(&self, name: &str) -> std::path::PathBuf {
        self.docker.inspect_volume(name).await.expect("a volume").mountpoint.into()
    }

    /// What happens to a container from now on. The engine remembers, so nothing is missed while the stream opens.
    pub(crate) fn watch(&self, name: &str) -> Events {
        let filters = HashMap::from([("container", vec![name])]);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
        let since = format!("{}.{:09}", now.as_secs(), now.subsec_nanos());
        let options = EventsOptionsBuilder::default().filters(&filters).since(&since).build();
        Events(self.docker.events(Some(options)).into_stream().filter_map(async |event| event.ok()).boxed())
    }
}

impl Events {
    /// Waits for an action, such as `die`.
    pub(crate) async fn until(&mut self, action: &str) {
        let find = async {
            while let Some(event) = self.0.next().await {
                if event.action.as_deref() == Some(action) {
                    return;
                }
            }
            panic!("the engine's events ended before a {action}");
        };
        let found = tokio::time::timeout(PATIENCE, find).await;
        found.unwrap_or_else(|_| panic!("the engine does not tell of a {action}"));
    }
}

fn assert_is_gone(name: &str, removed: Result<(), bollard::errors::Error>) {
    match removed {
        Ok(()) | Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) => {}
        Err(error) => panic!("{name} cannot be removed: {error}"),
    }
}
