//! The way to a Docker Engine.
//!
//! [`ContainerEngine`] is what the rest of the project may ask of an engine; [`bollard_engine`] asks a real one,
//! [`scripted`] plays one for tests that need a fault at a certain call. To add a request, add it to the port and to
//! both. Names and ids are checked before they reach a request path: the client library does not escape them. Types of
//! the client library stay inside this module, and no request goes out without a deadline.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::BoxStream;

use crate::domain::names::{check_image_reference, check_name};
use crate::domain::stack::{Container, ContainerState, Health};

pub mod bollard_engine;
mod containers;
mod convert;
pub mod events;
mod exec;
mod failure;
mod images;
pub mod lines;
mod link;
pub mod own_container;
mod redact;
pub mod scripted;
pub mod shell;
mod tar_stream;
mod volumes;
mod work;

pub use redact::sounds_secret;
pub use work::{
    ByteStream, ContainerSpec, Exec, ExecSpec, ExecState, ImageDetail, MountSource, OutputPiece, OutputStream,
    RegistryAuth, SpecMount, VolumeSpec,
};

/// An engine that can be shared.
pub type SharedEngine = Arc<dyn ContainerEngine>;

/// Why a request to an engine failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No engine answers at the address.
    #[error("the Docker Engine at {address} cannot be reached")]
    Unreachable {
        /// Where it was looked for.
        address: String,
        /// What the connection said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The engine knows no such container, volume or path.
    #[error("the Docker Engine knows no {what}")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// The engine, or a proxy before it, does not allow the request.
    #[error("the Docker Engine refuses to {action}")]
    Forbidden {
        /// What was asked for, as a verb.
        action: String,
    },
    /// The engine did not answer in time; what became of the request is not known.
    #[error("the Docker Engine did not {action} within {} s", .after.as_secs())]
    TimedOut {
        /// What was asked for, as a verb.
        action: String,
        /// The limit.
        after: Duration,
    },
    /// The name or id may not be sent to an engine.
    #[error("'{0}' is not a name or id of Docker")]
    InvalidName(String),
    /// The engine answered with an error.
    #[error("the Docker Engine could not {action}: {message}")]
    Rejected {
        /// What was asked for, as a verb.
        action: String,
        /// What it answered.
        message: String,
    },
}

/// What an engine says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    /// Its release, such as `20.10.24`.
    pub version: String,
    /// The newest API it speaks, such as `1.41`.
    pub api_version: String,
    /// Operating system and architecture, such as `linux/amd64`.
    pub platform: String,
    /// The host's name.
    pub host_name: String,
    /// Where it was reached.
    pub address: String,
}

/// A container in more detail than a list gives.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerDetail {
    /// What a list says of it.
    pub container: Container,
    /// When its process was last started; changes when something starts it behind our back.
    pub started_at: Option<DateTime<Utc>>,
    /// The exit code of its last process.
    pub exit_code: Option<i64>,
    /// Seconds between the stop signal and the kill, from its own settings; the engine takes 10 when absent.
    pub stop_timeout_secs: Option<u64>,
    /// The digest of its image.
    pub image_id: String,
    /// Its network mode: `bridge`, `host`, `container:<id>`, or a network's name.
    pub network_mode: String,
    /// Names of the networks it is attached to.
    pub networks: Vec<String>,
    /// Containers whose volumes it mounts.
    pub volumes_from: Vec<String>,
    /// The words that its process was started with.
    pub arguments: HiddenWords,
    /// The engine's whole answer without its secrets: the values of the environment, and of every label and argument
    /// whose name sounds like a secret, are `***`.
    pub redacted: serde_json::Value,
}

/// Words among which may be secrets. `Debug` shows none of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HiddenWords(Vec<String>);

impl HiddenWords {
    /// Hides words.
    #[must_use]
    pub const fn new(words: Vec<String>) -> Self {
        Self(words)
    }

    /// The words, for whoever needs a secret out of them.
    #[must_use]
    pub fn expose(&self) -> &[String] {
        &self.0
    }
}

impl std::fmt::Debug for HiddenWords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} hidden words", self.0.len())
    }
}

impl ContainerDetail {
    /// Whether its process runs now.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.container.state.is_up()
    }
}

/// A volume as the engine knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineVolume {
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
    /// Where it lies on the host.
    pub mountpoint: PathBuf,
    /// Driver options.
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// Something that happened at an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineEvent {
    /// The stream is connected, for the first time or again: whatever was known may be stale.
    Connected,
    /// The stream is lost, or could not be had at the first attempt; it is being connected again. Told once for each
    /// outage.
    Disconnected {
        /// Why, in words for people.
        reason: String,
    },
    /// A container changed.
    Container {
        /// Its id.
        id: String,
        /// The engine's word: `start`, `die`, `health_status: healthy`, …
        action: String,
        /// The Compose project it belongs to.
        project: Option<String>,
        /// When it happened.
        at: DateTime<Utc>,
    },
    /// A volume was made or removed.
    Volume {
        /// Its name.
        name: String,
        /// The engine's word: `create`, `destroy`, `mount`, …
        action: String,
    },
}

/// A tar stream from the engine's archive API.
pub type TarStream = BoxStream<'static, Result<Bytes, EngineError>>;

/// What may be asked of a Docker Engine.
///
/// Every request has a deadline of its own and fails with [`EngineError::TimedOut`] after it. An id or name that
/// could leave its place in a request path is [`EngineError::InvalidName`] before anything is sent.
#[async_trait]
pub trait ContainerEngine: Send + Sync + 'static {
    /// Who it is; fails when it cannot be reached. Waits 5 s at most.
    async fn info(&self) -> Result<EngineInfo, EngineError>;

    /// Every container, running or not, sorted by name.
    async fn list_containers(&self) -> Result<Vec<Container>, EngineError>;

    /// One container by id or name.
    async fn inspect_container(&self, id: &str) -> Result<ContainerDetail, EngineError>;

    /// Every volume, sorted by name.
    async fn list_volumes(&self) -> Result<Vec<EngineVolume>, EngineError>;

    /// The names of every network, sorted.
    async fn list_networks(&self) -> Result<Vec<String>, EngineError>;

    /// Stops a container. Its process is killed when it has not ended after `timeout`, or after its own stop timeout
    /// when that is absent. A container that is already stopped is no error. When the answer is lost, the container's
    /// state decides.
    async fn stop_container(&self, id: &str, timeout: Option<Duration>) -> Result<(), EngineError>;

    /// Starts a container. One that already runs is no error. When the answer is lost, the container's state decides.
    async fn start_container(&self, id: &str) -> Result<(), EngineError>;

    /// Freezes a container's processes. One that is already paused is no error.
    async fn pause_container(&self, id: &str) -> Result<(), EngineError>;

    /// Thaws a container's processes. One that is not paused is no error.
    async fn unpause_container(&self, id: &str) -> Result<(), EngineError>;

    /// Streams the absolute `path` of a container, which need not run, as a tar whose top entry is the last component
    /// of `path`. A missing container or path is an error of this call, not of the stream, so the caller learns of it
    /// before it creates anything. A stream that ends without the tar's end mark yields an error: the engine cuts it
    /// that way when it meets an error after the first byte.
    async fn stream_path(&self, container: &str, path: &Path) -> Result<TarStream, EngineError>;

    /// Begins a command in a running container. What it printed is no success: ask [`Self::exec_state`] afterwards.
    async fn exec(&self, container: &str, spec: &ExecSpec) -> Result<Exec, EngineError>;

    /// Begins a command and feeds it `input`, while its output is read and only then. After the last piece its standard
    /// input is closed. An input that yields an error ends the output with one; the command may take what it got for
    /// all, so it has to be asked what came of it.
    async fn exec_with_input(&self, container: &str, spec: &ExecSpec, input: ByteStream) -> Result<Exec, EngineError>;

    /// How a command stands that [`Self::exec`] or [`Self::exec_with_input`] began.
    async fn exec_state(&self, exec: &str) -> Result<ExecState, EngineError>;

    /// Makes a container and returns its id. It is not started; its image must be there.
    async fn create_container(&self, spec: &ContainerSpec) -> Result<String, EngineError>;

    /// What a container prints, from its start on, live, until it ends. Ask after its start: of a container that does
    /// not run, it is what was printed so far.
    async fn container_output(&self, id: &str) -> Result<OutputStream, EngineError>;

    /// Waits until a container has ended, however long that takes, and returns its exit code.
    async fn wait_container(&self, id: &str) -> Result<i64, EngineError>;

    /// Ends and removes a container, with its nameless volumes. One that is gone is no error.
    async fn remove_container(&self, id: &str) -> Result<(), EngineError>;

    /// Unpacks a tar into the absolute directory `path` of a container, which need not run.
    async fn put_archive(&self, container: &str, path: &Path, tar: ByteStream) -> Result<(), EngineError>;

    /// An image that the engine has, by reference or id.
    async fn inspect_image(&self, reference: &str) -> Result<ImageDetail, EngineError>;

    /// Pulls an image. `progress` is told of it in sentences for people.
    async fn pull_image(
        &self,
        reference: &str,
        auth: Option<&RegistryAuth>,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Result<(), EngineError>;

    /// Makes a volume. One that is there is no error.
    async fn create_volume(&self, spec: &VolumeSpec) -> Result<(), EngineError>;

    /// Removes a volume. One that is gone is no error.
    async fn remove_volume(&self, name: &str) -> Result<(), EngineError>;

    /// What happens from now on. Starts with [`EngineEvent::Connected`], or with [`EngineEvent::Disconnected`] when the
    /// engine cannot be reached; connects again by itself with growing pauses, and never ends. Nothing that happens
    /// after `Connected` is missed while connected.
    fn events(&self) -> BoxStream<'static, EngineEvent>;
}

/// Reads the engine's word for a container's state.
#[must_use]
pub fn parse_state(word: &str) -> ContainerState {
    match word {
        "created" => ContainerState::Created,
        // On its way down, but its process still writes.
        "running" | "stopping" => ContainerState::Running,
        "paused" => ContainerState::Paused,
        "restarting" => ContainerState::Restarting,
        "removing" => ContainerState::Removing,
        "exited" | "stopped" => ContainerState::Exited,
        "dead" => ContainerState::Dead,
        _ => ContainerState::Unknown,
    }
}

/// Reads the engine's word for a container's health; `none` and unknown words are no health.
#[must_use]
pub fn parse_health(word: &str) -> Option<Health> {
    match word {
        "starting" => Some(Health::Starting),
        "healthy" => Some(Health::Healthy),
        "unhealthy" => Some(Health::Unhealthy),
        _ => None,
    }
}

/// Refuses what may not stand in a request path.
fn check_reference(text: &str) -> Result<(), EngineError> {
    check_name(text).map_err(|_| EngineError::InvalidName(text.to_owned()))
}

/// Refuses what is no image's reference or id.
fn check_image(text: &str) -> Result<(), EngineError> {
    check_image_reference(text).map_err(|_| EngineError::InvalidName(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_that_is_stopping_still_counts_as_up() {
        assert!(parse_state("stopping").is_up());
        assert!(!parse_state("exited").is_up());
        assert_eq!(parse_state("word of tomorrow"), ContainerState::Unknown);
    }

    #[test]
    fn references_that_could_change_the_request_path_are_refused() {
        for text in ["../x", "a/b", "", "a?force=1", &"x".repeat(300)] {
            assert!(matches!(check_reference(text), Err(EngineError::InvalidName(_))), "{text}");
        }
        assert!(check_reference(&"a1".repeat(32)).is_ok(), "an id");
    }
}
