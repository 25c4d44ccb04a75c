//! Snapshots: what can be restored.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{JobId, SnapshotId};
use super::job::TargetResult;
use super::names::{PlanId, StackName};
use super::plan::BackendKind;

/// A restorable result of a job, as recorded in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its id.
    pub id: SnapshotId,
    /// The job that made it.
    pub job_id: JobId,
    /// The code that stored it.
    pub backend: BackendKind,
    /// What it is called where it lies: the archive's path as this process sees it, restic's id.
    pub reference: String,
    /// The stack it holds; absent when it holds what a plan names.
    pub stack: Option<StackName>,
    /// The Docker Engine that its targets were of.
    pub host: String,
    /// The instance it was made for; absent for the plain archives of a stack.
    pub instance: Option<String>,
    /// The plan that it was made by.
    pub plan: Option<PlanId>,
    /// When the capture began.
    pub created_at: DateTime<Utc>,
    /// Bytes that it takes where it lies, as far as known.
    pub size_bytes: u64,
    /// Bytes of file content within.
    pub content_bytes: u64,
    /// Entries within, the manifest not counted.
    pub entry_count: u64,
    /// BLAKE3 of the archive file, 64 hexadecimal digits; absent where there is no such file.
    pub blake3: Option<String>,
    /// Whether every target was captured whole.
    pub is_complete: bool,
    /// When it was last re-read and found sound.
    pub verified_at: Option<DateTime<Utc>>,
    /// What was found wrong with it since.
    pub damage: Option<Damage>,
    /// When retention or a person removed it.
    pub removed_at: Option<DateTime<Utc>>,
    /// What is in it.
    pub targets: Vec<TargetResult>,
}

/// What a look at a snapshot found wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// When it was found.
    pub at: DateTime<Utc>,
    /// What is wrong, in words for people.
    pub reason: String,
}

impl Snapshot {
    /// Whether everything can be brought back from it, as far as is known: what others may go for.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.is_complete && self.damage.is_none()
    }

    /// The path of the archive; `None` when it is none.
    #[must_use]
    pub fn find_archive(&self) -> Option<&Path> {
        (self.backend == BackendKind::Archive).then(|| Path::new(&self.reference))
    }

    /// What it is a snapshot of, in a word: the stack, else the plan.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.stack.as_ref().map(StackName::as_str).or_else(|| self.plan.as_ref().map(PlanId::as_str))
    }
}
