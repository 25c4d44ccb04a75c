//! Reading what a stack directory says of itself.
//!
//! [`read`] follows Compose as far as files are concerned: which files make the stack, what the project is called,
//! which services, volumes and mounts it declares. It is no Compose: it starts nothing, asks nobody, and takes no
//! variable but those of `.env`. Whatever it does not understand becomes a warning on the stack; it never fails,
//! because one broken file must not hide a host's other stacks. To understand one more element, add it to `service.rs`
//! or `loader.rs`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::domain::dependency::Dependency;
use crate::domain::job::Quiesce;

mod dotenv;
mod files;
mod loader;
mod mounts;
mod project;
mod service;
mod yaml;

pub use mounts::{ComposeMount, ComposeSource};
pub use project::normalise_project_name;

/// The most files that are followed for one stack.
pub const MAX_FILES: usize = 100;

/// What the files of a stack say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compose {
    /// The project name that the files set, normalised. Absent when the directory's name decides.
    pub project: Option<String>,
    /// Whether a compose file could not be read, so that even the project name may be another.
    pub is_broken: bool,
    /// Compose files, overrides, included and extended files, in the order they were met.
    pub files: Vec<PathBuf>,
    /// `.env` and every `env_file` that exists.
    pub env_files: Vec<PathBuf>,
    /// Services by name.
    pub services: BTreeMap<String, ComposeService>,
    /// Volumes by key.
    pub volumes: BTreeMap<String, ComposeVolume>,
    /// How the stack is brought to rest: the file's `x-mainstay: {quiesce: pause}`.
    pub quiesce: Option<Quiesce>,
    /// What is doubtful, in sentences for people.
    pub warnings: Vec<String>,
}

/// What a compose file says of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComposeService {
    /// The image.
    pub image: Option<String>,
    /// Services that must run before it, for whatever reason: `depends_on`, `links`, `volumes_from`, shared namespaces.
    pub depends_on: Vec<Dependency>,
    /// What it mounts.
    pub mounts: Vec<ComposeMount>,
}

/// What a compose file says of a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComposeVolume {
    /// The name that the file sets for the engine.
    pub name: Option<String>,
    /// Whether somebody else makes it.
    pub is_external: bool,
    /// The driver, when the file names one.
    pub driver: Option<String>,
    /// Driver options.
    pub options: BTreeMap<String, String>,
}

impl ComposeVolume {
    /// The engine's name for the volume `key` of `project`.
    #[must_use]
    pub fn engine_name(&self, project: &str, key: &str) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None if self.is_external => key.to_owned(),
            None => format!("{project}_{key}"),
        }
    }
}

/// Reads the stack of `directory`. `files` are the compose files when it is known which ones were used; otherwise
/// they are chosen as Compose chooses. Blocks on the file system.
#[must_use]
pub fn read(directory: &Path, files: Option<&[PathBuf]>) -> Compose {
    loader::Loader::new(directory).load(files)
}

/// Whether `path` is a regular file that can be opened from here.
#[must_use]
pub fn is_readable(path: &Path) -> bool {
    files::can_open(path)
}

#[cfg(test)]
mod tests;
