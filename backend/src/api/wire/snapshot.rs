//! Snapshots.

use serde::Serialize;
use utoipa::ToSchema;

use super::{TargetResult, Time, path_text, time, wire_list};
use crate::domain::snapshot as domain;

/// What was found wrong with a snapshot after it was stored.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"at": "2026-11-22T04:00:09.500Z", "reason": "the archive is cut short"}))]
pub struct Damage {
    /// When it was found.
    pub at: Time,
    /// What is wrong, in words for people.
    pub reason: String,
}

/// A restorable result of a job.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "snap_019aa3f1d9e07c3e9f00112233445566", "job_id": "job_019aa3f1c2d47c3e9f00112233445566",
    "backend": "archive", "reference": "/opt/backups/blog_2026-11-21_03-00-02.tar.gz", "stack": "blog",
    "host": "local", "instance": null, "plan": null, "created_at": "2026-11-21T03:00:02.000Z",
    "archive": "/opt/backups/blog_2026-11-21_03-00-02.tar.gz", "size_bytes": 52428800, "content_bytes": 104857600,
    "entry_count": 1932, "blake3": "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    "is_complete": true, "verified_at": "2026-11-21T03:00:09.500Z", "damage": null, "removed_at": null,
    "targets": [{"kind": "volume", "name": "blog_db", "state": "succeeded", "size_bytes": 104857600, "message": null}],
    "imported_at": null, "made_by": "mainstay"
}))]
pub struct Snapshot {
    /// Its id; ids sort by the time they were made.
    pub id: String,
    /// The job that made it, or imported it.
    pub job_id: String,
    /// The code that stored it: `archive`, `restic` or `custom_image`.
    pub backend: String,
    /// What it is called where it lies: the archive's path, restic's id.
    pub reference: String,
    /// The stack it holds; null when it holds what a plan names.
    #[schema(required = true)]
    pub stack: Option<String>,
    /// The Docker Engine that its targets were of.
    pub host: String,
    /// The instance it was made for; null for the plain archives of a stack.
    #[schema(required = true)]
    pub instance: Option<String>,
    /// The plan that it was made by; null for the plain archives of a stack.
    #[schema(required = true)]
    pub plan: Option<String>,
    /// When the capture began.
    pub created_at: Time,
    /// Where the archive is; null when it is none.
    #[schema(required = true)]
    pub archive: Option<String>,
    /// Bytes that it takes where it lies, as far as known.
    pub size_bytes: u64,
    /// Bytes of file content within.
    pub content_bytes: u64,
    /// Entries within, the manifest not counted.
    pub entry_count: u64,
    /// BLAKE3 of the archive file; null when there is no such file.
    #[schema(required = true)]
    pub blake3: Option<String>,
    /// Whether every target was captured whole.
    pub is_complete: bool,
    /// When it was last re-read and found sound.
    #[schema(required = true)]
    pub verified_at: Option<Time>,
    /// What was found wrong with it since; null when nothing was. It counts as no good backup then.
    #[schema(required = true)]
    pub damage: Option<Damage>,
    /// When retention or a person removed it.
    #[schema(required = true)]
    pub removed_at: Option<Time>,
    /// What is in it.
    pub targets: Vec<TargetResult>,
    /// When it was found and taken into the record; null when a job here made it. Retention never touches what was
    /// imported.
    #[schema(required = true)]
    pub imported_at: Option<Time>,
    /// Which program made it: `mainstay`, `docker_backup_manager`, `marina` or `other`.
    pub made_by: String,
}

wire_list!(SnapshotList of Snapshot, "snapshots, newest first");

impl From<domain::Snapshot> for Snapshot {
    fn from(snapshot: domain::Snapshot) -> Self {
        Self {
            archive: snapshot.find_archive().map(path_text),
            id: snapshot.id.into(),
            job_id: snapshot.job_id.into(),
            backend: snapshot.backend.to_string(),
            reference: snapshot.reference,
            stack: snapshot.stack.map(Into::into),
            host: snapshot.host,
            instance: snapshot.instance,
            plan: snapshot.plan.map(Into::into),
            created_at: snapshot.created_at.into(),
            size_bytes: snapshot.size_bytes,
            content_bytes: snapshot.content_bytes,
            entry_count: snapshot.entry_count,
            blake3: snapshot.blake3,
            is_complete: snapshot.is_complete,
            verified_at: snapshot.verified_at.map(time),
            damage: snapshot.damage.map(|damage| Damage { at: damage.at.into(), reason: damage.reason }),
            removed_at: snapshot.removed_at.map(time),
            targets: snapshot.targets.into_iter().map(Into::into).collect(),
            imported_at: snapshot.imported.map(|imported| time(imported.at)),
            made_by: snapshot.imported.map_or(domain::Maker::Mainstay, |imported| imported.made_by).to_string(),
        }
    }
}
