//! Host paths as the process sees them.
//!
//! The Docker Engine names paths of the host. When Mainstay runs in a container, a host path is readable only
//! under one of its own mounts: the longest mount source that leads the path decides.

use std::path::{Path, PathBuf};

/// One mount of Mainstay's own container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathMapping {
    /// Path on the host.
    pub host: PathBuf,
    /// Where the process sees it.
    pub local: PathBuf,
}

/// How host paths translate into paths of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathMap {
    /// The process runs on the host: paths are the same.
    Host,
    /// The process runs in a container with these mounts.
    Container(Vec<PathMapping>),
}

impl PathMap {
    /// Where this process finds `host_path`, or `None` when no mount leads there.
    #[must_use]
    pub fn find_local(&self, host_path: &Path) -> Option<PathBuf> {
        match self {
            Self::Host => Some(host_path.to_owned()),
            Self::Container(mappings) => longest_prefix(mappings, host_path, |m| (&m.host, &m.local)),
        }
    }

    /// What the host calls the path that this process calls `local_path`, or `None` when it is not from the host.
    #[must_use]
    pub fn find_host(&self, local_path: &Path) -> Option<PathBuf> {
        match self {
            Self::Host => Some(local_path.to_owned()),
            Self::Container(mappings) => longest_prefix(mappings, local_path, |m| (&m.local, &m.host)),
        }
    }
}

fn longest_prefix<'a>(
    mappings: &'a [PathMapping],
    path: &Path,
    sides: impl Fn(&'a PathMapping) -> (&'a PathBuf, &'a PathBuf),
) -> Option<PathBuf> {
    let (rest, to) = mappings
        .iter()
        .map(sides)
        .filter_map(|(from, to)| path.strip_prefix(from).ok().map(|rest| (from.components().count(), rest, to)))
        .max_by_key(|(depth, ..)| *depth)
        .map(|(_, rest, to)| (rest, to))?;
    Some(if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> PathMap {
        let mapping = |host: &str, local: &str| PathMapping { host: host.into(), local: local.into() };
        PathMap::Container(vec![
            mapping("/opt", "/host/opt"),
            mapping("/opt/stacks", "/stacks"),
            mapping("/opt/st", "/wrong"),
        ])
    }

    #[test]
    fn the_longest_prefix_wins() {
        for (host, local) in
            [("/opt/stacks/blog", "/stacks/blog"), ("/opt/stacks", "/stacks"), ("/opt/x", "/host/opt/x")]
        {
            assert_eq!(map().find_local(Path::new(host)), Some(local.into()), "{host}");
        }
    }

    #[test]
    fn a_prefix_counts_whole_components_only() {
        assert_eq!(map().find_local(Path::new("/opt/stacksx/y")), Some("/host/opt/stacksx/y".into()));
        assert_eq!(map().find_local(Path::new("/optical")), None);
    }

    #[test]
    fn the_way_back() {
        assert_eq!(map().find_host(Path::new("/stacks/blog")), Some("/opt/stacks/blog".into()));
        assert_eq!(map().find_host(Path::new("/var/lib")), None);
        assert_eq!(PathMap::Host.find_host(Path::new("/var/lib")), Some("/var/lib".into()));
    }
}
