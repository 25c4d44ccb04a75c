//! The file of a configuration: read, locked, replaced at once or not at all.
//!
//! It holds the passwords of repositories, so owner, group and mode of the new file are those of the old one before it
//! has its name, and never more may read it. What was replaced stays beside it as `<name>.mainstay-before`, which is no
//! name of Backrest's own copies. Everything here blocks.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Gid, Uid, fchown, flock};

use super::mount::is_mount_point;
use super::place::Place;
use crate::backrest::document::MAX_BYTES;
use crate::pause_point;

/// Who may read a new file.
const OWNER_ONLY: u32 = 0o600;

/// How often a lock that another process has is tried.
const LOCK_EVERY: Duration = Duration::from_millis(50);

/// Why a file cannot be read or replaced.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Its name or its directory is none.
    #[error("'{0}' cannot be the path of a configuration: its directory is not there, or it names no file")]
    NoPlace(PathBuf),
    /// It is a directory or a device.
    #[error("{0} is no file")]
    NotAFile(PathBuf),
    /// It is larger than what is read.
    #[error("{0} is larger than {MAX_BYTES} bytes, so it is no configuration of Backrest")]
    TooLarge(PathBuf),
    /// It is mounted by itself, which makes it impossible to replace.
    #[error(
        "{0} is mounted as a single file, so neither Mainstay nor Backrest can replace it; mount the directory that it is in"
    )]
    SingleFileMount(PathBuf),
    /// Its directory cannot be written.
    #[error("nothing can be written in {directory}; it has to be mounted writable, for the user that Mainstay runs as")]
    ReadOnly {
        /// The directory.
        directory: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is no room.
    #[error("there is no room in {directory}; the configuration is the one before")]
    Full {
        /// The directory.
        directory: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The new file cannot have the owner of the old one, so Backrest might not be able to read it.
    #[error(
        "{path} belongs to user {uid} and group {gid}, which this process may not give to a new file; run as root or as that user"
    )]
    OwnerNotKept {
        /// The file.
        path: PathBuf,
        /// Its owner.
        uid: u32,
        /// Its group.
        gid: u32,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process is about to write it.
    #[error("another process has locked {0} for longer than is waited")]
    Locked(PathBuf),
    /// It is another one than was read.
    #[error("{0} was changed by another process meanwhile, so it was not written")]
    Changed(PathBuf),
    /// The process ends.
    #[error("the work on the file was broken off")]
    Interrupted(#[source] io::Error),
    /// Anything else.
    #[error("{path} cannot be {action}")]
    Failed {
        /// What was to be done, as a participle.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// What a file held, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    uid: u32,
    gid: u32,
    mode: u32,
}

/// Held while a configuration is changed. The lock ends with the process, however that ends.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "the lock is there as long as the file is open")] File);

/// A new content on the disk, without its name.
#[derive(Debug)]
pub(super) struct Staged(Option<PathBuf>);

/// One that gets no name goes.
impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

impl Place {
    /// What the file holds; `None` when it is not there.
    pub(super) fn read(&self) -> Result<Option<Content>, FileError> {
        read(self.path())
    }

    /// Takes the lock, for which it waits so long.
    pub(super) fn lock(&self, within: Duration) -> Result<Lock, FileError> {
        let path = self.lock_file();
        let opened = File::options().create(true).truncate(false).write(true).mode(OWNER_ONLY).open(&path);
        let file = opened.map_err(|source| self.failure("locked", source))?;
        let begun = Instant::now();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Lock(file)),
                Err(rustix::io::Errno::WOULDBLOCK) if begun.elapsed() < within => std::thread::sleep(LOCK_EVERY),
                Err(rustix::io::Errno::WOULDBLOCK) => return Err(FileError::Locked(self.path().to_owned())),
                Err(errno) => return Err(self.failure("locked", errno.into())),
            }
        }
    }

    /// Writes a new content beside the file, so that all that can fail fails before anything is stopped.
    pub(super) fn stage(&self, text: &[u8], before: Option<&Content>) -> Result<Staged, FileError> {
        if is_mount_point(self.path()) {
            return Err(FileError::SingleFileMount(self.path().to_owned()));
        }
        self.write(&self.staged_file(), text, before)
    }

    /// Gives a staged content the name of the file, provided that the file is still as it was `before`, of which a copy
    /// stays.
    pub(super) fn publish(&self, staged: Staged, before: Option<&Content>) -> Result<(), FileError> {
        if self.read()?.map(|now| now.bytes).as_deref() != before.map(|content| content.bytes.as_slice()) {
            return Err(FileError::Changed(self.path().to_owned()));
        }
        if let Some(before) = before {
            let copy = self.write(&self.staged_copy(), &before.bytes, Some(before))?;
            self.rename(copy, &self.copy())?;
        }
        pause_point::reach_blocking("apply.copied");
        self.rename(staged, self.path())
    }

    /// Gives the file a content that it had before.
    pub(super) fn put_back(&self, before: &Content) -> Result<(), FileError> {
        let staged = self.stage(&before.bytes, Some(before))?;
        self.rename(staged, self.path())
    }

    /// Writes a file of ours beside it, readable by the owner alone.
    pub(super) fn put(&self, name: &Path, bytes: &[u8]) -> Result<(), FileError> {
        let staged = self.write(&name.with_extension("new"), bytes, None)?;
        self.rename(staged, name)
    }

    fn write(&self, path: &Path, bytes: &[u8], like: Option<&Content>) -> Result<Staged, FileError> {
        // One that a killed process left; the lock is ours.
        let _ = fs::remove_file(path);
        let opened = File::options().create_new(true).write(true).mode(OWNER_ONLY).open(path);
        let mut file = opened.map_err(|source| self.failure("written", source))?;
        let staged = Staged(Some(path.to_owned()));
        file.write_all(bytes).map_err(|source| self.failure("written", source))?;
        if let Some(like) = like {
            self.give(&file, like)?;
        }
        file.sync_all().map_err(|source| self.failure("written", source))?;
        Ok(staged)
    }

    /// Gives a new file the owner, group and mode of another one. In this order: a change of the owner may take from
    /// the mode.
    fn give(&self, file: &File, like: &Content) -> Result<(), FileError> {
        let is = file.metadata().map_err(|source| self.failure("written", source))?;
        if (is.uid(), is.gid()) != (like.uid, like.gid) {
            fchown(file, Some(Uid::from_raw(like.uid)), Some(Gid::from_raw(like.gid))).map_err(|errno| {
                let (path, source) = (self.path().to_owned(), errno.into());
                FileError::OwnerNotKept { path, uid: like.uid, gid: like.gid, source }
            })?;
        }
        let mode = fs::Permissions::from_mode(like.mode & 0o777);
        file.set_permissions(mode).map_err(|source| self.failure("written", source))
    }

    fn rename(&self, mut staged: Staged, to: &Path) -> Result<(), FileError> {
        if let Some(path) = &staged.0 {
            fs::rename(path, to).map_err(|source| self.failure("replaced", source))?;
        }
        staged.0 = None;
        self.sync()
    }

    /// Has the disk know which names there are.
    pub(super) fn sync(&self) -> Result<(), FileError> {
        let synced = File::open(self.directory()).and_then(|directory| directory.sync_all());
        synced.map_err(|source| self.failure("written", source))
    }

    /// Says what a failure means for the person who has to do something about it.
    fn failure(&self, action: &'static str, source: io::Error) -> FileError {
        let directory = self.directory().to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FileError::Full { directory, source },
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                FileError::ReadOnly { directory, source }
            }
            io::ErrorKind::ResourceBusy => FileError::SingleFileMount(self.path().to_owned()),
            _ => FileError::Failed { action, path: self.path().to_owned(), source },
        }
    }
}

/// Reads a file with what tells whose it is.
pub(super) fn read(path: &Path) -> Result<Option<Content>, FileError> {
    let failed = |source| FileError::Failed { action: "read", path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(FileError::NotAFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_BYTES {
        return Err(FileError::TooLarge(path.to_owned()));
    }
    Ok(Some(Content { bytes, uid: about.uid(), gid: about.gid(), mode: about.mode() }))
}
