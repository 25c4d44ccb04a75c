//! Captures the content of one file, by the cheapest of the ways there are.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::fs::{Advice, fadvise};

use super::body::Shortfall;
use super::clones::Deferred;
use super::error::ArchiveError;
use super::group::LARGE;
use super::header::padding;
use super::node::Node;
use super::record::{Body, Key};
use super::report::GapKind;
use super::sparse::SparseMap;
use super::stat::Stat;
use super::trust::barrier;
use super::walk::Seen;
use super::writer::ArchiveWriter;

/// A file that is open.
pub(super) struct OpenFile<'a> {
    pub(super) file: &'a File,
    /// What `stat` told since it is open, and the way it was opened.
    pub(super) seen: &'a Seen,
    /// Whether it makes up a group by itself.
    pub(super) is_alone: bool,
}

/// Where the content of a file is.
struct Layout {
    /// The map of a file with holes, as it stands before the data.
    head: Vec<u8>,
    segments: Vec<(u64, u64)>,
}

impl ArchiveWriter {
    /// Captures a file: its body from a base, a clone for later, or by reading it. Tells whether the content is certain
    /// to be what it is for as long as the file's identity stays as it is.
    pub(super) fn capture_file(&mut self, mut node: Node, open: &OpenFile<'_>) -> Result<bool, ArchiveError> {
        let OpenFile { file, seen, .. } = open;
        barrier(file);
        let map = SparseMap::find(file, &seen.stat);
        let head = map.as_ref().map(SparseMap::encode).unwrap_or_default();
        let content = map.as_ref().map_or(node.size, SparseMap::data_len);
        let segments = map.map_or_else(|| vec![(0, node.size)], |map| map.segments);
        node.is_sparse = !head.is_empty();
        node.stored = head.len() as u64 + content;
        let is_trusted = self.options.trusted_before.as_ref().is_some_and(|trust| trust.covers(&seen.stat));
        // The map of a file with holes may come out otherwise tomorrow although its content is the same.
        let has_body = node.stored >= LARGE && !node.is_sparse;
        let key = if has_body { self.body_identity(seen) } else { None };
        let padded = node.stored + padding(node.stored) as u64;
        if let Some((key, hit)) = key.and_then(|key| Some((key, self.reuse.find_body(&key, padded)?))) {
            return self.put_known_body(&node, key, &hit).map(|()| is_trusted);
        }
        let key = key.filter(|_| is_trusted);
        let layout = Layout { head, segments };
        if open.is_alone && node.stored >= LARGE {
            let clone = self.clones.make(&seen.handle, file, &seen.stat, layout.segments.len());
            if let Some(clone) = clone {
                return self.put_deferred(node, open, clone, layout, key).map(|()| false);
            }
        }
        self.read_file(&node, open, &layout, key).map(|is_whole| is_trusted && is_whole)
    }

    /// Reads a file; tells whether it held still meanwhile. Its body is known by `key` from then on.
    fn read_file(
        &mut self,
        node: &Node,
        open: &OpenFile<'_>,
        layout: &Layout,
        key: Option<Key>,
    ) -> Result<bool, ArchiveError> {
        let (hash, (first_piece, shortfall)) = self.put_file(node, |writer, hasher| {
            let first_piece = writer.press.count();
            writer.copy_own(&layout.head, hasher)?;
            let mut shortfall = None;
            for (start, len) in &layout.segments {
                let mut at = *start;
                let mut read = |buf: &mut [u8]| {
                    let count = open.file.read_at(buf, at)?;
                    at += count as u64;
                    Ok(count)
                };
                shortfall = shortfall.or(writer.copy_body(*len, hasher, &mut read)?);
            }
            Ok((first_piece, shortfall))
        })?;
        let is_whole = self.note_gap(node, gap_of(shortfall, &open.seen.stat, open.file))?;
        if let Some(key) = key.filter(|_| is_whole) {
            let piece_count = (self.cut()? - first_piece) as u32;
            self.note_body(&Body { key, hash: *hash.as_bytes(), first_piece, piece_count })?;
        }
        if self.options.background && node.stored >= LARGE {
            // What was read once for a backup need not push out what the machine works with.
            let _ = fadvise(open.file, 0, None, Advice::DontNeed);
        }
        self.complete(node, Some(hash))?;
        Ok(is_whole)
    }

    /// Puts the header of a file whose body is read from its clone later.
    fn put_deferred(
        &mut self,
        node: Node,
        open: &OpenFile<'_>,
        clone: File,
        layout: Layout,
        key: Option<Key>,
    ) -> Result<(), ArchiveError> {
        self.put_header(&node)?;
        self.add_to_catalogue(&node, None)?;
        let is_whole = self.note_gap(&node, gap_of(None, &open.seen.stat, open.file))?;
        self.deferred_bytes += node.stored;
        self.meter().skip(1, 0);
        let (target, key) = (self.catalogue.target(), key.filter(|_| is_whole));
        let Layout { head, segments } = layout;
        self.clones.deferred.push(Deferred { node, target, clone, head, segments, key });
        Ok(())
    }

    /// Warns of a gap; tells whether there is none.
    fn note_gap(&mut self, node: &Node, gap: Option<(GapKind, String)>) -> Result<bool, ArchiveError> {
        let Some((kind, message)) = gap else { return Ok(true) };
        self.note(|c| c.warn(&node.path, kind, &message))?;
        Ok(false)
    }
}

/// What to say of a file after it was read: every write since it was opened shows in its size or its times.
fn gap_of(shortfall: Option<Shortfall>, before: &Stat, file: &File) -> Option<(GapKind, String)> {
    match shortfall {
        Some(Shortfall::Failed(error)) => {
            return Some((GapKind::Unreadable, format!("it could not be read to its end, the rest is zeros: {error}")));
        }
        Some(Shortfall::Ended) => {
            return Some((GapKind::Changed, "it was cut while it was read, the rest is zeros".to_owned()));
        }
        None => {}
    }
    let stamp = |stat: &Stat| (stat.size, stat.mtime, stat.ctime);
    match Stat::of(file) {
        Ok(after) if stamp(&after) == stamp(before) => None,
        Ok(after) if after.size > before.size => {
            Some((GapKind::Changed, "it grew while it was read, what came later is missing".to_owned()))
        }
        Ok(_) => Some((GapKind::Changed, "it was changed while it was read".to_owned())),
        Err(error) => Some((GapKind::Unreadable, format!("whether it changed could not be found out: {error}"))),
    }
}
