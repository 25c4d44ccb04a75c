//! Captures what is on disk: looks at everything, and reads what no base has.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;

use rustix::io::Errno;

use super::capture_file::OpenFile;
use super::error::ArchiveError;
use super::group::{LARGE, Pending};
use super::header::{BLOCK, padding};
use super::node::{EntryKind, Mtime, Node, join, kind_of};
use super::options::TreeOptions;
use super::record::{Body, Key, NO_KEY};
use super::report::GapKind;
use super::stat::Stat;
use super::trust::clock;
use super::walk::{Found, Seen, Walk};
use super::writer::ArchiveWriter;
use super::xattrs;

/// Files with several names: the first path, and the change time that tells a reused inode from the same file.
type Links = HashMap<(u64, u64), (Vec<u8>, Mtime)>;

/// What the header of an entry is guessed to take: PAX records of a time with nanoseconds, and the block itself.
const HEADER: u64 = 3 * BLOCK as u64;

/// A tree at work.
struct Tree {
    links: Links,
    /// A moment before any entry of the group at hand was opened.
    began_at: Mtime,
    /// Whether that group is a single entry.
    is_alone: bool,
}

impl ArchiveWriter {
    /// Adds the tree, or the single file, at `root` to the open target. File systems mounted below it are part of
    /// it. What cannot be captured becomes a warning of the target, also when it is the root itself.
    ///
    /// # Errors
    /// [`ArchiveError`]; the archive is worthless then.
    pub fn add_tree(&mut self, root: &Path, options: &TreeOptions) -> Result<(), ArchiveError> {
        let at = self.full_path(options.at.as_bytes())?;
        let mut walk = match Walk::new(root, options) {
            Ok(walk) => walk,
            Err(error) => return self.note(|c| c.leave_out(&at, GapKind::Unreadable, &error.to_string())),
        };
        let mut tree = Tree { links: Links::new(), began_at: Mtime::default(), is_alone: false };
        let mut pending = Pending::default();
        while let Some(found) = walk.next() {
            self.meter().check()?;
            match found {
                Found::Seen(seen) => {
                    let seen = Seen { path: join(&at, &seen.path), ..seen };
                    self.gather(&mut tree, &mut pending, seen)?;
                }
                Found::Gap { path, kind, reason } => {
                    self.note(|c| c.leave_out(&join(&at, &path), kind, &reason))?;
                }
                Found::Excluded(exclude) => self.exclude(exclude),
            }
        }
        self.capture_group(&mut tree, &mut pending)
    }

    /// Puts an entry into the group that it belongs to, and captures the groups that are complete by that.
    fn gather(&mut self, tree: &mut Tree, pending: &mut Pending, seen: Seen) -> Result<(), ArchiveError> {
        if kind_of(&seen.stat).is_none() {
            return self.note(|c| c.leave_out(&seen.path, GapKind::Unsupported, "a socket cannot be archived"));
        }
        let is_link = tree.first_name(&seen, pending).is_some();
        let content = if seen.stat.is_file() && !is_link { seen.stat.size } else { 0 };
        let tar_len = HEADER + content.next_multiple_of(BLOCK as u64);
        let is_large = content >= LARGE;
        if is_large || !pending.has_room(tar_len) {
            self.capture_group(tree, pending)?;
        }
        if pending.push(seen, tar_len) || is_large { self.capture_group(tree, pending) } else { Ok(()) }
    }

    /// Takes the group over from a base if nothing of it can have changed, else reads it.
    fn capture_group(&mut self, tree: &mut Tree, pending: &mut Pending) -> Result<(), ArchiveError> {
        let group = std::mem::take(pending);
        if group.seen.is_empty() {
            return Ok(());
        }
        let key = self.identity(tree, &group);
        if let Some(hit) = key.and_then(|key| self.reuse.find_group(&key)) {
            self.note_known_body(&group, hit.pieces.len())?;
            for seen in group.seen {
                tree.remember(&seen.stat, seen.path);
            }
            return self.take_group(hit);
        }
        self.begin_group()?;
        (tree.began_at, tree.is_alone) = (clock(), group.seen.len() == 1);
        let mut is_trusted = true;
        let clones = self.clones.deferred.len();
        for seen in group.seen {
            is_trusted &= self.capture(tree, seen)?;
        }
        let clone = if self.clones.deferred.len() > clones { self.clones.deferred.len() as u32 } else { 0 };
        self.end_group(key.filter(|_| is_trusted && clone == 0).unwrap_or(NO_KEY), clone)
    }

    /// The identity of a group: of every entry its path, its file system, all that `stat` tells, and the file that a
    /// further name belongs to.
    fn identity(&mut self, tree: &Tree, group: &Pending) -> Option<Key> {
        let mut hasher = blake3::Hasher::new_derive_key("mainstay archive group 1");
        for (number, seen) in group.seen.iter().enumerate() {
            let first = tree.first_name_among(seen, &group.seen[..number]);
            for text in [seen.path.as_slice(), first.map_or(&[], Vec::as_slice)] {
                hasher.update(&(text.len() as u64).to_le_bytes());
                hasher.update(text);
            }
            hasher.update(&self.file_systems.id(seen.stat.dev, &seen.handle)?.to_le_bytes());
            seen.stat.hash_into(&mut hasher);
        }
        Some(*hasher.finalize().as_bytes())
    }

    /// The identity of a large file's content, wherever the file is called what.
    pub(super) fn body_identity(&mut self, seen: &Seen) -> Option<Key> {
        let mut hasher = blake3::Hasher::new_derive_key("mainstay archive body 1");
        hasher.update(&self.file_systems.id(seen.stat.dev, &seen.handle)?.to_le_bytes());
        seen.stat.hash_into(&mut hasher);
        Some(*hasher.finalize().as_bytes())
    }

    /// A large file that was taken over whole keeps its body for the next archive.
    fn note_known_body(&mut self, group: &Pending, piece_count: usize) -> Result<(), ArchiveError> {
        let [seen] = &group.seen[..] else { return Ok(()) };
        let size = seen.stat.size;
        let Some(key) = self.body_identity(seen).filter(|_| seen.stat.is_file() && size >= LARGE) else {
            return Ok(());
        };
        let Some(hit) = self.reuse.find_body(&key, size + padding(size) as u64) else { return Ok(()) };
        // The header is the first piece.
        let is_all = hit.pieces.len() + 1 == piece_count;
        let first_piece = self.cut()? + 1;
        let body = Body { key, hash: hit.hash, first_piece, piece_count: hit.pieces.len() as u32 };
        if is_all { self.note_body(&body) } else { Ok(()) }
    }

    /// Captures one entry; tells whether it is certain to be what `seen` says for as long as that stays as it is.
    fn capture(&mut self, tree: &mut Tree, seen: Seen) -> Result<bool, ArchiveError> {
        let Seen { path, stat: before, handle } = seen;
        let (file, stat) = match handle.open() {
            Ok((_, stat)) if stat.file_type() != before.file_type() => {
                return self.leave_out(&path, &Errno::LOOP.into()).map(|()| false);
            }
            Ok(opened) => opened,
            Err(error) => return self.leave_out(&path, &error).map(|()| false),
        };
        let Some(kind) = kind_of(&stat) else { return Ok(false) };
        let mut node = Node::from_stat(path, kind, &stat);
        if kind == EntryKind::Symlink {
            match rustix::fs::readlinkat(&*file, c"", Vec::new()) {
                Ok(target) => node.link = target.into_bytes(),
                Err(error) => return self.leave_out(&node.path, &error.into()).map(|()| false),
            }
        }
        let is_same = stat == before;
        let trust = self.options.trusted_before.as_ref();
        let is_covered = is_same && trust.is_some_and(|trust| trust.covers_metadata(&stat, tree.began_at));
        if let Some(first) = tree.first_name_of(&stat) {
            let link = Node { kind: EntryKind::HardLink, link: first.clone(), size: 0, stored: 0, ..node };
            return self.put(&link).map(|()| is_covered);
        }
        let has_xattrs = self.read_xattrs(&mut node, &file)?;
        tree.remember(&stat, node.path.clone());
        if kind != EntryKind::File {
            return self.put(&node).map(|()| has_xattrs && is_covered);
        }
        let open = OpenFile { file: &file, seen: &Seen { path: Vec::new(), stat, handle }, is_alone: tree.is_alone };
        self.capture_file(node, &open).map(|is_certain| is_same && has_xattrs && is_certain)
    }

    /// A file without its attributes is still worth having, with a warning.
    fn read_xattrs(&mut self, node: &mut Node, file: &File) -> Result<bool, ArchiveError> {
        let is_readable = matches!(node.kind, EntryKind::File | EntryKind::Directory);
        match if is_readable { xattrs::of_file(file) } else { xattrs::of_path(file) } {
            Ok(xattrs) => node.xattrs = xattrs,
            Err(error) => {
                let message = format!("its extended attributes could not be read: {error}");
                self.note(|c| c.warn(&node.path, GapKind::Unreadable, &message))?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn leave_out(&mut self, path: &[u8], error: &io::Error) -> Result<(), ArchiveError> {
        self.note(|c| c.leave_out(path, GapKind::of(error), &error.to_string()))
    }
}

impl Tree {
    /// Notes the first name of a file with several.
    fn remember(&mut self, stat: &Stat, path: Vec<u8>) {
        if has_names(stat) && self.first_name_of(stat).is_none() {
            self.links.insert((stat.dev, stat.ino), (path, stat.ctime));
        }
    }

    /// The name under which this very file is in the archive already.
    fn first_name_of(&self, stat: &Stat) -> Option<&Vec<u8>> {
        let known = self.links.get(&(stat.dev, stat.ino)).filter(|_| has_names(stat));
        known.filter(|(_, changed_at)| *changed_at == stat.ctime).map(|(path, _)| path)
    }

    fn first_name<'a>(&'a self, seen: &Seen, pending: &'a Pending) -> Option<&'a Vec<u8>> {
        self.first_name_among(seen, &pending.seen)
    }

    /// The same, with those that are not captured yet.
    fn first_name_among<'a>(&'a self, seen: &Seen, earlier: &'a [Seen]) -> Option<&'a Vec<u8>> {
        let file = |seen: &Seen| (seen.stat.dev, seen.stat.ino, seen.stat.ctime);
        let is_same = |other: &&Seen| file(other) == file(seen);
        let among = || earlier.iter().find(|other| has_names(&seen.stat) && is_same(other)).map(|other| &other.path);
        self.first_name_of(&seen.stat).or_else(among)
    }
}

fn has_names(stat: &Stat) -> bool {
    !stat.is_dir() && stat.nlink > 1
}
