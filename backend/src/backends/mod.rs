//! How captured data is stored: the port [`BackupBackend`] and what is behind it.
//!
//! `archive` writes plain tar files, `restic` keeps a restic repository, `custom_image` runs an image that the user
//! brings. A further way of storing is a folder here, a kind in `domain::plan`, and a line in [`build`], the one place
//! that knows them by name. A backend neither stops containers nor knows of jobs: it is told what to read and when the
//! writers rest.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::docker::SharedEngine;
use crate::domain::clock::SharedClock;
use crate::domain::entry::{ArchiveEntry, EntryKind, EntryPath};
use crate::domain::ids::JobId;
use crate::domain::job::{TargetKind, TargetState};
use crate::domain::log::Level;
use crate::domain::name_pattern::NamePattern;
use crate::domain::names::InstanceId;
use crate::domain::plan::{Destination, Instance};

use custom_image::CustomImageBackend;
use restic::ResticBackend;

pub mod archive;
mod custom_image;
mod restic;

/// A backend that can be shared.
pub type SharedBackend = Arc<dyn BackupBackend>;

/// What backends are built of, besides the instance.
#[derive(Clone)]
pub struct BackendParts {
    /// The Docker Engine, for backends that run containers.
    pub docker: SharedEngine,
    /// The time.
    pub clock: SharedClock,
    /// What this installation calls itself: restic's `--host`, `MARINA_HOSTNAME`.
    pub node_name: String,
    /// Where staged data lies; each instance has the directory of its id in it.
    pub staging_dir: PathBuf,
    /// Where backends keep what can be made anew, such as restic's cache.
    pub cache_dir: PathBuf,
    /// How archives are made, and where they land.
    pub archives: ArchiveParts,
}

/// How archives are made, and where they land.
#[derive(Debug, Clone)]
pub struct ArchiveParts {
    /// Where they land.
    pub backup_dir: PathBuf,
    /// How they are compressed.
    pub codec: archive::Codec,
    /// Compressor threads, at least 1.
    pub workers: usize,
    /// The zone of the time in their names, where an instance has none of its own.
    pub timezone: Tz,
    /// Mainstay's own version, for the manifest.
    pub version: &'static str,
}

/// The backend of an instance: the one place that knows them by name.
#[must_use]
pub fn build(instance: &Instance, parts: &BackendParts) -> SharedBackend {
    match &instance.destination {
        Destination::Restic(settings) => Arc::new(ResticBackend::new(instance, settings, parts)),
        Destination::CustomImage(settings) => Arc::new(CustomImageBackend::new(instance, settings, parts)),
        Destination::Archive => archive::backend(instance, parts),
    }
}

/// A reader that can be shared.
pub type SharedReader = Arc<dyn ResultReader>;

/// Why a backend could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// It does not know how, and never will.
    #[error("{0}")]
    NotSupported(&'static str),
    /// What it stores to cannot be used as it is: a wrong password, a missing image, a repository that another host
    /// holds. Says what to do.
    #[error("{0}")]
    NotReady(String),
    /// There is nothing yet to store to, and a run may make it. Says where.
    #[error("{0}")]
    Absent(String),
    /// The result that is asked for is not there any more. Says which.
    #[error("{0}")]
    Gone(String),
    /// It was asked to end.
    #[error("the work was cancelled")]
    Cancelled,
    /// Nothing came of it for too long.
    #[error("nothing moved for {} s", .after.as_secs())]
    Stalled {
        /// The limit.
        after: Duration,
    },
    /// It went wrong.
    #[error("{message}")]
    Failed {
        /// One sentence for people, without secrets.
        message: String,
        /// The cause.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl BackendError {
    /// Something that went wrong, with no further cause.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), source: None }
    }

    /// Something that went wrong because of something else.
    #[must_use]
    pub fn because(message: impl Into<String>, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Failed { message: message.into(), source: Some(Box::new(source)) }
    }
}

/// Who is told what happens.
pub trait Report: Send + Sync {
    /// A line for the job's log. `target` is the target's name, when it is about one.
    fn log(&self, level: Level, target: Option<&str>, message: String);

    /// How far the work at hand is.
    fn progress(&self, seen: Seen);
}

/// How far some work is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Bytes read.
    pub bytes_done: u64,
    /// Bytes to read, when known.
    pub bytes_total: Option<u64>,
    /// Files read.
    pub files_done: u64,
    /// What is being read.
    pub current: Option<String>,
}

/// What every piece of work gets along.
#[derive(Clone)]
pub struct Work {
    /// Who is told.
    pub report: Arc<dyn Report>,
    /// Set when it is to end.
    pub cancel: CancellationToken,
    /// How long nothing may move.
    pub stall_timeout: Duration,
}

/// Where a backend reads from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Where the data lies, once while the writers run and once while they rest.
    InPlace,
    /// In the staging directory of the instance, after the writers run again.
    Staged,
}

/// One thing to store. Its path can be read by this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its name, as in the job's targets.
    pub name: String,
    /// Files and directories to read, absolute.
    pub paths: Vec<PathBuf>,
    /// Whether it may change until the writers rest; a dump and what was staged do not.
    pub is_live: bool,
}

/// What a run is about.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// For which instance.
    pub instance: InstanceId,
    /// By which job.
    pub job: JobId,
    /// What this installation calls itself.
    pub node_name: String,
    /// When the run began.
    pub started_at: DateTime<Utc>,
    /// The directory of this run below the instance's staging directory; its last component is the time in local time,
    /// `YYYYMMDD-HHMMSS`. It may not exist.
    pub run_dir: PathBuf,
    /// What is left out of every source, as restic takes patterns.
    pub excludes: Vec<String>,
    /// Tags that the user wishes.
    pub tags: Vec<String>,
}

/// How one source came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceOutcome {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its name.
    pub name: String,
    /// How it came out.
    pub state: TargetState,
    /// Bytes of file content.
    pub size_bytes: u64,
    /// Why it is not whole, or what to know of it.
    pub message: Option<String>,
}

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// What it is called where it lies: restic's snapshot id, an archive's path. Absent when nobody can know.
    pub reference: Option<String>,
    /// Bytes of file content read.
    pub bytes_read: u64,
    /// Bytes that it takes where it lies, as far as known.
    pub bytes_stored: u64,
    /// Files and directories within.
    pub entry_count: u64,
    /// How each source came out.
    pub outcomes: Vec<SourceOutcome>,
}

/// A result of some run, as the backend finds it where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSnapshot {
    /// What it is called there.
    pub reference: String,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Whether it was made for this instance by this installation; others are shown and never touched.
    pub is_ours: bool,
    /// Whether another program made it and the instance takes it for its own, as the user wished: no record of ours can
    /// know it.
    pub is_adopted: bool,
    /// Whether every target was captured whole.
    pub is_complete: bool,
    /// The host that it names.
    pub host: String,
    /// What it holds: paths.
    pub paths: Vec<PathBuf>,
    /// Its tags.
    pub tags: Vec<String>,
}

/// What a place to store to says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Sentences for people: versions, what was found.
    pub notes: Vec<String>,
    /// What is not as it should be but keeps nothing from working.
    pub warnings: Vec<String>,
}

/// Bytes and counts of a whole repository.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RepositoryStats {
    /// Bytes that it takes.
    pub size_bytes: u64,
    /// Snapshots in it.
    pub snapshot_count: u64,
}

/// What someone who looks into a result sees at a path of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// What is at the path itself; absent where there is nothing.
    pub own: Option<EntryKind>,
    /// Bytes of content at the path itself.
    pub size_bytes: u64,
    /// What is directly in it, as a walk goes.
    pub entries: Vec<ArchiveEntry>,
    /// Whether more comes after the last of them.
    pub has_more: bool,
}

/// What is read out of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The content of a file.
    File(EntryPath),
    /// What is in a directory and below it, as a tar.
    Folder(EntryPath),
}

/// What is to be brought back, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreRequest {
    /// Which result.
    pub reference: String,
    /// Which paths in it; empty means all. None may lie below another.
    pub paths: Vec<PathBuf>,
    /// The empty directory that it goes to, below which it has its whole paths.
    pub to: PathBuf,
}

/// What came back at one of the paths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    /// Bytes of content.
    pub bytes: u64,
    /// Files, directories and the like.
    pub entries: u64,
}

/// A means of storing data.
///
/// No call of it may leave anything half done visible: what is unfinished carries a mark of its own, and
/// [`Self::sweep`] removes it after a kill.
#[async_trait]
pub trait BackupBackend: Send + Sync {
    /// Where it reads from.
    fn reads(&self) -> Reads;

    /// Looks whether a run could succeed: reachable, the password right, the image there. Makes a repository only where
    /// `may_create` is set and it is certain that there is none.
    async fn prepare(&self, work: &Work, may_create: bool) -> Result<Readiness, BackendError>;

    /// Begins a run.
    async fn begin(&self, request: RunRequest, work: Work) -> Result<Box<dyn Session>, BackendError>;

    /// What lies there, newest first.
    async fn snapshots(&self, work: &Work) -> Result<Vec<FoundSnapshot>, BackendError>;

    /// Removes the named results, which [`Self::snapshots`] said are ours, and frees their space. Returns the bytes freed,
    /// when known.
    async fn forget(&self, work: &Work, references: &[String]) -> Result<Option<u64>, BackendError>;

    /// Checks what lies there, reading a part of the data when the settings say so. Returns what was found wrong.
    async fn check(&self, work: &Work) -> Result<Vec<String>, BackendError>;

    /// Looks whether one result is there and whole, reading a part of the data when the settings say so. Returns what was
    /// found wrong with it; that it could not be looked at is an error.
    async fn verify(&self, _work: &Work, _reference: &str) -> Result<Vec<String>, BackendError> {
        Err(BackendError::NotSupported("what this backend stored cannot be read again from here"))
    }

    /// How much lies there.
    async fn stats(&self, work: &Work) -> Result<RepositoryStats, BackendError>;

    /// Brings a result back into an empty directory, and looks whether all of it came. Tells of each path what came; of all
    /// together where none is named. The directories above a path have their owners, modes and times too.
    async fn restore(&self, work: &Work, request: &RestoreRequest) -> Result<Vec<Restored>, BackendError>;

    /// Who looks into results; none where only its own tool can.
    fn reader(&self) -> Option<SharedReader> {
        None
    }

    /// Removes what a run left behind that a kill ended: call it before the first run. Returns what was removed, in
    /// sentences for people.
    async fn sweep(&self, work: &Work) -> Result<Vec<String>, BackendError>;
}

/// Looks into results, each by its reference.
#[async_trait]
pub trait ResultReader: Send + Sync {
    /// What is at a path of a result, and at most `limit` of what is directly in it, behind the path `after`.
    async fn look(
        &self,
        work: &Work,
        reference: &str,
        at: &EntryPath,
        after: Option<&EntryPath>,
        limit: usize,
    ) -> Result<Look, BackendError>;

    /// What is called like this anywhere in a result, as a walk goes: at most `limit` of it, behind the path `after`.
    async fn search(
        &self,
        work: &Work,
        reference: &str,
        pattern: &NamePattern,
        after: Option<&EntryPath>,
        limit: usize,
    ) -> Result<Look, BackendError>;

    /// Hands out what is read of a result. Only after it has returned is it known to be all of it.
    async fn pour(
        &self,
        work: &Work,
        reference: &str,
        wanted: &Wanted,
        to: &mpsc::Sender<Bytes>,
    ) -> Result<(), BackendError>;
}

/// One run. The calls come in this order; [`Self::end`] always comes last, whatever came before.
#[async_trait]
pub trait Session: Send {
    /// Reads what it can while the writers run, so that little is left for [`Self::capture`]. What goes wrong costs a
    /// longer stop and nothing else, except for [`BackendError::NotReady`]: then nothing is to be stopped. Does nothing
    /// for a backend that reads staged data.
    async fn precopy(&mut self, sources: &[Source]) -> Result<(), BackendError>;

    /// Gets ready for [`Self::capture`] of these sources, right before the writers are brought to rest. What goes wrong costs
    /// a longer stop and nothing else.
    async fn stand_by(&mut self, _sources: &[Source]) {}

    /// Makes the data safe while the writers rest. Does nothing for a backend that reads staged data. Returns how many
    /// bytes of content it read, where that is known.
    async fn capture(&mut self, sources: &[Source]) -> Result<Option<u64>, BackendError>;

    /// Stores what was captured or staged, after the writers run again. `sources` are all that came out so far.
    async fn publish(&mut self, sources: &[Source]) -> Result<Stored, BackendError>;

    /// Reads what was stored again, as far as the backend can. Only after it does the result count as complete:
    /// `is_complete` says whether every target of the job is whole. Where it gets another name by that, `stored` has the
    /// new one afterwards.
    async fn verify(&mut self, stored: &mut Stored, is_complete: bool) -> Result<(), BackendError>;

    /// Removes what was only for the run: the hot snapshot, scratch files, containers.
    async fn end(self: Box<Self>);
}
