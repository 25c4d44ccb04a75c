//! What paths really are, behind links and behind the mounts of Mainstay's own container.
//!
//! Whether data is captured with the directory around it can only be told from real paths: an archive keeps a link as a
//! link, not what it leads to. Every answer may be "not known", and then nothing may be left out.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::targets::find_content;
use crate::domain::path_map::PathMap;
use crate::domain::stack::Stack;

/// The real host paths behind the paths of one stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RealPaths {
    directory: Option<PathBuf>,
    known: BTreeMap<PathBuf, PathBuf>,
}

impl RealPaths {
    /// Looks at every path of a stack. Blocks on the file system.
    #[must_use]
    pub fn look(stack: &Stack, path_map: &PathMap) -> Self {
        let binds = stack.binds.iter().map(|bind| bind.source.as_path());
        let all = binds.chain(stack.volumes.iter().filter_map(find_content));
        Self {
            directory: stack.directory.as_deref().and_then(|directory| find_real_host(path_map, directory)),
            known: all.filter_map(|path| Some((path.to_owned(), resolve(path_map, path)?))).collect(),
        }
    }

    /// Real paths as told, for a stack directory and others.
    #[must_use]
    pub fn of(directory: Option<PathBuf>, known: impl IntoIterator<Item = (PathBuf, PathBuf)>) -> Self {
        Self { directory, known: known.into_iter().collect() }
    }

    /// The real host path behind a host path; `None` when it cannot be told.
    #[must_use]
    pub fn find(&self, path: &Path) -> Option<&Path> {
        self.known.get(path).map(PathBuf::as_path)
    }

    /// The real host path of the stack directory.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }
}

/// The host path behind `host_path` with every link resolved; `None` when this process cannot tell.
pub(crate) fn resolve(path_map: &PathMap, host_path: &Path) -> Option<PathBuf> {
    find_real_host(path_map, &path_map.find_local(host_path)?)
}

/// What the host calls a path of this process, with every link resolved.
pub(crate) fn find_real_host(path_map: &PathMap, local: &Path) -> Option<PathBuf> {
    path_map.find_host(&local.canonicalize().ok()?)
}

/// Whether a host path lies in a directory of this process, so that whoever captures the directory captures it.
pub(crate) fn is_inside(path_map: &PathMap, host_path: &Path, directory: &Path) -> bool {
    if let (Some(real), Some(root)) = (resolve(path_map, host_path), find_real_host(path_map, directory)) {
        return real.starts_with(root);
    }
    // A path that is not there yet has no links; one that is there and cannot be followed may lead anywhere.
    let local = path_map.find_local(host_path);
    let is_missing = local
        .is_none_or(|local| matches!(local.symlink_metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound));
    is_missing && path_map.find_host(directory).is_some_and(|root| host_path.starts_with(root))
}

/// Where a walk of `root` would meet the directory `own`, which this process may know by another path: the backups of
/// a Mainstay that runs as a stack lie below its stack directory, and at `/backups` too. Both are paths of this
/// process.
#[must_use]
pub fn find_within(path_map: &PathMap, own: &Path, root: &Path) -> Option<PathBuf> {
    let (real_own, real_root) = (find_real_host(path_map, own)?, find_real_host(path_map, root)?);
    Some(root.join(real_own.strip_prefix(real_root).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::path_map::PathMapping;

    #[test]
    fn links_decide_what_is_inside() {
        let dir = tempfile::tempdir().expect("a directory");
        let base = dir.path().canonicalize().expect("a path");
        for name in ["real/stack/data", "elsewhere"] {
            std::fs::create_dir_all(base.join(name)).expect("made");
        }
        let link = |target: &str, at: &str| std::os::unix::fs::symlink(target, base.join(at)).expect("a link");
        link("real/stack", "stack");
        link("../../elsewhere", "real/stack/away");
        link("/no/such/path", "real/stack/dangling");
        let container = PathMap::Container(vec![PathMapping { host: "/host".into(), local: base.clone() }]);
        for (name, expected) in [
            ("stack/data", true),
            ("real/stack/data", true),
            ("stack/new", true),
            ("stack/away", false),
            ("stack/dangling", false),
            ("elsewhere", false),
            ("stack2", false),
        ] {
            assert_eq!(is_inside(&PathMap::Host, &base.join(name), &base.join("stack")), expected, "{name}");
            assert_eq!(is_inside(&container, &Path::new("/host").join(name), &base.join("stack")), expected, "{name}");
        }
        assert_eq!(resolve(&container, Path::new("/host/stack/data")), Some("/host/real/stack/data".into()));
        assert_eq!(resolve(&container, Path::new("/other")), None);
    }

    #[test]
    fn a_directory_is_met_under_another_name() {
        let dir = tempfile::tempdir().expect("a directory");
        let base = dir.path().canonicalize().expect("a path");
        for name in ["stacks/mainstay/backups", "backups", "other"] {
            std::fs::create_dir_all(base.join(name)).expect("made");
        }
        let mapping = |host: &str, local: &str| PathMapping { host: host.into(), local: base.join(local) };
        let map = PathMap::Container(vec![
            mapping("/opt/stacks", "stacks"),
            mapping("/opt/stacks/mainstay/backups", "backups"),
        ]);
        let find = |own: &str| find_within(&map, &base.join(own), &base.join("stacks/mainstay"));
        assert_eq!(find("backups"), Some(base.join("stacks/mainstay/backups")));
        assert_eq!(find("stacks/mainstay/backups"), Some(base.join("stacks/mainstay/backups")));
        assert_eq!(find("other"), None);
        assert_eq!(find("stacks"), None);
    }
}
