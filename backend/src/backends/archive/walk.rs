//! Walks a tree without ever following a link, blocking on a pipe, or holding more than a batch of names.
//!
//! Every step goes through an open directory (`openat` with `O_NOFOLLOW`), so a path component that is swapped
//! for a link meanwhile leads nowhere. What is read is the very file that was looked at: metadata comes from the
//! open descriptor.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, openat};
use rustix::io::Errno;

use super::node::join;
use super::options::Exclude;
use super::report::GapKind;

/// Names read ahead of one directory.
const BATCH: usize = 1024;
/// Directories within each other. Every level holds a descriptor, of which a process has few, and no program
/// could name what lies deeper.
const MAX_DEPTH: usize = 400;

/// What the walk met.
pub(super) enum Found {
    /// Something open: files and directories for reading, all else as a mere path.
    Opened { path: Vec<u8>, file: File, metadata: Metadata },
    /// Something that could not be opened or listed.
    Gap { path: Vec<u8>, kind: GapKind, reason: String },
    /// Something to be left out on purpose.
    Excluded(Exclude),
}

/// The walk itself: parents come before their children, siblings in the order of their inodes.
pub(super) struct Walk {
    root: Option<CString>,
    excludes: HashMap<Vec<u8>, Exclude>,
    levels: Vec<Level>,
}

struct Level {
    dir: Dir,
    /// Path below the root.
    path: Vec<u8>,
    batch: std::vec::IntoIter<Name>,
    is_exhausted: bool,
    /// Why the listing ended early.
    failure: Option<io::Error>,
}

struct Name {
    inode: u64,
    name: CString,
    file_type: FileType,
}

impl Walk {
    /// A walk over `root`, which may be a single file. A root that is a link is followed, as Docker follows it.
    pub(super) fn new(root: &Path, excludes: &[Exclude]) -> io::Result<Self> {
        let within = |exclude: &Exclude| {
            let below = exclude.path.strip_prefix(root).ok()?;
            Some((below.as_os_str().as_bytes().to_vec(), exclude.clone()))
        };
        let excludes = excludes.iter().filter_map(within).collect();
        Ok(Self { root: Some(CString::new(root.as_os_str().as_bytes())?), excludes, levels: Vec::new() })
    }

    /// The next thing, or `None` when all was seen.
    pub(super) fn next(&mut self) -> Option<Found> {
        if let Some(root) = self.root.take() {
            let opened = open(CWD.as_fd(), &root, FileType::Unknown, OFlags::empty());
            return Some(self.visit(Vec::new(), opened));
        }
        loop {
            let level = self.levels.last_mut()?;
            match level.next_name() {
                Some(Ok(Name { name, file_type, .. })) => {
                    let path = join(&level.path, name.as_bytes());
                    if let Some(exclude) = self.excludes.get(&path) {
                        return Some(Found::Excluded(exclude.clone()));
                    }
                    let opened = level.dir.fd().map_err(io::Error::from);
                    let opened = opened.and_then(|dir| open(dir, &name, file_type, OFlags::NOFOLLOW));
                    return Some(self.visit(path, opened));
                }
                Some(Err(error)) => {
                    let reason = format!("part of it could not be listed: {error}");
                    return Some(Found::Gap { path: level.path.clone(), kind: GapKind::of(&error), reason });
                }
                None => drop(self.levels.pop()),
            }
        }
    }

    fn visit(&mut self, path: Vec<u8>, opened: io::Result<(File, Metadata)>) -> Found {
        let entered = opened.and_then(|(file, metadata)| {
            if metadata.is_dir() {
                if self.levels.len() == MAX_DEPTH {
                    return Err(io::Error::other("directories are nested too deeply"));
                }
                self.levels.push(Level::enter(&file, &path)?);
            }
            Ok((file, metadata))
        });
        match entered {
            Ok((file, metadata)) => Found::Opened { path, file, metadata },
            Err(error) => gap(path, &error),
        }
    }
}

fn gap(path: Vec<u8>, error: &io::Error) -> Found {
    Found::Gap { path, kind: GapKind::of(error), reason: error.to_string() }
}

impl Level {
    fn enter(file: &File, path: &[u8]) -> io::Result<Self> {
        let dir = Dir::new(OwnedFd::from(file.try_clone()?))?;
        Ok(Self { dir, path: path.to_vec(), batch: Vec::new().into_iter(), is_exhausted: false, failure: None })
    }

    fn next_name(&mut self) -> Option<io::Result<Name>> {
        if self.batch.as_slice().is_empty() && !self.is_exhausted {
            self.read_batch();
        }
        self.batch.next().map(Ok).or_else(|| self.failure.take().map(Err))
    }

    /// A batch at a time keeps memory flat in a directory of millions; in the order of inodes because that is
    /// roughly the order on the disk.
    fn read_batch(&mut self) {
        let mut names = Vec::new();
        while names.len() < BATCH && !self.is_exhausted {
            match self.dir.read() {
                Some(Ok(entry)) if matches!(entry.file_name().to_bytes(), b"." | b"..") => {}
                Some(Ok(entry)) => {
                    let (inode, file_type) = (entry.ino(), entry.file_type());
                    names.push(Name { inode, name: entry.file_name().to_owned(), file_type });
                }
                end => {
                    self.is_exhausted = true;
                    self.failure = end.and_then(Result::err).map(io::Error::from);
                }
            }
        }
        names.sort_unstable_by_key(|name| name.inode);
        self.batch = names.into_iter();
    }
}

/// Opens for reading what can be read without side effects, and all else as a mere path.
fn open(dir: BorrowedFd<'_>, name: &CStr, hint: FileType, nofollow: OFlags) -> io::Result<(File, Metadata)> {
    let mut file_type = hint;
    if !matches!(hint, FileType::RegularFile | FileType::Directory) {
        let handle = File::from(openat(dir, name, OFlags::PATH | OFlags::CLOEXEC | nofollow, Mode::empty())?);
        let metadata = handle.metadata()?;
        file_type = type_of(&metadata);
        if !matches!(file_type, FileType::RegularFile | FileType::Directory) {
            return Ok((handle, metadata));
        }
    }
    // Should a pipe or a terminal be there by now, the open does not wait for it.
    let harmless = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(openat(dir, name, OFlags::RDONLY | harmless | nofollow, Mode::empty())?);
    let metadata = file.metadata()?;
    if type_of(&metadata) == file_type { Ok((file, metadata)) } else { Err(Errno::LOOP.into()) }
}

fn type_of(metadata: &Metadata) -> FileType {
    FileType::from_raw_mode(metadata.mode())
}
