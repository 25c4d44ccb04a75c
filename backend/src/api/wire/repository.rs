//! What lies where an instance stores, and what becomes of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{TargetKind, Time, path_text, wire_list};
use crate::domain::keep;
use crate::engine;

/// What the test of an instance found.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"ok": true, "notes": ["restic 0.18.0", "12 snapshots"], "warnings": [], "error": null}))]
pub struct InstanceTest {
    /// Whether a run could succeed.
    pub ok: bool,
    /// What was found, in sentences for people.
    pub notes: Vec<String>,
    /// What is not as it should be but keeps nothing from working.
    pub warnings: Vec<String>,
    /// Why it is not usable, and what to do.
    #[schema(required = true)]
    pub error: Option<String>,
}

impl From<engine::Readiness> for InstanceTest {
    fn from(readiness: engine::Readiness) -> Self {
        Self { ok: true, notes: readiness.notes, warnings: readiness.warnings, error: None }
    }
}

impl InstanceTest {
    /// A test that found why the instance is not usable.
    #[must_use]
    pub const fn failed(error: String) -> Self {
        Self { ok: false, notes: Vec::new(), warnings: Vec::new(), error: Some(error) }
    }
}

/// How retention is carried out now.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"dry_run": true}))]
pub struct ForgetOptions {
    /// Whether only to show what would be removed.
    #[serde(default)]
    pub dry_run: bool,
}

/// What retention did, or would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "dry_run": true, "freed_bytes": null,
    "verdicts": [{"id": "9f3c…", "at": "2026-11-20T01:00:12.000Z", "kept": true, "reason": "newest of 2026-11-20 (daily 1 of 7)"}]
}))]
pub struct ForgetReport {
    /// Whether nothing was touched.
    pub dry_run: bool,
    /// What becomes of each snapshot, newest first.
    pub verdicts: Vec<KeepVerdict>,
    /// Bytes freed; null when that is not known.
    #[schema(required = true)]
    pub freed_bytes: Option<u64>,
}

impl ForgetReport {
    /// What retention did, or would do when `dry_run` is set.
    #[must_use]
    pub fn new(report: engine::ForgetReport, dry_run: bool) -> Self {
        let verdicts = report.verdicts.into_iter().map(Into::into).collect();
        Self { dry_run, verdicts, freed_bytes: report.freed_bytes }
    }
}

/// What becomes of one snapshot.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KeepVerdict {
    /// What it is called where it lies.
    pub id: String,
    /// When it was made.
    pub at: Time,
    /// Whether it is kept.
    pub kept: bool,
    /// The reason, in words for people.
    pub reason: String,
}

impl From<keep::KeepVerdict> for KeepVerdict {
    fn from(verdict: keep::KeepVerdict) -> Self {
        Self { id: verdict.id, at: verdict.at.into(), kept: verdict.is_kept, reason: verdict.reason }
    }
}

/// A result of some run, as it is found where it lies.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "reference": "9f3c2a41", "at": "2026-11-21T01:00:12.000Z", "is_ours": true, "is_complete": true, "host": "nas",
    "paths": ["/var/lib/docker/volumes/blog_uploads/_data"], "tags": ["mainstay"]
}))]
pub struct FoundSnapshot {
    /// What it is called there.
    pub reference: String,
    /// When it was made.
    pub at: Time,
    /// Whether it was made for this instance by this installation; others are shown and never touched.
    pub is_ours: bool,
    /// Whether every target was captured whole.
    pub is_complete: bool,
    /// The host that it names.
    pub host: String,
    /// The paths that it holds.
    pub paths: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
}

wire_list!(FoundSnapshotList of FoundSnapshot, "snapshots that lie there, newest first");

impl From<engine::FoundSnapshot> for FoundSnapshot {
    fn from(found: engine::FoundSnapshot) -> Self {
        Self {
            reference: found.reference,
            at: found.at.into(),
            is_ours: found.is_ours,
            is_complete: found.is_complete,
            host: found.host,
            paths: found.paths.iter().map(|path| path_text(path)).collect(),
            tags: found.tags,
        }
    }
}

/// How much lies where an instance stores.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(example = json!({"size_bytes": 943718400, "snapshot_count": 12}))]
pub struct RepositoryStats {
    /// Bytes that it takes.
    pub size_bytes: u64,
    /// Snapshots in it.
    pub snapshot_count: u64,
}

impl From<engine::RepositoryStats> for RepositoryStats {
    fn from(stats: engine::RepositoryStats) -> Self {
        Self { size_bytes: stats.size_bytes, snapshot_count: stats.snapshot_count }
    }
}

/// What a run of a plan would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "stops": ["blog-web-1 (stop)"],
    "targets": [{"kind": "volume", "name": "blog_uploads", "size_bytes": 104857600, "skipped": null}],
    "verdicts": [{"id": "9f3c…", "at": "2026-11-20T01:00:12.000Z", "kept": true, "reason": "newest of 2026-11-20 (daily 1 of 7)"}], "warnings": []
}))]
pub struct PlanPreview {
    /// Containers that would be brought to rest, in order, each with how.
    pub stops: Vec<String>,
    /// What would be read.
    pub targets: Vec<PreviewTarget>,
    /// What becomes of each snapshot by retention; null when that cannot be told, or is left to an image.
    #[schema(required = true)]
    pub verdicts: Option<Vec<KeepVerdict>>,
    /// What is doubtful, in sentences for people.
    pub warnings: Vec<String>,
}

impl From<engine::PlanPreview> for PlanPreview {
    fn from(preview: engine::PlanPreview) -> Self {
        Self {
            stops: preview.stops,
            targets: preview.targets.into_iter().map(Into::into).collect(),
            verdicts: preview.verdicts.map(|verdicts| verdicts.into_iter().map(Into::into).collect()),
            warnings: preview.warnings,
        }
    }
}

/// One target of a preview.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PreviewTarget {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its name.
    pub name: String,
    /// Estimated bytes; null when they cannot be told.
    #[schema(required = true)]
    pub size_bytes: Option<u64>,
    /// Why it would be left out.
    #[schema(required = true)]
    pub skipped: Option<String>,
}

impl From<engine::PreviewTarget> for PreviewTarget {
    fn from(target: engine::PreviewTarget) -> Self {
        Self { kind: target.kind.into(), name: target.name, size_bytes: target.size_bytes, skipped: target.skipped }
    }
}
