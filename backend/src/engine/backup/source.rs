//! From what discovery plans to what the capture reads.
//!
//! A path that can be read from here is read directly: that keeps everything a file system knows. What cannot is
//! streamed through the engine's archive API, out of a container that mounts it and need not run.

use std::path::{Path, PathBuf};

use crate::backends::archive::{Exclude, TargetSpec, TreeOptions};
use crate::discovery::paths::find_within;
use crate::discovery::targets::{PlannedTarget, ReachedVia, TargetSource};
use crate::domain::job::TargetKind;
use crate::domain::path_map::PathMap;

/// One target, and how it is read.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) spec: TargetSpec,
    pub(super) from: From,
    /// Where it is on the host, as far as it is a path there.
    pub(super) host_path: Option<PathBuf>,
}

/// How a target is read.
#[derive(Debug, Clone)]
pub(super) enum From {
    /// These trees or files, each at its place below the target.
    Trees(Vec<(PathBuf, TreeOptions)>),
    /// A path of a container, through the engine.
    Stream(ReachedVia),
    /// It cannot be reached; the sentence says why.
    Nothing(String),
}

/// Directories of Mainstay's own that are never captured: an archive must not hold itself.
#[derive(Debug, Clone)]
pub(super) struct OwnDirectories(pub(super) Vec<PathBuf>);

/// How each target that is wanted is read.
pub(super) fn sources(targets: &[PlannedTarget], paths: &PathMap, own: &OwnDirectories) -> Vec<Source> {
    let wanted = targets.iter().filter(|t| t.excluded.is_none());
    let mut binds = 0;
    let mut place = |target: &PlannedTarget| match target.kind {
        TargetKind::Compose => "compose".to_owned(),
        TargetKind::Data => "data".to_owned(),
        TargetKind::Volume => format!("volumes/{}", target.name),
        TargetKind::Bind => {
            binds += 1;
            format!("binds/{binds}")
        }
        TargetKind::Database => format!("databases/{}", target.name),
        TargetKind::Path => target.name.trim_start_matches('/').to_owned(),
    };
    wanted.map(|target| source(target, place(target), paths, own)).collect()
}

fn source(target: &PlannedTarget, archive_path: String, paths: &PathMap, own: &OwnDirectories) -> Source {
    let (from, host_path) = match &target.source {
        TargetSource::Files { root, files } => (From::Trees(files_at(root.as_deref(), files)), None),
        TargetSource::Directory { path, except } => {
            let mut options = own.below(path, paths);
            let except = except.iter().cloned().map(|path| Exclude { path, reason: "it is in compose/".to_owned() });
            options.excludes.extend(except);
            (From::Trees(vec![(path.clone(), options)]), paths.find_host(path))
        }
        TargetSource::Volume { mountpoint, .. } => {
            (reach(target, mountpoint.as_deref(), paths, own), mountpoint.clone())
        }
        TargetSource::Bind { host_path } => (reach(target, Some(host_path), paths, own), Some(host_path.clone())),
    };
    let original_path = match &target.source {
        TargetSource::Files { root, .. } => root.clone().unwrap_or_default(),
        TargetSource::Directory { path, .. } => path.clone(),
        _ => host_path.clone().unwrap_or_default(),
    };
    let spec = TargetSpec { kind: target.kind, name: target.name.clone(), original_path, archive_path };
    Source { spec, from, host_path }
}

fn reach(target: &PlannedTarget, host_path: Option<&Path>, paths: &PathMap, own: &OwnDirectories) -> From {
    let local = host_path.and_then(|path| paths.find_local(path)).filter(|path| is_readable(path));
    match (local, &target.reached_via) {
        (Some(path), _) => {
            let options = own.below(&path, paths);
            From::Trees(vec![(path, options)])
        }
        (None, Some(via)) => From::Stream(via.clone()),
        (None, None) => From::Nothing(
            "it cannot be read from here, and no container mounts it through which the engine could read it".to_owned(),
        ),
    }
}

/// Whether a path is there and this process may look into it.
fn is_readable(path: &Path) -> bool {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => std::fs::read_dir(path).is_ok(),
        Ok(_) => std::fs::File::open(path).is_ok(),
        Err(_) => false,
    }
}

/// Files below the stack directory keep their place; those from elsewhere go below `outside/`, by their whole path.
fn files_at(root: Option<&Path>, files: &[PathBuf]) -> Vec<(PathBuf, TreeOptions)> {
    let place = |file: &Path| match root.and_then(|root| file.strip_prefix(root).ok()) {
        Some(inside) => inside.display().to_string(),
        None => format!("outside/{}", file.display().to_string().trim_start_matches('/')),
    };
    files.iter().map(|file| (file.clone(), TreeOptions { at: place(file), ..TreeOptions::default() })).collect()
}

impl OwnDirectories {
    fn below(&self, root: &Path, paths: &PathMap) -> TreeOptions {
        let inside = self.0.iter().filter_map(|own| find_within(paths, own, root));
        let exclude = |path| Exclude { path, reason: "Mainstay's own directory".to_owned() };
        TreeOptions { excludes: inside.map(exclude).collect(), ..TreeOptions::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::path_map::PathMapping;

    fn bind(path: &str, via: bool) -> PlannedTarget {
        PlannedTarget {
            kind: TargetKind::Bind,
            name: path.to_owned(),
            source: TargetSource::Bind { host_path: path.into() },
            reached_via: via.then(|| ReachedVia { container_id: "c1".into(), destination: "/data".into() }),
            excluded: None,
        }
    }

    #[test]
    fn what_can_be_read_is_read_and_the_rest_is_streamed() {
        let directory = tempfile::tempdir().expect("a directory");
        let local = directory.path().to_owned();
        let map = PathMap::Container(vec![PathMapping { host: "/host".into(), local: local.clone() }]);
        std::fs::create_dir_all(local.join("a/backups")).expect("made");
        let own = OwnDirectories(vec![local.join("a/backups")]);
        let targets = [bind("/host/a", true), bind("/elsewhere", true), bind("/elsewhere", false)];
        let found = sources(&targets, &map, &own);
        let places: Vec<&str> = found.iter().map(|s| s.spec.archive_path.as_str()).collect();
        assert_eq!(places, ["binds/1", "binds/2", "binds/3"]);
        assert!(
            matches!(&found[0].from, From::Trees(trees) if trees[0].0 == local.join("a") && trees[0].1.excludes.len() == 1)
        );
        assert!(matches!(&found[1].from, From::Stream(via) if via.container_id == "c1"));
        assert!(matches!(&found[2].from, From::Nothing(_)));
    }

    #[test]
    fn compose_files_keep_their_place() {
        let files = ["/s/blog/compose.yaml".into(), "/s/blog/conf/web.yml".into(), "/etc/common.yml".into()];
        let places: Vec<String> = files_at(Some(Path::new("/s/blog")), &files).into_iter().map(|(_, o)| o.at).collect();
        assert_eq!(places, ["compose.yaml", "conf/web.yml", "outside/etc/common.yml"]);
    }
}
