//! Looking into snapshots: what is in a directory, what is called like something, the content of a file, a directory as
//! a tar, the archive as a whole.
//!
//! What a tool of its own keeps is looked into by that tool ([`stored`]), and what it told is kept for a while
//! ([`listings`]). Everything else here is about archives. Every look begins with the record of the snapshot and goes on only if the archive is there and as large as it was.
//! The index beside it tells the rest; one that is missing or damaged is made anew ([`index`]). Content is handed out
//! while it is read ([`content`]). All of it happens in blocking threads of the engine's runtime.
//!
//! To show one more thing of an archive, add a method that calls `JobEngine::look`. A path that someone asks for is
//! compared with what the index holds; do not join it to a path of the file system.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chrono::{DateTime, Utc};
use rustix::fs::OFlags;

use crate::backends::BackendError;
use crate::backends::archive::{ArchiveIndex, ExtractError, IndexError, Listed};
use crate::domain::entry::{ArchiveEntry, EntryKind, EntryPath};
use crate::domain::ids::SnapshotId;
use crate::domain::name_pattern::NamePattern;
use crate::domain::plan::BackendKind;
use crate::domain::snapshot::Snapshot;
use crate::store::StoreError;

use super::JobEngine;

mod content;
mod entry;
mod index;
mod listings;
mod stored;

pub use content::{Content, OpenEntry};

/// What is remembered about those who look into snapshots.
#[derive(Debug, Default)]
pub(super) struct Browse {
    indexes: index::Makings,
    slots: content::Slots,
    listings: listings::Listings,
    turns: stored::Turns,
}

/// Why nothing could be seen.
#[derive(Debug, thiserror::Error)]
pub enum BrowseError {
    /// There is no such snapshot.
    #[error("no snapshot has the id '{0}'")]
    UnknownSnapshot(SnapshotId),
    /// It is kept by a means that cannot be looked into from here.
    #[error("a snapshot of the backend {0} cannot be looked into from here; its own tool can")]
    NotAnArchive(BackendKind),
    /// The instance that keeps it is not there any more.
    #[error("the instance '{0}' keeps it and is not configured any more")]
    InstanceGone(String),
    /// Its tool could not look into it.
    #[error(transparent)]
    Backend(BackendError),
    /// Retention or a person removed the archive.
    #[error("the archive was removed at {0}")]
    Removed(DateTime<Utc>),
    /// The archive is not where it was.
    #[error("{0}")]
    Missing(String),
    /// The archive is not what was recorded, or cannot be taken apart.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// The archive has no index, and none can be made.
    #[error("the archive has no usable index: {0}")]
    NoIndex(String),
    /// The index is being made; that takes as long as reading the archive twice.
    #[error("the index of the archive is being made anew")]
    MakingIndex,
    /// The archive holds nothing of that path.
    #[error("the snapshot has no entry '{0}'")]
    UnknownEntry(EntryPath),
    /// Only directories can be listed.
    #[error("'{0}' is not a directory")]
    NotADirectory(EntryPath),
    /// Only files have content.
    #[error("'{0}' is not a file")]
    NotAFile(EntryPath, EntryKind),
    /// As many contents are being read as may be at once.
    #[error("too many files are being read")]
    Busy,
    /// The engine is about to end.
    #[error("the service is shutting down")]
    ShuttingDown,
    /// A disk failed.
    #[error("the archive or its index could not be read or written")]
    Io(#[from] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A part of a directory, or of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// In the order of a walk: by name as bytes.
    pub entries: Vec<ArchiveEntry>,
    /// Whether more comes after the last of them.
    pub has_more: bool,
}

/// An archive that is open for reading.
#[derive(Debug)]
pub struct OpenArchive {
    /// The file, at its beginning.
    pub file: File,
    /// What is recorded of it; its size is that of the file.
    pub snapshot: Snapshot,
}

impl JobEngine {
    /// What is directly in a directory of a snapshot: at most `limit` of it, behind the path `after`.
    ///
    /// # Errors
    /// [`BrowseError`].
    pub async fn list_entries(
        &self,
        id: &SnapshotId,
        directory: EntryPath,
        after: Option<EntryPath>,
        limit: usize,
    ) -> Result<Listing, BrowseError> {
        let snapshot = self.find_present(id).await?;
        if !has_index(&snapshot) {
            return self.list_stored(&snapshot, &directory, after, limit).await;
        }
        self.look(&snapshot, move |index| list(&index, &directory, after.as_ref(), limit)).await
    }

    /// What is called like this anywhere in a snapshot, as a walk goes: at most `limit` of it, behind the path `after`.
    ///
    /// # Errors
    /// [`BrowseError`].
    pub async fn search_entries(
        &self,
        id: &SnapshotId,
        pattern: NamePattern,
        after: Option<EntryPath>,
        limit: usize,
    ) -> Result<Listing, BrowseError> {
        let snapshot = self.find_present(id).await?;
        if !has_index(&snapshot) {
            return self.search_stored(&snapshot, pattern, after, limit).await;
        }
        self.look(&snapshot, move |index| search(&index, &pattern, after.as_ref(), limit)).await
    }

    /// Opens the content of a file of a snapshot. A further name of a file has the file's content.
    ///
    /// # Errors
    /// [`BrowseError`]; damage that is found in the first part of the content is told here, later damage in
    /// [`OpenEntry::content`].
    pub async fn open_entry(&self, id: &SnapshotId, path: EntryPath) -> Result<OpenEntry, BrowseError> {
        let snapshot = self.find_present(id).await?;
        if !has_index(&snapshot) {
            return self.open_stored_file(&snapshot, path).await;
        }
        let wanted = path.clone();
        let (index, file) = self
            .look(&snapshot, move |index| {
                let file = find_file(&index, &wanted)?;
                Ok((index, file))
            })
            .await?;
        self.read_content(&snapshot, path, index, file).await
    }

    /// Opens a directory of a snapshot, and all that is below it, as a tar. Its paths are those of the snapshot.
    ///
    /// # Errors
    /// As [`Self::open_entry`].
    pub async fn open_folder(&self, id: &SnapshotId, path: EntryPath) -> Result<OpenEntry, BrowseError> {
        let snapshot = self.find_present(id).await?;
        if !has_index(&snapshot) {
            return self.open_stored_folder(&snapshot, path).await;
        }
        let wanted = path.clone();
        let index = self
            .look(&snapshot, move |index| {
                if index.list(wanted.as_bytes(), None, 1)?.is_empty() && !wanted.is_top() {
                    check_directory(&index, &wanted)?;
                }
                Ok(index)
            })
            .await?;
        self.read_folder(&snapshot, path, index).await
    }

    /// Opens the archive of a snapshot as it is.
    ///
    /// # Errors
    /// [`BrowseError`].
    pub async fn open_archive(&self, id: &SnapshotId) -> Result<OpenArchive, BrowseError> {
        let snapshot = self.find_present(id).await?;
        if snapshot.backend == BackendKind::Restic {
            return Err(BrowseError::NotAFile(EntryPath::top(), EntryKind::Directory));
        }
        self.in_thread(move || {
            let file = open_checked(&snapshot)?;
            Ok(OpenArchive { file, snapshot })
        })
        .await
    }

    async fn find_present(&self, id: &SnapshotId) -> Result<Snapshot, BrowseError> {
        let found = self.0.parts.store.find_snapshot(id).await?;
        let snapshot = found.ok_or_else(|| BrowseError::UnknownSnapshot(id.clone()))?;
        if let Some(at) = snapshot.removed_at {
            return Err(BrowseError::Removed(at));
        }
        Ok(snapshot)
    }

    /// Runs `work` in a blocking thread of the engine's runtime: one of an HTTP worker's would die with the worker.
    async fn in_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, BrowseError> + Send + 'static,
    ) -> Result<T, BrowseError> {
        let done = self.0.parts.runtime.spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(BrowseError::Io(io::Error::other(error))))
    }
}

/// Whether an index tells what is in it.
fn has_index(snapshot: &Snapshot) -> bool {
    snapshot.backend == BackendKind::Archive && !snapshot.has_plain_archive()
}

fn path_of(snapshot: &Snapshot) -> Result<&Path, BrowseError> {
    snapshot.find_archive().ok_or(BrowseError::NotAnArchive(snapshot.backend))
}

/// Opens the archive if it still is the plain file that was recorded.
fn open_checked(snapshot: &Snapshot) -> Result<File, BrowseError> {
    let path = path_of(snapshot)?;
    let missing = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => BrowseError::Missing(format!("the archive {} is not there", path.display())),
        _ => BrowseError::Io(error),
    };
    if !fs::symlink_metadata(path).map_err(missing)?.is_file() {
        return Err(BrowseError::Damaged("it is not a plain file".to_owned()));
    }
    // What takes the place of the file between the two looks must not lead elsewhere or hang.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path).map_err(missing)?;
    let (is, was) = (file.metadata()?.len(), snapshot.size_bytes);
    if is == was { Ok(file) } else { Err(BrowseError::Damaged(format!("it has {is} bytes, and had {was}"))) }
}

fn list(
    index: &ArchiveIndex,
    directory: &EntryPath,
    after: Option<&EntryPath>,
    limit: usize,
) -> Result<Listing, BrowseError> {
    let listed = index.list(directory.as_bytes(), after.map(EntryPath::as_bytes), limit.saturating_add(1))?;
    if listed.is_empty() && after.is_none() && !directory.is_top() {
        check_directory(index, directory)?;
    }
    to_listing(index, listed, limit)
}

fn search(
    index: &ArchiveIndex,
    pattern: &NamePattern,
    after: Option<&EntryPath>,
    limit: usize,
) -> Result<Listing, BrowseError> {
    let is_wanted = |path: &[u8]| pattern.is_match(path);
    let found = index.search(&is_wanted, after.map(EntryPath::as_bytes), limit.saturating_add(1))?;
    to_listing(index, found, limit)
}

fn to_listing(index: &ArchiveIndex, mut listed: Vec<Listed>, limit: usize) -> Result<Listing, BrowseError> {
    let has_more = listed.len() > limit;
    listed.truncate(limit);
    let entries = listed.iter().map(|one| entry::describe(index, one)).collect::<Result<_, _>>()?;
    Ok(Listing { entries, has_more })
}

/// A directory of which nothing is listed is empty, something else, or not there.
fn check_directory(index: &ArchiveIndex, directory: &EntryPath) -> Result<(), BrowseError> {
    match index.find(directory.as_bytes())? {
        None => Err(BrowseError::UnknownEntry(directory.clone())),
        Some(found) if entry::kind_of(&found) == EntryKind::Directory => Ok(()),
        Some(_) => Err(BrowseError::NotADirectory(directory.clone())),
    }
}

/// The file whose content the entry at `path` has.
fn find_file(index: &ArchiveIndex, path: &EntryPath) -> Result<Listed, BrowseError> {
    let Some(found) = index.find(path.as_bytes())? else {
        let is_implied = path.is_top() || !index.list(path.as_bytes(), None, 1)?.is_empty();
        return Err(if is_implied {
            BrowseError::NotAFile(path.clone(), EntryKind::Directory)
        } else {
            BrowseError::UnknownEntry(path.clone())
        });
    };
    match index.resolve(&found) {
        Err(ExtractError::NotAFile(_)) => Err(BrowseError::NotAFile(path.clone(), entry::kind_of(&found))),
        resolved => Ok(resolved?),
    }
}

impl From<BackendError> for BrowseError {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::Gone(what) => Self::Missing(what),
            // Whoever asked is there, so it was the engine that ended it.
            BackendError::Cancelled => Self::ShuttingDown,
            error => Self::Backend(error),
        }
    }
}

impl From<IndexError> for BrowseError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Unusable(reason) => Self::NoIndex(reason),
            IndexError::Damaged(what) => Self::Damaged(what),
            IndexError::Read(error) => Self::Io(error),
        }
    }
}

impl From<ExtractError> for BrowseError {
    fn from(error: ExtractError) -> Self {
        match error {
            ExtractError::Index(error) => error.into(),
            ExtractError::Write(error) => Self::Io(error),
            other @ (ExtractError::NotAFile(_) | ExtractError::Content(_)) => Self::Damaged(other.to_string()),
        }
    }
}
