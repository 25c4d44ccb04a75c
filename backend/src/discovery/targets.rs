//! What a backup of a stack captures, and what it leaves out and why.
//!
//! [`plan_targets`] is pure: it decides from the [`Stack`] and from what its paths really are. Nothing is dropped in
//! silence: whatever a stack has and a backup does not capture is a target with [`PlannedTarget::excluded`] set. Data
//! is captured once: what lies in a directory that another target captures is left to that target, but only where links
//! are known not to lead elsewhere; where that cannot be told, twice is better than never.

use std::path::{Path, PathBuf};

use super::paths::RealPaths;
use crate::domain::job::TargetKind;
use crate::domain::stack::{Bind, Container, ContainerState, Mount, MountKind, Stack, Volume};

/// One thing that a backup captures, or leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedTarget {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its name: a volume's name, a bind's host path, the stack's name.
    pub name: String,
    /// Where its data is.
    pub source: TargetSource,
    /// A container that mounts it, so that it can be streamed through the engine where the path cannot be read.
    pub reached_via: Option<ReachedVia>,
    /// Why it is not captured.
    pub excluded: Option<String>,
}

/// Where the data of a target is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetSource {
    /// Single files, as this process sees them.
    Files {
        /// The stack directory, which most of them lie in.
        root: Option<PathBuf>,
        /// The files.
        files: Vec<PathBuf>,
    },
    /// A directory, as this process sees it.
    Directory {
        /// The directory.
        path: PathBuf,
        /// Files within that another target captures.
        except: Vec<PathBuf>,
    },
    /// A volume.
    Volume {
        /// The engine's name for it.
        name: String,
        /// Where the host has its content whether or not a container runs. Absent for volumes that the engine mounts
        /// only while a container uses them: their directory is empty at rest, so they must be streamed.
        mountpoint: Option<PathBuf>,
    },
    /// A path of the host.
    Bind {
        /// The path, as the host calls it.
        host_path: PathBuf,
    },
}

/// A place in a container that shows a target's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachedVia {
    /// The container's id.
    pub container_id: String,
    /// The path in it.
    pub destination: PathBuf,
}

/// Plans the backup of a stack: compose files, data, volumes, binds, in this order. With `include_data` the stack
/// directory is captured whole; without, only the files that define the stack.
#[must_use]
pub fn plan_targets(stack: &Stack, real: &RealPaths, include_data: bool) -> Vec<PlannedTarget> {
    let plan = Plan { stack, real, include_data };
    let mut targets = vec![plan_compose(stack), plan_data(stack, include_data)];
    targets.extend(stack.volumes.iter().map(|volume| plan.volume(volume)));
    targets.extend(stack.binds.iter().map(|bind| plan.bind(bind)));
    targets
}

fn plan_compose(stack: &Stack) -> PlannedTarget {
    let has_files = !stack.compose_files.is_empty();
    PlannedTarget {
        kind: TargetKind::Compose,
        name: stack.name.to_string(),
        source: TargetSource::Files { root: stack.directory.clone(), files: stack.compose_files.clone() },
        reached_via: None,
        excluded: (!has_files).then(|| match stack.directory {
            Some(_) => "the stack directory has no compose file".to_owned(),
            None => "no compose file of the stack can be read from here".to_owned(),
        }),
    }
}

fn plan_data(stack: &Stack, include_data: bool) -> PlannedTarget {
    let excluded = match (&stack.directory, include_data) {
        (_, false) => Some("include_data is off".to_owned()),
        (None, true) => Some("the stack directory cannot be read from here".to_owned()),
        (Some(_), true) => None,
    };
    let path = stack.directory.clone().unwrap_or_default();
    let except = stack.compose_files.iter().filter(|file| file.starts_with(&path)).cloned().collect();
    PlannedTarget {
        kind: TargetKind::Data,
        name: stack.name.to_string(),
        source: TargetSource::Directory { path, except },
        reached_via: None,
        excluded,
    }
}

struct Plan<'a> {
    stack: &'a Stack,
    real: &'a RealPaths,
    include_data: bool,
}

impl Plan<'_> {
    fn bind(&self, bind: &Bind) -> PlannedTarget {
        let excluded = match &bind.excluded {
            Some(reason) => Some(reason.clone()),
            None if self.is_in_data(bind) => Some(self.explain_data()),
            None => self.find_parent(&bind.source).or_else(|| self.find_volume_around(&bind.source)),
        };
        PlannedTarget {
            kind: TargetKind::Bind,
            name: bind.source.display().to_string(),
            source: TargetSource::Bind { host_path: bind.source.clone() },
            reached_via: find_mount(self.stack, |mount| mount.kind == MountKind::Bind && mount.source == bind.source),
            excluded,
        }
    }

    fn volume(&self, volume: &Volume) -> PlannedTarget {
        let content = find_content(volume);
        let reached_via = find_mount(self.stack, |mount| mount.volume.as_deref() == Some(volume.name.as_str()));
        let excluded = if volume.options.get("type").is_some_and(|kind| kind == "tmpfs") {
            Some("it lives in memory".to_owned())
        } else if volume.mountpoint.is_none() && reached_via.is_none() {
            Some("it does not exist yet".to_owned())
        } else if content.is_some_and(|at| self.is_in_directory(at)) {
            Some(self.explain_data())
        } else {
            content.and_then(|at| self.find_parent(at))
        };
        PlannedTarget {
            kind: TargetKind::Volume,
            name: volume.name.clone(),
            source: TargetSource::Volume { name: volume.name.clone(), mountpoint: content.map(Path::to_owned) },
            reached_via,
            excluded,
        }
    }

    fn is_in_data(&self, bind: &Bind) -> bool {
        bind.is_inside_stack && self.stack.directory.is_some()
    }

    fn explain_data(&self) -> String {
        if self.include_data {
            "it lies in the stack directory and is captured with it".to_owned()
        } else {
            "it lies in the stack directory, and include_data is off".to_owned()
        }
    }

    /// The outermost bind with a target of its own that has `path` strictly within.
    fn find_parent(&self, path: &Path) -> Option<String> {
        let real = self.real.find(path)?;
        let own = self.stack.binds.iter().filter(|bind| bind.excluded.is_none() && !self.is_in_data(bind));
        let mut around =
            own.filter(|bind| self.real.find(&bind.source).is_some_and(|p| p != real && real.starts_with(p)));
        around.next().map(|bind| format!("it is captured as part of {}", bind.source.display()))
    }

    /// The volume whose content `path` is, or lies in.
    fn find_volume_around(&self, path: &Path) -> Option<String> {
        let real = self.real.find(path)?;
        let is_around = |volume: &&Volume| {
            let content = find_content(volume).and_then(|content| self.real.find(content));
            content.is_some_and(|content| real.starts_with(content))
        };
        let volume = self.stack.volumes.iter().find(is_around)?;
        Some(format!("it is captured as part of the volume {}", volume.name))
    }

    fn is_in_directory(&self, path: &Path) -> bool {
        let places = self.stack.directory.as_ref().and(self.real.directory()).zip(self.real.find(path));
        places.is_some_and(|(directory, real)| real.starts_with(directory))
    }
}

/// Where the host has a volume's content at all times; `None` when it must be streamed.
pub(crate) fn find_content(volume: &Volume) -> Option<&Path> {
    let option = |key: &str| volume.options.get(key).map(String::as_str).filter(|value| !value.is_empty());
    if volume.driver != "local" {
        return None;
    }
    let is_bind = option("o").is_some_and(|list| list.split(',').any(|word| matches!(word.trim(), "bind" | "rbind")));
    match (option("type"), option("device"), is_bind) {
        (None, None, _) => volume.mountpoint.as_deref(),
        (_, Some(device), true) => Some(Path::new(device)),
        _ => None,
    }
}

/// A container that mounts what `wanted` says: a lasting one rather than one of `compose run`.
fn find_mount(stack: &Stack, wanted: impl Fn(&Mount) -> bool) -> Option<ReachedVia> {
    let is_there = |c: &&Container| !matches!(c.state, ContainerState::Removing | ContainerState::Dead);
    let containers = stack.containers().map(|(_, container)| container).filter(is_there);
    let mut found: Vec<(&Container, &Mount)> =
        containers.filter_map(|c| Some((c, c.mounts.iter().find(|mount| wanted(mount))?))).collect();
    found.sort_by_key(|(container, _)| (container.is_oneoff, container.name.clone()));
    let (container, mount) = found.first()?;
    Some(ReachedVia { container_id: container.id.clone(), destination: mount.destination.clone() })
}

#[cfg(test)]
#[path = "targets_tests.rs"]
mod tests;
