//! What a host runs: stacks, their services, and where their data lies.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::dependency::Dependency;
use super::job::Quiesce;
use super::names::StackName;

/// Labels that Compose and Mainstay put on containers.
pub mod labels {
    /// The Compose project a container belongs to.
    pub const PROJECT: &str = "com.docker.compose.project";
    /// The service within the project.
    pub const SERVICE: &str = "com.docker.compose.service";
    /// The number of the replica, from 1.
    pub const NUMBER: &str = "com.docker.compose.container-number";
    /// `True` on containers made by `compose run`.
    pub const ONEOFF: &str = "com.docker.compose.oneoff";
    /// The directory the project was started from.
    pub const WORKING_DIR: &str = "com.docker.compose.project.working_dir";
    /// The compose files, joined by commas; relative to the working directory in Compose 1.
    pub const CONFIG_FILES: &str = "com.docker.compose.project.config_files";
    /// The services a service depends on, in the encodings that [`super::super::dependency`] reads.
    pub const DEPENDS_ON: &str = "com.docker.compose.depends_on";
    /// The group of a service in the start order: a whole number, lower ones start first, 0 where nothing is said.
    pub const ORDER: &str = "mainstay.order";
    /// How the containers of a service are brought to rest: `stop`, `pause` or `none`.
    pub const QUIESCE: &str = "mainstay.quiesce";
    /// How long a container may take to stop, such as `30s` or `2m`.
    pub const STOP_TIMEOUT: &str = "mainstay.stop-timeout";
    /// `true` on the container through which Mainstay reaches the Docker Engine.
    pub const SOCKET_PROXY: &str = "mainstay.socket-proxy";
}

/// A Compose project as Mainstay sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// The Compose project name.
    pub name: StackName,
    /// The Docker Engine that runs it; `local` is the default one.
    pub host: String,
    /// Whether its containers run.
    pub state: StackState,
    /// How Mainstay knows of it.
    pub source: StackSource,
    /// The stack directory, as this process sees it. Absent when it is not readable from here.
    pub directory: Option<PathBuf>,
    /// The stack directory's own name; seed configurations name stacks by it.
    pub directory_name: Option<String>,
    /// Every file that defines the stack, as this process sees it: compose files, overrides, includes, `.env`.
    pub compose_files: Vec<PathBuf>,
    /// Services, sorted by name.
    pub services: Vec<Service>,
    /// Named volumes that its containers mount or its compose file declares, sorted by name.
    pub volumes: Vec<Volume>,
    /// Bind mounts, sorted by host path.
    pub binds: Vec<Bind>,
    /// Whether the configuration says to capture it without a stop.
    pub skip_stop: bool,
    /// How its compose file says that it is brought to rest: `x-mainstay: {quiesce: pause}`.
    pub quiesce: Option<Quiesce>,
    /// What is doubtful about it, in sentences for people.
    pub warnings: Vec<String>,
}

impl Stack {
    /// Every container, in the order of the services.
    pub fn containers(&self) -> impl Iterator<Item = (&Service, &Container)> {
        self.services.iter().flat_map(|service| service.containers.iter().map(move |container| (service, container)))
    }
}

/// Whether the containers of a stack run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StackState {
    /// All of its containers run.
    Running,
    /// Some of its containers run.
    Partial,
    /// It has no running container.
    Stopped,
    /// The engine cannot be asked.
    Unknown,
}

/// How Mainstay knows of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StackSource {
    /// A directory below `stacks_dir`.
    Directory,
    /// Labels of containers.
    Labels,
    /// Both.
    Both,
}

/// A named member of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name in the compose file.
    pub name: String,
    /// The image that the compose file names, when known.
    pub image: Option<String>,
    /// Services that it depends on, from its containers' labels or the compose file, sorted by name.
    pub depends_on: Vec<Dependency>,
    /// Its containers, by number.
    pub containers: Vec<Container>,
}

/// One container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The engine's id, 64 hexadecimal digits.
    pub id: String,
    /// Its name, without the leading slash.
    pub name: String,
    /// What it is doing.
    pub state: ContainerState,
    /// What its health check says; absent when it has none.
    pub health: Option<Health>,
    /// The image it was made from, as named then.
    pub image: String,
    /// The number of the replica, from 1.
    pub number: u32,
    /// Whether it was made by `compose run`.
    pub is_oneoff: bool,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its mounts.
    pub mounts: Vec<Mount>,
    /// The container whose network it shares, by id or name, when it has none of its own.
    pub shares_network_of: Option<String>,
}

/// What a container is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerState {
    /// Made, never started.
    Created,
    /// Its process runs.
    Running,
    /// Its processes are frozen.
    Paused,
    /// The engine is starting it again after it ended.
    Restarting,
    /// The engine is removing it.
    Removing,
    /// It ended.
    Exited,
    /// The engine could not remove it.
    Dead,
    /// A word that this version does not know.
    Unknown,
}

impl ContainerState {
    /// Whether it has a process that could write: such a container is what a stop is for.
    #[must_use]
    pub const fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Restarting | Self::Paused)
    }

    /// The engine's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
        }
    }
}

/// What a health check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Not known yet.
    Starting,
    /// The last checks passed.
    Healthy,
    /// The last checks failed.
    Unhealthy,
}

/// One mount of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// What is mounted.
    pub kind: MountKind,
    /// The volume's name; only for volumes.
    pub volume: Option<String>,
    /// The path on the host; empty for tmpfs.
    pub source: PathBuf,
    /// The path in the container.
    pub destination: PathBuf,
    /// Whether the container may write to it.
    pub is_writable: bool,
}

/// What is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MountKind {
    /// A volume that the engine keeps.
    Volume,
    /// A path of the host.
    Bind,
    /// Memory; never backed up.
    Tmpfs,
    /// A kind that this version does not know; never backed up, and said so.
    Other,
}

/// A named volume of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// The engine's name for it, with the project's prefix.
    pub name: String,
    /// The driver; `local` usually.
    pub driver: String,
    /// Where the engine keeps it on the host; absent when it does not exist yet.
    pub mountpoint: Option<PathBuf>,
    /// Driver options.
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Services that mount it.
    pub services: Vec<String>,
}

/// A bind mount of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// The path on the host.
    pub source: PathBuf,
    /// Services that mount it.
    pub services: Vec<String>,
    /// Whether it lies inside the stack directory, and so is captured with it.
    pub is_inside_stack: bool,
    /// Why it is not captured, when it never is: sockets, devices, pseudo file systems.
    pub excluded: Option<String>,
}
