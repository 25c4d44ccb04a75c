//! Restores.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{TargetKind, Time, path_text, wire_enum};
use crate::domain::restore as domain;
use crate::engine;

wire_enum!(
    /// How far a restore has come. `tidying`: it is decided which data is in place, and what is left is being removed.
    RestorePhase from domain::RestorePhase {
        Unpacking => "unpacking", Exchanging => "exchanging", Tidying => "tidying", Ended => "ended",
    }
);

wire_enum!(
    /// Which data is in place: what was there before, or what was restored.
    RestoreSide from domain::Side { Old => "old", New => "new" }
);

/// Where a restore goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RestoreDestination {
    /// Where the data was.
    InPlace,
    /// A directory that is new or empty.
    Directory,
    /// A stack that does not exist yet: volumes and a stack directory of its own, nothing started.
    NewStack,
}

/// A target of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "volume", "name": "blog_db"}))]
pub struct TargetName {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its name, as the snapshot tells it.
    pub name: String,
}

impl From<TargetName> for domain::TargetName {
    fn from(target: TargetName) -> Self {
        Self { kind: target.kind.into(), name: target.name }
    }
}

impl From<domain::TargetName> for TargetName {
    fn from(target: domain::TargetName) -> Self {
        Self { kind: target.kind.into(), name: target.name }
    }
}

/// What is restored, and where to.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "targets": [{"kind": "volume", "name": "blog_db"}], "paths": [], "destination": "in_place", "overwrite": true,
    "safety_copy": true
}))]
pub struct RestoreOptions {
    /// Which targets; all when left out or empty.
    #[serde(default)]
    #[schema(nullable)]
    pub targets: Option<Vec<TargetName>>,
    /// Which paths, as the snapshot's listing has them, or below the target when one alone is named; all when left out or
    /// empty.
    #[serde(default)]
    #[schema(nullable)]
    pub paths: Option<Vec<String>>,
    /// Where to.
    pub destination: RestoreDestination,
    /// The directory, absolute, new or empty; only with `directory`.
    #[serde(default)]
    #[schema(example = "/srv/restored")]
    pub directory: Option<String>,
    /// The name of the stack; only with `new_stack`.
    #[serde(default)]
    #[schema(example = "blog-before")]
    pub stack_name: Option<String>,
    /// Whether what is there may be replaced; without it nothing is restored over something that exists.
    #[serde(default)]
    pub overwrite: bool,
    /// Whether what is replaced is kept beside it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub safety_copy: bool,
}

const fn yes() -> bool {
    true
}

/// What a restore would do; nothing is touched.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "targets": [{"kind": "volume", "name": "blog_db", "size_bytes": 104857600,
        "place": "/var/lib/docker/volumes/blog_db/_data", "exists": true, "will_be_replaced": true, "skipped": null}],
    "stops": ["stop container blog-db-1 within 10 s"], "stopped_ms": 2300,
    "file_systems": [{"path": "/var/lib/docker/volumes/blog_db", "needed_bytes": 104857600, "free_bytes": 52428800000_u64}],
    "missing_networks": [], "databases": [], "problems": [], "warnings": []
}))]
pub struct RestorePreview {
    /// What would be restored, or left out and why.
    pub targets: Vec<RestoreTarget>,
    /// Containers that would be brought to rest, in the order of the stop, each with how.
    pub stops: Vec<String>,
    /// Milliseconds for which they would rest, as far as earlier jobs tell; null when that is not known.
    #[schema(required = true)]
    pub stopped_ms: Option<u64>,
    /// Room where the data goes; one for each file system.
    pub file_systems: Vec<RestoreSpace>,
    /// Networks that the stack had and that do not exist now.
    pub missing_networks: Vec<String>,
    /// Databases whose dumps would be loaded.
    pub databases: Vec<RestoreDatabase>,
    /// Why it would be refused.
    pub problems: Vec<String>,
    /// What is doubtful, in sentences for people.
    pub warnings: Vec<String>,
}

/// A target of a restore.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RestoreTarget {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its name.
    pub name: String,
    /// Bytes of file content.
    pub size_bytes: u64,
    /// Where it goes, as the host calls it; null when that is known only once it is made.
    #[schema(required = true)]
    pub place: Option<String>,
    /// Whether there is something now.
    pub exists: bool,
    /// Whether that would be replaced.
    pub will_be_replaced: bool,
    /// Why it would not be restored.
    #[schema(required = true)]
    pub skipped: Option<String>,
}

/// Room on a file system.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RestoreSpace {
    /// A directory on it.
    pub path: String,
    /// Bytes that the new data takes beside the old.
    pub needed_bytes: u64,
    /// Bytes that are free.
    pub free_bytes: u64,
}

/// A database whose dump would be loaded.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RestoreDatabase {
    /// The target's name: that of the container.
    pub name: String,
    /// The version that the dump was made by; null when it is not known.
    #[schema(required = true)]
    pub dumped_by: Option<String>,
    /// The version that would load it; null when it is not known.
    #[schema(required = true)]
    pub loaded_by: Option<String>,
}

impl From<engine::RestorePreview> for RestorePreview {
    fn from(preview: engine::RestorePreview) -> Self {
        let target = |target: engine::RestoreTarget| RestoreTarget {
            kind: target.name.kind.into(),
            name: target.name.name,
            size_bytes: target.size_bytes,
            place: target.place.as_deref().map(path_text),
            exists: target.exists,
            will_be_replaced: target.will_be_replaced,
            skipped: target.skipped,
        };
        let space = |space: engine::RestoreSpace| RestoreSpace {
            path: path_text(&space.path),
            needed_bytes: space.needed_bytes,
            free_bytes: space.free_bytes,
        };
        let database = |database: engine::RestoreDatabase| RestoreDatabase {
            name: database.name,
            dumped_by: database.dumped_by,
            loaded_by: database.loaded_by,
        };
        Self {
            targets: preview.targets.into_iter().map(target).collect(),
            stops: preview.stops,
            stopped_ms: preview.stopped_ms,
            file_systems: preview.file_systems.into_iter().map(space).collect(),
            missing_networks: preview.missing_networks,
            databases: preview.databases.into_iter().map(database).collect(),
            problems: preview.problems,
            warnings: preview.warnings,
        }
    }
}

/// What a restore put in place, and what it keeps of before.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "job_id": "job_019aa3f1c2d47c3e9f00112233445566", "snapshot_id": "snap_019aa3f1d9e07c3e9f00112233445566",
    "undoes": null, "phase": "ended", "in_place": "new", "can_be_undone": true,
    "safety_copies": [{"kind": "volume", "name": "blog_db", "place": "/var/lib/docker/volumes/blog_db/_data",
        "kept_at": "/var/lib/docker/volumes/blog_db/.mainstay-restore-2026-11-28_05-04-11-job_019aa3f1c2d47c3e9f00112233445566/1"}],
    "directories": ["/var/lib/docker/volumes/blog_db/.mainstay-restore-2026-11-28_05-04-11-job_019aa3f1c2d47c3e9f00112233445566"],
    "updated_at": "2026-11-28T05:04:12.000Z"
}))]
pub struct Restore {
    /// The job.
    pub job_id: String,
    /// The snapshot; null for a job that takes a restore back.
    #[schema(required = true)]
    pub snapshot_id: Option<String>,
    /// The restore that it takes back.
    #[schema(required = true)]
    pub undoes: Option<String>,
    /// How far it has come.
    pub phase: RestorePhase,
    /// Which data is in place; null while that is not decided.
    #[schema(required = true)]
    pub in_place: Option<RestoreSide>,
    /// Whether `POST /api/v1/jobs/{id}/undo` can put back what was there before.
    pub can_be_undone: bool,
    /// What is kept of before.
    pub safety_copies: Vec<SafetyCopy>,
    /// The directories that hold it: remove these when it is not needed any more.
    pub directories: Vec<String>,
    /// When this was last written.
    pub updated_at: Time,
}

/// Something that a restore has replaced and keeps.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SafetyCopy {
    /// What kind of target it is of.
    pub kind: TargetKind,
    /// The target's name.
    pub name: String,
    /// Where it was, as this service sees it.
    pub place: String,
    /// Where it is kept, as this service sees it.
    pub kept_at: String,
}

impl From<domain::RestoreRecord> for Restore {
    fn from(record: domain::RestoreRecord) -> Self {
        let copy = |exchange: &domain::Exchange| SafetyCopy {
            kind: exchange.target.kind.into(),
            name: exchange.target.name.clone(),
            place: path_text(&exchange.place()),
            kept_at: path_text(&exchange.other_place()),
        };
        let safety_copies: Vec<SafetyCopy> = record.safety_copies().map(copy).collect();
        let directories: BTreeSet<&Path> = record.safety_copies().map(|exchange| exchange.scratch.as_path()).collect();
        let (snapshot_id, undoes) = match &record.order {
            domain::RestoreOrder::Restore(wish) => (Some(wish.snapshot.to_string()), None),
            domain::RestoreOrder::Undo(job) => (None, Some(job.to_string())),
        };
        Self {
            job_id: record.job_id.to_string(),
            snapshot_id,
            undoes,
            phase: record.phase.into(),
            in_place: record.outcome.map(Into::into),
            can_be_undone: record.can_be_undone(),
            directories: directories.into_iter().map(path_text).collect(),
            safety_copies,
            updated_at: record.updated_at.into(),
        }
    }
}

/// Reads what a request asks for; the field that is wrong, and why, when it cannot be meant.
impl RestoreOptions {
    pub(crate) fn read(
        self,
        snapshot: crate::domain::ids::SnapshotId,
    ) -> Result<domain::RestoreWish, (&'static str, String)> {
        use crate::domain::entry::EntryPath;
        let (wants_directory, wants_name) =
            (self.destination == RestoreDestination::Directory, self.destination == RestoreDestination::NewStack);
        if self.directory.is_some() && !wants_directory {
            return Err(("directory", "it is only for the destination 'directory'".to_owned()));
        }
        if self.stack_name.is_some() && !wants_name {
            return Err(("stack_name", "it is only for the destination 'new_stack'".to_owned()));
        }
        let destination = match self.destination {
            RestoreDestination::InPlace => domain::Destination::InPlace,
            RestoreDestination::Directory => {
                let directory =
                    self.directory.ok_or(("directory", "the destination 'directory' needs it".to_owned()))?;
                domain::Destination::Directory(directory.into())
            }
            RestoreDestination::NewStack => {
                let name = self.stack_name.ok_or(("stack_name", "the destination 'new_stack' needs it".to_owned()))?;
                domain::Destination::NewStack(name.parse().map_err(|e| ("stack_name", format!("{e}")))?)
            }
        };
        let path = |text: String| {
            let path = EntryPath::new(text.as_bytes()).map_err(|e| ("paths", format!("'{text}': {e}")))?;
            if path.is_top() {
                Err(("paths", "a path is empty; leave it out to mean all".to_owned()))
            } else {
                Ok(path)
            }
        };
        Ok(domain::RestoreWish {
            snapshot,
            targets: self.targets.into_iter().flatten().map(Into::into).collect(),
            paths: self.paths.into_iter().flatten().map(path).collect::<Result<_, _>>()?,
            destination,
            overwrite: self.overwrite,
            safety_copy: self.safety_copy,
        })
    }
}
