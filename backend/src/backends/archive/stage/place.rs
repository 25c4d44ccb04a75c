//! Making entries in a directory that nobody else may lead astray: every step goes through an open directory.

use std::ffi::CString;
use std::fs::File;
use std::io;

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid, chownat, fchmod, fchown, futimens,
    linkat, makedev, mkdirat, mknodat, openat, symlinkat, utimensat,
};
use rustix::io::Errno;
use xattr::FileExt as _;

use super::super::node::{EntryKind, Node};
use super::Stage;

const PRIVATE_DIRECTORY: Mode = Mode::RWXU;
const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

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
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        self.staged.entries += 1;
        Ok(File::from(openat(&parent, &name, flags, PRIVATE_FILE)?))
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

/// The open directory that `place` below `top` lies in, and its name there. Directories that no entry made are made.
pub(super) fn parent_of(top: &File, place: &[u8]) -> io::Result<(File, CString)> {
    let mut components: Vec<&[u8]> = place.split(|&b| b == b'/').filter(|part| !part.is_empty()).collect();
    let name = components.pop().ok_or_else(leads_out)?;
    let mut directory = top.try_clone()?;
    for component in components {
        directory = enter(&directory, &checked(component)?)?;
    }
    Ok((directory, checked(name)?))
}

/// Opens a directory, which is made when it is not there.
fn enter(parent: &File, name: &CString) -> io::Result<File> {
    match mkdirat(parent, name, PRIVATE_DIRECTORY) {
        Ok(()) | Err(Errno::EXIST) => open_directory(parent, name),
        Err(error) => Err(error.into()),
    }
}

fn open_directory(parent: &File, name: &CString) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(openat(parent, name, flags, Mode::empty())?))
}

fn checked(component: &[u8]) -> io::Result<CString> {
    if matches!(component, b"." | b"..") { Err(leads_out()) } else { to_c(component) }
}

fn to_c(bytes: &[u8]) -> io::Result<CString> {
    Ok(CString::new(bytes)?)
}

fn leads_out() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "the path leads out of its directory")
}

fn owner_of(node: &Node) -> (Uid, Gid) {
    let raw = |id: u64| u32::try_from(id).unwrap_or(u32::MAX - 1);
    (Uid::from_raw(raw(node.uid)), Gid::from_raw(raw(node.gid)))
}

fn times_of(node: &Node) -> Timestamps {
    let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let modified = Timespec { tv_sec: node.mtime.secs, tv_nsec: node.mtime.nanos.into() };
    Timestamps { last_access: omit, last_modification: modified }
}
