//! A real Docker Engine, asked through its API.
//!
//! To add a request: check the id, choose a deadline, and send it through the link, which tells what a failure means.
//! A request that changes something is never simply repeated or given up when its answer is lost: the state decides.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bollard::query_parameters::{
    InspectContainerOptions, ListContainersOptionsBuilder, ListNetworksOptions, ListVolumesOptions,
    StartContainerOptions, StopContainerOptions,
};
use futures_util::stream::BoxStream;
use tokio::time::{Instant, sleep};

use super::convert::{container_of_summary, detail_of, info_of, volume_of};
use super::events::EventTiming;
use super::failure::{Asked, Failure, explain};
use super::link::{EngineLink, Repeat};
use super::{
    ByteStream, ContainerDetail, ContainerEngine, ContainerSpec, EngineError, EngineEvent, EngineInfo, EngineVolume,
    Exec, ExecSpec, ExecState, ImageDetail, OutputStream, RegistryAuth, TarStream, VolumeSpec, check_reference,
    containers, events, exec, images, tar_stream, volumes,
};
use crate::domain::stack::{Container, ContainerState, Mount, MountKind};

/// Deadline of the whole of `info`.
const INFO_LIMIT: Duration = Duration::from_secs(5);
/// Deadline of requests that only read.
const READ_LIMIT: Duration = Duration::from_secs(30);
/// Deadline of a start, which may have to mount volumes over the network.
const START_LIMIT: Duration = Duration::from_secs(120);
/// The engine's own stop timeout where a container has none.
const DEFAULT_STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// What a stop may take beyond its timeout: the engine itself waits some 15 s for a killed process to end.
const STOP_MARGIN: Duration = Duration::from_secs(30);
/// How long a state may take to show after an answer was lost.
const SETTLE_LIMIT: Duration = Duration::from_secs(15);
/// How long a stream of data may stand still, unless someone says otherwise.
const STALL_TIMEOUT: Duration = Duration::from_mins(5);
/// The pause between two looks at a state.
const SETTLE_PAUSE: Duration = Duration::from_millis(250);

/// A Docker Engine behind a socket or a TCP address.
#[derive(Debug, Clone)]
pub struct BollardEngine {
    link: Arc<EngineLink>,
    timing: EventTiming,
    stall_timeout: Duration,
}

impl BollardEngine {
    /// The engine at `address` (`unix:///path`, `/path`, `tcp://host:port`), else at `DOCKER_HOST`, else at
    /// `/var/run/docker.sock`. Nobody needs to answer there yet: each request tries anew.
    #[must_use]
    pub fn connect(address: Option<&str>) -> Self {
        let link = EngineLink::new(address, std::env::var("DOCKER_HOST").ok());
        Self { link: Arc::new(link), timing: EventTiming::default(), stall_timeout: STALL_TIMEOUT }
    }

    /// The same engine with other pauses in its event stream.
    #[must_use]
    pub fn with_event_timing(self, timing: EventTiming) -> Self {
        Self { timing, ..self }
    }

    /// The same engine, with another limit for streams of data that stand still.
    #[must_use]
    pub fn with_stall_timeout(self, stall_timeout: Duration) -> Self {
        Self { stall_timeout, ..self }
    }

    /// Where the engine is looked for.
    #[must_use]
    pub fn address(&self) -> &str {
        self.link.address()
    }

    async fn find_mountpoints(&self) -> HashMap<String, PathBuf> {
        match self.list_volumes().await {
            Ok(volumes) => volumes.into_iter().map(|volume| (volume.name, volume.mountpoint)).collect(),
            Err(error) => {
                tracing::warn!(error = explain(&error), "the places of some volumes are not known");
                HashMap::new()
            }
        }
    }

    /// Decides by the container's state what became of a request whose answer was lost.
    async fn settle(
        &self,
        id: &str,
        answer: Result<(), Failure>,
        limit: Duration,
        is_wanted: fn(ContainerState) -> bool,
    ) -> Result<(), EngineError> {
        let failure = match answer {
            Ok(()) => return Ok(()),
            Err(failure) if !failure.is_reply_lost => return Err(failure.error),
            Err(failure) => failure,
        };
        tracing::warn!(container = id, error = explain(&failure.error), "an answer is lost, the state decides");
        // After a timeout the engine had its time: one look is enough.
        let is_late = matches!(failure.error, EngineError::TimedOut { .. });
        let until = Instant::now() + if is_late { Duration::ZERO } else { limit };
        loop {
            match self.inspect_container(id).await {
                Ok(detail) if is_wanted(detail.container.state) => return Ok(()),
                Err(error @ EngineError::NotFound { .. }) => return Err(error),
                Ok(_) | Err(_) if Instant::now() >= until => return Err(failure.error),
                Ok(_) | Err(_) => sleep(SETTLE_PAUSE).await,
            }
        }
    }
}

#[async_trait]
impl ContainerEngine for BollardEngine {
    async fn info(&self) -> Result<EngineInfo, EngineError> {
        let asked = Asked::general("tell its version");
        let request = self.link.ask(&asked, INFO_LIMIT, |client| async move {
            let version = client.version().await?;
            // A socket proxy may allow the version and not this.
            let host_name = client.info().await.ok().and_then(|info| info.name).unwrap_or_default();
            Ok((version, host_name))
        });
        let (version, host_name) = request.await?;
        Ok(info_of(version, host_name, self.link.address()))
    }

    async fn list_containers(&self) -> Result<Vec<Container>, EngineError> {
        let asked = Asked::general("list containers");
        let options = ListContainersOptionsBuilder::default().all(true).build();
        let request = self.link.ask_again(&asked, READ_LIMIT, Repeat::Always, |client| {
            let options = options.clone();
            async move { client.list_containers(Some(options)).await }
        });
        let mut containers: Vec<_> = request.await?.into_iter().map(container_of_summary).collect();
        if containers.iter().flat_map(|container| &container.mounts).any(lacks_source) {
            let mountpoints = self.find_mountpoints().await;
            containers.iter_mut().for_each(|container| complete_sources(container, &mountpoints));
        }
        containers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(containers)
    }

    async fn inspect_container(&self, id: &str) -> Result<ContainerDetail, EngineError> {
        check_reference(id)?;
        let asked = Asked::of_container("inspect", id);
        let request = self.link.ask_again(&asked, READ_LIMIT, Repeat::Always, |client| async move {
            client.inspect_container(id, None::<InspectContainerOptions>).await
        });
        Ok(detail_of(&request.await?))
    }

    async fn list_volumes(&self) -> Result<Vec<EngineVolume>, EngineError> {
        let asked = Asked::general("list volumes");
        let request = self.link.ask_again(&asked, READ_LIMIT, Repeat::Always, |client| async move {
            client.list_volumes(None::<ListVolumesOptions>).await
        });
        let mut volumes: Vec<_> = request.await?.volumes.unwrap_or_default().into_iter().map(volume_of).collect();
        volumes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(volumes)
    }

    async fn list_networks(&self) -> Result<Vec<String>, EngineError> {
        let asked = Asked::general("list networks");
        let request = self.link.ask_again(&asked, READ_LIMIT, Repeat::Always, |client| async move {
            client.list_networks(None::<ListNetworksOptions>).await
        });
        let mut names: Vec<String> = request.await?.into_iter().filter_map(|network| network.name).collect();
        names.sort();
        Ok(names)
    }

    async fn stop_container(&self, id: &str, timeout: Option<Duration>) -> Result<(), EngineError> {
        check_reference(id)?;
        let patience = match timeout {
            Some(timeout) => timeout,
            None => own_stop_timeout(&self.inspect_container(id).await?),
        };
        let limit = patience.saturating_add(STOP_MARGIN);
        let options = StopContainerOptions { t: timeout.map(whole_seconds), ..StopContainerOptions::default() };
        let asked = Asked::of_container("stop", id);
        let request = self.link.ask_again(&asked, limit, Repeat::IfNotSent, |client| {
            let options = options.clone();
            async move { client.stop_container(id, Some(options)).await }
        });
        let answer = request.await;
        self.settle(id, answer, patience.saturating_add(SETTLE_LIMIT), is_down).await
    }

    async fn start_container(&self, id: &str) -> Result<(), EngineError> {
        check_reference(id)?;
        let asked = Asked::of_container("start", id);
        let request = self.link.ask_again(&asked, START_LIMIT, Repeat::IfNotSent, |client| async move {
            client.start_container(id, None::<StartContainerOptions>).await
        });
        let answer = request.await;
        self.settle(id, answer, SETTLE_LIMIT, ContainerState::is_up).await
    }

    async fn pause_container(&self, id: &str) -> Result<(), EngineError> {
        check_reference(id)?;
        let asked = Asked::of_container("pause", id);
        let request = self
            .link
            .ask_again(&asked, READ_LIMIT, Repeat::IfNotSent, |client| async move { client.pause_container(id).await });
        let answer = unless_said(request.await, "is already paused");
        self.settle(id, answer, SETTLE_LIMIT, |state| state == ContainerState::Paused).await
    }

    async fn unpause_container(&self, id: &str) -> Result<(), EngineError> {
        check_reference(id)?;
        let asked = Asked::of_container("unpause", id);
        let request = self.link.ask_again(&asked, READ_LIMIT, Repeat::IfNotSent, |client| async move {
            client.unpause_container(id).await
        });
        let answer = unless_said(request.await, "is not paused");
        self.settle(id, answer, SETTLE_LIMIT, |state| state != ContainerState::Paused).await
    }

    async fn stream_path(&self, container: &str, path: &Path) -> Result<TarStream, EngineError> {
        check_reference(container)?;
        tar_stream::open(&self.link, container, path, self.stall_timeout).await
    }

    async fn exec(&self, container: &str, spec: &ExecSpec) -> Result<Exec, EngineError> {
        exec::begin(&self.link, container, spec, None).await
    }

    async fn exec_with_input(&self, container: &str, spec: &ExecSpec, input: ByteStream) -> Result<Exec, EngineError> {
        exec::begin(&self.link, container, spec, Some(input)).await
    }

    async fn exec_state(&self, exec: &str) -> Result<ExecState, EngineError> {
        exec::state(&self.link, exec).await
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        containers::create(&self.link, spec).await
    }

    async fn container_output(&self, id: &str) -> Result<OutputStream, EngineError> {
        containers::output(&self.link, id)
    }

    async fn wait_container(&self, id: &str) -> Result<i64, EngineError> {
        loop {
            if let Some(code) = containers::wait(&self.link, id).await? {
                return Ok(code);
            }
            let detail = self.inspect_container(id).await?;
            match detail.exit_code {
                Some(code) if is_down(detail.container.state) => return Ok(code),
                _ => sleep(SETTLE_PAUSE).await,
            }
        }
    }

    async fn remove_container(&self, id: &str) -> Result<(), EngineError> {
        containers::remove(&self.link, id).await
    }

    async fn put_archive(&self, container: &str, path: &Path, tar: ByteStream) -> Result<(), EngineError> {
        containers::put_archive(&self.link, container, path, tar, self.stall_timeout).await
    }

    async fn inspect_image(&self, reference: &str) -> Result<ImageDetail, EngineError> {
        images::inspect(&self.link, reference).await
    }

    async fn pull_image(
        &self,
        reference: &str,
        auth: Option<&RegistryAuth>,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Result<(), EngineError> {
        images::pull(&self.link, reference, auth, progress, self.stall_timeout).await
    }

    async fn create_volume(&self, spec: &VolumeSpec) -> Result<(), EngineError> {
        volumes::create(&self.link, spec).await
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        volumes::remove(&self.link, name).await
    }

    fn events(&self) -> BoxStream<'static, EngineEvent> {
        events::open(Arc::clone(&self.link), self.timing)
    }
}

/// A list leaves out where a nameless volume lies, as long as the engine has made it and not loaded it again.
fn lacks_source(mount: &Mount) -> bool {
    mount.kind == MountKind::Volume && mount.source.as_os_str().is_empty()
}

fn complete_sources(container: &mut Container, mountpoints: &HashMap<String, PathBuf>) {
    for mount in container.mounts.iter_mut().filter(|mount| lacks_source(mount)) {
        let mountpoint = mount.volume.as_ref().and_then(|name| mountpoints.get(name));
        mount.source = mountpoint.cloned().unwrap_or_default();
    }
}

fn own_stop_timeout(detail: &ContainerDetail) -> Duration {
    detail.stop_timeout_secs.map_or(DEFAULT_STOP_TIMEOUT, Duration::from_secs)
}

/// The engine counts whole seconds; a part of one is given in full.
fn whole_seconds(timeout: Duration) -> i32 {
    let seconds = timeout.as_secs().saturating_add(u64::from(timeout.subsec_nanos() > 0));
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

/// Only states that are certainly without a process; an unknown one is none.
fn is_down(state: ContainerState) -> bool {
    matches!(state, ContainerState::Exited | ContainerState::Created | ContainerState::Dead | ContainerState::Removing)
}

/// Takes a refusal that says the wanted state is there already for a success.
fn unless_said(answer: Result<(), Failure>, words: &str) -> Result<(), Failure> {
    match answer {
        Err(Failure { error: EngineError::Rejected { message, .. }, .. }) if message.contains(words) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_second_are_given_in_full() {
        for (millis, seconds) in [(0, 0), (1_000, 1), (1_001, 2), (u64::MAX, i32::MAX)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds, "{millis}");
        }
    }

    #[test]
    fn an_unknown_state_is_not_taken_for_down() {
        assert!(!is_down(ContainerState::Unknown));
        assert!(!is_down(ContainerState::Paused));
        assert!(is_down(ContainerState::Exited));
    }

    #[tokio::test]
    async fn a_bad_name_is_refused_before_anything_is_sent() {
        // Nobody listens there: only a check before the request can answer otherwise than with `Unreachable`.
        let engine = BollardEngine::connect(Some("unix:///no/such.sock"));
        for id in ["../images", "", "a b", &"x".repeat(300)] {
            let second = Some(Duration::from_secs(1));
            assert!(matches!(engine.stop_container(id, second).await, Err(EngineError::InvalidName(_))), "{id}");
            assert!(matches!(engine.inspect_container(id).await, Err(EngineError::InvalidName(_))), "{id}");
        }
        assert!(matches!(engine.inspect_container("web").await, Err(EngineError::Unreachable { .. })));
    }
}
