//! The directory of a drill, below the staging directory.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::domain::ids::JobId;
use crate::domain::job::TargetKind;
use crate::domain::log::Level;

use super::super::live::LiveJob;
use super::super::steps::Stop;
use super::super::unpack::{Contents, Place, remove_unpacked};

/// The beginning of its name; the job's id follows.
const PREFIX: &str = ".mainstay-drill-";

pub(super) struct Scratch {
    pub(super) root: PathBuf,
}

impl Scratch {
    /// A new directory that only the owner may enter: it holds everything that the stack keeps.
    pub(super) async fn make(staging: &Path, job: &JobId) -> Result<Self, Stop> {
        let root = staging.join(format!("{PREFIX}{job}"));
        let made = root.clone();
        let made = tokio::task::spawn_blocking(move || fs::DirBuilder::new().mode(0o700).recursive(true).create(made));
        made.await
            .unwrap_or_else(|e| Err(io::Error::other(e)))
            .map_err(|e| Stop::because(&format!("{} could not be made", root.display()), &e))?;
        Ok(Self { root })
    }

    /// A place for each target: a number below a directory for its kind, because a name may be anything.
    pub(super) async fn places(&self, contents: &Contents) -> Result<Vec<Place>, Stop> {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let mut places = Vec::new();
        for target in &contents.targets {
            let directory = directory_of(target.kind);
            let number = numbers.entry(directory).or_default();
            *number += 1;
            let to = self.root.join(directory).join(number.to_string());
            places.push(Place { kind: target.kind, name: target.name.clone(), paths: Vec::new(), to });
        }
        let parents: Vec<PathBuf> = numbers.keys().map(|directory| self.root.join(directory)).collect();
        let made = tokio::task::spawn_blocking(move || parents.iter().try_for_each(fs::create_dir_all));
        let made = made.await.unwrap_or_else(|e| Err(io::Error::other(e)));
        made.map_err(|e| Stop::because("the directories of the drill could not be made", &e))?;
        Ok(places)
    }

    pub(super) async fn remove(self, live: &LiveJob) {
        let shown = self.root.display().to_string();
        let removed = tokio::task::spawn_blocking(move || remove_unpacked(&self.root)).await;
        if let Err(error) = removed.unwrap_or_else(|e| Err(io::Error::other(e))) {
            live.log.write(
                Level::Warning,
                format!("{shown} could not be removed, which is tried again at the next start: {error}"),
            );
        }
    }
}

/// Where a kind of target lies below the root.
const fn directory_of(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Compose => "compose",
        TargetKind::Data => "data",
        TargetKind::Volume => "volumes",
        TargetKind::Bind => "binds",
        TargetKind::Database => "databases",
        TargetKind::Path => "paths",
    }
}

/// The drills that left something in the staging directory.
pub(super) fn jobs_in(staging: &Path) -> Vec<JobId> {
    let Ok(entries) = fs::read_dir(staging) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| name.strip_prefix(PREFIX)?.parse().ok()).collect()
}

/// Removes what a drill left.
pub(super) fn remove_of(staging: &Path, job: &JobId) -> io::Result<()> {
    remove_unpacked(&staging.join(format!("{PREFIX}{job}")))
}
