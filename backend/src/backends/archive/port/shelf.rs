//! What lies in `backup_dir` of one instance: found by its name, and believed only by its manifest.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::super::FoundSnapshot;
use super::super::{ArchiveIndex, IndexError, Meter, rebuild_index, remove_archive};
use super::names::{ArchiveName, is_unfinished, node_mark};
use crate::domain::ids::JobId;
use crate::domain::job::{TargetResult, TargetState};
use crate::domain::names::InstanceId;

/// The place of an instance's archives.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    pub(super) directory: PathBuf,
    pub(super) instance: InstanceId,
    pub(super) node_name: String,
}

/// What a manifest says before its targets, as the port writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) instance: InstanceId,
    /// The installation's name.
    pub(super) host: String,
    pub(super) job_id: JobId,
    pub(super) created_at: DateTime<Utc>,
    pub(super) mainstay_version: String,
    pub(super) tags: Vec<String>,
    /// What was read.
    pub(super) paths: Vec<PathBuf>,
    /// Patterns that were asked for.
    pub(super) exclude_patterns: Vec<String>,
    /// How each target came out.
    pub(super) results: Vec<TargetResult>,
}

impl About {
    /// As the manifest takes it.
    pub(super) fn to_map(&self) -> Result<Map<String, Value>, serde_json::Error> {
        match serde_json::to_value(self)? {
            Value::Object(map) => Ok(map),
            _ => Ok(Map::new()),
        }
    }
}

/// An archive with a name of this instance.
#[derive(Debug, Clone)]
struct Named {
    path: PathBuf,
    name: ArchiveName,
}

impl Shelf {
    /// Every archive of the instance with what its manifest says, newest first, and a sentence on each that has such a
    /// name and cannot be judged. Those that another means made are left out.
    pub(super) fn list(&self, meter: &Meter) -> io::Result<(Vec<FoundSnapshot>, Vec<String>)> {
        let (mut found, mut doubts) = (Vec::new(), Vec::new());
        for named in self.named()? {
            if meter.is_cancelled() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            match read_about(&named.path, meter) {
                Ok(about) => found.extend(about.and_then(|about| self.judge(&named, about))),
                Err(error) => {
                    doubts
                        .push(format!("archive {} cannot be judged and is not touched: {error}", named.path.display()));
                }
            }
        }
        Ok((found, doubts))
    }

    /// Where the newest archive is that has a name of this instance.
    pub(super) fn find_newest(&self) -> Option<PathBuf> {
        Some(self.named().ok()?.into_iter().next()?.path)
    }

    /// Removes what a kill left unfinished; tells what.
    pub(super) fn sweep(&self) -> io::Result<Vec<String>> {
        let mark = node_mark(&self.node_name);
        let mut told = Vec::new();
        for (path, name) in self.files()? {
            if is_unfinished(&self.instance, &mark, &name) {
                told.push(match fs::remove_file(&path) {
                    Ok(()) => format!("removed the unfinished file {}", path.display()),
                    Err(error) => format!("the unfinished file {} could not be removed: {error}", path.display()),
                });
            }
        }
        Ok(told)
    }

    /// Removes the archive of a snapshot that [`Self::list`] found, with its index. Returns the bytes freed.
    pub(super) fn remove(snapshot: &FoundSnapshot) -> io::Result<u64> {
        let path = Path::new(&snapshot.reference);
        let size = path.symlink_metadata().map_or(0, |meta| meta.len());
        remove_archive(path).map(|()| size)
    }

    /// Archives by name, newest first.
    fn named(&self) -> io::Result<Vec<Named>> {
        let parse = |(path, name): (PathBuf, String)| {
            let name = ArchiveName::parse(&self.instance, &name)?;
            Some(Named { path, name })
        };
        let mut named: Vec<Named> = self.files()?.into_iter().filter_map(parse).collect();
        named.sort_by_key(|named| std::cmp::Reverse(named.name));
        Ok(named)
    }

    /// Ordinary files in the directory; a link is none.
    fn files(&self) -> io::Result<Vec<(PathBuf, String)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                files.push((entry.path(), name));
            }
        }
        Ok(files)
    }

    fn judge(&self, named: &Named, about: About) -> Option<FoundSnapshot> {
        let reference = named.path.to_str()?.to_owned();
        let is_whole = |result: &TargetResult| matches!(result.state, TargetState::Succeeded | TargetState::Skipped);
        let is_complete = named.name.is_whole && about.results.iter().all(is_whole);
        let is_ours = about.host == self.node_name;
        let found = FoundSnapshot {
            reference,
            at: about.created_at,
            is_ours,
            is_adopted: false,
            is_complete,
            host: about.host,
            paths: about.paths,
            tags: about.tags,
        };
        (about.instance == self.instance).then_some(found)
    }
}

/// What the archive says of itself; `None` when another means made it. An index that is missing is made anew, which
/// reads the archive.
fn read_about(archive: &Path, meter: &Meter) -> Result<Option<About>, IndexError> {
    let index = match ArchiveIndex::open(archive) {
        Err(IndexError::Unusable(_)) => {
            rebuild_index(archive, meter)?;
            ArchiveIndex::open(archive)?
        }
        opened => opened?,
    };
    Ok(serde_json::from_value(Value::Object(index.about()?)).ok())
}
