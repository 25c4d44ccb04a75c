//! Snapshots: what can be restored.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{JobId, SnapshotId};
use super::job::TargetResult;
use super::names::StackName;

/// A restorable result of a job, as recorded in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its id.
    pub id: SnapshotId,
    /// The job that made it.
    pub job_id: JobId,
    /// The stack it holds.
    pub stack: StackName,
    /// The Docker Engine the stack ran on.
    pub host: String,
    /// The instance it was made for; absent for plain archives.
    pub instance: Option<String>,
    /// When the capture began.
    pub created_at: DateTime<Utc>,
    /// The archive's path, as this process sees it.
    pub archive: PathBuf,
    /// Size of the archive.
    pub size_bytes: u64,
    /// Bytes of file content within.
    pub content_bytes: u64,
    /// Entries within, the manifest not counted.
    pub entry_count: u64,
    /// BLAKE3 of the archive file, 64 hexadecimal digits.
    pub blake3: String,
    /// Whether every target was captured whole.
    pub is_complete: bool,
    /// When it was last re-read and found to match its manifest.
    pub verified_at: Option<DateTime<Utc>>,
    /// When retention or a person removed the archive.
    pub removed_at: Option<DateTime<Utc>>,
    /// What is in it.
    pub targets: Vec<TargetResult>,
}
