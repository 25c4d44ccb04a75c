//! Snapshots: what can be restored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{JobId, SnapshotId};
use super::job::{TargetKind, TargetResult, word_enum};
use super::names::{PlanId, StackName};
use super::plan::BackendKind;

/// A restorable result of a job, as recorded in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its id.
    pub id: SnapshotId,
    /// The job that made it, or imported it.
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
    /// That it was found and taken into the record; absent when a job of this installation made it.
    pub imported: Option<Imported>,
}

/// How a snapshot came into the record that no job of this installation made, as far as the record knows. Retention never
/// touches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// When.
    pub at: DateTime<Utc>,
    /// Which program had made it.
    pub made_by: Maker,
}

word_enum!(
    /// A program that makes backups.
    Maker, UnknownMaker {
        /// A Mainstay, this one or another.
        Mainstay => "mainstay",
        /// Docker Backup Manager.
        DockerBackupManager => "docker_backup_manager",
        /// Marina.
        Marina => "marina",
        /// Somebody else.
        Other => "other",
    }
);

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

    /// Whether it is an archive without a manifest, so that no index of it can be made.
    #[must_use]
    pub fn has_plain_archive(&self) -> bool {
        self.imported.is_some_and(|imported| imported.made_by == Maker::DockerBackupManager)
    }

    /// What it is a snapshot of, in a word: the stack, else the plan.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.stack.as_ref().map(StackName::as_str).or_else(|| self.plan.as_ref().map(PlanId::as_str))
    }
}

/// Where a target lies in a snapshot of a repository, and what it was on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredTarget {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its name, as in the snapshot's targets.
    pub name: String,
    /// Where it was on the host; absent for dumps, and for what has no path there.
    pub host_path: Option<PathBuf>,
    /// What lies in the snapshot of it.
    pub parts: Vec<StoredPart>,
    /// How the volume was made, for one that must be made anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<StoredVolume>,
}

/// A file or directory of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPart {
    /// Where it belongs below the target; empty for all of it.
    pub at: PathBuf,
    /// Its path in the snapshot.
    pub stored: PathBuf,
}

/// How a volume was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredVolume {
    /// The driver; `local` usually.
    pub driver: String,
    /// Its options.
    pub options: BTreeMap<String, String>,
    /// The volume's labels.
    pub labels: BTreeMap<String, String>,
}
