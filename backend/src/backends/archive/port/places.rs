//! Where a source goes in the archive, and how it is read.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::domain::job::TargetKind;
use crate::domain::names::check_name;

use super::super::super::Source;
use super::super::{Patterns, TargetSpec, TreeOptions};

/// A source with its place.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) spec: TargetSpec,
    /// What is read, each with its place below the target.
    pub(super) trees: Vec<(PathBuf, TreeOptions)>,
}

/// The places of one run: a source has the same one in each pass, or nothing could be taken over.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Sources without a name that could be a directory's, in the order they were met.
    numbered: Vec<(TargetKind, String)>,
    /// Directories of ours, by device and inode.
    own_directories: Vec<(u64, u64)>,
    pub(super) patterns: Patterns,
}

impl Places {
    /// No place is taken yet; nothing of `own_directories` and `patterns` is captured.
    pub(super) fn new(own_directories: Vec<(u64, u64)>, patterns: Patterns) -> Self {
        Self { numbered: Vec::new(), own_directories, patterns }
    }

    /// The place of `source`, or why it has none.
    pub(super) fn place(&mut self, source: &Source) -> Result<Placed, String> {
        let archive_path = self.archive_path(source)?;
        let (root, ats) = roots(&source.paths).ok_or_else(|| "there is no path to read".to_owned())?;
        let trees = source.paths.iter().zip(ats).map(|(path, at)| (path.clone(), self.options(at)));
        let trees = trees.collect();
        let spec = TargetSpec { kind: source.kind, name: source.name.clone(), original_path: root, archive_path };
        Ok(Placed { spec, trees })
    }

    fn archive_path(&mut self, source: &Source) -> Result<String, String> {
        let name = || match check_name(&source.name) {
            Ok(()) => Ok(source.name.as_str()),
            Err(error) => Err(format!("its name cannot be that of a directory: {error}")),
        };
        Ok(match source.kind {
            TargetKind::Compose => format!("stacks/{}/compose", name()?),
            TargetKind::Data => format!("stacks/{}/data", name()?),
            TargetKind::Volume => format!("volumes/{}", name()?),
            TargetKind::Database => format!("databases/{}", name()?),
            TargetKind::Bind => format!("binds/{}", self.number(source)),
            TargetKind::Path => format!("paths/{}", self.number(source)),
        })
    }

    /// Counted from 1 among those of its kind.
    fn number(&mut self, source: &Source) -> usize {
        let of_kind = |known: &&(TargetKind, String)| known.0 == source.kind;
        let found = self.numbered.iter().filter(of_kind).position(|(_, name)| *name == source.name);
        found.map_or_else(
            || {
                self.numbered.push((source.kind, source.name.clone()));
                self.numbered.iter().filter(of_kind).count()
            },
            |position| position + 1,
        )
    }

    fn options(&self, at: String) -> TreeOptions {
        TreeOptions {
            at,
            own_directories: self.own_directories.clone(),
            patterns: self.patterns.clone(),
            ..TreeOptions::default()
        }
    }
}

/// What the target's place in the archive stands for, and where each path goes below it: a directory is the place
/// itself, a file keeps its name, and several paths keep theirs below what they have in common.
fn roots(paths: &[PathBuf]) -> Option<(PathBuf, Vec<String>)> {
    let first = paths.first()?;
    let is_single_tree = paths.len() == 1 && !first.is_file();
    let parent = |path: &PathBuf| path.parent().unwrap_or(path).to_owned();
    let root = if is_single_tree {
        first.clone()
    } else {
        paths.iter().map(parent).reduce(|one, other| common(&one, &other))?
    };
    let below = |path: &PathBuf| {
        let inside = path.strip_prefix(&root).map(Path::as_os_str).unwrap_or(OsStr::new(""));
        inside.to_string_lossy().into_owned()
    };
    let ats = paths.iter().map(below).collect();
    Some((root, ats))
}

fn common(one: &Path, other: &Path) -> PathBuf {
    one.components().zip(other.components()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(kind: TargetKind, name: &str, paths: &[&str]) -> Source {
        Source { kind, name: name.to_owned(), paths: paths.iter().map(PathBuf::from).collect(), is_live: true }
    }

    fn place(places: &mut Places, kind: TargetKind, name: &str) -> Result<String, String> {
        places.place(&source(kind, name, &["/nowhere"])).map(|placed| placed.spec.archive_path)
    }

    #[test]
    fn every_kind_has_its_place() {
        let mut places = Places::default();
        let mut at = |kind, name: &str| place(&mut places, kind, name).expect("a place");
        assert_eq!(at(TargetKind::Volume, "app-data"), "volumes/app-data");
        assert_eq!(at(TargetKind::Database, "db-1"), "databases/db-1");
        assert_eq!(at(TargetKind::Compose, "blog"), "stacks/blog/compose");
        assert_eq!(at(TargetKind::Data, "blog"), "stacks/blog/data");
        assert_eq!(at(TargetKind::Path, "/srv/a"), "paths/1");
        assert_eq!(at(TargetKind::Bind, "/srv/a"), "binds/1");
        assert_eq!(at(TargetKind::Path, "/srv/b"), "paths/2");
        assert_eq!(at(TargetKind::Path, "/srv/a"), "paths/1", "the same place in every pass");
    }

    #[test]
    fn no_name_leads_out_of_the_archive() {
        let mut places = Places::default();
        for name in ["..", "a/b", "../../etc", ""] {
            assert!(place(&mut places, TargetKind::Volume, name).is_err(), "{name}");
        }
        assert!(places.place(&source(TargetKind::Volume, "v", &[])).is_err());
    }

    #[test]
    fn paths_keep_their_place_below_what_they_have_in_common() {
        let ats = |paths: &[&str]| roots(&paths.iter().map(PathBuf::from).collect::<Vec<_>>()).expect("a root");
        assert_eq!(ats(&["/v/_data"]), ("/v/_data".into(), vec![String::new()]));
        let (root, places) = ats(&["/v/_data/a", "/v/_data/b/c"]);
        assert_eq!((root, places), ("/v/_data".into(), vec!["a".to_owned(), "b/c".to_owned()]));
        let directory = tempfile::tempdir().expect("a directory");
        let dump = directory.path().join("dump.sql");
        std::fs::write(&dump, "x").expect("a file");
        assert_eq!(roots(&[dump]), Some((directory.path().to_owned(), vec!["dump.sql".to_owned()])));
    }
}
