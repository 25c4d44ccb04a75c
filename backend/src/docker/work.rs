//! What is asked of an engine besides bringing containers to rest: commands in containers, containers of our own, images.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use secrecy::SecretString;

use super::EngineError;

/// A piece of what a process printed. Pieces are not lines: one may end anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputPiece {
    /// On its standard output.
    Out(Bytes),
    /// On its standard error.
    Err(Bytes),
}

/// What a process prints, until it closes both streams. That it ended well is told by its exit code alone.
pub type OutputStream = BoxStream<'static, Result<OutputPiece, EngineError>>;

/// Bytes for a process or for the archive API. An error cuts the request off, so that half of it counts for nothing.
pub type ByteStream = BoxStream<'static, std::io::Result<Bytes>>;

/// A command to run in a container that is there.
#[derive(Debug, Clone, Default)]
pub struct ExecSpec {
    /// The program and its arguments. Visible in the process list of the host: nothing secret belongs here.
    pub command: Vec<String>,
    /// Variables beside the container's own.
    pub env: Vec<(String, SecretString)>,
    /// The user; absent means the container's own.
    pub user: Option<String>,
}

/// A command that was begun.
pub struct Exec {
    /// The engine's id of it.
    pub id: String,
    /// What it prints.
    pub output: OutputStream,
}

/// How a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecState {
    /// Whether it still runs: then what was read of its output is not all.
    pub is_running: bool,
    /// Its exit code; absent while it runs.
    pub exit_code: Option<i64>,
}

/// A volume to make.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VolumeSpec {
    /// Its name.
    pub name: String,
    /// Its driver; the engine's own when absent.
    pub driver: Option<String>,
    /// Driver options.
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

impl VolumeSpec {
    /// A volume of the engine's own driver.
    #[must_use]
    pub fn labelled(name: impl Into<String>, labels: BTreeMap<String, String>) -> Self {
        Self { name: name.into(), labels, ..Self::default() }
    }
}

/// A container to make.
#[derive(Debug, Clone, Default)]
pub struct ContainerSpec {
    /// Its name.
    pub name: String,
    /// The image's reference or id; never pulled by this.
    pub image: String,
    /// Replaces the image's `CMD`; its entry point stays.
    pub command: Vec<String>,
    /// Variables.
    pub env: Vec<(String, SecretString)>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// What is mounted in it.
    pub mounts: Vec<SpecMount>,
    /// Networks that it is attached to, by name; empty means the default one.
    pub networks: Vec<String>,
    /// Bytes of memory; absent means no limit.
    pub memory_bytes: Option<u64>,
    /// Processors, in thousandths; absent means no limit.
    pub milli_cpus: Option<u32>,
}

/// Something that is mounted in a container to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecMount {
    /// What.
    pub source: MountSource,
    /// The absolute path in the container.
    pub destination: PathBuf,
    /// Whether the container may only read it.
    pub is_read_only: bool,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountSource {
    /// An absolute path of the host, which must be there.
    HostPath(PathBuf),
    /// A volume, by name.
    Volume(String),
}

/// An image that the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageDetail {
    /// The digest of its configuration.
    pub id: String,
    /// Its names with digests, as far as it came from a registry.
    pub repo_digests: Vec<String>,
    /// Its entry point.
    pub entrypoint: Vec<String>,
}

/// Who one is to a registry.
#[derive(Debug, Clone)]
pub struct RegistryAuth {
    /// The user.
    pub username: String,
    /// The password or token.
    pub password: SecretString,
}
