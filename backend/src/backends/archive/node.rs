//! One entry's metadata, as both sides of the tar format see it.

use std::fmt;

use chrono::{DateTime, SecondsFormat};
use rustix::fs::FileType;
use serde::{Deserialize, Serialize};

use super::stat::Stat;
pub use crate::domain::entry::EntryKind;

/// The kind of a file; `None` for what a tar cannot hold: a socket.
pub(super) fn kind_of(stat: &Stat) -> Option<EntryKind> {
    Some(match stat.file_type() {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        FileType::Symlink => EntryKind::Symlink,
        FileType::Fifo => EntryKind::Fifo,
        FileType::CharacterDevice => EntryKind::CharDevice,
        FileType::BlockDevice => EntryKind::BlockDevice,
        _ => return None,
    })
}

/// A point in time as the file system keeps it: whole seconds rounded down, and nanoseconds on top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub(super) struct Mtime {
    pub(super) secs: i64,
    pub(super) nanos: u32,
}

impl Mtime {
    /// RFC 3339 with nanoseconds; `@seconds` for years that RFC 3339 cannot say.
    pub(super) fn to_rfc3339(self) -> String {
        match DateTime::from_timestamp(self.secs, self.nanos) {
            Some(at) if (-62_135_596_800..253_402_300_800).contains(&self.secs) => {
                at.to_rfc3339_opts(SecondsFormat::Nanos, true)
            }
            _ => format!("@{self}"),
        }
    }

    /// The decimal notation of PAX; finer digits than nanoseconds are cut.
    pub(super) fn parse_pax(text: &str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let secs = sign * whole.parse::<i64>().ok()?;
        let nanos: u32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        Some(match (sign, nanos) {
            (-1, 1..) => Self { secs: secs.checked_sub(1)?, nanos: 1_000_000_000 - nanos },
            _ => Self { secs, nanos },
        })
    }
}

impl fmt::Display for Mtime {
    /// The decimal notation of PAX, in which -1.5 is half a second before -1.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, secs, nanos) = match (self.secs, self.nanos) {
            (..0, 0) => ("-", self.secs.unsigned_abs(), 0),
            (..0, nanos) => ("-", self.secs.saturating_add(1).unsigned_abs(), 1_000_000_000 - nanos),
            (_, nanos) => ("", self.secs.unsigned_abs(), nanos),
        };
        if nanos == 0 {
            return write!(f, "{sign}{secs}");
        }
        write!(f, "{sign}{secs}.{}", format!("{nanos:09}").trim_end_matches('0'))
    }
}

/// An extended attribute: name and value.
pub(super) type Xattr = (Vec<u8>, Vec<u8>);

/// One entry without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Node {
    /// Full path within the archive, without a trailing slash.
    pub(super) path: Vec<u8>,
    pub(super) kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky.
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) mtime: Mtime,
    /// Size as `stat` tells it; 0 for all but files.
    pub(super) size: u64,
    /// Bytes of the body that follows the header: less than `size` for a sparse file, plus its map.
    pub(super) stored: u64,
    /// Whether the body is a GNU sparse 1.0 map with the data after it.
    pub(super) is_sparse: bool,
    /// Target of a symbolic link as it is, or the full path in the archive that a hard link names.
    pub(super) link: Vec<u8>,
    /// Major and minor number of a device.
    pub(super) device: (u32, u32),
    pub(super) xattrs: Vec<Xattr>,
}

impl Node {
    /// A plain file of ours with `size` bytes.
    pub(super) fn generated(path: Vec<u8>, size: u64, mtime: Mtime) -> Self {
        Self {
            path,
            kind: EntryKind::File,
            mode: 0o600,
            uid: 0,
            gid: 0,
            mtime,
            size,
            stored: size,
            is_sparse: false,
            link: Vec::new(),
            device: (0, 0),
            xattrs: Vec::new(),
        }
    }

    /// The entry at `path` with what `stat` told.
    pub(super) fn from_stat(path: Vec<u8>, kind: EntryKind, stat: &Stat) -> Self {
        let size = if kind == EntryKind::File { stat.size } else { 0 };
        let is_device = matches!(kind, EntryKind::CharDevice | EntryKind::BlockDevice);
        Self {
            path,
            kind,
            mode: stat.mode & 0o7777,
            uid: stat.uid.into(),
            gid: stat.gid.into(),
            mtime: stat.mtime,
            size,
            stored: size,
            is_sparse: false,
            link: Vec::new(),
            device: if is_device { (rustix::fs::major(stat.rdev), rustix::fs::minor(stat.rdev)) } else { (0, 0) },
            xattrs: Vec::new(),
        }
    }
}

/// Joins two paths of which either may be empty.
pub(super) fn join(parent: &[u8], child: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if parent.is_empty() || child.is_empty() { b"" } else { b"/" };
    [parent, slash, child].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_pax_notation() {
        let table = [
            (0, 0, "0"),
            (1, 500_000_000, "1.5"),
            (-1, 0, "-1"),
            (-2, 500_000_000, "-1.5"),
            (-1, 999_999_999, "-0.000000001"),
            (1_700_000_000, 1, "1700000000.000000001"),
        ];
        for (secs, nanos, text) in table {
            let mtime = Mtime { secs, nanos };
            assert_eq!(mtime.to_string(), text);
            assert_eq!(Mtime::parse_pax(text), Some(mtime), "{text}");
        }
        assert_eq!(Mtime::parse_pax("1.1234567899"), Some(Mtime { secs: 1, nanos: 123_456_789 }));
        assert_eq!(Mtime::parse_pax("x"), None);
        assert_eq!(Mtime { secs: i64::MAX, nanos: 0 }.to_rfc3339(), "@9223372036854775807");
        assert_eq!(Mtime { secs: -86_400, nanos: 5 }.to_rfc3339(), "1969-12-31T00:00:00.000000005Z");
    }

    #[test]
    fn paths_are_joined_without_needless_slashes() {
        assert_eq!(join(b"a", b"b"), b"a/b");
        assert_eq!(join(b"a", b""), b"a");
        assert_eq!(join(b"", b"b"), b"b");
    }
}
