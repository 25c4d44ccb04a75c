//! The content of a file, or a directory as a tar, while it is read out of an archive.
//!
//! Whether a content is right is known only when all of it was read. So its last part is held back until then: whoever
//! has received as many bytes as were announced has the right ones. A content that ends in an error, or early, is of no
//! use.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use crate::backends::archive::{ArchiveIndex, ExtractError, Listed};
use crate::domain::entry::EntryPath;
use crate::domain::log::Level;
use crate::domain::snapshot::Snapshot;

use super::super::{JobEngine, chain};
use super::BrowseError;
use super::entry::size_of;

/// How much is handed over at once, in bytes.
const CHUNK: usize = 128 << 10;
/// How many parts may wait for a slow receiver.
pub(super) const WAITING: usize = 4;
/// How many contents are read at once: each keeps a thread and some mebibytes.
const AT_ONCE: usize = 8;
/// How long a request waits for its turn.
pub(super) const TURN_WITHIN: Duration = Duration::from_secs(10);
/// How long a receiver may take nothing.
pub(super) const STALL: Duration = Duration::from_secs(60);

/// Who may read.
#[derive(Debug)]
pub(super) struct Slots(Arc<Semaphore>);

impl Default for Slots {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// Parts of a content in order. After an error nothing comes.
pub type Content = Pin<Box<dyn Stream<Item = Result<Bytes, BrowseError>> + Send>>;

/// A file of a snapshot that is being read, or a directory of it as a tar.
pub struct OpenEntry {
    /// Where it is in the snapshot.
    pub path: EntryPath,
    /// How many bytes come; not known beforehand of a tar.
    pub size_bytes: Option<u64>,
    /// Those bytes, unless damage is found on the way.
    pub content: Content,
}

impl std::fmt::Debug for OpenEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenEntry")
            .field("path", &self.path)
            .field("size_bytes", &self.size_bytes)
            .finish_non_exhaustive()
    }
}

impl JobEngine {
    /// The content of a file.
    pub(super) async fn read_content(
        &self,
        snapshot: &Snapshot,
        path: EntryPath,
        index: ArchiveIndex,
        file: Listed,
    ) -> Result<OpenEntry, BrowseError> {
        let size_bytes = Some(size_of(&file));
        let content = self.read_out(snapshot, &path, move |outlet| index.extract(&file, outlet)).await?;
        Ok(OpenEntry { path, size_bytes, content })
    }

    /// A directory as a tar.
    pub(super) async fn read_folder(
        &self,
        snapshot: &Snapshot,
        path: EntryPath,
        index: ArchiveIndex,
    ) -> Result<OpenEntry, BrowseError> {
        let directory = path.clone();
        let write = move |outlet: &mut Outlet| index.write_folder(directory.as_bytes(), outlet);
        let content = self.read_out(snapshot, &path, write).await?;
        Ok(OpenEntry { path, size_bytes: None, content })
    }

    /// Begins to read, and returns when the first part is there: a small file is known to be right by then.
    async fn read_out(
        &self,
        snapshot: &Snapshot,
        path: &EntryPath,
        write: impl FnOnce(&mut Outlet) -> Result<u64, ExtractError> + Send + 'static,
    ) -> Result<Content, BrowseError> {
        let slot = Arc::clone(&self.0.browse.slots.0).acquire_owned();
        let slot = tokio::time::timeout(TURN_WITHIN, slot).await.map_err(|_| BrowseError::Busy)?;
        let (sender, mut parts) = mpsc::channel(WAITING);
        let runtime = self.0.parts.runtime.clone();
        let outlet = Outlet { parts: sender, runtime: runtime.clone(), held: Vec::new() };
        let (engine, archive, name) = (self.clone(), snapshot.clone(), path.clone());
        drop(runtime.spawn_blocking(move || {
            let _slot = slot;
            if let Err(error) = pour(write, outlet) {
                engine.tell_unreadable(&archive, &name, &error);
            }
        }));
        let first = parts.recv().await.transpose()?;
        Ok(Box::pin(stream::iter(first.map(Ok)).chain(ReceiverStream::new(parts))))
    }

    fn tell_unreadable(&self, snapshot: &Snapshot, path: &EntryPath, error: &str) {
        let message = format!("'{path}' could not be read out of {}: {error}", snapshot.reference);
        self.system_log().write(Level::Error, snapshot.subject().map(str::to_owned), message);
    }
}

/// Reads all of it into the outlet; the error is a text for the log, as the receiver gets the error itself. A
/// receiver that went away is none.
fn pour(write: impl FnOnce(&mut Outlet) -> Result<u64, ExtractError>, mut outlet: Outlet) -> Result<(), String> {
    match write(&mut outlet) {
        Ok(_) => {
            outlet.release();
            Ok(())
        }
        Err(ExtractError::Write(_)) => Ok(()),
        Err(error) => {
            let text = chain(&error);
            outlet.fail(error.into());
            Err(text)
        }
    }
}

/// Takes what is read and hands it over in parts, always one behind.
struct Outlet {
    parts: mpsc::Sender<Result<Bytes, BrowseError>>,
    runtime: Handle,
    held: Vec<u8>,
}

impl Outlet {
    fn send(&self, part: Result<Bytes, BrowseError>) -> io::Result<()> {
        let sent = self.runtime.block_on(tokio::time::timeout(STALL, self.parts.send(part)));
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Hands over what was held back: the content is right.
    fn release(self) {
        if !self.held.is_empty() {
            drop(self.send(Ok(Bytes::copy_from_slice(&self.held))));
        }
    }

    /// Drops what was held back: the content is wrong.
    fn fail(self, error: BrowseError) {
        drop(self.send(Err(error)));
    }
}

impl Write for Outlet {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.held.len() >= CHUNK {
            let part = std::mem::replace(&mut self.held, Vec::with_capacity(CHUNK + buf.len()));
            self.send(Ok(part.into()))?;
        }
        self.held.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a receiver gets of `len` bytes that turn out right or wrong: how many, and whether an error came last.
    async fn received(len: usize, is_right: bool) -> (usize, bool) {
        let (sender, mut parts) = mpsc::channel(WAITING);
        let mut outlet = Outlet { parts: sender, runtime: Handle::current(), held: Vec::new() };
        let writer = tokio::task::spawn_blocking(move || {
            for part in vec![7; len].chunks(8192) {
                outlet.write_all(part).expect("a receiver");
            }
            if is_right { outlet.release() } else { outlet.fail(BrowseError::Damaged("x".to_owned())) }
        });
        let (mut count, mut has_failed) = (0, false);
        while let Some(part) = parts.recv().await {
            assert!(!has_failed, "nothing comes after an error");
            part.map_or_else(|_| has_failed = true, |part| count += part.len());
        }
        writer.await.expect("an end");
        (count, has_failed)
    }

    #[tokio::test]
    async fn all_bytes_come_only_when_they_are_right() {
        for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5000] {
            assert_eq!(received(len, true).await, (len, false));
            let (count, has_failed) = received(len, false).await;
            assert!(has_failed && (count < len || len == 0), "{count} of {len}");
        }
    }
}
