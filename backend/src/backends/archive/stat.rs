//! What `stat` tells of a file, without opening it.

use std::ffi::CStr;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, FileType, fstat, statat};

use super::node::Mtime;

/// The part of `stat` that an archive, or the decision whether something changed, looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) dev: u64,
    pub(super) ino: u64,
    /// Type and permission bits.
    pub(super) mode: u32,
    pub(super) nlink: u64,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) rdev: u64,
    pub(super) size: u64,
    /// In units of 512 bytes.
    pub(super) blocks: u64,
    pub(super) mtime: Mtime,
    pub(super) ctime: Mtime,
}

impl Stat {
    /// Of something open, be it as a mere path.
    pub(super) fn of(file: impl AsFd) -> io::Result<Self> {
        Ok(Self::from(&fstat(file)?))
    }

    /// Of `name` in `dir`; of a link itself.
    pub(super) fn at(dir: impl AsFd, name: &CStr) -> io::Result<Self> {
        Ok(Self::from(&statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    pub(super) fn file_type(&self) -> FileType {
        FileType::from_raw_mode(self.mode)
    }

    pub(super) fn is_dir(&self) -> bool {
        self.file_type() == FileType::Directory
    }

    pub(super) fn is_file(&self) -> bool {
        self.file_type() == FileType::RegularFile
    }

    /// Everything that a write, a change of metadata or a replacement shows in. `st_dev` may change over a restart
    /// and is for the caller to replace.
    pub(super) fn hash_into(&self, hasher: &mut blake3::Hasher) {
        let numbers = [
            self.ino,
            u64::from(self.mode),
            self.nlink,
            u64::from(self.uid),
            u64::from(self.gid),
            self.rdev,
            self.size,
            self.mtime.secs as u64,
            u64::from(self.mtime.nanos),
            self.ctime.secs as u64,
            u64::from(self.ctime.nanos),
        ];
        let mut bytes = [0; 88];
        for (slot, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            slot.copy_from_slice(&number.to_le_bytes());
        }
        hasher.update(&bytes);
    }
}

impl From<&rustix::fs::Stat> for Stat {
    #[expect(clippy::unnecessary_cast, clippy::useless_conversion, reason = "the widths differ between architectures")]
    fn from(stat: &rustix::fs::Stat) -> Self {
        let time = |secs: i64, nanos: u64| Mtime { secs, nanos: u32::try_from(nanos).unwrap_or(0) };
        Self {
            dev: stat.st_dev as u64,
            ino: stat.st_ino as u64,
            mode: stat.st_mode as u32,
            nlink: stat.st_nlink as u64,
            uid: stat.st_uid,
            gid: stat.st_gid,
            rdev: stat.st_rdev as u64,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            blocks: u64::try_from(stat.st_blocks).unwrap_or(0),
            mtime: time(stat.st_mtime.into(), stat.st_mtime_nsec as u64),
            ctime: time(stat.st_ctime.into(), stat.st_ctime_nsec as u64),
        }
    }
}
