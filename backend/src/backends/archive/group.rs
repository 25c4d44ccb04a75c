//! Cuts the stream of entries into groups, at borders that do not move when files come and go.
//!
//! A group always begins with the header of an entry. A large file is a group by itself; small entries are gathered
//! until the group is large enough and the path of the last one says so, or until there is no more room.

use super::base::{BodyHit, GroupHit};
use super::error::ArchiveError;
use super::node::{EntryKind, Node};
use super::press::PIECE;
use super::record::{Body, Group, Key, NO_KEY};
use super::walk::Seen;
use super::writer::ArchiveWriter;

/// Files of at least this many bytes are groups of their own.
pub(super) const LARGE: u64 = 64 << 10;
/// What a group of small entries holds at least, if there are that many.
const MIN_GROUP: u64 = 128 << 10;
/// One path in this many ends a group that is large enough.
const CUT_ONE_IN: u8 = 4;
/// Descriptors that a group may keep open until it is read.
const MAX_DESCRIPTORS: usize = 64;

/// The group at hand.
pub(super) struct OpenGroup {
    first_piece: u64,
    lines_at: u64,
    entry_count: u32,
    content_bytes: u64,
    /// Bytes of tar so far.
    pub(super) tar_len: u64,
    /// Whether the caller ends it; otherwise it ends where the rule says.
    is_gathered: bool,
}

impl ArchiveWriter {
    /// Begins a group that only `end_group` ends.
    pub(super) fn begin_group(&mut self) -> Result<(), ArchiveError> {
        self.end_group(NO_KEY, 0)?;
        self.open_group().is_gathered = true;
        Ok(())
    }

    fn open_group(&mut self) -> &mut OpenGroup {
        let (first_piece, lines_at) = (self.press.count(), self.catalogue.lines_len());
        self.group.get_or_insert(OpenGroup {
            first_piece,
            lines_at,
            entry_count: 0,
            content_bytes: 0,
            tar_len: 0,
            is_gathered: false,
        })
    }

    /// Ends the group at hand, if there is one. It can be reused by `key`, unless that is [`NO_KEY`]; `clone` is one
    /// more than the number of the clone that has the rest of it.
    pub(super) fn end_group(&mut self, key: Key, clone: u32) -> Result<(), ArchiveError> {
        let cut = self.press.cut();
        self.written(cut)?;
        let Some(group) = self.group.take().filter(|group| group.entry_count > 0) else { return Ok(()) };
        let pushed = self.groups.push(&Group {
            key,
            lines_at: group.lines_at,
            lines_len: self.catalogue.lines_len() - group.lines_at,
            first_piece: group.first_piece,
            piece_count: (self.press.count() - group.first_piece) as u32,
            entry_count: group.entry_count,
            content_bytes: group.content_bytes,
            clone,
        });
        self.written(pushed)
    }

    /// Makes room for an entry that takes `tar_len` bytes in a group of the rule's.
    pub(super) fn before_entry(&mut self, node: &Node, tar_len: u64) -> Result<(), ArchiveError> {
        let is_full = self
            .group
            .as_ref()
            .is_some_and(|group| !group.is_gathered && (is_large(node) || group.tar_len + tar_len > PIECE as u64));
        if is_full {
            self.end_group(NO_KEY, 0)?;
        }
        let group = self.open_group();
        group.tar_len += tar_len;
        group.entry_count += 1;
        group.content_bytes += node.stored;
        Ok(())
    }

    /// Ends the group after an entry if the rule says so.
    pub(super) fn after_entry(&mut self, node: &Node) -> Result<(), ArchiveError> {
        let ends = self
            .group
            .as_ref()
            .is_some_and(|group| !group.is_gathered && (is_large(node) || is_border(group.tar_len, &node.path)));
        if ends { self.end_group(NO_KEY, 0) } else { Ok(()) }
    }

    /// Takes a whole group over.
    pub(super) fn take_group(&mut self, hit: GroupHit) -> Result<(), ArchiveError> {
        self.meter().check()?;
        self.begin_group()?;
        for piece in &hit.pieces {
            let kept = self.press.keep(*piece);
            self.written(kept)?;
        }
        let GroupHit { group: found, lines, .. } = hit;
        self.note(|c| c.take_over(&lines, found.entry_count.into(), found.content_bytes))?;
        let group = self.open_group();
        (group.entry_count, group.content_bytes) = (found.entry_count, found.content_bytes);
        self.meter().skip(found.entry_count.into(), found.content_bytes);
        self.reuse.count_identical(found.content_bytes);
        self.end_group(found.key, 0)
    }

    /// Puts a large file of which only the header is new.
    pub(super) fn put_known_body(&mut self, node: &Node, key: Key, hit: &BodyHit) -> Result<(), ArchiveError> {
        self.put_header(node)?;
        let hash = hit.hash;
        let first_piece = self.cut()?;
        for piece in &hit.pieces {
            let kept = self.press.keep(*piece);
            self.written(kept)?;
        }
        self.note_body(&Body { key, hash, first_piece, piece_count: hit.pieces.len() as u32 })?;
        self.meter().skip(1, node.stored);
        self.reuse.count_identical(node.stored);
        self.add_to_catalogue(node, Some(blake3::Hash::from_bytes(hash)))
    }

    /// Ends the piece at hand; the number of the next one.
    pub(super) fn cut(&mut self) -> Result<u64, ArchiveError> {
        let cut = self.press.cut();
        self.written(cut)?;
        Ok(self.press.count())
    }

    pub(super) fn note_body(&mut self, body: &Body) -> Result<(), ArchiveError> {
        let pushed = self.bodies.push(body);
        self.written(pushed)
    }
}

pub(super) fn is_large(node: &Node) -> bool {
    node.kind == EntryKind::File && node.stored >= LARGE
}

/// Whether a group of `tar_len` bytes ends behind the entry at `path`.
pub(super) fn is_border(tar_len: u64, path: &[u8]) -> bool {
    tar_len >= MIN_GROUP && blake3::hash(path).as_bytes()[0].is_multiple_of(CUT_ONE_IN)
}

/// Small entries that were looked at and not yet read.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) seen: Vec<Seen>,
    tar_len: u64,
    descriptors: usize,
}

impl Pending {
    /// Whether there is room for an entry that takes about `tar_len` bytes.
    pub(super) fn has_room(&self, tar_len: u64) -> bool {
        self.seen.is_empty() || (self.tar_len + tar_len <= PIECE as u64 && self.descriptors < MAX_DESCRIPTORS)
    }

    /// Adds an entry; tells whether the group ends behind it.
    pub(super) fn push(&mut self, seen: Seen, tar_len: u64) -> bool {
        let is_shared = self.seen.last().is_some_and(|last| last.handle.shares_descriptor_with(&seen.handle));
        self.descriptors += usize::from(!is_shared);
        self.tar_len += tar_len;
        let ends = is_border(self.tar_len, &seen.path);
        self.seen.push(seen);
        ends
    }
}
