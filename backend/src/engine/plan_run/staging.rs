//! The staging directory of an instance: where it is, that it is private, and that nothing stays in it.
//!
//! ```text
//! <staging_dir>/<instance>/data/…            what could not be read in place, for backends that read in place
//! <staging_dir>/<instance>/dumps/dbs/<container>/dump.*
//! <staging_dir>/<instance>/beforehand/…      what was copied while everything ran, until the copy at rest has taken it over
//! <staging_dir>/<instance>/<YYYYMMDD-HHMMSS>/{vol,dbs,stacks,paths}/…   for backends that read staged data
//! ```
//!
//! The first two keep their paths from run to run, so that what reads them knows what it has seen before. A kill leaves
//! them behind; the next start removes them.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::backends::Reads;
use crate::domain::names::InstanceId;

const DATA: &str = "data";
const DUMPS: &str = "dumps";
const BEFOREHAND: &str = "beforehand";
/// How the directory of a run is called, in the plan's zone.
const STAMP: &str = "%Y%m%d-%H%M%S";

/// The directories of one run.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Staging {
    root: PathBuf,
    /// Where data goes.
    pub(super) data: PathBuf,
    /// Where data goes that is copied while everything runs.
    pub(super) beforehand: PathBuf,
    /// Where dumps go.
    pub(super) dumps: PathBuf,
    /// The directory of this run alone.
    pub(super) run: PathBuf,
}

impl Staging {
    pub(super) fn of(staging_dir: &Path, instance: &InstanceId, reads: Reads, at: DateTime<Utc>, zone: Tz) -> Self {
        let root = staging_dir.join(instance.as_str());
        let run = root.join(at.with_timezone(&zone).format(STAMP).to_string());
        let (data, dumps) = match reads {
            Reads::Staged => (run.clone(), run.clone()),
            Reads::InPlace => (root.join(DATA), root.join(DUMPS)),
        };
        Self { data, beforehand: root.join(BEFOREHAND), dumps, run, root }
    }

    /// Makes the instance's directory and empties it of what a kill left. Blocks on the file system.
    pub(super) fn prepare(&self) -> io::Result<()> {
        if let Some(parent) = self.root.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        make_private(&self.root)?;
        clear(&self.root)
    }

    /// The directory of a database's dump, made and empty. Blocks on the file system.
    pub(super) fn make_dump_directory(&self, container: &str) -> io::Result<PathBuf> {
        make_below(&self.root, &self.dumps.join("dbs").join(container))
    }

    /// The directory `place` below `top`, which is one of ours, made with everything above it. Blocks on the file system.
    pub(super) fn make_directory(&self, top: &Path, place: &Path) -> io::Result<PathBuf> {
        make_below(&self.root, &top.join(place))
    }

    /// Removes what is left of the copies made while everything ran. Blocks on the file system.
    pub(super) fn remove_beforehand(&self) -> io::Result<()> {
        clear_of(&self.root, |name| name == BEFOREHAND)
    }

    /// Removes what was put at `place`, with all below it. Blocks on the file system.
    pub(super) fn remove_data(&self, place: &Path) -> io::Result<()> {
        let path = self.data.join(place);
        match std::fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(path),
            Ok(_) => std::fs::remove_file(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Removes all of it. Blocks on the file system.
    pub(super) fn remove(&self) -> io::Result<()> {
        clear(&self.root)?;
        // Something of the user's own may be in it.
        std::fs::remove_dir(&self.root).or_else(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })
    }
}

/// Removes what a kill left in the staging directory of an instance. Blocks on the file system.
pub(super) fn clear_left(staging_dir: &Path, instance: &InstanceId) -> io::Result<()> {
    clear(&staging_dir.join(instance.as_str()))
}

/// Removes what runs make in the directory of an instance, and nothing else.
fn clear(root: &Path) -> io::Result<()> {
    clear_of(root, is_ours)
}

/// Removes the directories of the names that are meant. Links are never followed.
fn clear_of(root: &Path, is_meant: impl Fn(&str) -> bool) -> io::Result<()> {
    match std::fs::symlink_metadata(root) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return Err(not_a_directory(root)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(&is_meant) && entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn is_ours(name: &str) -> bool {
    matches!(name, DATA | DUMPS | BEFOREHAND) || chrono::NaiveDateTime::parse_from_str(name, STAMP).is_ok()
}

/// Makes every directory from below `root` down to `path`, none of them a link.
fn make_below(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let below = path.strip_prefix(root).map_err(io::Error::other)?;
    let mut made = root.to_owned();
    for component in below.components() {
        made.push(component);
        make_private(&made)?;
    }
    Ok(made)
}

fn make_private(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if std::fs::symlink_metadata(path)?.is_dir() {
                Ok(())
            } else {
                Err(not_a_directory(path))
            }
        }
        made => made,
    }
}

fn not_a_directory(path: &Path) -> io::Error {
    io::Error::other(format!("{} is a link or a file, and must be a directory of Mainstay's own", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn staging(root: &Path, reads: Reads) -> Staging {
        Staging::of(root, &"nas".parse().expect("an id"), reads, DateTime::UNIX_EPOCH, Tz::Europe__Berlin)
    }

    #[test]
    fn what_runs_make_goes_and_the_rest_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let staged = staging(directory.path(), Reads::Staged);
        staged.prepare().expect("prepared");
        assert!(staged.run.ends_with("nas/19700101-010000"));
        let dump = staged.make_dump_directory("db").expect("made");
        assert_eq!(dump, staged.run.join("dbs/db"));
        assert_eq!(std::fs::metadata(&dump).expect("there").permissions().mode() & 0o777, 0o700);
        let in_place = staging(directory.path(), Reads::InPlace);
        in_place.make_directory(&in_place.data, Path::new("vol/a")).expect("made");
        std::fs::write(directory.path().join("nas/note"), "mine").expect("written");
        clear_left(directory.path(), &"nas".parse().expect("an id")).expect("cleared");
        let left: Vec<_> = std::fs::read_dir(directory.path().join("nas")).expect("listed").flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        in_place.remove().expect("removed");
        assert!(directory.path().join("nas/note").exists());
    }

    #[test]
    fn nothing_is_made_or_removed_behind_a_link() {
        let directory = tempfile::tempdir().expect("a directory");
        let (outside, root) = (directory.path().join("outside"), directory.path().join("staging"));
        std::fs::create_dir_all(outside.join("data")).expect("made");
        std::fs::create_dir(&root).expect("made");
        symlink(&outside, root.join("nas")).expect("linked");
        let staging = staging(&root, Reads::InPlace);
        assert!(staging.prepare().is_err() && staging.remove().is_err());
        assert!(outside.join("data").exists());
        std::fs::remove_file(root.join("nas")).expect("removed");
        staging.prepare().expect("prepared");
        symlink(&outside, root.join("nas/data")).expect("linked");
        assert!(staging.make_directory(&staging.data, Path::new("vol")).is_err());
        staging.remove().expect("a link of that name is left alone");
        assert!(outside.join("data").exists());
    }
}
