//! [`ArchiveWriter`]: what callers hold. Keeps tar, manifest and file in step.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::catalogue::Catalogue;
use super::error::ArchiveError;
use super::header::{self, BLOCK, padding};
use super::manifest::FILE_NAME;
use super::meter::Meter;
use super::node::{Mtime, Node, join};
use super::options::{ArchiveOptions, Exclude, TargetSpec};
use super::press::Press;
use super::report::{Finished, GapKind, TargetReport};

/// The most that is read between two looks at the meter.
const STRIDE: usize = 256 << 10;

/// Writes one archive: `create`, then for each target `begin_target`, `add_…` and `end_target`, then `finish`.
///
/// Dropped before it finished, it ends its threads and removes the file.
pub struct ArchiveWriter {
    press: Press,
    catalogue: Catalogue,
    file: PartialFile,
    top_dir: String,
    generated_at: Mtime,
    meter: Arc<Meter>,
    #[cfg(test)]
    pub(super) before_body: Option<Hook>,
}

/// Lets a test meddle with a file between its header and its content; gets the path within the archive.
#[cfg(test)]
pub(super) type Hook = Box<dyn FnMut(&[u8]) + Send>;

/// Removes the file unless it was finished.
struct PartialFile {
    path: PathBuf,
    is_finished: bool,
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if !self.is_finished {
            // Best effort: the clean-up at the next start finds what is left.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Why a body came out shorter than its header says; the rest of it is zeros.
pub(super) enum Shortfall {
    Ended,
    Failed(io::Error),
}

impl ArchiveWriter {
    /// Creates the archive at `path`, a partial name of the caller's choice that must not exist, with everything
    /// in it below `top_dir`.
    ///
    /// # Errors
    /// [`ArchiveError::Write`] when the file or the threads cannot be made.
    pub fn create(
        path: &Path,
        top_dir: &str,
        options: &ArchiveOptions,
        meter: Arc<Meter>,
    ) -> Result<Self, ArchiveError> {
        let failed = |source| ArchiveError::Write { path: path.to_owned(), source };
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        let partial = PartialFile { path: path.to_owned(), is_finished: false };
        let at = options.created_at;
        Ok(Self {
            press: Press::start(file, options.codec, options.workers).map_err(failed)?,
            catalogue: Catalogue::beside(path).map_err(failed)?,
            file: partial,
            top_dir: top_dir.to_owned(),
            generated_at: Mtime { secs: at.timestamp(), nanos: at.timestamp_subsec_nanos() },
            meter,
            #[cfg(test)]
            before_body: None,
        })
    }

    /// Opens a target; what is added from now on belongs to it. An open one is ended first.
    ///
    /// # Errors
    /// [`ArchiveError::Write`] when the spool cannot be written.
    pub fn begin_target(&mut self, spec: TargetSpec) -> Result<(), ArchiveError> {
        let begun = self.catalogue.begin(&self.top_dir, spec);
        self.written(begun)
    }

    /// Closes the open target and tells how it came out.
    ///
    /// # Errors
    /// [`ArchiveError::NoTarget`] when none is open; [`ArchiveError::Write`] when the spool cannot be written.
    pub fn end_target(&mut self) -> Result<TargetReport, ArchiveError> {
        let ended = self.catalogue.end().map(Option::<&TargetReport>::cloned);
        self.written(ended)?.ok_or(ArchiveError::NoTarget)
    }

    /// Adds a small file that exists in memory only, at `at` below the open target.
    ///
    /// # Errors
    /// [`ArchiveError`]; see its variants.
    pub fn add_bytes(&mut self, at: &str, content: &[u8]) -> Result<(), ArchiveError> {
        let path = self.full_path(at.as_bytes())?;
        let node = Node::generated(path, content.len() as u64, self.generated_at);
        let mut rest = content;
        let (hash, _) =
            self.put_file(&node, |w, hasher| w.copy_body(node.stored, hasher, &mut |buf| rest.read(buf)))?;
        self.note(|catalogue| catalogue.add(&node, Some(hash)))
    }

    /// Notes a gap that the caller knows of and the writer cannot see, such as a stream that broke.
    ///
    /// # Errors
    /// [`ArchiveError::NoTarget`] when no target is open; [`ArchiveError::Write`] when the spool cannot be written.
    pub fn add_warning(&mut self, at: &str, kind: GapKind, message: &str) -> Result<(), ArchiveError> {
        let path = self.full_path(at.as_bytes())?;
        self.note(|catalogue| catalogue.warn(&path, kind, message))
    }

    /// Writes manifest and trailer and syncs the file, which stays under its partial name. The fields of `about`
    /// come first in the manifest. Reads nothing of any target: the stack may run again by then.
    ///
    /// # Errors
    /// [`ArchiveError::Write`] when the file cannot be completed; it is removed then.
    pub fn finish(mut self, about: Map<String, Value>) -> Result<Finished, ArchiveError> {
        self.meter.check()?;
        let end = || -> io::Result<_> {
            let (manifest, len, targets) = self.catalogue.finish(about)?;
            let path = join(self.top_dir.as_bytes(), FILE_NAME.as_bytes());
            self.press.write(&header::encode(&Node::generated(path, len, self.generated_at)))?;
            copy_all(manifest, &mut self.press)?;
            self.press.write(&[0; BLOCK][..padding(len)])?;
            // Two empty blocks end a tar.
            self.press.write(&[0; 2 * BLOCK])?;
            Ok((self.press.finish()?, targets))
        };
        let path = self.file.path.clone();
        let (stored, targets) = end().map_err(|source| ArchiveError::Write { path: path.clone(), source })?;
        self.file.is_finished = true;
        Ok(Finished {
            path,
            size_bytes: stored.size_bytes,
            content_bytes: targets.iter().map(|target| target.size_bytes).sum(),
            entry_count: targets.iter().map(|target| target.entry_count).sum(),
            blake3_hex: stored.blake3_hex,
            targets,
        })
    }

    /// `path` below the open target, as a full path within the archive.
    pub(super) fn full_path(&self, path: &[u8]) -> Result<Vec<u8>, ArchiveError> {
        self.catalogue.root().map(|root| join(root, path)).ok_or(ArchiveError::NoTarget)
    }

    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Puts an entry without a body.
    pub(super) fn put(&mut self, node: &Node) -> Result<(), ArchiveError> {
        self.meter.check()?;
        self.meter.begin_entry(&node.path);
        self.written_header(node)?;
        self.meter.end_entry();
        self.note(|catalogue| catalogue.add(node, None))
    }

    /// Puts header, body and padding; `body` must hand exactly `node.stored` bytes to [`Self::copy_body`].
    pub(super) fn put_file<T>(
        &mut self,
        node: &Node,
        body: impl FnOnce(&mut Self, &mut blake3::Hasher) -> Result<T, ArchiveError>,
    ) -> Result<(blake3::Hash, T), ArchiveError> {
        self.meter.check()?;
        self.meter.begin_entry(&node.path);
        self.written_header(node)?;
        #[cfg(test)]
        if let Some(hook) = self.before_body.as_mut() {
            hook(&node.path);
        }
        let mut hasher = blake3::Hasher::new();
        let outcome = body(self, &mut hasher)?;
        self.press_write(&[0; BLOCK][..padding(node.stored)])?;
        self.meter.end_entry();
        Ok((hasher.finalize(), outcome))
    }

    /// Copies exactly `len` bytes from `read` into the archive, zeros in place of what does not come.
    pub(super) fn copy_body(
        &mut self,
        len: u64,
        hasher: &mut blake3::Hasher,
        read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> Result<Option<Shortfall>, ArchiveError> {
        let mut rest = len;
        let mut shortfall = None;
        while rest > 0 {
            self.meter.check()?;
            let room = self.press.room();
            let want = room.len().min(STRIDE).min(usize::try_from(rest).unwrap_or(STRIDE));
            let room = &mut room[..want];
            let count = if shortfall.is_some() { Ok(0) } else { read(room) };
            let count = match count {
                Ok(count) if count > 0 => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                ended => {
                    shortfall = shortfall.or(Some(ended.err().map_or(Shortfall::Ended, Shortfall::Failed)));
                    room.fill(0);
                    want
                }
            };
            hasher.update(&room[..count]);
            let advanced = self.press.advance(count);
            self.written(advanced)?;
            self.meter.add_bytes(count as u64);
            rest -= count as u64;
        }
        // A source that was told to stop may look like one that failed.
        self.meter.check()?;
        Ok(shortfall)
    }

    /// Copies bytes of ours that belong to a body: the map of a sparse file.
    pub(super) fn copy_own(&mut self, bytes: &[u8], hasher: &mut blake3::Hasher) -> Result<(), ArchiveError> {
        hasher.update(bytes);
        self.press_write(bytes)
    }

    pub(super) fn note(&mut self, write: impl FnOnce(&mut Catalogue) -> io::Result<()>) -> Result<(), ArchiveError> {
        let noted = write(&mut self.catalogue);
        self.written(noted)
    }

    pub(super) fn exclude(&mut self, exclude: Exclude) {
        self.catalogue.exclude(exclude);
    }

    fn written_header(&mut self, node: &Node) -> Result<(), ArchiveError> {
        self.press_write(&header::encode(node))
    }

    fn press_write(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        let written = self.press.write(bytes);
        self.written(written)
    }

    fn written<T>(&self, result: io::Result<T>) -> Result<T, ArchiveError> {
        result.map_err(|source| ArchiveError::Write { path: self.file.path.clone(), source })
    }
}

fn copy_all(mut from: impl Read, press: &mut Press) -> io::Result<()> {
    loop {
        let room = press.room();
        match from.read(room)? {
            0 => return Ok(()),
            count => press.advance(count)?,
        }
    }
}
