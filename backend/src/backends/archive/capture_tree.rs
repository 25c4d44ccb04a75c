//! Captures what is on disk.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use super::error::ArchiveError;
use super::node::{EntryKind, Node, join};
use super::options::TreeOptions;
use super::report::GapKind;
use super::sparse::SparseMap;
use super::walk::{Found, Walk};
use super::writer::{ArchiveWriter, Shortfall};
use super::xattrs;

/// Files with several names: the first path, and the change time that tells a reused inode from the same file.
type Links = HashMap<(u64, u64), (Vec<u8>, (i64, i64))>;

impl ArchiveWriter {
    /// Adds the tree, or the single file, at `root` to the open target. File systems mounted below it are part of
    /// it. What cannot be captured becomes a warning of the target, also when it is the root itself.
    ///
    /// # Errors
    /// [`ArchiveError`]; the archive is worthless then.
    pub fn add_tree(&mut self, root: &Path, options: &TreeOptions) -> Result<(), ArchiveError> {
        let at = self.full_path(options.at.as_bytes())?;
        let mut walk = match Walk::new(root, &options.excludes) {
            Ok(walk) => walk,
            Err(error) => return self.note(|c| c.leave_out(&at, GapKind::Unreadable, &error.to_string())),
        };
        let mut links = Links::new();
        while let Some(found) = walk.next() {
            self.meter().check()?;
            match found {
                Found::Opened { path, file, metadata } => {
                    self.capture(join(&at, &path), &file, &metadata, &mut links)?;
                }
                Found::Gap { path, kind, reason } => {
                    self.note(|c| c.leave_out(&join(&at, &path), kind, &reason))?;
                }
                Found::Excluded(exclude) => self.exclude(exclude),
            }
        }
        Ok(())
    }

    fn capture(
        &mut self,
        path: Vec<u8>,
        file: &File,
        metadata: &Metadata,
        links: &mut Links,
    ) -> Result<(), ArchiveError> {
        let Some(kind) = EntryKind::of(metadata) else {
            return self.note(|c| c.leave_out(&path, GapKind::Unsupported, "a socket cannot be archived"));
        };
        let mut node = Node::from_metadata(path, kind, metadata);
        if kind == EntryKind::Symlink {
            match rustix::fs::readlinkat(file, c"", Vec::new()) {
                Ok(target) => node.link = target.into_bytes(),
                Err(error) => return self.leave_out(&node, &error.into()),
            }
        }
        let identity = (metadata.dev(), metadata.ino());
        let changed_at = (metadata.ctime(), metadata.ctime_nsec());
        let has_names = kind != EntryKind::Directory && metadata.nlink() > 1;
        if let Some((first, _)) = links.get(&identity).filter(|(_, at)| has_names && *at == changed_at) {
            let link = Node { kind: EntryKind::HardLink, link: first.clone(), size: 0, stored: 0, ..node };
            return self.put(&link);
        }
        self.read_xattrs(&mut node, file)?;
        if has_names {
            links.insert(identity, (node.path.clone(), changed_at));
        }
        if kind == EntryKind::File { self.capture_file(node, file, metadata) } else { self.put(&node) }
    }

    fn capture_file(&mut self, mut node: Node, file: &File, before: &Metadata) -> Result<(), ArchiveError> {
        let map = SparseMap::find(file, before);
        let head = map.as_ref().map(SparseMap::encode).unwrap_or_default();
        let content = map.as_ref().map_or(node.size, SparseMap::data_len);
        let segments = map.map_or_else(|| vec![(0, node.size)], |map| map.segments);
        node.is_sparse = !head.is_empty();
        node.stored = head.len() as u64 + content;
        let (hash, shortfall) = self.put_file(&node, |writer, hasher| {
            writer.copy_own(&head, hasher)?;
            let mut shortfall = None;
            for (start, len) in segments {
                let mut at = start;
                let mut read = |buf: &mut [u8]| {
                    let count = file.read_at(buf, at)?;
                    at += count as u64;
                    Ok(count)
                };
                shortfall = shortfall.or(writer.copy_body(len, hasher, &mut read)?);
            }
            Ok(shortfall)
        })?;
        if let Some((kind, message)) = gap_of(shortfall, before, file) {
            self.note(|c| c.warn(&node.path, kind, &message))?;
        }
        self.note(|c| c.add(&node, Some(hash)))
    }

    /// A file without its attributes is still worth having, with a warning.
    fn read_xattrs(&mut self, node: &mut Node, file: &File) -> Result<(), ArchiveError> {
        let is_readable = matches!(node.kind, EntryKind::File | EntryKind::Directory);
        match if is_readable { xattrs::of_file(file) } else { xattrs::of_path(file) } {
            Ok(xattrs) => node.xattrs = xattrs,
            Err(error) => {
                let message = format!("its extended attributes could not be read: {error}");
                self.note(|c| c.warn(&node.path, GapKind::Unreadable, &message))?;
            }
        }
        Ok(())
    }

    fn leave_out(&mut self, node: &Node, error: &io::Error) -> Result<(), ArchiveError> {
        self.note(|c| c.leave_out(&node.path, GapKind::of(error), &error.to_string()))
    }
}

/// What to say of a file after it was read: every write since it was opened shows in its size or its times.
fn gap_of(shortfall: Option<Shortfall>, before: &Metadata, file: &File) -> Option<(GapKind, String)> {
    match shortfall {
        Some(Shortfall::Failed(error)) => {
            return Some((GapKind::Unreadable, format!("it could not be read to its end, the rest is zeros: {error}")));
        }
        Some(Shortfall::Ended) => {
            return Some((GapKind::Changed, "it was cut while it was read, the rest is zeros".to_owned()));
        }
        None => {}
    }
    let stamp = |m: &Metadata| (m.size(), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec());
    match file.metadata() {
        Ok(after) if stamp(&after) == stamp(before) => None,
        Ok(after) if after.size() > before.size() => {
            Some((GapKind::Changed, "it grew while it was read, what came later is missing".to_owned()))
        }
        Ok(_) => Some((GapKind::Changed, "it was changed while it was read".to_owned())),
        Err(error) => Some((GapKind::Unreadable, format!("whether it changed could not be found out: {error}"))),
    }
}
