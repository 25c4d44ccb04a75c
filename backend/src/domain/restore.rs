//! Restores: what is asked for, and what must survive a kill in the middle of one.
//!
//! A restore puts new trees beside the old ones and then has them change places, one [`Exchange`] each. After a kill
//! the inodes tell which of them were made: see `engine/restore/exchange.rs`.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::entry::EntryPath;
use super::ids::{JobId, SnapshotId};
use super::job::{TargetKind, word_enum};
use super::json_path::{entry_paths, raw_path, raw_paths};
use super::names::StackName;

/// How the directories are called in which a restore puts what is new, and keeps what was before. Backups leave out
/// whatever is called so.
pub const SCRATCH_PREFIX: &str = ".mainstay-restore-";

/// A pattern that means every such directory, as restic takes patterns.
pub const SCRATCH_PATTERN: &str = ".mainstay-restore-*";

/// Why they are left out.
pub const SCRATCH_REASON: &str = "it belongs to a restore: the data before it, kept until somebody removes it";

/// A target of a snapshot by its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TargetName {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for TargetName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// Where data is restored to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// Where it was.
    InPlace,
    /// A directory that is new or empty, as this process sees it.
    Directory(#[serde(with = "raw_path")] PathBuf),
    /// A stack that does not exist yet.
    NewStack(StackName),
}

/// What somebody wants to be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreWish {
    /// Which snapshot.
    pub snapshot: SnapshotId,
    /// Which of its targets; empty means all.
    pub targets: Vec<TargetName>,
    /// Which paths, as a listing of the snapshot has them, or below the target when one alone is named; empty means all.
    #[serde(with = "entry_paths")]
    pub paths: Vec<EntryPath>,
    /// Where to.
    pub destination: Destination,
    /// Whether what is there may be replaced.
    pub overwrite: bool,
    /// Whether what was there is kept beside.
    pub safety_copy: bool,
}

/// What a restore job is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoreOrder {
    /// Restore out of a snapshot.
    Restore(RestoreWish),
    /// Put back what an earlier restore kept.
    Undo(JobId),
}

word_enum!(
    /// How far a restore has come, as a later process needs to know it.
    RestorePhase, UnknownRestorePhase {
        /// New trees are made beside the old ones; nothing was touched.
        Unpacking => "unpacking",
        /// Old and new change places: all or none of it must be found after a kill.
        Exchanging => "exchanging",
        /// It is decided which data is in place; what is left is to be removed.
        Tidying => "tidying",
        /// Nothing is left to do.
        Ended => "ended",
    }
);

word_enum!(
    /// Which data is in place.
    Side, UnknownSide {
        /// What was there before.
        Old => "old",
        /// What was restored.
        New => "new",
    }
);

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Old => Self::New,
            Self::New => Self::Old,
        }
    }

    /// What is told of it.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Old => "the old data is in place",
            Self::New => "the new data is in place",
        }
    }
}

/// Something old and something new that change places. One of the two may be missing: then the other one appears, or
/// goes aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Which target it belongs to.
    pub target: TargetName,
    /// The root of the target. No link is followed below it.
    #[serde(with = "raw_path")]
    pub root: PathBuf,
    /// The place below the root; empty for the root itself.
    #[serde(with = "raw_path")]
    pub at: PathBuf,
    /// The directory of the restore, on the same file system.
    #[serde(with = "raw_path")]
    pub scratch: PathBuf,
    /// Where in it the other one lies.
    #[serde(with = "raw_path")]
    pub aside: PathBuf,
    /// The inode of what is new.
    pub new: Option<u64>,
    /// The inode of what is old.
    pub old: Option<u64>,
}

impl Exchange {
    /// The place that it is about.
    #[must_use]
    pub fn place(&self) -> PathBuf {
        join(&self.root, &self.at)
    }

    /// Where the other one lies.
    #[must_use]
    pub fn other_place(&self) -> PathBuf {
        join(&self.scratch, &self.aside)
    }

    /// The inode that is in the place when `side` is.
    #[must_use]
    pub const fn inode_of(&self, side: Side) -> Option<u64> {
        match side {
            Side::Old => self.old,
            Side::New => self.new,
        }
    }

    /// The exchange that undoes it.
    #[must_use]
    pub fn inverted(&self) -> Self {
        Self { new: self.old, old: self.new, ..self.clone() }
    }
}

fn join(base: &Path, below: &Path) -> PathBuf {
    if below.as_os_str().is_empty() { base.to_owned() } else { base.join(below) }
}

/// Owner and mode of a root that cannot change places because something is mounted on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootStamp {
    /// The root.
    #[serde(with = "raw_path")]
    pub root: PathBuf,
    /// What it had.
    pub old: Stamp,
    /// What it gets.
    pub new: Stamp,
}

impl RootStamp {
    /// The one that undoes it.
    #[must_use]
    pub fn inverted(&self) -> Self {
        Self { old: self.new, new: self.old, ..self.clone() }
    }
}

/// Owner and mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Permission bits, with setuid, setgid and sticky.
    pub mode: u32,
}

/// What is recorded of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreRecord {
    /// The job.
    pub job_id: JobId,
    /// What was asked for.
    pub order: RestoreOrder,
    /// How far it has come.
    pub phase: RestorePhase,
    /// Which data is in place; absent while that is not decided.
    pub outcome: Option<Side>,
    /// Whether what was there is kept.
    pub keeps_old: bool,
    /// What was made and recorded before.
    pub made: Made,
    /// What changes places.
    pub swaps: Swaps,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
}

/// What a restore makes, so that a later process can remove it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Directories for what is new.
    #[serde(with = "raw_paths")]
    pub scratch: Vec<PathBuf>,
    /// Volumes.
    pub volumes: Vec<String>,
    /// Directories that lead to the places.
    #[serde(default, with = "raw_paths")]
    pub directories: Vec<PathBuf>,
}

/// What changes places in a restore.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swaps {
    /// In the order in which it is done.
    pub exchanges: Vec<Exchange>,
    /// Roots that stay where they are.
    pub stamps: Vec<RootStamp>,
}

impl RestoreRecord {
    /// A restore that has made nothing yet.
    #[must_use]
    pub fn new(job_id: JobId, order: RestoreOrder, at: DateTime<Utc>) -> Self {
        let keeps_old = match &order {
            // Elsewhere there is nothing to replace.
            RestoreOrder::Restore(wish) => wish.safety_copy && wish.destination == Destination::InPlace,
            RestoreOrder::Undo(_) => true,
        };
        Self {
            job_id,
            order,
            phase: RestorePhase::Unpacking,
            outcome: None,
            keeps_old,
            made: Made::default(),
            swaps: Swaps::default(),
            updated_at: at,
        }
    }

    /// What is kept of before, with where it is kept.
    pub fn safety_copies(&self) -> impl Iterator<Item = &Exchange> {
        let is_kept = self.keeps_old && self.outcome == Some(Side::New);
        self.swaps.exchanges.iter().filter(move |exchange| is_kept && exchange.old.is_some())
    }

    /// Whether what is kept can be put back.
    #[must_use]
    pub fn can_be_undone(&self) -> bool {
        let is_done = matches!(self.phase, RestorePhase::Tidying | RestorePhase::Ended);
        is_done && self.keeps_old && self.outcome == Some(Side::New) && !self.swaps.exchanges.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn an_order_survives_json_with_every_byte() {
        let odd = OsStr::from_bytes(b"/srv/\xff");
        let wish = RestoreWish {
            snapshot: SnapshotId::new(DateTime::UNIX_EPOCH),
            targets: vec![TargetName { kind: TargetKind::Volume, name: "v".into() }],
            paths: vec![EntryPath::new(b"a/\xfe").expect("a path"), EntryPath::new(b"b").expect("a path")],
            destination: Destination::Directory(odd.into()),
            overwrite: true,
            safety_copy: false,
        };
        let order = RestoreOrder::Restore(wish);
        let json = serde_json::to_value(&order).expect("JSON");
        assert_eq!(serde_json::from_value::<RestoreOrder>(json).expect("an order"), order);
    }

    #[test]
    fn an_exchange_undoes_itself() {
        let exchange = Exchange {
            target: TargetName { kind: TargetKind::Volume, name: "v".into() },
            root: "/v/_data".into(),
            at: PathBuf::new(),
            scratch: "/v/.mainstay-restore-x".into(),
            aside: "1".into(),
            new: Some(7),
            old: None,
        };
        assert_eq!((exchange.place(), exchange.other_place()), ("/v/_data".into(), "/v/.mainstay-restore-x/1".into()));
        assert_eq!(exchange.inverted().inode_of(Side::Old), Some(7));
        assert_eq!(exchange.inverted().inverted(), exchange);
    }
}
