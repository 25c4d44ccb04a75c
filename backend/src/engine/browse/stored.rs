//! Looking into what has no index of ours. What a tool keeps is asked of that tool, and its instance has to be there; an
//! archive without a manifest is read through.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use crate::backends::archive::PlainArchives;
use crate::backends::{BackendError, Look, SharedReader, Wanted, Work};
use crate::domain::entry::{EntryKind, EntryPath};
use crate::domain::name_pattern::NamePattern;
use crate::domain::plan::BackendKind;
use crate::domain::snapshot::Snapshot;

use super::super::JobEngine;
use super::content::{STALL, TURN_WITHIN, WAITING};
use super::listings::{MOST, cut};
use super::{BrowseError, Content, Listing, OpenEntry};

/// How many tools look into snapshots at once: each may take some hundred megabytes.
const AT_ONCE: usize = 4;

/// Whose turn it is to ask a tool.
#[derive(Debug)]
pub(super) struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl JobEngine {
    /// A page of a directory.
    pub(super) async fn list_stored(
        &self,
        snapshot: &Snapshot,
        directory: &EntryPath,
        after: Option<EntryPath>,
        limit: usize,
    ) -> Result<Listing, BrowseError> {
        let begun = self.see_directory(snapshot, directory).await?;
        if let Some(listing) = cut(&begun, after.as_ref(), limit) {
            return Ok(listing);
        }
        let (reference, at) = (snapshot.reference.clone(), directory.clone());
        let page = self
            .ask(snapshot, move |reader, work| async move {
                reader.look(&work, &reference, &at, after.as_ref(), limit).await
            })
            .await?;
        Ok(Listing { entries: page.entries, has_more: page.has_more })
    }

    /// The beginning of a directory, as it was lately seen or as it is.
    async fn see_directory(&self, snapshot: &Snapshot, directory: &EntryPath) -> Result<Arc<Look>, BrowseError> {
        if let Some(seen) = self.0.browse.listings.find(&snapshot.id, directory) {
            return Ok(seen);
        }
        let (reference, at) = (snapshot.reference.clone(), directory.clone());
        let asked = self
            .ask(snapshot, move |reader, work| async move { reader.look(&work, &reference, &at, None, MOST).await });
        let look = Arc::new(asked.await?);
        match look.own {
            Some(EntryKind::Directory) => {}
            Some(_) => return Err(BrowseError::NotADirectory(directory.clone())),
            None => return Err(BrowseError::UnknownEntry(directory.clone())),
        }
        self.0.browse.listings.keep(&snapshot.id, directory, &look);
        Ok(look)
    }

    /// What is called like this.
    pub(super) async fn search_stored(
        &self,
        snapshot: &Snapshot,
        pattern: NamePattern,
        after: Option<EntryPath>,
        limit: usize,
    ) -> Result<Listing, BrowseError> {
        let reference = snapshot.reference.clone();
        let found = self
            .ask(snapshot, move |reader, work| async move {
                reader.search(&work, &reference, &pattern, after.as_ref(), limit).await
            })
            .await?;
        Ok(Listing { entries: found.entries, has_more: found.has_more })
    }

    /// The content of a file.
    pub(super) async fn open_stored_file(
        &self,
        snapshot: &Snapshot,
        path: EntryPath,
    ) -> Result<OpenEntry, BrowseError> {
        let size_bytes = match self.see(snapshot, &path).await? {
            (EntryKind::File, size_bytes) => size_bytes,
            (kind, _) => return Err(BrowseError::NotAFile(path, kind)),
        };
        let content = self.pour_stored(snapshot, Wanted::File(path.clone()), Some(size_bytes)).await?;
        Ok(OpenEntry { path, size_bytes: Some(size_bytes), content })
    }

    /// A directory as a tar.
    pub(super) async fn open_stored_folder(
        &self,
        snapshot: &Snapshot,
        path: EntryPath,
    ) -> Result<OpenEntry, BrowseError> {
        match self.see(snapshot, &path).await? {
            (EntryKind::Directory, _) => {}
            _ => return Err(BrowseError::NotADirectory(path)),
        }
        let content = self.pour_stored(snapshot, Wanted::Folder(path.clone()), None).await?;
        Ok(OpenEntry { path, size_bytes: None, content })
    }

    /// What is at a path, and bytes of content there.
    async fn see(&self, snapshot: &Snapshot, path: &EntryPath) -> Result<(EntryKind, u64), BrowseError> {
        if path.is_top() {
            return Ok((EntryKind::Directory, 0));
        }
        let around = self.0.browse.listings.find(&snapshot.id, &path.parent());
        let seen = around.as_ref().and_then(|look| look.entries.iter().find(|entry| entry.path == *path));
        if let Some(entry) = seen {
            return Ok((entry.kind, entry.size_bytes));
        }
        let (reference, at) = (snapshot.reference.clone(), path.clone());
        let asked =
            self.ask(snapshot, move |reader, work| async move { reader.look(&work, &reference, &at, None, 0).await });
        let look = asked.await?;
        look.own.map(|kind| (kind, look.size_bytes)).ok_or_else(|| BrowseError::UnknownEntry(path.clone()))
    }

    /// Begins to read, and returns when the first part is there.
    async fn pour_stored(
        &self,
        snapshot: &Snapshot,
        wanted: Wanted,
        size_bytes: Option<u64>,
    ) -> Result<Content, BrowseError> {
        let (sender, mut parts) = mpsc::channel(WAITING);
        let (reader, work) = self.reader_for(snapshot)?;
        let (turn, reference) = (self.turn_to_ask().await?, snapshot.reference.clone());
        let pour = async move {
            let _turn = turn;
            let (raw, taken) = mpsc::channel(WAITING);
            let poured = async {
                let poured = reader.pour(&work, &reference, &wanted, &raw).await;
                drop(raw);
                poured
            };
            let (poured, relayed) = tokio::join!(poured, relay(taken, &sender));
            relayed.conclude(poured, size_bytes, &sender).await;
        };
        drop(self.0.tracker.spawn_on(pour, &self.0.parts.runtime));
        let first = parts.recv().await.transpose()?;
        Ok(Box::pin(stream::iter(first.map(Ok)).chain(ReceiverStream::new(parts))))
    }

    /// Asks who can look into the snapshot. When whoever asks goes away, the tool is ended.
    async fn ask<T: Send + 'static, F: Future<Output = Result<T, BackendError>> + Send>(
        &self,
        snapshot: &Snapshot,
        ask: impl FnOnce(SharedReader, Work) -> F + Send + 'static,
    ) -> Result<T, BrowseError> {
        let (reader, mut work) = self.reader_for(snapshot)?;
        let turn = self.turn_to_ask().await?;
        work.cancel = work.cancel.child_token();
        let _end_with_me = work.cancel.clone().drop_guard();
        let asked = async move {
            let _turn = turn;
            ask(reader, work).await
        };
        let asked = self.0.tracker.spawn_on(asked, &self.0.parts.runtime).await;
        Ok(asked.unwrap_or(Err(BackendError::Cancelled))?)
    }

    async fn turn_to_ask(&self) -> Result<impl Sized + Send + 'static, BrowseError> {
        let turn = Arc::clone(&self.0.browse.turns.0).acquire_owned();
        tokio::time::timeout(TURN_WITHIN, turn).await.map_err(|_| BrowseError::Busy)
    }

    fn reader_for(&self, snapshot: &Snapshot) -> Result<(SharedReader, Work), BrowseError> {
        if snapshot.has_plain_archive() {
            return Ok((Arc::new(PlainArchives), self.unheard_work()));
        }
        if snapshot.backend == BackendKind::CustomImage {
            return Err(BrowseError::NotAnArchive(snapshot.backend));
        }
        let name = snapshot.instance.clone().unwrap_or_default();
        let instance = name.parse().ok().and_then(|id| self.0.parts.registry.find_instance(&id));
        let instance = instance.ok_or(BrowseError::InstanceGone(name))?;
        let reader = self.backend_of(&instance).reader().ok_or(BrowseError::NotAnArchive(snapshot.backend))?;
        Ok((reader, self.unheard_work()))
    }
}

/// What was handed over, always one part behind.
#[derive(Default)]
struct Relayed {
    held: Option<Bytes>,
    count: u64,
    is_taken: bool,
}

async fn relay(mut from: mpsc::Receiver<Bytes>, to: &mpsc::Sender<Result<Bytes, BrowseError>>) -> Relayed {
    let mut relayed = Relayed { is_taken: true, ..Relayed::default() };
    while let Some(part) = from.recv().await {
        relayed.count += part.len() as u64;
        if let Some(before) = relayed.held.replace(part)
            && !send(to, Ok(before)).await
        {
            relayed.is_taken = false;
            break;
        }
    }
    relayed
}

/// Whether it was taken in time.
async fn send(to: &mpsc::Sender<Result<Bytes, BrowseError>>, part: Result<Bytes, BrowseError>) -> bool {
    matches!(tokio::time::timeout(STALL, to.send(part)).await, Ok(Ok(())))
}

impl Relayed {
    /// Hands over the last part if all is well, and an error otherwise.
    async fn conclude(
        self,
        poured: Result<(), BackendError>,
        size_bytes: Option<u64>,
        to: &mpsc::Sender<Result<Bytes, BrowseError>>,
    ) {
        if !self.is_taken {
            return;
        }
        let error = match (poured, size_bytes) {
            (Err(error), _) => error.into(),
            (Ok(()), Some(size)) if size != self.count => {
                BrowseError::Damaged(format!("{} bytes came, and {size} were announced", self.count))
            }
            (Ok(()), _) => {
                if let Some(last) = self.held {
                    send(to, Ok(last)).await;
                }
                return;
            }
        };
        send(to, Err(error)).await;
    }
}
