//! Where data lies: for the container that uses it, for the host, and for Backrest.
//!
//! A label names paths as its own container sees them, Backrest reads them as its container sees them, and the mounts of
//! both say how one becomes the other. The longest mount that leads a path decides.

use std::path::{Component, Path, PathBuf};

use super::plan::{DEFAULT_DOCKER_ROOT, Settings};
use crate::domain::path_map::{PathMap, PathMapping};
use crate::domain::stack::{Mount, MountKind};

/// Directories of Backrest's own: what lies there is never somebody's data.
const OWN_OF_BACKREST: [&str; 4] = ["/data", "/config", "/cache", "/tmp"];
/// The longest path that is read, in bytes, as on every Linux.
const MAX_PATH_BYTES: usize = 4096;

/// Finds where Backrest sees what containers see.
pub(super) struct Places<'a> {
    settings: &'a Settings,
    /// The mounts of Backrest's container, where they are known.
    backrest: Option<PathMap>,
}

/// A path of the host, and the mount that it was found through.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    /// The path below a mount of the container.
    Mounted(&'a Mount, &'a Path),
    /// A path of the host itself.
    Host(&'a Path),
}

impl<'a> Places<'a> {
    pub(super) fn new(settings: &'a Settings, backrest_mounts: Option<&[Mount]>) -> Self {
        let is_data = |mount: &&Mount| matches!(mount.kind, MountKind::Volume | MountKind::Bind);
        let mapping = |mount: &Mount| PathMapping { host: mount.source.clone(), local: mount.destination.clone() };
        let backrest = backrest_mounts.map(|mounts| {
            let mounts = mounts.iter().filter(is_data).filter(|mount| mount.source.is_absolute());
            PathMap::Container(mounts.map(mapping).collect())
        });
        Self { settings, backrest }
    }

    /// The path that Backrest has to read.
    ///
    /// # Errors
    /// When Backrest's container has no such path, as the end of a sentence about it.
    pub(super) fn find(&self, place: Place<'_>) -> Result<PathBuf, String> {
        let said = self.as_said(place);
        let Some(map) = &self.backrest else {
            return said.ok_or_else(|| "the engine does not say where it lies".to_owned());
        };
        if self.settings.volume_prefix.is_some()
            && let Some(said) = said.clone().filter(|said| self.is_below_prefix(said))
        {
            return match map.find_host(&said) {
                Some(_) => Ok(said),
                None => Err(format!("Backrest's container has no '{}'", said.display())),
            };
        }
        let host = host_path(place).or_else(|| said.clone()).unwrap_or_default();
        let seen = map.find_local(&host).or_else(|| map.find_local(&said?));
        seen.ok_or_else(|| format!("Backrest's container does not see '{}' of the host", host.display()))
    }

    /// Whether Backrest's container has a mount over the path, and the path is not Backrest's own.
    pub(super) fn is_seen_by_backrest(&self, path: &Path) -> bool {
        let is_own = OWN_OF_BACKREST.iter().any(|own| path.starts_with(own));
        !is_own && self.backrest.as_ref().is_some_and(|map| map.find_host(path).is_some())
    }

    /// Whether bind mounts are left out where no label names the paths.
    pub(super) fn are_binds_unwanted(&self) -> bool {
        self.settings.exclude_bind_mounts
    }

    /// The path as the settings say that it is seen: the prefix of volumes and the engine's directory, where they are
    /// given, count more than what the engine says.
    fn as_said(&self, place: Place<'_>) -> Option<PathBuf> {
        let root = self.settings.docker_root.join("volumes");
        if let Place::Mounted(Mount { volume: Some(name), source, .. }, rest) = place {
            let is_told = self.settings.docker_root != Path::new(DEFAULT_DOCKER_ROOT) || !source.is_absolute();
            return match &self.settings.volume_prefix {
                Some(prefix) => Some(below(&prefix.join(name).join("_data"), rest)),
                None if is_told => Some(below(&root.join(name).join("_data"), rest)),
                None => Some(below(source, rest)),
            };
        }
        let host = host_path(place)?;
        let prefix = self.settings.volume_prefix.as_ref();
        let moved = prefix.and_then(|prefix| Some(below(prefix, host.strip_prefix(&root).ok()?)));
        Some(moved.unwrap_or(host))
    }

    fn is_below_prefix(&self, path: &Path) -> bool {
        self.settings.volume_prefix.as_ref().is_some_and(|prefix| path.starts_with(prefix))
    }
}

/// The path of the host, where the engine says it.
fn host_path(place: Place<'_>) -> Option<PathBuf> {
    match place {
        Place::Mounted(mount, rest) => mount.source.is_absolute().then(|| below(&mount.source, rest)),
        Place::Host(path) => Some(path.to_owned()),
    }
}

fn below(directory: &Path, rest: &Path) -> PathBuf {
    if rest.as_os_str().is_empty() { directory.to_owned() } else { directory.join(rest) }
}

/// The mounts that a path of the container lies in, and the rest of the path: the longest ones count. There are several
/// where the containers of one service mount different things at the same place.
pub(super) fn find_mounts<'a, 'p>(mounts: &[&'a Mount], path: &'p Path) -> Vec<(&'a Mount, &'p Path)> {
    let leading = mounts.iter().filter_map(|mount| Some((*mount, path.strip_prefix(&mount.destination).ok()?)));
    let depth = |mount: &Mount| mount.destination.components().count();
    let longest = leading.clone().map(|(mount, _)| depth(mount)).max();
    leading.filter(|(mount, _)| Some(depth(mount)) == longest).collect()
}

/// An absolute path without `.`, doubled or trailing slashes.
///
/// # Errors
/// When it leaves a directory with `..`, is not absolute, is too long or has control characters, as the end of a
/// sentence about it.
pub(super) fn normalise(text: &str) -> Result<PathBuf, &'static str> {
    if text.len() > MAX_PATH_BYTES {
        return Err("it is too long for a path");
    }
    if text.chars().any(char::is_control) {
        return Err("it has a control character in it");
    }
    let path = Path::new(text);
    if !path.is_absolute() {
        return Err("it is not absolute");
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err("it has '..' in it");
    }
    Ok(path.components().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(volume: Option<&str>, source: &str, destination: &str) -> Mount {
        Mount {
            kind: if volume.is_some() { MountKind::Volume } else { MountKind::Bind },
            volume: volume.map(str::to_owned),
            source: source.into(),
            destination: destination.into(),
            is_writable: true,
        }
    }

    fn pgdata() -> Mount {
        mount(Some("pgdata"), "/var/lib/docker/volumes/pgdata/_data", "/pg")
    }

    fn find(settings: &Settings, backrest: Option<&[Mount]>, mount: &Mount, rest: &str) -> Result<String, String> {
        let found = Places::new(settings, backrest).find(Place::Mounted(mount, Path::new(rest)));
        found.map(|path| path.display().to_string())
    }

    fn settings(root: &str, prefix: Option<&str>) -> Settings {
        Settings { docker_root: root.into(), volume_prefix: prefix.map(PathBuf::from), ..Settings::default() }
    }

    #[test]
    fn what_is_said_counts_more_than_what_the_engine_says() {
        let elsewhere = mount(Some("x"), "/disk2/docker/volumes/x/_data", "/x");
        let plain = settings(DEFAULT_DOCKER_ROOT, None);
        assert_eq!(find(&plain, None, &pgdata(), "base").as_deref(), Ok("/var/lib/docker/volumes/pgdata/_data/base"));
        assert_eq!(find(&plain, None, &elsewhere, "").as_deref(), Ok("/disk2/docker/volumes/x/_data"));
        assert_eq!(
            find(&plain, None, &mount(Some("y"), "", "/y"), "").as_deref(),
            Ok("/var/lib/docker/volumes/y/_data")
        );
        let told = settings("/mnt/docker", None);
        assert_eq!(find(&told, None, &pgdata(), "").as_deref(), Ok("/mnt/docker/volumes/pgdata/_data"));
        let moved = settings(DEFAULT_DOCKER_ROOT, Some("/docker_volumes"));
        assert_eq!(find(&moved, None, &elsewhere, "a").as_deref(), Ok("/docker_volumes/x/_data/a"));
        let bind = mount(None, "/var/lib/docker/volumes/b/_data", "/b");
        assert_eq!(find(&moved, None, &bind, "").as_deref(), Ok("/docker_volumes/b/_data"));
        assert_eq!(find(&moved, None, &mount(None, "/srv/b", "/b"), "").as_deref(), Ok("/srv/b"));
    }

    #[test]
    fn backrest_is_told_what_its_own_container_sees() {
        let backrest = [
            mount(None, "/var/lib/docker/volumes", "/docker_volumes"),
            mount(Some("special"), "/var/lib/docker/volumes/special/_data", "/special"),
            mount(None, "/srv", "/userdata"),
        ];
        let plain = settings(DEFAULT_DOCKER_ROOT, None);
        let see = |mount: &Mount, rest: &str| find(&plain, Some(&backrest), mount, rest);
        assert_eq!(see(&pgdata(), "base").as_deref(), Ok("/docker_volumes/pgdata/_data/base"));
        let special = mount(Some("special"), "/var/lib/docker/volumes/special/_data", "/s");
        assert_eq!(see(&special, "").as_deref(), Ok("/special"));
        assert_eq!(see(&mount(None, "/srv/wiki", "/w"), "").as_deref(), Ok("/userdata/wiki"));
        let unseen = see(&mount(None, "/opt/x", "/x"), "").expect_err("nowhere");
        assert_eq!(unseen, "Backrest's container does not see '/opt/x' of the host");
    }

    #[test]
    fn a_prefix_has_to_be_in_backrests_container() {
        let backrest = [mount(None, "/host_mnt/docker/volumes", "/docker_volumes")];
        let right = settings(DEFAULT_DOCKER_ROOT, Some("/docker_volumes"));
        assert_eq!(find(&right, Some(&backrest), &pgdata(), "").as_deref(), Ok("/docker_volumes/pgdata/_data"));
        let wrong = settings(DEFAULT_DOCKER_ROOT, Some("/volumes"));
        assert!(find(&wrong, Some(&backrest), &pgdata(), "").expect_err("no such").contains("no '/volumes/pgdata"));
    }

    #[test]
    fn the_longest_mount_counts() {
        let (outer, inner) = (mount(None, "/srv", "/data"), mount(None, "/media", "/data/media"));
        let replica = mount(None, "/media2", "/data/media");
        let mounts = [&outer, &inner, &replica];
        let found = |path: &'static str| -> Vec<(&str, &str)> {
            let all = find_mounts(&mounts, Path::new(path)).into_iter();
            all.filter_map(|(mount, rest)| Some((mount.source.to_str()?, rest.to_str()?))).collect()
        };
        assert_eq!(found("/data/media/a"), [("/media", "a"), ("/media2", "a")]);
        assert_eq!(found("/data/mediax"), [("/srv", "mediax")]);
        assert_eq!(found("/database"), []);
    }

    #[test]
    fn paths_are_put_in_order_and_lead_nowhere_else() {
        for (text, expected) in [("/a/b/", "/a/b"), ("/a//b/./c", "/a/b/c"), ("/", "/"), ("/a/..b", "/a/..b")] {
            assert_eq!(normalise(text).expect(text).to_str(), Some(expected));
        }
        for text in ["/a/../b", "/..", "a", "", "./a", "/a\nb", "/a\0", &format!("/{}", "x".repeat(5000))] {
            assert!(normalise(text).is_err(), "{text}");
        }
    }
}
