//! Walks a tree without ever following a link, blocking on a pipe, or holding more than a batch of names.
//!
//! Every step goes through an open directory (`openat` with `O_NOFOLLOW`), so a path component that is swapped
//! for a link meanwhile leads nowhere. The walk itself only looks (`stat`) and opens directories; what is read is
//! opened later by [`Handle::open`], and its metadata comes from the open descriptor then.

use std::collections::HashMap;
use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

use rustix::fs::{CWD, FileType, Mode, OFlags, RawDir, openat};
use rustix::io::Errno;

use super::node::join;
use super::options::{Exclude, TreeOptions};
use super::patterns::Patterns;
use super::report::GapKind;
use super::stat::Stat;
use crate::domain::restore::{SCRATCH_PREFIX, SCRATCH_REASON};

/// Names read ahead of one directory, at least.
const BATCH: usize = 1024;
const LISTING: usize = 32 << 10;
/// Directories within each other. Every level holds a descriptor, of which a process has few, and no program
/// could name what lies deeper.
const MAX_DEPTH: usize = 400;

/// What the walk met.
pub(super) enum Found {
    /// Something that is there.
    Seen(Seen),
    /// Something that could not be looked at or listed.
    Gap { path: Vec<u8>, kind: GapKind, reason: String },
    /// Something to be left out on purpose.
    Excluded(Exclude),
}

/// Something that was looked at and may be opened.
pub(super) struct Seen {
    /// Path below the root of the walk; later, of the archive.
    pub(super) path: Vec<u8>,
    pub(super) stat: Stat,
    pub(super) handle: Handle,
}

/// The way to open what was seen.
pub(super) enum Handle {
    /// It is open already: directories, which had to be listed, and roots.
    Open(Rc<File>),
    /// A name in an open directory.
    Named { parent: Rc<File>, name: CString },
}

impl Handle {
    /// Opens for reading what can be read without side effects, and all else as a mere path.
    pub(super) fn open(&self) -> io::Result<(Rc<File>, Stat)> {
        match self {
            Self::Open(file) => Ok((Rc::clone(file), Stat::of(file)?)),
            Self::Named { parent, name } => {
                open(parent.as_fd(), name, OFlags::NOFOLLOW).map(|(f, stat)| (Rc::new(f), stat))
            }
        }
    }

    /// The file itself as a mere path.
    pub(super) fn path_only(&self) -> io::Result<File> {
        match self {
            Self::Open(file) => file.try_clone(),
            Self::Named { parent, name } => {
                let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
                Ok(File::from(openat(parent, name, flags, Mode::empty())?))
            }
        }
    }

    /// Whether something new had to be opened for it, compared with `other`: descriptors are few.
    pub(super) fn shares_descriptor_with(&self, other: &Self) -> bool {
        let file = |handle: &Self| match handle {
            Self::Open(file) | Self::Named { parent: file, .. } => Rc::as_ptr(file),
        };
        std::ptr::eq(file(self), file(other))
    }
}

/// The walk itself: parents come before their children, siblings in the order of their inodes.
pub(super) struct Walk {
    root: Option<CString>,
    /// By their path below the root.
    excludes: HashMap<Vec<u8>, Exclude>,
    /// The root's own path: patterns are compared with whole paths.
    root_path: Vec<u8>,
    patterns: Patterns,
    own_directories: Vec<(u64, u64)>,
    levels: Vec<Level>,
}

struct Level {
    dir: Rc<File>,
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
    is_dir: bool,
}

impl Walk {
    /// A walk over `root`, which may be a single file. A root that is a link is followed, as Docker follows it.
    pub(super) fn new(root: &Path, options: &TreeOptions) -> io::Result<Self> {
        let within = |exclude: &Exclude| {
            let below = exclude.path.strip_prefix(root).ok()?;
            Some((below.as_os_str().as_bytes().to_vec(), exclude.clone()))
        };
        let excludes = options.excludes.iter().filter_map(within).collect();
        let root_path = root.as_os_str().as_bytes().to_vec();
        Ok(Self {
            root: Some(CString::new(root_path.as_slice())?),
            excludes,
            root_path,
            patterns: options.patterns.clone(),
            own_directories: options.own_directories.clone(),
            levels: Vec::new(),
        })
    }

    /// The next thing, or `None` when all was seen.
    pub(super) fn next(&mut self) -> Option<Found> {
        if let Some(root) = self.root.take() {
            let opened = open(CWD.as_fd(), &root, OFlags::empty());
            let seen = opened.map(|(file, stat)| (Handle::Open(Rc::new(file)), stat));
            return Some(self.visit(Vec::new(), seen));
        }
        loop {
            let level = self.levels.last_mut()?;
            match level.next_name() {
                Some(Ok(name)) => {
                    let path = join(&level.path, name.name.as_bytes());
                    if let Some(exclude) = self.excludes.get(&path) {
                        return Some(Found::Excluded(exclude.clone()));
                    }
                    if let Some(exclude) = find_restore(&self.root_path, &name.name, &path) {
                        return Some(Found::Excluded(exclude));
                    }
                    if self.patterns.is_match(&self.root_path, &path) {
                        continue;
                    }
                    let seen = look(&level.dir, name);
                    if let Some(exclude) = seen.as_ref().ok().and_then(|(_, stat)| self.find_own(stat, &path)) {
                        return Some(Found::Excluded(exclude));
                    }
                    return Some(self.visit(path, seen));
                }
                Some(Err(error)) => {
                    let reason = format!("part of it could not be listed: {error}");
                    return Some(Found::Gap { path: level.path.clone(), kind: GapKind::of(&error), reason });
                }
                None => drop(self.levels.pop()),
            }
        }
    }

    fn find_own(&self, stat: &Stat, path: &[u8]) -> Option<Exclude> {
        let is_own = stat.is_dir() && self.own_directories.contains(&(stat.dev, stat.ino));
        let path = || OsStr::from_bytes(&join(&self.root_path, path)).into();
        is_own.then(|| Exclude { path: path(), reason: "Mainstay's own directory".to_owned() })
    }

    fn visit(&mut self, path: Vec<u8>, seen: io::Result<(Handle, Stat)>) -> Found {
        let entered = seen.and_then(|(handle, stat)| {
            if let (Handle::Open(dir), true) = (&handle, stat.is_dir()) {
                if self.levels.len() == MAX_DEPTH {
                    return Err(io::Error::other("directories are nested too deeply"));
                }
                self.levels.push(Level::enter(Rc::clone(dir), &path)?);
            }
            Ok((handle, stat))
        });
        match entered {
            Ok((handle, stat)) => Found::Seen(Seen { path, stat, handle }),
            Err(error) => Found::Gap { path, kind: GapKind::of(&error), reason: error.to_string() },
        }
    }
}

/// What a restore keeps of before is no part of what is there now.
fn find_restore(root: &[u8], name: &CStr, path: &[u8]) -> Option<Exclude> {
    let is_of_restore = name.to_bytes().starts_with(SCRATCH_PREFIX.as_bytes());
    let path = || OsStr::from_bytes(&join(root, path)).into();
    is_of_restore.then(|| Exclude { path: path(), reason: SCRATCH_REASON.to_owned() })
}

/// Directories are opened, because they are listed next; all else is only looked at.
fn look(parent: &Rc<File>, Name { name, is_dir, .. }: Name) -> io::Result<(Handle, Stat)> {
    if !is_dir {
        let stat = Stat::at(parent, &name)?;
        if !stat.is_dir() {
            return Ok((Handle::Named { parent: Rc::clone(parent), name }, stat));
        }
    }
    let (file, stat) = open(parent.as_fd(), &name, OFlags::NOFOLLOW | OFlags::DIRECTORY)?;
    Ok((Handle::Open(Rc::new(file)), stat))
}

impl Level {
    /// Lists the first names at once, so that a directory that cannot be listed is known as such.
    fn enter(dir: Rc<File>, path: &[u8]) -> io::Result<Self> {
        let mut level =
            Self { dir, path: path.to_vec(), batch: Vec::new().into_iter(), is_exhausted: false, failure: None };
        level.read_batch();
        match level.failure.take() {
            Some(error) if level.batch.as_slice().is_empty() => Err(error),
            failure => Ok(Self { failure, ..level }),
        }
    }

    fn next_name(&mut self) -> Option<io::Result<Name>> {
        if self.batch.as_slice().is_empty() && !self.is_exhausted {
            self.read_batch();
        }
        self.batch.next().map(Ok).or_else(|| self.failure.take().map(Err))
    }

    /// A batch at a time keeps memory flat in a directory of millions; in the order of inodes because that is
    /// roughly the order on the disk. A listing is read to the end of the kernel's buffer: what is in it would be lost.
    fn read_batch(&mut self) {
        let mut names = Vec::new();
        let mut buf = Vec::with_capacity(LISTING);
        let mut listing = RawDir::new(&self.dir, buf.spare_capacity_mut());
        while names.len() < BATCH || !listing.is_buffer_empty() {
            match listing.next() {
                Some(Ok(entry)) if matches!(entry.file_name().to_bytes(), b"." | b"..") => {}
                Some(Ok(entry)) => {
                    let is_dir = entry.file_type() == FileType::Directory;
                    names.push(Name { inode: entry.ino(), name: entry.file_name().to_owned(), is_dir });
                }
                end => {
                    self.is_exhausted = true;
                    self.failure = end.and_then(Result::err).map(io::Error::from);
                    break;
                }
            }
        }
        names.sort_unstable_by_key(|name| name.inode);
        self.batch = names.into_iter();
    }
}

/// Opens for reading what can be read without side effects, and all else as a mere path.
fn open(dir: BorrowedFd<'_>, name: &CStr, flags: OFlags) -> io::Result<(File, Stat)> {
    let handle = File::from(openat(dir, name, OFlags::PATH | OFlags::CLOEXEC | flags, Mode::empty())?);
    let looked_at = Stat::of(&handle)?;
    if !looked_at.is_file() && !looked_at.is_dir() {
        return Ok((handle, looked_at));
    }
    // Should a pipe or a terminal be there by now, the open does not wait for it.
    let harmless = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(openat(dir, name, harmless | flags, Mode::empty())?);
    let stat = Stat::of(&file)?;
    if stat.file_type() == looked_at.file_type() { Ok((file, stat)) } else { Err(Errno::LOOP.into()) }
}
