//! What a caller decides about an archive.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::base::Base;
use super::patterns::Patterns;
use super::trust::Trust;
use crate::domain::job::TargetKind;

/// How the tar is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// One gzip member, as every reader takes it.
    Gzip {
        /// 0 (stored) to 9 (smallest); 1 to 3 are the same and by far the fastest, 4 is smaller than zlib's 6.
        level: u32,
    },
    /// Zstandard frames one after another: smaller and faster, where `zstd` is at hand.
    Zstd {
        /// 1 to 22; 3 is the usual balance.
        level: i32,
    },
}

impl Codec {
    /// The ending of an archive's name, without the leading dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Gzip { .. } => "tar.gz",
            Self::Zstd { .. } => "tar.zst",
        }
    }
}

impl Codec {
    /// Whether it keeps up with a disk, so that no lighter one is needed while the stack is at rest.
    #[must_use]
    pub const fn is_fast(self) -> bool {
        match self {
            Self::Gzip { level } => level <= 3,
            Self::Zstd { level } => level <= 3,
        }
    }
}

impl Default for Codec {
    /// What changed while containers stand is compressed while they stand: fast comes before small.
    fn default() -> Self {
        Self::Gzip { level: 1 }
    }
}

/// How an archive is made.
#[derive(Debug, Clone)]
pub struct ArchiveOptions {
    /// How it is compressed.
    pub codec: Codec,
    /// How a pass compresses if not like that: lightly, while the stack is at rest. What is left to do is done by
    /// [`super::ArchiveWriter::finish`].
    pub draft_codec: Option<Codec>,
    /// Compressor threads, at least 1; each costs about 5 MiB of memory.
    pub workers: usize,
    /// When the backup began: the time stamp of everything in the archive that was no file before.
    pub created_at: DateTime<Utc>,
    /// What need not be read or compressed again, in the order of preference.
    pub reuse: Vec<Arc<Base>>,
    /// The moment before which stamps can be relied on; without it nothing of this pass is ever reused unread.
    pub trusted_before: Option<Trust>,
    /// Whether large files are cloned where the file system can, and read by `finish`. Only for a stack at rest.
    pub clone_files: bool,
    /// Whether to step back behind everything else on the machine, in processor time, disk and page cache.
    pub background: bool,
}

impl ArchiveOptions {
    /// `codec` on every core, in one pass.
    #[must_use]
    pub fn new(codec: Codec, created_at: DateTime<Utc>) -> Self {
        let workers = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            codec,
            draft_codec: None,
            workers,
            created_at,
            reuse: Vec::new(),
            trusted_before: None,
            clone_files: false,
            background: false,
        }
    }

    /// How the pass itself compresses.
    pub(super) fn pass_codec(&self) -> Codec {
        self.draft_codec.unwrap_or(self.codec)
    }
}

/// One thing to capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSpec {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its name: a volume's name, a bind's host path, the stack's name.
    pub name: String,
    /// Where it was on the host; the way back for a restore.
    pub original_path: PathBuf,
    /// Where it goes below the top directory, such as `volumes/app-data`; no leading or trailing slash.
    pub archive_path: String,
}

/// What to leave out of a tree on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exclude {
    /// Absolute path of a file or a directory below the captured root, as the walk meets it.
    pub path: PathBuf,
    /// Why; it stands in the manifest.
    pub reason: String,
}

/// How a tree is captured.
#[derive(Debug, Clone, Default)]
pub struct TreeOptions {
    /// Where the tree's root goes below the target's archive path; empty for the archive path itself.
    pub at: String,
    /// What to leave out.
    pub excludes: Vec<Exclude>,
    /// Directories to leave out wherever they are met, by device and inode: a path of ours may be mounted in several
    /// places.
    pub own_directories: Vec<(u64, u64)>,
    /// What the user wants to be left out.
    pub patterns: Patterns,
}
