//! [`ArchiveWriter`]: what callers hold. Keeps tar, manifest and file in step.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::base::{Reuse, SourceFile};
use super::body::{Shortfall, copy_body};
use super::catalogue::Catalogue;
use super::clones::Clones;
use super::error::ArchiveError;
use super::file_systems::FileSystems;
use super::group::{OpenGroup, is_large};
use super::header::{self, BLOCK, padding};
use super::meter::Meter;
use super::node::{Mtime, Node, join};
use super::options::{ArchiveOptions, Exclude, TargetSpec};
use super::partial_file::PartialFile;
use super::press::{Press, Setup};
use super::record::{Body, Group, NO_KEY};
use super::report::{GapKind, PassStats, TargetReport};
use super::table::TableWriter;

/// Makes one pass over its targets: `create`, then for each target `begin_target`, `add_…` and `end_target`. Then
/// either `finish`, which makes an archive of it, or `into_base`, which keeps it for a later pass.
///
/// Dropped before that, it ends its threads and removes its file.
pub struct ArchiveWriter {
    pub(super) press: Box<Press>,
    pub(super) catalogue: Box<Catalogue>,
    pub(super) groups: TableWriter<Group>,
    pub(super) bodies: TableWriter<Body>,
    pub(super) group: Option<OpenGroup>,
    pub(super) reuse: Arc<Reuse>,
    /// The files of the bases.
    pub(super) sources: Vec<Arc<SourceFile>>,
    pub(super) clones: Clones,
    pub(super) file_systems: FileSystems,
    pub(super) options: Box<ArchiveOptions>,
    /// The pass's own file, to read from.
    pub(super) data: File,
    pub(super) file: PartialFile,
    pub(super) top_dir: String,
    /// Bytes of the header of the entry at hand.
    header_len: usize,
    pub(super) generated_at: Mtime,
    pub(super) meter: Arc<Meter>,
    pub(super) read_bytes: u64,
    pub(super) deferred_bytes: u64,
    pub(super) notes: Vec<String>,
    #[cfg(test)]
    pub(super) before_body: Option<Hook>,
}

/// Lets a test meddle with a file between its header and its content; gets the path within the archive.
#[cfg(test)]
pub(super) type Hook = Box<dyn FnMut(&[u8]) + Send>;

impl ArchiveWriter {
    /// Begins a pass that writes to `path`, a partial name of the caller's choice that must not exist, with
    /// everything in it below `top_dir`.
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
        let (file, partial) = PartialFile::create(path).map_err(failed)?;
        let data = file.try_clone().map_err(failed)?;
        let (reuse, sources, notes) = Reuse::new(&options.reuse);
        let reuse = Arc::new(reuse);
        let setup = Setup {
            file,
            path,
            codec: options.pass_codec(),
            workers: options.workers,
            reuse: Arc::clone(&reuse),
            sources: Vec::new(),
            is_archive: true,
            background: options.background,
        };
        let at = options.created_at;
        Ok(Self {
            press: Box::new(Press::start(setup).map_err(failed)?),
            catalogue: Box::new(Catalogue::beside(path).map_err(failed)?),
            groups: TableWriter::beside(path).map_err(failed)?,
            bodies: TableWriter::beside(path).map_err(failed)?,
            group: None,
            reuse,
            sources,
            clones: Clones::new(options.clone_files),
            file_systems: FileSystems::default(),
            options: Box::new(options.clone()),
            data,
            file: partial,
            top_dir: top_dir.to_owned(),
            header_len: 0,
            generated_at: Mtime { secs: at.timestamp(), nanos: at.timestamp_subsec_nanos() },
            meter,
            read_bytes: 0,
            deferred_bytes: 0,
            notes,
            #[cfg(test)]
            before_body: None,
        })
    }

    /// Opens a target; what is added from now on belongs to it. An open one is ended first.
    ///
    /// # Errors
    /// [`ArchiveError::Write`] when the spool cannot be written.
    pub fn begin_target(&mut self, spec: TargetSpec) -> Result<(), ArchiveError> {
        self.end_group(NO_KEY, 0)?;
        self.catalogue.begin(&self.top_dir, spec);
        Ok(())
    }

    /// Closes the open target and tells how it came out. If files of it were cloned to be read later, the report of
    /// `finish` may say less of it.
    ///
    /// # Errors
    /// [`ArchiveError::NoTarget`] when none is open; [`ArchiveError::Write`] when the spool cannot be written.
    pub fn end_target(&mut self) -> Result<TargetReport, ArchiveError> {
        self.end_group(NO_KEY, 0)?;
        self.catalogue.end().cloned().ok_or(ArchiveError::NoTarget)
    }

    /// Adds a small file that exists in memory only, at `at` below the open target.
    ///
    /// # Errors
    /// [`ArchiveError`]; see its variants.
    pub fn add_bytes(&mut self, at: &str, content: &[u8]) -> Result<(), ArchiveError> {
        use std::io::Read as _;
        let path = self.full_path(at.as_bytes())?;
        let node = Node::generated(path, content.len() as u64, self.generated_at);
        let mut rest = content;
        let (hash, _) =
            self.put_file(&node, |w, hasher| w.copy_body(node.stored, hasher, &mut |buf| rest.read(buf)))?;
        self.complete(&node, Some(hash))
    }

    /// Notes a gap that the caller knows of and the writer cannot see, such as a stream that broke.
    ///
    /// # Errors
    /// [`ArchiveError::NoTarget`] when no target is open; [`ArchiveError::Write`] when the spool cannot be written.
    pub fn add_warning(&mut self, at: &str, kind: GapKind, message: &str) -> Result<(), ArchiveError> {
        let path = self.full_path(at.as_bytes())?;
        self.note(|catalogue| catalogue.warn(&path, kind, message))
    }

    /// What the pass has done so far, and what it was spared.
    #[must_use]
    pub fn window(&self) -> PassStats {
        let [by_identity, by_content, compressed_bytes] = self.reuse.counts();
        PassStats {
            read_bytes: self.read_bytes,
            reused_bytes: by_identity + by_content,
            reused_by_identity_bytes: by_identity,
            reused_by_content_bytes: by_content,
            compressed_bytes,
            deferred_bytes: self.deferred_bytes,
        }
    }

    /// What a reader of the job's log should know, such as why everything is read again.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
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
        self.put_header(node)?;
        self.meter.end_entry();
        self.complete(node, None)
    }

    /// Puts header, body and padding; `body` must hand exactly `node.stored` bytes to [`Self::copy_body`].
    /// [`Self::complete`] must follow.
    pub(super) fn put_file<T>(
        &mut self,
        node: &Node,
        body: impl FnOnce(&mut Self, &mut blake3::Hasher) -> Result<T, ArchiveError>,
    ) -> Result<(blake3::Hash, T), ArchiveError> {
        self.put_header(node)?;
        if is_large(node) {
            self.cut()?;
        }
        #[cfg(test)]
        if let Some(hook) = self.before_body.as_mut() {
            hook(&node.path);
        }
        let mut hasher = blake3::Hasher::new();
        let outcome = body(self, &mut hasher)?;
        self.press_write(&[0; BLOCK][..padding(node.stored)])?;
        self.read_bytes += node.stored;
        self.meter.end_entry();
        Ok((hasher.finalize(), outcome))
    }

    /// Begins an entry.
    pub(super) fn put_header(&mut self, node: &Node) -> Result<(), ArchiveError> {
        self.meter.check()?;
        self.meter.begin_entry(&node.path);
        let header = header::encode(node);
        let tar_len = header.len() as u64 + node.stored + padding(node.stored) as u64;
        self.before_entry(node, tar_len)?;
        self.header_len = header.len();
        self.press_write(&header)
    }

    /// Ends an entry: its line in the manifest, and perhaps its group.
    pub(super) fn complete(&mut self, node: &Node, hash: Option<blake3::Hash>) -> Result<(), ArchiveError> {
        self.add_to_catalogue(node, hash)?;
        self.after_entry(node)
    }

    pub(super) fn add_to_catalogue(&mut self, node: &Node, hash: Option<blake3::Hash>) -> Result<(), ArchiveError> {
        let header_len = self.header_len;
        self.note(|catalogue| catalogue.add(node, header_len, hash))
    }

    /// Copies exactly `len` bytes from `read` into the archive, zeros in place of what does not come.
    pub(super) fn copy_body(
        &mut self,
        len: u64,
        hasher: &mut blake3::Hasher,
        read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> Result<Option<Shortfall>, ArchiveError> {
        let copied = copy_body(&mut self.press, &self.meter, len, hasher, read);
        // A source that was told to stop may look like one that failed.
        self.meter.check()?;
        self.written(copied)
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

    fn press_write(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        let written = self.press.write(bytes);
        self.written(written)
    }

    pub(super) fn written<T>(&self, result: io::Result<T>) -> Result<T, ArchiveError> {
        result.map_err(|source| ArchiveError::writing(&self.file.path, source))
    }
}
