//! Making entries in a directory that nobody else may lead astray: every step goes through an open directory.

use std::ffi::CString;
use std::fs::File;
use std::io;

use rustix::fs::{
    AtFlags, FileType, Mode, chownat, fchmod, fchown, futimens, linkat, makedev, mknodat, symlinkat, utimensat,
};
use rustix::io::Errno;
use xattr::FileExt as _;

use super::super::at::{create_file, enter, open_directory, owner_of, parent_of, times_of, to_c};
use super::super::node::{EntryKind, Node};
use super::Stage;

impl Stage<'_> {
    /// Makes everything but a file with content of its own. `node.path` is the place below the parent.
    pub(super) fn put(&mut self, node: &Node) -> io::Result<()> {
        let (parent, name) = self.parent_of(&node.path)?;
        match node.kind {
            EntryKind::Directory => {
                enter(&parent, &name)?;
                self.directories.push(node.clone());
            }
            EntryKind::Symlink => {
                symlinkat(to_c(&node.link)?.as_c_str(), &parent, &name)?;
                self.dress_link(&parent, &name, node)?;
            }
            EntryKind::HardLink => {
                let (from, old) = self.parent_of(&node.link)?;
                linkat(&from, &old, &parent, &name, AtFlags::empty())?;
            }
            EntryKind::Fifo | EntryKind::CharDevice | EntryKind::BlockDevice => {
                let kind = match node.kind {
                    EntryKind::Fifo => FileType::Fifo,
                    EntryKind::CharDevice => FileType::CharacterDevice,
                    _ => FileType::BlockDevice,
                };
                let device = makedev(node.device.0, node.device.1);
                match mknodat(&parent, &name, kind, Mode::from_raw_mode(node.mode), device) {
                    Ok(()) => self.dress_link(&parent, &name, node)?,
                    Err(Errno::PERM) => self.gap(&node.path, "a device cannot be made here"),
                    Err(error) => return Err(error.into()),
                }
            }
            EntryKind::File => return Err(io::Error::other("a file is put together with its content")),
        }
        self.staged.entries += 1;
        Ok(())
    }

    /// Makes an empty file for its content.
    pub(super) fn begin_file(&mut self, node: &Node) -> io::Result<File> {
        let (parent, name) = self.parent_of(&node.path)?;
        self.staged.entries += 1;
        create_file(&parent, &name)
    }

    /// Owner, mode, attributes and time of something open, in this order: each of them may change the one after it.
    pub(super) fn dress(&mut self, file: &File, node: &Node) -> io::Result<()> {
        let (uid, gid) = owner_of(node);
        if let Err(error) = fchown(file, Some(uid), Some(gid)) {
            self.gap(&node.path, &format!("its owner could not be kept: {error}"));
        }
        for (name, value) in &node.xattrs {
            if let Err(error) = file.set_xattr(std::ffi::OsStr::new(&*String::from_utf8_lossy(name)), value) {
                self.gap(&node.path, &format!("an attribute could not be kept: {error}"));
            }
        }
        fchmod(file, Mode::from_raw_mode(node.mode & 0o7777))?;
        Ok(futimens(file, &times_of(node))?)
    }

    fn dress_link(&mut self, parent: &File, name: &CString, node: &Node) -> io::Result<()> {
        let (uid, gid) = owner_of(node);
        if let Err(error) = chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW) {
            self.gap(&node.path, &format!("its owner could not be kept: {error}"));
        }
        Ok(utimensat(parent, name, &times_of(node), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    pub(super) fn finish_directory(&mut self, node: &Node) -> io::Result<()> {
        let (parent, name) = self.parent_of(&node.path)?;
        let directory = open_directory(&parent, &name)?;
        self.dress(&directory, node)
    }

    fn parent_of(&self, place: &[u8]) -> io::Result<(File, CString)> {
        parent_of(&self.parent, place)
    }
}
