//! Room that is kept for the store on its disk.
//!
//! SQLite needs room even to be opened: the index of its write-ahead log is a file of its own. On a full disk a start
//! could not read the stop journal, and what is at rest would stay there. So some room is kept beside the database, in
//! files that hold nothing; when the database lacks room they are removed, and made again once the disk has room to
//! spare. They are several, because a disk can also run out of files. PostgreSQL looks after its own disk: nothing is
//! kept for it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, StatVfs, fallocate, statvfs};
use rustix::io::Errno;

/// How many files the room is kept in.
const PARTS: u32 = 4;
/// The most room that is kept, in bytes.
const MOST_BYTES: u64 = 16 << 20;
/// Of a small disk no more than this share is kept: one in so many.
const SHARE: u64 = 8;
/// Room is kept again only when so many times as much is free: the reserve must not be what fills the disk.
const FREE_TIMES: u64 = 2;
/// With less than this the disk counts as full, in bytes; the index of the write-ahead log alone takes 32 KiB.
const FULL_BELOW: u64 = 256 << 10;
/// With fewer files left than this it counts as full too.
const FILES_BELOW: u64 = 4;

/// The room kept beside one database.
#[derive(Debug, Clone)]
pub(super) struct Reserve {
    database: Arc<PathBuf>,
}

/// How it stands with the room that is kept for the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReserveState {
    /// The database is not a file of ours: PostgreSQL, or one in memory.
    NotOurs,
    /// So many bytes are kept.
    Kept(u64),
    /// It was just made again, after it had been given up.
    MadeAgain(u64),
    /// Nothing is kept, for this reason.
    GivenUp(String),
}

impl Reserve {
    pub(super) fn beside(database: &Path) -> Self {
        Self { database: Arc::new(database.to_owned()) }
    }

    /// Keeps the room, if it is not there and the disk has enough to spare.
    pub(super) fn keep(&self) -> ReserveState {
        let disk = match statvfs(self.directory()) {
            Ok(disk) => disk,
            Err(error) => {
                return ReserveState::GivenUp(format!("the disk cannot be asked for its free space: {error}"));
            }
        };
        let bytes = wanted(&disk);
        let missing: Vec<PathBuf> = self.parts().filter(|part| !is_whole(part, bytes / u64::from(PARTS))).collect();
        if missing.is_empty() {
            return ReserveState::Kept(bytes);
        }
        if free_bytes(&disk) < bytes.saturating_mul(FREE_TIMES) || has_few_files(&disk, FILES_BELOW * 4) {
            return ReserveState::GivenUp("the disk of the store is nearly full".to_owned());
        }
        match missing.iter().try_for_each(|part| make(part, bytes / u64::from(PARTS))) {
            Ok(()) => ReserveState::MadeAgain(bytes),
            Err(error) => {
                self.give_up();
                ReserveState::GivenUp(format!("no room could be kept: {error}"))
            }
        }
    }

    /// Frees the room; returns whether there was any.
    pub(super) fn give_up(&self) -> bool {
        // Each of them, whatever happens to one.
        let removed = self.parts().filter(|part| std::fs::remove_file(part).is_ok()).count();
        removed > 0
    }

    /// Whether the disk of the database is full, or as good as.
    pub(super) fn is_disk_full(&self) -> bool {
        statvfs(self.directory()).is_ok_and(|disk| free_bytes(&disk) < FULL_BELOW || has_few_files(&disk, FILES_BELOW))
    }

    fn directory(&self) -> &Path {
        self.database.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    fn parts(&self) -> impl Iterator<Item = PathBuf> {
        (1..=PARTS).map(|n| {
            let mut name = self.database.as_os_str().to_owned();
            name.push(format!(".reserve-{n}"));
            name.into()
        })
    }
}

fn wanted(disk: &StatVfs) -> u64 {
    MOST_BYTES.min(disk.f_blocks.saturating_mul(disk.f_frsize) / SHARE)
}

fn free_bytes(disk: &StatVfs) -> u64 {
    disk.f_bavail.saturating_mul(disk.f_frsize)
}

/// A file system that makes its files as it goes, such as btrfs, says 0 of 0.
const fn has_few_files(disk: &StatVfs, fewer_than: u64) -> bool {
    disk.f_files > 0 && disk.f_favail < fewer_than
}

/// Whether the file holds its room on the disk, not only in its length.
fn is_whole(part: &Path, bytes: u64) -> bool {
    std::fs::metadata(part).is_ok_and(|metadata| metadata.blocks().saturating_mul(512) >= bytes)
}

fn make(part: &Path, bytes: u64) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(part)?;
    match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_noise(&mut file, bytes),
        other => other.map_err(io::Error::from),
    }
}

/// What a file system that compresses cannot make smaller.
fn write_noise(file: &mut File, bytes: u64) -> io::Result<()> {
    let noise = blake3::Hasher::new().finalize_xof();
    io::copy(&mut io::Read::take(noise, bytes), file)?;
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserve() -> (tempfile::TempDir, Reserve) {
        let directory = tempfile::tempdir().expect("a directory");
        let reserve = Reserve::beside(&directory.path().join("store.db"));
        (directory, reserve)
    }

    fn blocks(directory: &Path) -> u64 {
        let entries = std::fs::read_dir(directory).expect("a directory");
        entries.map(|e| e.expect("an entry").metadata().expect("metadata").blocks() * 512).sum()
    }

    #[test]
    fn the_room_is_on_the_disk_and_is_given_up_and_made_again() {
        let (directory, reserve) = reserve();
        assert_eq!(reserve.keep(), ReserveState::MadeAgain(MOST_BYTES));
        assert_eq!(reserve.keep(), ReserveState::Kept(MOST_BYTES));
        assert!(blocks(directory.path()) >= MOST_BYTES);
        assert!(reserve.give_up());
        assert_eq!(blocks(directory.path()), 0);
        assert!(!reserve.give_up(), "there is nothing left to give up");
        assert_eq!(reserve.keep(), ReserveState::MadeAgain(MOST_BYTES));
    }

    #[test]
    fn a_part_that_only_looks_long_is_made_again() {
        let (directory, reserve) = reserve();
        reserve.keep();
        let part = directory.path().join("store.db.reserve-2");
        File::create(&part).and_then(|file| file.set_len(MOST_BYTES)).expect("a hole");
        assert_eq!(reserve.keep(), ReserveState::MadeAgain(MOST_BYTES));
    }

    #[test]
    fn noise_is_as_long_as_asked_for() {
        let (directory, _) = reserve();
        let path = directory.path().join("noise");
        write_noise(&mut File::create(&path).expect("a file"), 100_000).expect("written");
        assert_eq!(std::fs::metadata(&path).expect("a file").len(), 100_000);
    }
}
