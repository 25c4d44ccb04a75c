//! What a capture has to tell.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::job::{TargetKind, TargetResult, TargetState};

/// What kind of gap the capture met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapKind {
    /// It was written to, replaced or cut while it was read; what is stored may be a mixture.
    Changed,
    /// It was gone when its turn came.
    Vanished,
    /// The system refused to read it.
    Unreadable,
    /// A tar cannot hold it, such as a socket.
    Unsupported,
}

impl GapKind {
    pub(super) fn of(error: &io::Error) -> Self {
        use rustix::io::Errno;
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOENT | Errno::STALE) => Self::Vanished,
            // What openat says when a file was swapped for a link, a directory for a file, a file for a socket.
            Some(Errno::LOOP | Errno::NOTDIR | Errno::NXIO) => Self::Changed,
            _ => Self::Unreadable,
        }
    }
}

/// A gap that makes a target less than whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Path within the target, `.` for its root; bytes that are no UTF-8 are shown as replacement characters.
    pub path: String,
    /// What kind of gap.
    pub kind: GapKind,
    /// One sentence for people.
    pub message: String,
}

/// Something that is not in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Path within the target, `.` for its root.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// How a target came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetReport {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its name.
    pub name: String,
    /// Bytes of content captured; of a sparse file its data and the map of them.
    pub size_bytes: u64,
    /// Entries in the archive.
    pub entry_count: u64,
    /// How many warnings there were.
    pub warning_count: u64,
    /// The first [`TargetReport::SHOWN`] of them; the manifest has all.
    pub warnings: Vec<Warning>,
    /// How many things were left out, warned of or not.
    pub left_out_count: u64,
    /// The first [`TargetReport::SHOWN`] of them; the manifest has all.
    pub left_out: Vec<LeftOut>,
}

impl TargetReport {
    /// How many warnings and things left out a report carries at most.
    pub const SHOWN: usize = 1000;

    /// Whole, with gaps, not captured at all, or nothing there that a tar can hold.
    #[must_use]
    pub fn state(&self) -> TargetState {
        match (self.entry_count, self.warning_count) {
            (0, 0) => TargetState::Skipped,
            (0, _) => TargetState::Failed,
            (_, 0) => TargetState::Succeeded,
            _ => TargetState::Partial,
        }
    }

    /// The report as a job keeps it, with the first gap, or that there is nothing, as its message.
    #[must_use]
    pub fn to_result(&self) -> TargetResult {
        let message = match (self.warning_count, self.warnings.first(), self.left_out.first()) {
            (1, Some(gap), _) => Some(format!("{}: {}", gap.path, gap.message)),
            (count, Some(gap), _) => Some(format!("{count} gaps, the first of them {}: {}", gap.path, gap.message)),
            (_, None, Some(left_out)) => Some(format!("left out {}: {}", left_out.path, left_out.reason)),
            (_, None, None) => (self.size_bytes == 0).then(|| "it holds no content".to_owned()),
        };
        let (kind, name, size_bytes) = (self.kind, self.name.clone(), self.size_bytes);
        TargetResult { kind, name, state: self.state(), size_bytes, message }
    }
}

/// A complete archive under its partial name, fsynced. Give it its final name with [`super::publish`].
#[derive(Debug, Clone)]
pub struct Finished {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub size_bytes: u64,
    /// Bytes of content captured, as the sum over the targets.
    pub content_bytes: u64,
    /// Entries, the manifest not counted.
    pub entry_count: u64,
    /// BLAKE3 of the archive file, 64 hexadecimal digits.
    pub blake3_hex: String,
    /// How each target came out, in order.
    pub targets: Vec<TargetReport>,
    /// What a reader of the job's log should know.
    pub notes: Vec<String>,
}

/// What a pass did, and what it was spared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PassStats {
    /// Bytes of content read.
    pub read_bytes: u64,
    /// Bytes that had not to be compressed, by identity or by content.
    pub reused_bytes: u64,
    /// Bytes of content that had not even to be read.
    pub reused_by_identity_bytes: u64,
    /// Bytes of the tar that were read and found to be there already.
    pub reused_by_content_bytes: u64,
    /// Bytes of the tar that were compressed.
    pub compressed_bytes: u64,
    /// Bytes of content that were cloned and are read by `finish`.
    pub deferred_bytes: u64,
}
