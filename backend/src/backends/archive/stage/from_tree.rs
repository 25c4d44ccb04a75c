//! Stages what is on disk.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::readlinkat;

use super::super::node::{EntryKind, Node, kind_of};
use super::super::options::TreeOptions;
use super::super::stat::Stat;
use super::super::trust::barrier;
use super::super::walk::{Found, Seen, Walk};
use super::super::xattrs;
use super::Stage;

impl Stage<'_> {
    /// Copies the tree, or the single file, at `root`, as `options` say. A root that is a link is followed.
    ///
    /// # Errors
    /// When the directory cannot be written to, or it was cancelled.
    pub fn add_tree(&mut self, root: &Path, options: &TreeOptions) -> io::Result<()> {
        let mut walk = match Walk::new(root, options) {
            Ok(walk) => walk,
            Err(error) => {
                self.gap(b"", &error.to_string());
                return Ok(());
            }
        };
        while let Some(found) = walk.next() {
            self.check()?;
            match found {
                Found::Seen(seen) => self.copy(&seen)?,
                Found::Gap { path, reason, .. } => self.gap(&path, &reason),
                Found::Excluded(_) => {}
            }
        }
        Ok(())
    }

    fn copy(&mut self, seen: &Seen) -> io::Result<()> {
        // A socket has no content, and whoever listens makes it anew.
        let Some(kind) = kind_of(&seen.stat) else { return Ok(()) };
        self.meter.begin_entry(&seen.path);
        let place = self.place(&seen.path);
        let copied = match kind {
            EntryKind::File => self.copy_or_link(seen, place)?,
            _ => self.copy_other(seen, kind, place)?,
        };
        if let Err(error) = copied {
            self.gap(&seen.path, &error.to_string());
        }
        self.meter.end_entry();
        Ok(())
    }

    fn copy_other(&mut self, seen: &Seen, kind: EntryKind, place: Vec<u8>) -> io::Result<io::Result<()>> {
        let handle = match seen.handle.path_only() {
            Ok(handle) => handle,
            Err(error) => return Ok(Err(error)),
        };
        let mut node = Node::from_stat(place, kind, &seen.stat);
        if kind == EntryKind::Directory {
            match xattrs::of_file(&handle) {
                Ok(xattrs) => node.xattrs = xattrs,
                Err(error) => self.gap(&seen.path, &format!("its attributes could not be read: {error}")),
            }
        }
        if kind == EntryKind::Symlink {
            match readlinkat(&handle, c"", Vec::new()) {
                Ok(link) => node.link = link.into_bytes(),
                Err(error) => return Ok(Err(error.into())),
            }
        }
        self.put(&node).map(Ok)
    }

    fn copy_or_link(&mut self, seen: &Seen, place: Vec<u8>) -> io::Result<io::Result<()>> {
        let (file, stat) = match seen.handle.open() {
            Ok(opened) => opened,
            Err(error) => return Ok(Err(error)),
        };
        let mut node = Node::from_stat(place, EntryKind::File, &stat);
        if let Some(first) = self.links.get(&(stat.dev, stat.ino)).filter(|_| stat.nlink > 1) {
            (node.kind, node.link) = (EntryKind::HardLink, first.clone());
            return self.put(&node).map(Ok);
        }
        if !self.take_over(&seen.path, &node.path, &stat) {
            self.copy_content(seen, &file, &stat, &mut node)?;
        }
        if stat.nlink > 1 {
            self.links.insert((stat.dev, stat.ino), node.path);
        }
        Ok(Ok(()))
    }

    fn copy_content(&mut self, seen: &Seen, file: &File, stat: &Stat, node: &mut Node) -> io::Result<()> {
        barrier(file);
        let gaps_before = self.staged.gap_count;
        match xattrs::of_file(file) {
            Ok(xattrs) => node.xattrs = xattrs,
            Err(error) => self.gap(&seen.path, &format!("its attributes could not be read: {error}")),
        }
        let to = self.begin_file(node)?;
        let torn = self.copy_file(file, stat, &to)?;
        let after = Stat::of(file)?;
        if let Some(torn) = torn {
            self.gap(&seen.path, &torn.reason());
        } else if has_changed(stat, &after) {
            self.gap(&seen.path, "it changed while it was read");
        }
        self.dress(&to, node)?;
        if self.staged.gap_count == gaps_before {
            self.note(&seen.path, stat, &after);
        }
        Ok(())
    }
}

fn has_changed(before: &Stat, after: &Stat) -> bool {
    (before.size, before.mtime) != (after.size, after.mtime)
}
