//! How the container of an image gets at the staged data.
//!
//! The engine knows paths of its own host. A service that runs on that host calls them the same; one that runs in a
//! container finds them among its own mounts. Where neither helps, the data goes through a volume.

use std::path::{Path, PathBuf};

use crate::docker::ContainerEngine;
use crate::docker::own_container::{find_own_container, path_map_of};
use crate::domain::path_map::PathMap;

/// Where the engine finds the staged data of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In this directory of its host.
    Host(PathBuf),
    /// Nowhere yet: it has to be copied into a volume.
    Volume,
}

/// Finds the place of a directory of this process. An engine that cannot tell leaves the volume, which always works.
pub(super) async fn find(engine: &dyn ContainerEngine, local: &Path) -> Place {
    match find_own_container(engine).await {
        Ok(own) => of(&own.as_ref().map_or(PathMap::Host, path_map_of), local),
        Err(error) => {
            tracing::warn!(%error, "whether this is a container is not known: staged data goes through a volume");
            Place::Volume
        }
    }
}

/// A volume's place on the host serves as well as a bind's: to mount the volume by its name would show all of it.
fn of(map: &PathMap, local: &Path) -> Place {
    map.find_host(local).map_or(Place::Volume, Place::Host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::path_map::PathMapping;

    #[test]
    fn the_place_is_found_among_our_own_mounts() {
        let local = Path::new("/backup/photos");
        let mounted =
            |host: &str, local: &str| PathMap::Container(vec![PathMapping { host: host.into(), local: local.into() }]);
        assert_eq!(of(&PathMap::Host, local), Place::Host(local.into()));
        assert_eq!(of(&mounted("/srv/staging", "/backup"), local), Place::Host("/srv/staging/photos".into()));
        let volume = "/var/lib/docker/volumes/staging/_data";
        assert_eq!(of(&mounted(volume, "/backup"), local), Place::Host(format!("{volume}/photos").into()));
        assert_eq!(of(&mounted("/srv", "/data"), local), Place::Volume);
    }
}
