//! Taking into the record what lies somewhere and is in no record: archives in a directory, snapshots in the repository of
//! an instance. Nothing is moved or changed by it, and retention never touches what was imported.
//!
//! `directory` knows archives, `repository` what a backend lists. Both tell of [`Found`] things; the record is written here.
//! What is recorded already is not recorded again: it is known by what it is called where it lies.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};

use crate::domain::ids::SnapshotId;
use crate::domain::job::{Job, JobKind, JobState, StepName, TargetKind, TargetResult, TargetState, Trigger};
use crate::domain::log::Level;
use crate::domain::names::{InstanceId, StackName};
use crate::domain::plan::BackendKind;
use crate::domain::snapshot::{Imported, Maker, Snapshot};

use super::errand::{Errand, NewJob};
use super::live::{LiveJob, insist};
use super::steps::{self, StepResult, Stop, count};
use super::{JobEngine, SubmitError};

mod directory;
mod repository;

type Cx<'a> = steps::Cx<'a, ImportRequest>;

/// What the log of an import of a directory is called by.
const DIRECTORY: &str = "directory";
/// Where no archives are.
const FORBIDDEN: [&str; 3] = ["/proc", "/sys", "/dev"];

/// An import that someone wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRequest {
    /// Where from.
    pub source: ImportSource,
    /// What set it off.
    pub trigger: Trigger,
}

/// Where snapshots are imported from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportSource {
    /// A directory with archives, as this process sees it.
    Directory(PathBuf),
    /// Where an instance stores.
    Instance(InstanceId),
}

/// Something that was found and is in no record.
struct Found {
    backend: BackendKind,
    reference: String,
    stack: Option<StackName>,
    host: String,
    instance: Option<InstanceId>,
    created_at: DateTime<Utc>,
    size_bytes: u64,
    content_bytes: u64,
    entry_count: u64,
    is_complete: bool,
    made_by: Maker,
    targets: Vec<TargetResult>,
}

/// What was found in all.
#[derive(Default)]
struct Finds {
    new: Vec<Found>,
    known: usize,
    /// What looked like something and could not be read.
    unreadable: usize,
}

impl StepResult for Finds {
    fn detail(&self) -> Option<String> {
        let unreadable = match self.unreadable {
            0 => String::new(),
            some => format!(", {some} could not be read"),
        };
        Some(format!("{} to import, {} known already{unreadable}", self.new.len(), self.known))
    }
}

impl JobEngine {
    /// Queues an import.
    ///
    /// # Errors
    /// When there is no such directory or instance, a job works for the instance, the service is shutting down, or the job
    /// cannot be recorded.
    pub async fn submit_import(&self, request: ImportRequest) -> Result<Job, SubmitError> {
        // On a task of its own, as every request: see `submit_backups`.
        let engine = self.clone();
        let submitted = self.0.parts.runtime.spawn(async move { engine.queue_import(request).await });
        submitted.await.unwrap_or(Err(SubmitError::ShuttingDown))
    }

    async fn queue_import(&self, request: ImportRequest) -> Result<Job, SubmitError> {
        if self.0.shutdown.is_cancelled() {
            return Err(SubmitError::ShuttingDown);
        }
        let instance = match &request.source {
            ImportSource::Directory(path) => {
                check_directory(path).map_err(SubmitError::Refused)?;
                None
            }
            ImportSource::Instance(id) => {
                let known = self.0.parts.registry.find_instance(id);
                let known = known.ok_or_else(|| SubmitError::UnknownPlan(id.into()))?;
                if known.backend() == BackendKind::CustomImage {
                    let why = format!("what the image of instance '{id}' stores is known to the image alone");
                    return Err(SubmitError::Refused(why));
                }
                Some(id.clone())
            }
        };
        let job = self.new_job(NewJob {
            kind: JobKind::Import,
            name: instance.as_ref().map_or(DIRECTORY, InstanceId::as_str),
            stack: None,
            plan: None,
            trigger: request.trigger,
            quiesce: None,
            is_dry_run: false,
            steps: StepName::OF_IMPORT,
            instance: instance.clone(),
        });
        let jobs = self.queue(vec![(job, Errand::Import(request))]).await?;
        jobs.into_iter().next().ok_or(SubmitError::ShuttingDown)
    }
}

/// Whether archives may be looked for there; why not, in a sentence.
fn check_directory(path: &Path) -> Result<(), String> {
    let shown = path.display();
    if !path.is_absolute() || path.components().any(|part| part == Component::ParentDir) {
        return Err(format!("'{shown}' is no absolute path: name the directory by its whole path, without '..'"));
    }
    if FORBIDDEN.iter().any(|forbidden| path.starts_with(forbidden)) {
        return Err(format!("{shown} is a part of the system, and no place of archives"));
    }
    Ok(())
}

impl ImportRequest {
    /// What it is, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.source {
            ImportSource::Directory(path) => format!("import of the archives in {}", path.display()),
            ImportSource::Instance(id) => format!("import of what instance '{id}' has stored"),
        }
    }
}

/// Runs the job to its end.
pub(super) async fn run(engine: &JobEngine, live: &Arc<LiveJob>, request: &ImportRequest) {
    let cx = Cx { engine, live, request };
    live.begin().await;
    let began = Instant::now();
    let (state, error) = match Box::pin(carry_out(cx)).await {
        Ok(0) => (JobState::Succeeded, None),
        Ok(unreadable) => {
            let what = count(unreadable, "file");
            (JobState::Partial, Some(format!("{what} could not be read as archives, and the log says why")))
        }
        Err(Stop::Cancelled) => (engine.state_when_stopped(), Some("it was cancelled".to_owned())),
        Err(Stop::Failed(why)) => (JobState::Failed, Some(why)),
    };
    cx.report(&request.describe(), state, error, began).await;
}

/// Returns how many things could not be read.
async fn carry_out(cx: Cx<'_>) -> Result<usize, Stop> {
    // One at a time: two that look at the same would both record it.
    let alone = cx.engine.0.importing.lock();
    let _alone = cx.unless_cancelled(async { Ok(alone.await) }).await?;
    let find = async {
        match &cx.request.source {
            ImportSource::Directory(path) => directory::find(cx, path).await,
            ImportSource::Instance(id) => repository::find(cx, id).await,
        }
    };
    let finds = Box::pin(cx.step(StepName::Resolve, find)).await?;
    let unreadable = finds.unreadable;
    Box::pin(cx.step(StepName::Record, record(cx, finds))).await?;
    Ok(unreadable)
}

async fn record(cx: Cx<'_>, finds: Finds) -> Result<String, Stop> {
    let total = finds.new.len();
    for found in finds.new {
        if cx.live.cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        let snapshot = found.into_snapshot(cx);
        let recorded = insist(|| cx.engine.0.parts.store.insert_snapshot(&snapshot)).await;
        recorded.map_err(|error| Stop::because("a snapshot could not be recorded", &error))?;
        let of = snapshot.subject().map(|name| format!(" of '{name}'")).unwrap_or_default();
        let made = snapshot.created_at.format("%Y-%m-%d %H:%M:%S UTC");
        let message = format!("imported {}{of}, made {made}, as {}", snapshot.reference, snapshot.id);
        cx.live.log.write(Level::Info, message);
    }
    Ok(format!("{} imported", count(total, "snapshot")))
}

impl Found {
    fn into_snapshot(self, cx: Cx<'_>) -> Snapshot {
        let at = cx.engine.0.parts.clock.now();
        Snapshot {
            id: SnapshotId::of_the_past(self.created_at),
            job_id: cx.live.id().clone(),
            backend: self.backend,
            reference: self.reference,
            stack: self.stack,
            host: self.host,
            instance: self.instance.map(Into::into),
            plan: None,
            created_at: self.created_at,
            size_bytes: self.size_bytes,
            content_bytes: self.content_bytes,
            entry_count: self.entry_count,
            blake3: None,
            is_complete: self.is_complete,
            verified_at: None,
            damage: None,
            removed_at: None,
            targets: self.targets,
            imported: Some(Imported { at, made_by: self.made_by }),
        }
    }
}

/// A target of something that another program made, or of which no more is known.
fn captured(kind: TargetKind, name: &str, size_bytes: u64, message: Option<&str>) -> TargetResult {
    let message = message.map(str::to_owned);
    TargetResult { kind, name: name.to_owned(), state: TargetState::Succeeded, size_bytes, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_paths_of_data_are_looked_at() {
        assert_eq!(check_directory(Path::new("/opt/backups")), Ok(()));
        for path in ["backups", "/opt/../etc", "/proc/self", "/sys", "/dev/shm", ""] {
            assert!(check_directory(Path::new(path)).is_err(), "{path}");
        }
    }
}
