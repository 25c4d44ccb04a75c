//! What is in an archive, entry by entry, as someone sees it who looks into it.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What kind of file an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// One more name of a file that came earlier in the same target.
    HardLink,
    /// A named pipe.
    Fifo,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
}

impl EntryKind {
    /// Every kind.
    pub const ALL: &[Self] =
        &[Self::File, Self::Directory, Self::Symlink, Self::HardLink, Self::Fifo, Self::CharDevice, Self::BlockDevice];

    /// The word on the wire, as the manifest has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::HardLink => "hard_link",
            Self::Fifo => "fifo",
            Self::CharDevice => "char_device",
            Self::BlockDevice => "block_device",
        }
    }
}

/// An entry of an archive, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveEntry {
    /// Where it is.
    pub path: EntryPath,
    /// What it is.
    pub kind: EntryKind,
    /// Bytes of content, holes included; 0 for all but regular files and their further names.
    pub size_bytes: u64,
    /// When it was last modified; absent for a directory that the archive only implies, and for years that no calendar
    /// has.
    pub modified_at: Option<DateTime<Utc>>,
    /// Permission bits in octal, such as `0644`; absent for a directory that the archive only implies.
    pub mode: Option<String>,
    /// What a symbolic link points at, or the path that a hard link names.
    pub target: Option<String>,
}

/// A path within an archive, below its top directory: parts that are names, joined by `/`; empty for the top directory.
/// It is compared with what the archive holds and never handed to the file system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryPath(Vec<u8>);

/// Why some bytes are no path within an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEntryPath {
    /// It goes up.
    #[error("'..' leads out of the archive; paths begin at its top directory")]
    Parent,
    /// No name of a file has this.
    #[error("a path has no zero bytes")]
    Zero,
}

impl EntryPath {
    /// The path that `bytes` mean; slashes too many and `.` do not count.
    ///
    /// # Errors
    /// [`InvalidEntryPath`] for what can be no entry's.
    pub fn new(bytes: &[u8]) -> Result<Self, InvalidEntryPath> {
        if bytes.contains(&0) {
            return Err(InvalidEntryPath::Zero);
        }
        let parts: Vec<&[u8]> = bytes.split(|&b| b == b'/').filter(|part| !matches!(*part, b"" | b".")).collect();
        if parts.contains(&&b".."[..]) {
            return Err(InvalidEntryPath::Parent);
        }
        Ok(Self(parts.join(&b'/')))
    }

    /// The top directory.
    #[must_use]
    pub const fn top() -> Self {
        Self(Vec::new())
    }

    /// Its bytes, which need not be UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is the top directory.
    #[must_use]
    pub fn is_top(&self) -> bool {
        self.0.is_empty()
    }

    /// The last part; empty for the top directory.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.0.rsplit(|&b| b == b'/').next().unwrap_or_default()
    }

    /// The directory that it is in; the top directory is in itself.
    #[must_use]
    pub fn parent(&self) -> Self {
        let above = self.0.len().saturating_sub(self.name().len());
        Self(self.0[..above].strip_suffix(b"/").unwrap_or_default().to_vec())
    }

    /// Which one comes first when a tree is walked by name: a directory stands before what is in it, and all of that
    /// before whatever follows the directory.
    #[must_use]
    pub fn cmp_in_walk(&self, other: &Self) -> Ordering {
        self.0.split(|&b| b == b'/').cmp(other.0.split(|&b| b == b'/'))
    }

    /// Whether it is directly in `directory`.
    #[must_use]
    pub fn is_in(&self, directory: &Self) -> bool {
        !self.is_top() && self.parent() == *directory
    }
}

/// With replacement characters where it is no UTF-8.
impl std::fmt::Display for EntryPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> EntryPath {
        EntryPath::new(text.as_bytes()).expect(text)
    }

    #[test]
    fn paths_are_brought_to_one_form_or_refused() {
        for (text, is) in [("", ""), ("/", ""), ("./a//b/", "a/b"), ("/a/./b", "a/b"), ("..a/b..", "..a/b..")] {
            assert_eq!(path(text).to_string(), is, "{text}");
        }
        for text in ["..", "../..", "a/../b", "/..", "a/.."] {
            assert_eq!(EntryPath::new(text.as_bytes()), Err(InvalidEntryPath::Parent), "{text}");
        }
        assert_eq!(EntryPath::new(b"a\0b"), Err(InvalidEntryPath::Zero));
    }

    #[test]
    fn a_path_knows_its_name_and_its_directory() {
        assert_eq!((path("a/b").name(), path("a").name(), path("").name()), (&b"b"[..], &b"a"[..], &b""[..]));
        assert_eq!((path("a/b/c").parent(), path("a").parent(), path("").parent()), (path("a/b"), path(""), path("")));
        assert!(path("a/b").is_in(&path("a")) && path("a").is_in(&path("")));
        for (one, directory) in [("a/b/c", "a"), ("ab", "a"), ("", ""), ("a", "a"), ("a/b", "")] {
            assert!(!path(one).is_in(&path(directory)), "{one} {directory}");
        }
    }

    #[test]
    fn a_walk_goes_into_a_directory_before_it_goes_on() {
        let sorted = ["", "a", "a/b", "a/z", "a b", "a.b", "b"].map(path);
        let mut mixed = sorted.to_vec();
        mixed.reverse();
        mixed.sort_by(EntryPath::cmp_in_walk);
        assert_eq!(mixed, sorted);
    }
}
