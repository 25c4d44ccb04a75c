//! Archives in a directory: Mainstay's by their manifests, those of Docker Backup Manager by their names and their form.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::job::{JobState, TargetResult, judge_targets};
use crate::domain::log::Level;
use crate::domain::names::{InstanceId, StackName};
use crate::domain::plan::BackendKind;
use crate::domain::snapshot::{Maker, Snapshot};

use super::super::chain;
use super::super::unpack::{Contents, TargetContents, UnpackError, contents_of};
use super::{Cx, Finds, Found, Stop, captured};

const ENDINGS: [&str; 4] = [".tar.gz", ".tar.zst", ".tgz", ".tar"];
const TIME: &str = "%Y-%m-%d_%H-%M-%S";
const TIME_LEN: usize = 19;
/// What is said of a target that no manifest tells of.
const NOT_COMPARED: &str = "there is no manifest, so nobody can tell whether it is whole";

/// A file that looks like an archive.
struct Candidate {
    path: PathBuf,
    size_bytes: u64,
    modified_at: DateTime<Utc>,
}

/// What a manifest of ours says of the whole.
#[derive(Debug, Deserialize)]
struct About {
    stack: Option<StackName>,
    instance: Option<InstanceId>,
    host: Option<String>,
    created_at: Option<DateTime<Utc>>,
    #[serde(default)]
    results: Vec<TargetResult>,
}

pub(super) async fn find(cx: Cx<'_>, directory: &Path) -> Result<Finds, Stop> {
    let path = directory.to_owned();
    let candidates = cx.engine.0.parts.runtime.spawn_blocking(move || list(&path)).await;
    let candidates = candidates.unwrap_or_else(|error| Err(io::Error::other(error)));
    let unreadable = |error: io::Error| Stop::because(&format!("{} could not be read", directory.display()), &error);
    let candidates = candidates.map_err(unreadable)?;
    let known = cx.engine.0.parts.store.list_references(BackendKind::Archive).await;
    let known = known.map_err(|error| Stop::because("the record could not be read", &error))?;
    let mut finds = Finds::default();
    for candidate in candidates {
        if known.contains(&candidate.path.display().to_string()) {
            finds.known += 1;
            continue;
        }
        match Box::pin(look(cx, &candidate)).await {
            Ok(found) => finds.new.push(found),
            Err(UnpackError::Cancelled) => return Err(Stop::Cancelled),
            Err(error) => {
                let message = format!("{} is not imported: {}", candidate.path.display(), chain(&error));
                cx.live.log.write(Level::Warning, message);
                finds.unreadable += 1;
            }
        }
    }
    Ok(finds)
}

/// Plain files with the name of an archive, by name. Blocks on the file system.
fn list(directory: &Path) -> io::Result<Vec<Candidate>> {
    // One place is called by one name, whichever way somebody came to it.
    let directory = directory.canonicalize()?;
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (name, meta) = (entry.file_name(), entry.metadata()?);
        // Names that are no text cannot be recorded.
        let is_archive = name.to_str().is_some_and(|n| !n.starts_with('.') && ENDINGS.iter().any(|e| n.ends_with(e)));
        if is_archive && meta.is_file() {
            let modified_at = meta.modified()?.into();
            found.push(Candidate { path: entry.path(), size_bytes: meta.len(), modified_at });
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

async fn look(cx: Cx<'_>, candidate: &Candidate) -> Result<Found, UnpackError> {
    let mut found = Found {
        backend: BackendKind::Archive,
        reference: candidate.path.display().to_string(),
        stack: None,
        host: cx.engine.0.parts.discovery.host().to_owned(),
        instance: None,
        created_at: candidate.modified_at,
        size_bytes: candidate.size_bytes,
        content_bytes: 0,
        entry_count: 0,
        is_complete: true,
        made_by: Maker::Mainstay,
        targets: Vec::new(),
    };
    let contents = contents_of(cx.engine, &cx.engine.work_of(cx.live), &found.to_provisional(cx)).await?;
    found.content_bytes = contents.targets.iter().map(|target| target.bytes).sum();
    found.entry_count = contents.targets.iter().filter_map(|target| target.entries).sum();
    if contents.about.is_empty() {
        found.tell_by_name(&candidate.path, cx.engine.0.settings.timezone, &contents);
    } else {
        found.tell_by_manifest(contents.about, &contents.targets);
    }
    Ok(found)
}

impl Found {
    /// As much of a snapshot as is needed to look into it.
    fn to_provisional(&self, cx: Cx<'_>) -> Snapshot {
        let (reference, host) = (self.reference.clone(), self.host.clone());
        Self { targets: Vec::new(), stack: None, instance: None, reference, host, ..*self }.into_snapshot(cx)
    }

    fn tell_by_manifest(&mut self, about: Map<String, Value>, held: &[TargetContents]) {
        let told = serde_json::from_value::<About>(Value::Object(about));
        let about =
            told.unwrap_or(About { stack: None, instance: None, host: None, created_at: None, results: Vec::new() });
        self.stack = about.stack;
        self.instance = about.instance;
        self.host = about.host.unwrap_or_else(|| self.host.clone());
        self.created_at = about.created_at.unwrap_or(self.created_at);
        self.is_complete = judge_targets(&about.results) == JobState::Succeeded;
        self.targets = about.results;
        if self.targets.is_empty() {
            self.targets = held.iter().map(|one| captured(one.kind, &one.name, one.bytes, None)).collect();
            self.is_complete = !self.targets.is_empty();
        }
    }

    /// What has no manifest is of Docker Backup Manager, or looks the same.
    fn tell_by_name(&mut self, path: &Path, zone: Tz, contents: &Contents) {
        self.made_by = Maker::DockerBackupManager;
        let held = contents.targets.iter();
        self.targets = held.map(|one| captured(one.kind, &one.name, one.bytes, Some(NOT_COMPARED))).collect();
        self.stack = contents.targets.first().and_then(|one| one.name.parse().ok());
        let at = find_time(path).and_then(|at| zone.from_local_datetime(&at).earliest());
        self.created_at = at.map_or(self.created_at, |at| at.with_timezone(&Utc));
    }
}

/// The time in `<stack>_<YYYY-MM-DD_HH-MM-SS>.tar.gz`.
fn find_time(path: &Path) -> Option<NaiveDateTime> {
    let name = path.file_name()?.to_str()?;
    let stem = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending))?;
    let at = stem.len().checked_sub(TIME_LEN)?;
    NaiveDateTime::parse_from_str(stem.get(at..)?, TIME).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_an_archive_is_in_its_name() {
        let time = |name: &str| find_time(Path::new(name)).map(|at| at.to_string());
        assert_eq!(time("/b/blog_2026-11-21_03-00-02.tar.gz").as_deref(), Some("2026-11-21 03:00:02"));
        for name in ["/b/blog.tar.gz", "/b/x_2026-13-21_03-00-02.tar.gz", "/b/blog_2026-11-21_03-00-02.zip"] {
            assert_eq!(time(name), None, "{name}");
        }
    }

    #[test]
    fn only_plain_files_with_the_name_of_an_archive_are_looked_at() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        for name in ["b.tar.gz", "a.tar.zst", ".c.tar.gz", "d.tar.gz.index", "e.partial", "notes.txt"] {
            fs::write(at(name), "x").expect("written");
        }
        fs::create_dir(at("f.tar.gz")).expect("made");
        std::os::unix::fs::symlink("/etc/passwd", at("g.tar.gz")).expect("linked");
        let found = list(directory.path()).expect("a list");
        let names: Vec<_> = found.iter().filter_map(|one| one.path.file_name()?.to_str()).collect();
        assert_eq!(names, ["a.tar.zst", "b.tar.gz"]);
    }
}
