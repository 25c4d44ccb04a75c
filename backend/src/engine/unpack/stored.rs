//! Where a repository has the targets of a snapshot, for snapshots of which that was not recorded: guessed from the paths,
//! by the names that runs have always given them.

use std::path::{Component, Path, PathBuf};

use crate::domain::job::{TargetKind, TargetResult, TargetState};
use crate::domain::path_map::PathMap;
use crate::domain::snapshot::{StoredPart, StoredTarget};

/// Finds each target that was captured among the paths of a snapshot. What is found nowhere is left out.
pub(super) fn guess(targets: &[TargetResult], paths: &[PathBuf], map: &PathMap) -> Vec<StoredTarget> {
    let was_captured = |target: &&TargetResult| matches!(target.state, TargetState::Succeeded | TargetState::Partial);
    let guessed = targets.iter().filter(was_captured).map(|target| guess_one(target, paths, map));
    guessed.filter(|target| !target.parts.is_empty()).collect()
}

fn guess_one(target: &TargetResult, paths: &[PathBuf], map: &PathMap) -> StoredTarget {
    let (kind, name) = (target.kind, target.name.clone());
    let parts = paths.iter().filter_map(|path| {
        let at = place_of(kind, &name, path, map)?;
        Some(StoredPart { at, stored: path.clone() })
    });
    let parts: Vec<StoredPart> = parts.collect();
    let host_path = match kind {
        TargetKind::Bind | TargetKind::Path => Some(PathBuf::from(&name)),
        _ => None,
    };
    StoredTarget { kind, name, host_path, parts, volume: None }
}

/// Where a path of the snapshot belongs below a target, if it is of that target.
fn place_of(kind: TargetKind, name: &str, path: &Path, map: &PathMap) -> Option<PathBuf> {
    let staged = |place: &[&str]| rest_after(path, place);
    match kind {
        TargetKind::Volume => rest_after(path, &["volumes", name, "_data"])
            .or_else(|| staged(&["vol", name]))
            .or_else(|| staged(&["volume", name])),
        // The directory of a dump holds that one file.
        TargetKind::Database => staged(&["dbs", name]).or_else(|| staged(&["db", name])).map(|_| PathBuf::new()),
        TargetKind::Bind | TargetKind::Path => {
            let local = map.find_local(Path::new(name)).unwrap_or_else(|| name.into());
            let inside = path.strip_prefix(&local).or_else(|_| path.strip_prefix(name)).ok().map(Path::to_owned);
            let below: Vec<&str> = name.split('/').filter(|part| !part.is_empty()).collect();
            inside.or_else(|| staged(&[&["paths"], below.as_slice()].concat()))
        }
        TargetKind::Data => {
            let is_directory_of_it = path.file_name().is_some_and(|last| last == name);
            staged(&["stacks", name, "data"]).or_else(|| is_directory_of_it.then(PathBuf::new))
        }
        TargetKind::Compose => {
            let is_in_directory_of_it = path.parent().and_then(Path::file_name).is_some_and(|above| above == name);
            let file = || path.file_name().filter(|_| is_in_directory_of_it).map(PathBuf::from);
            staged(&["stacks", name, "compose"]).or_else(file)
        }
    }
}

/// What comes in `path` after these names.
fn rest_after(path: &Path, names: &[&str]) -> Option<PathBuf> {
    let parts: Vec<Component<'_>> = path.components().collect();
    let is_there = |window: &[Component<'_>]| window.iter().zip(names).all(|(part, name)| part.as_os_str() == *name);
    let at = parts.windows(names.len()).rposition(is_there)?;
    Some(parts[at + names.len()..].iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_by_the_names_of_their_paths() {
        let table = [
            (TargetKind::Volume, "data", "/var/lib/docker/volumes/data/_data", Some("")),
            (TargetKind::Volume, "data", "/var/lib/docker/volumes/data/_data/etc/a", Some("etc/a")),
            (TargetKind::Volume, "data", "/var/lib/docker/volumes/data2/_data", None),
            (TargetKind::Volume, "data", "/staging/nas/data/vol/data", Some("")),
            (TargetKind::Volume, "data", "/backup/nas/20251116-030000/volume/data/etc", Some("etc")),
            (TargetKind::Database, "db-1", "/staging/nas/dumps/dbs/db-1/dump.sql", Some("")),
            (TargetKind::Path, "/srv/a", "/srv/a", Some("")),
            (TargetKind::Path, "/srv/a", "/srv/a/b", Some("b")),
            (TargetKind::Path, "/srv/a", "/srv/ab", None),
            (TargetKind::Path, "/srv/a", "/staging/nas/data/paths/srv/a", Some("")),
            (TargetKind::Data, "blog", "/opt/stacks/blog", Some("")),
            (TargetKind::Compose, "blog", "/opt/stacks/blog/compose.yaml", Some("compose.yaml")),
            (TargetKind::Compose, "blog", "/opt/stacks/blog", None),
        ];
        for (kind, name, path, at) in table {
            assert_eq!(place_of(kind, name, Path::new(path), &PathMap::Host), at.map(PathBuf::from), "{path}");
        }
    }
}
