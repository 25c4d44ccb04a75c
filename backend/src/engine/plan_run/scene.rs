//! What the host runs at one moment, as far as a plan may name it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::discovery::View;
use crate::discovery::targets::{ReachedVia, find_content};
use crate::docker::own_container::find_own_container;
use crate::docker::{ContainerDetail, EngineVolume};
use crate::domain::path_map::PathMap;
use crate::domain::snapshot::StoredVolume;
use crate::domain::stack::{Container, ContainerState, Mount, MountKind, Stack, Volume};

use super::super::JobEngine;
use super::Stop;

/// What there is.
#[derive(Debug)]
pub(in crate::engine) struct Scene {
    pub(in crate::engine) view: Arc<View>,
    pub(in crate::engine) containers: Vec<Container>,
    volumes: Vec<EngineVolume>,
    pub(in crate::engine) paths: PathMap,
    /// Mainstay's own container.
    pub(in crate::engine) own: Option<ContainerDetail>,
}

/// Something of the host that containers may mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) enum Mounted {
    /// A volume, and where the host has its content when that is known.
    Volume(String, Option<PathBuf>),
    /// A path of the host.
    Path(PathBuf),
}

impl Scene {
    /// Looks now.
    pub(in crate::engine) async fn look(engine: &JobEngine) -> Result<Self, Stop> {
        let parts = &engine.0.parts;
        let view = parts.discovery.refresh().await;
        if !view.engine.reachable {
            let why = view.engine.error.as_deref().unwrap_or("no answer");
            return Err(Stop::failed(format!("the Docker Engine cannot be reached, so nothing was touched: {why}")));
        }
        if let Some(error) = &view.engine.volumes_error {
            // A volume that is not seen would be taken for gone.
            let why = format!("it is not known which volumes there are, so nothing was touched: {error}");
            return Err(Stop::failed(why));
        }
        let own = find_own_container(parts.docker.as_ref()).await.map_err(|e| {
            Stop::because("it cannot be told which container is Mainstay's own, so nothing was stopped", &e)
        })?;
        let (containers, volumes) = parts.discovery.found().await;
        Ok(Self { view, containers, volumes, paths: parts.discovery.path_map(), own })
    }

    pub(in crate::engine) fn find_container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|container| container.name == name)
    }

    /// A volume, and where the host has its content at all times.
    pub(in crate::engine) fn find_volume(&self, name: &str) -> Option<Mounted> {
        let found = self.volumes.iter().find(|volume| volume.name == name)?;
        let volume = Volume {
            name: found.name.clone(),
            driver: found.driver.clone(),
            mountpoint: Some(found.mountpoint.clone()),
            options: found.options.clone(),
            labels: found.labels.clone(),
            services: Vec::new(),
        };
        Some(Mounted::Volume(volume.name.clone(), find_content(&volume).map(Path::to_owned)))
    }

    /// How a volume was made.
    pub(super) fn describe_volume(&self, name: &str) -> Option<StoredVolume> {
        let found = self.volumes.iter().find(|volume| volume.name == name)?;
        let (driver, options, labels) = (found.driver.clone(), found.options.clone(), found.labels.clone());
        Some(StoredVolume { driver, options, labels })
    }

    /// The stack that a container is of.
    pub(in crate::engine) fn find_stack_of(&self, id: &str) -> Option<&Stack> {
        self.view.stacks.iter().find(|stack| stack.containers().any(|(_, container)| container.id == id))
    }

    /// The containers that mount something so that they may write to it.
    pub(in crate::engine) fn writers_of<'a>(&'a self, what: &'a Mounted) -> impl Iterator<Item = &'a Container> {
        let writes = move |mount: &Mount| mount.is_writable && what.overlaps(mount);
        self.containers.iter().filter(move |container| container.mounts.iter().any(writes))
    }

    /// The containers that mount something, those that run first.
    pub(in crate::engine) fn attached_to<'a>(&'a self, what: &'a Mounted) -> Vec<&'a Container> {
        let is_there = |c: &&Container| !matches!(c.state, ContainerState::Removing | ContainerState::Dead);
        let mounts = |c: &&Container| c.mounts.iter().any(|mount| what.find_below(mount).is_some());
        let mut found: Vec<&Container> = self.containers.iter().filter(is_there).filter(mounts).collect();
        found.sort_by_key(|c| (c.is_oneoff, c.state != ContainerState::Running, c.name.clone()));
        found
    }

    /// A place in a container that shows the data.
    pub(in crate::engine) fn find_way_to(&self, what: &Mounted) -> Option<ReachedVia> {
        let container = *self.attached_to(what).first()?;
        let destination = container.mounts.iter().find_map(|mount| what.find_below(mount))?;
        Some(ReachedVia { container_id: container.id.clone(), destination })
    }
}

impl Mounted {
    /// Where it is on the host, when that is known.
    pub(in crate::engine) fn host_path(&self) -> Option<&Path> {
        match self {
            Self::Volume(_, content) => content.as_deref(),
            Self::Path(path) => Some(path),
        }
    }

    /// Whether a mount shows some of it.
    pub(in crate::engine) fn overlaps(&self, mount: &Mount) -> bool {
        if let (Self::Volume(name, _), Some(volume)) = (self, &mount.volume)
            && name == volume
        {
            return true;
        }
        let is_a_path =
            matches!(mount.kind, MountKind::Bind | MountKind::Volume) && !mount.source.as_os_str().is_empty();
        let Some(own) = self.host_path().filter(|_| is_a_path) else { return false };
        mount.source.starts_with(own) || own.starts_with(&mount.source)
    }

    /// Where a container sees all of it through a mount.
    fn find_below(&self, mount: &Mount) -> Option<PathBuf> {
        match self {
            Self::Volume(name, _) => {
                (mount.volume.as_deref() == Some(name.as_str())).then(|| mount.destination.clone())
            }
            Self::Path(path) => {
                let is_bind = mount.kind == MountKind::Bind && !mount.source.as_os_str().is_empty();
                let rest = path.strip_prefix(&mount.source).ok().filter(|_| is_bind)?;
                let is_whole = rest.as_os_str().is_empty();
                Some(if is_whole { mount.destination.clone() } else { mount.destination.join(rest) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(kind: MountKind, source: &str, is_writable: bool) -> Mount {
        let volume = (kind == MountKind::Volume).then(|| "data".to_owned());
        Mount { kind, volume, source: source.into(), destination: "/srv".into(), is_writable }
    }

    #[test]
    fn a_mount_around_or_within_shows_some_of_a_path() {
        let path = Mounted::Path("/opt/app".into());
        for (source, overlaps, below) in [
            ("/opt/app", true, Some("/srv")),
            ("/opt", true, Some("/srv/app")),
            ("/opt/app/data", true, None),
            ("/opt/application", false, None),
            ("", false, None),
        ] {
            let mount = mount(MountKind::Bind, source, true);
            assert_eq!(path.overlaps(&mount), overlaps, "{source}");
            assert_eq!(path.find_below(&mount), below.map(PathBuf::from), "{source}");
        }
    }

    #[test]
    fn a_volume_is_known_by_its_name_and_by_its_place() {
        let volume = Mounted::Volume("data".into(), Some("/var/lib/docker/volumes/data/_data".into()));
        assert!(volume.overlaps(&mount(MountKind::Volume, "", true)));
        assert!(volume.overlaps(&mount(MountKind::Bind, "/var/lib/docker/volumes", true)));
        assert!(!volume.overlaps(&mount(MountKind::Bind, "/var/lib/dock", true)));
        assert_eq!(Mounted::Volume("other".into(), None).find_below(&mount(MountKind::Volume, "", true)), None);
    }
}
