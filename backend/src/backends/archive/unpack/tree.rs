//! Makes the entries of one target below its place.
//!
//! Everything goes through open directories and nothing is ever replaced, so that neither a link of the archive nor a
//! second entry of a name leads anywhere. What cannot be made as it was is an error; only attributes that the file system
//! does not take are notes, because the data is whole without them.

use std::collections::HashSet;
use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, chmod, chownat, fchmod, fchown, futimens, linkat, makedev, mkdirat, mknodat,
    openat, symlinkat, syncfs, utimensat,
};
use rustix::io::Errno;
use xattr::FileExt as _;

use super::super::at::{PRIVATE_DIRECTORY, checked, create_file, open_directory, owner_of, times_of, to_c};
use super::super::node::{EntryKind, Node, Xattr};
use super::super::stat::Stat;
use super::backwards::Backwards;
use super::error::{UnpackError, making};

/// The mode of a directory that the archive has things in and no entry for.
const IMPLIED_MODE: Mode = Mode::from_raw_mode(0o755);
/// As many notes are told; the others are counted.
const NOTES_TOLD: usize = 20;
/// What a directory hands down to what is made in it.
const INHERITED: [&str; 2] = ["system.posix_acl_default", "system.posix_acl_access"];

/// What came of one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Bytes of content, holes not counted.
    pub bytes: u64,
    /// Files, directories and the like.
    pub entries: u64,
    /// What could not be kept although the data is whole, such as an attribute that the file system does not take: the
    /// first of it.
    pub notes: Vec<String>,
    /// How many notes there are.
    pub note_count: u64,
}

impl Unpacked {
    /// Notes something.
    pub fn note(&mut self, text: String) {
        self.note_count += 1;
        if self.notes.len() < NOTES_TOLD {
            self.notes.push(text);
        }
    }
}

/// A place that is being filled.
pub(super) struct Tree {
    to: PathBuf,
    parent: File,
    name: CString,
    /// The directory that was written to last: most entries follow their siblings.
    open: Option<(Vec<u8>, File)>,
    /// Their owners, modes and times are set at the end, because what is put into them changes them.
    directories: Backwards<Node>,
    /// Directories that no entry has made yet.
    implied: HashSet<Vec<u8>>,
    /// Whether something of ours lies at the place.
    is_rooted: bool,
    pub(super) unpacked: Unpacked,
}

impl Tree {
    /// Begins to fill `to`, which must not be there; its parent must.
    pub(super) fn begin(to: &Path) -> Result<Self, UnpackError> {
        let failed = |source| UnpackError::Write {
            to: to.to_owned(),
            path: ".".to_owned(),
            what: "the directory above it cannot be used",
            source,
        };
        let (above, name) =
            to.parent().zip(to.file_name()).ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let parent = File::from(openat(CWD, above, flags, Mode::empty()).map_err(|e| failed(e.into()))?);
        let name = checked(name.as_bytes()).map_err(failed)?;
        if Stat::at(&parent, &name).is_ok() {
            return Err(UnpackError::Taken(to.to_owned()));
        }
        let directories = Backwards::beside(to).map_err(UnpackError::scratch(above))?;
        let (open, implied, unpacked) = (None, HashSet::new(), Unpacked::default());
        let to = to.to_owned();
        Ok(Self { to, parent, name, open, directories, implied, is_rooted: false, unpacked })
    }

    /// The place.
    pub(super) fn place(&self) -> &Path {
        &self.to
    }

    /// Removes what was made, whatever it is.
    pub(super) fn remove(&self) {
        if self.is_rooted
            && let Err(error) = remove_unpacked(&self.to)
        {
            tracing::warn!(%error, "what was unpacked to {} could not be removed again", self.to.display());
        }
    }

    /// Makes everything but a file with content of its own, at `path` below the place.
    pub(super) fn put(&mut self, path: &[u8], node: &Node) -> Result<(), UnpackError> {
        let made = match node.kind {
            EntryKind::Directory => self.put_directory(path, node),
            EntryKind::Symlink => self.put_link(path, node),
            EntryKind::HardLink => self.put_further_name(path, &node.link),
            EntryKind::File => Err(io::Error::other("a file is made with its content")),
            EntryKind::Fifo | EntryKind::CharDevice | EntryKind::BlockDevice => self.put_special(path, node),
        };
        let what = match node.kind {
            EntryKind::CharDevice | EntryKind::BlockDevice => "a device cannot be made here; that takes root",
            EntryKind::HardLink => "a further name of a file could not be made",
            _ => "it could not be made",
        };
        made.map_err(|error| making(&self.to, path, what, error))?;
        self.is_rooted = true;
        self.unpacked.entries += 1;
        Ok(())
    }

    /// Makes an empty file for its content.
    pub(super) fn begin_file(&mut self, path: &[u8]) -> Result<File, UnpackError> {
        let made = self.within(path).and_then(|(parent, name)| create_file(&parent, &name));
        let file = made.map_err(|error| making(&self.to, path, "the file could not be made", error))?;
        self.is_rooted = true;
        Ok(file)
    }

    /// Gives a file with its content everything else.
    pub(super) fn finish_file(&mut self, path: &[u8], file: &File, node: &Node) -> Result<(), UnpackError> {
        if path.is_empty() {
            disinherit(file);
        }
        self.dress(path, file, node).map_err(|error| self.undressed(path, error))?;
        self.unpacked.entries += 1;
        Ok(())
    }

    /// Gives the directories their owners, modes and times, those within first. What was empty is an empty directory.
    pub(super) fn finish(&mut self) -> Result<Unpacked, UnpackError> {
        let scratch = self.to.parent().unwrap_or(Path::new("/")).to_owned();
        if !self.is_rooted {
            self.descend(b"").map_err(|error| making(&self.to, b"", "it could not be made", error))?;
        }
        self.open = None;
        while let Some(node) = self.directories.pop().map_err(UnpackError::scratch(&scratch))? {
            let path = node.path.clone();
            let opened = self.within(&path).and_then(|(parent, name)| open_directory(&parent, &name));
            let dressed = opened.and_then(|directory| self.dress(&path, &directory, &node));
            dressed.map_err(|error| self.undressed(&path, error))?;
        }
        Ok(std::mem::take(&mut self.unpacked))
    }

    fn undressed(&self, path: &[u8], error: io::Error) -> UnpackError {
        let what = match error.kind() {
            io::ErrorKind::PermissionDenied => "its owner or mode could not be set; that takes root",
            _ => "its owner, mode or time could not be set",
        };
        making(&self.to, path, what, error)
    }

    fn put_directory(&mut self, path: &[u8], node: &Node) -> io::Result<()> {
        let (parent, name) = self.within(path)?;
        match mkdirat(&parent, &name, PRIVATE_DIRECTORY) {
            Err(Errno::EXIST) if self.implied.remove(path) => {}
            made => made?,
        }
        if path.is_empty() {
            self.is_rooted = true;
            disinherit(&open_directory(&parent, &name)?);
        }
        self.directories.push(&Node { path: path.to_vec(), ..node.clone() })
    }

    fn put_link(&mut self, path: &[u8], node: &Node) -> io::Result<()> {
        let (parent, name) = self.within(path)?;
        symlinkat(to_c(&node.link)?.as_c_str(), &parent, &name)?;
        self.dress_unopened(path, &parent, &name, node)
    }

    fn put_further_name(&mut self, path: &[u8], first: &[u8]) -> io::Result<()> {
        let (from, old) = self.within(first)?;
        let (parent, name) = self.within(path)?;
        Ok(linkat(&from, &old, &parent, &name, AtFlags::empty())?)
    }

    fn put_special(&mut self, path: &[u8], node: &Node) -> io::Result<()> {
        let kind = match node.kind {
            EntryKind::Fifo => FileType::Fifo,
            EntryKind::CharDevice => FileType::CharacterDevice,
            _ => FileType::BlockDevice,
        };
        let (parent, name) = self.within(path)?;
        mknodat(&parent, &name, kind, Mode::empty(), makedev(node.device.0, node.device.1))?;
        self.dress_unopened(path, &parent, &name, node)
    }

    /// Owner, attributes, mode and time, in this order: each may change the ones after it. A new owner takes setuid and
    /// capabilities away, an access list is part of the mode.
    fn dress(&mut self, path: &[u8], file: &File, node: &Node) -> io::Result<()> {
        let (uid, gid) = owner_of(node);
        let now = Stat::of(file)?;
        if (now.uid, now.gid) != (uid.as_raw(), gid.as_raw()) {
            fchown(file, Some(uid), Some(gid))?;
        }
        self.set_attributes(path, &node.xattrs, |name, value| file.set_xattr(name, value));
        fchmod(file, Mode::from_raw_mode(node.mode & 0o7777))?;
        Ok(futimens(file, &times_of(node))?)
    }

    /// The same of what must not be opened: a link, a pipe, a device.
    fn dress_unopened(&mut self, path: &[u8], parent: &File, name: &CString, node: &Node) -> io::Result<()> {
        let (uid, gid) = owner_of(node);
        let handle = openat(parent, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let now = Stat::of(&handle)?;
        if (now.uid, now.gid) != (uid.as_raw(), gid.as_raw()) {
            chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        // The kernel takes these for a mere path through /proc only.
        let itself = format!("/proc/self/fd/{}", handle.as_raw_fd());
        self.set_attributes(path, &node.xattrs, |name, value| xattr::set_deref(&itself, name, value));
        if node.kind != EntryKind::Symlink {
            chmod(&itself, Mode::from_raw_mode(node.mode & 0o7777))?;
        }
        Ok(utimensat(parent, name, &times_of(node), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    fn set_attributes(&mut self, path: &[u8], xattrs: &[Xattr], set: impl Fn(&OsStr, &[u8]) -> io::Result<()>) {
        for (name, value) in xattrs {
            if let Err(error) = set(OsStr::from_bytes(name), value) {
                let (path, name) = (String::from_utf8_lossy(path), String::from_utf8_lossy(name));
                self.unpacked.note(format!("'{path}': the attribute {name} could not be set: {error}"));
            }
        }
    }

    /// The open directory that `path` lies in, and its name there. Directories that no entry has made yet are made.
    fn within(&mut self, path: &[u8]) -> io::Result<(File, CString)> {
        if path.is_empty() {
            return Ok((self.parent.try_clone()?, self.name.clone()));
        }
        let cut = path.iter().rposition(|&byte| byte == b'/');
        let (above, name) = cut.map_or((&b""[..], path), |cut| (&path[..cut], &path[cut + 1..]));
        let name = checked(name)?;
        if let Some((at, directory)) = &self.open
            && at == above
        {
            return Ok((directory.try_clone()?, name));
        }
        let directory = self.descend(above)?;
        self.open = Some((above.to_vec(), directory.try_clone()?));
        Ok((directory, name))
    }

    fn descend(&mut self, path: &[u8]) -> io::Result<File> {
        let mut directory = self.step(&self.parent.try_clone()?, &self.name.clone(), b"")?;
        if path.is_empty() {
            return Ok(directory);
        }
        let mut end = 0;
        for component in path.split(|&byte| byte == b'/') {
            end += component.len();
            directory = self.step(&directory, &checked(component)?, &path[..end])?;
            end += 1;
        }
        Ok(directory)
    }

    fn step(&mut self, parent: &File, name: &CString, path: &[u8]) -> io::Result<File> {
        match open_directory(parent, name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        mkdirat(parent, name, PRIVATE_DIRECTORY)?;
        let directory = open_directory(parent, name)?;
        if path.is_empty() {
            self.is_rooted = true;
            disinherit(&directory);
        }
        fchmod(&directory, IMPLIED_MODE)?;
        self.implied.insert(path.to_vec());
        Ok(directory)
    }
}

/// Takes away what the directory above hands down: everything in an archive has the rights that it had.
fn disinherit(file: &File) {
    for name in INHERITED {
        // There is none as a rule, or the file system knows none.
        let _ = file.remove_xattr(name);
    }
}

/// Has everything that was written reach the disk of `to`.
///
/// # Errors
/// When the disk has lost something.
pub fn sync_unpacked(to: &Path) -> Result<(), UnpackError> {
    let above = to.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(above).and_then(|directory| {
        syncfs(&directory)?;
        directory.sync_all()
    });
    synced.map_err(|source| UnpackError::Write {
        to: to.to_owned(),
        path: ".".to_owned(),
        what: "it could not be brought to the disk",
        source,
    })
}

/// Removes what lies at `to`, whatever it is. Links are never followed.
///
/// # Errors
/// When something of it stays.
pub fn remove_unpacked(to: &Path) -> io::Result<()> {
    match fs::symlink_metadata(to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if !found.is_dir() => fs::remove_file(to),
        Ok(_) => fs::remove_dir_all(to).or_else(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => {
                open_up(to)?;
                fs::remove_dir_all(to)
            }
            _ => Err(error),
        }),
    }
}

/// Lets everything within be removed by whoever owns it.
fn open_up(directory: &Path) -> io::Result<()> {
    chmod(directory, PRIVATE_DIRECTORY)?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}
