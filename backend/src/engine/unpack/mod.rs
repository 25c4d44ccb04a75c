//! The one way out of a snapshot: its targets, as they were, at places of the disk.
//!
//! [`contents_of`] tells what is in it, [`unpack`] brings targets out; both take archives (of stacks, of instances, and of
//! Docker Backup Manager) and restic repositories. A place becomes the target's root itself, with the root's own owner,
//! mode and time: a directory, or a file where the target is one. Nothing that is there is ever replaced: to put what was
//! unpacked into its place is the matter of whoever asked. What had been begun is gone when it ends in an error.
//!
//! [`archive`] and [`repository`] know how; [`stored`] tells where a repository has a target. A further backend is a file
//! beside them and a line in both functions here.

use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::backends::{BackendError, Work};
use crate::domain::entry::EntryPath;
use crate::domain::job::TargetKind;
use crate::domain::plan::BackendKind;
use crate::domain::snapshot::{Snapshot, StoredVolume};
use crate::store::StoreError;

use super::JobEngine;
use super::steps::Stop;

mod archive;
mod repository;
mod stored;

pub(super) use crate::backends::archive::{Unpacked, remove_unpacked};

/// What is in a snapshot.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Contents {
    /// Its targets, in the order in which they lie there.
    pub(super) targets: Vec<TargetContents>,
    /// What else the manifest of an archive tells: `volumes`, `images`, `networks`, `containers`, `stack`, `created_at` and
    /// more; see `backup/manifest.rs`. Empty for other backends.
    pub(super) about: Map<String, Value>,
    /// What someone should know who restores of it, in sentences.
    pub(super) notes: Vec<String>,
}

/// A target in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TargetContents {
    /// What kind of thing it is.
    pub(super) kind: TargetKind,
    /// Its name.
    pub(super) name: String,
    /// Where it was on the host, where that is recorded.
    pub(super) host_path: Option<PathBuf>,
    /// Where it lies in the snapshot: below the archive's top directory, or its path in the repository.
    pub(super) place: String,
    /// Bytes of content.
    pub(super) bytes: u64,
    /// Entries, directories included, where that is known.
    pub(super) entries: Option<u64>,
    /// The file's name, where the target is known to be a single file.
    pub(super) file_name: Option<String>,
    /// How the volume was made, where that is recorded.
    pub(super) volume: Option<StoredVolume>,
}

impl Contents {
    /// The target of this kind and name.
    pub(super) fn find(&self, kind: TargetKind, name: &str) -> Option<&TargetContents> {
        self.targets.iter().find(|target| target.kind == kind && target.name == name)
    }

    /// The networks that the stack had, where the manifest tells.
    pub(super) fn networks(&self) -> Vec<String> {
        self.about.get("networks").and_then(|networks| Vec::deserialize(networks).ok()).unwrap_or_default()
    }
}

/// A target of a snapshot, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// What kind of thing it is.
    pub(super) kind: TargetKind,
    /// Its name.
    pub(super) name: String,
    /// What of it is wanted, below the target; empty for all. The directories above come along, nothing else does.
    pub(super) paths: Vec<EntryPath>,
    /// What it becomes. Must not be there; its parent must.
    pub(super) to: PathBuf,
}

/// Why nothing could be told of a snapshot, or nothing was unpacked. What had been begun is gone then.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnpackError {
    /// Someone asked for it.
    #[error("it was cancelled")]
    Cancelled,
    /// Retention or a person removed it.
    #[error("the snapshot was removed at {0}")]
    Removed(DateTime<Utc>),
    /// It is not where it was.
    #[error("{0} is not there any more")]
    Gone(String),
    /// It is not what was recorded.
    #[error("the archive is damaged: it has {is} bytes, and had {was}")]
    OtherSize {
        /// Its size now.
        is: u64,
        /// Its size as recorded.
        was: u64,
    },
    /// What keeps it cannot be asked from here.
    #[error("a snapshot of the backend {0} cannot be unpacked from here; its own tool can")]
    NotSupported(BackendKind),
    /// The instance that it was made for is gone.
    #[error("the snapshot is in the repository of instance '{0}', which is not configured any more: add it again")]
    UnknownInstance(String),
    /// The snapshot does not hold what is wanted, or it is not known where.
    #[error("the snapshot holds no {kind} '{name}'")]
    UnknownTarget {
        /// What kind of thing is wanted.
        kind: TargetKind,
        /// Its name.
        name: String,
    },
    /// A target does not hold what is wanted of it.
    #[error("the {kind} '{name}' holds no '{path}'")]
    UnknownPath {
        /// What kind of thing the target is.
        kind: TargetKind,
        /// Its name.
        name: String,
        /// What is wanted of it.
        path: String,
    },
    /// The place of a target is taken.
    #[error("{} is there already, and nothing is put in its place", .0.display())]
    Taken(PathBuf),
    /// The archive could not be read, or its content not be written.
    #[error(transparent)]
    Archive(crate::backends::archive::UnpackError),
    /// The backend failed.
    #[error(transparent)]
    Backend(BackendError),
    /// A disk failed.
    #[error("{what}")]
    Disk {
        /// What could not be done.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<crate::backends::archive::UnpackError> for UnpackError {
    fn from(error: crate::backends::archive::UnpackError) -> Self {
        use crate::backends::archive::UnpackError as Inner;
        match error {
            Inner::Cancelled => Self::Cancelled,
            Inner::UnknownTarget { kind, name } => Self::UnknownTarget { kind, name },
            Inner::UnknownPath { kind, name, path } => Self::UnknownPath { kind, name, path },
            Inner::Taken(path) => Self::Taken(path),
            error => Self::Archive(error),
        }
    }
}

impl From<BackendError> for UnpackError {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::Cancelled => Self::Cancelled,
            error => Self::Backend(error),
        }
    }
}

impl UnpackError {
    /// What it means for a job; `what` could not be done.
    pub(super) fn into_stop(self, what: &str) -> Stop {
        match self {
            Self::Cancelled => Stop::Cancelled,
            error => Stop::because(what, &error),
        }
    }

    fn disk(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Disk { what: what.into(), source }
    }
}

/// What is in a snapshot, without unpacking it.
///
/// # Errors
/// [`UnpackError`].
pub(super) async fn contents_of(engine: &JobEngine, work: &Work, snapshot: &Snapshot) -> Result<Contents, UnpackError> {
    check_present(snapshot)?;
    match snapshot.backend {
        BackendKind::Archive => archive::contents(engine, work, snapshot).await,
        BackendKind::Restic => repository::contents(engine, work, snapshot).await,
        kind @ BackendKind::CustomImage => Err(UnpackError::NotSupported(kind)),
    }
}

/// Unpacks targets, and has them reach the disk. Tells of each place what came.
///
/// # Errors
/// [`UnpackError`].
pub(super) async fn unpack(
    engine: &JobEngine,
    work: &Work,
    snapshot: &Snapshot,
    places: &[Place],
) -> Result<Vec<Unpacked>, UnpackError> {
    check_present(snapshot)?;
    match snapshot.backend {
        BackendKind::Archive => archive::unpack(work, snapshot, places).await,
        BackendKind::Restic => repository::unpack(engine, work, snapshot, places).await,
        kind @ BackendKind::CustomImage => Err(UnpackError::NotSupported(kind)),
    }
}

fn check_present(snapshot: &Snapshot) -> Result<(), UnpackError> {
    snapshot.removed_at.map_or(Ok(()), |at| Err(UnpackError::Removed(at)))
}
