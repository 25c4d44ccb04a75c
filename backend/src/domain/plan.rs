//! Instances and plans: by which means, what, when, and for how long.
//!
//! An instance is a means of backup. Every instance has a plan of its own, called as it is, whose targets come from the
//! configuration and from labels; further plans are made through the API. Nothing here is serialised: secrets are in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use secrecy::SecretString;

use super::drill::DrillSettings;
use super::job::{Quiesce, TargetKind, word_enum};
use super::keep::KeepPolicy;
use super::names::{InstanceId, PlanId, StackName};
use super::repository::RepositoryUrl;
use super::schedule::Schedule;

word_enum!(
    /// The code behind an instance.
    BackendKind, UnknownBackendKind {
        /// Plain archives in `backup_dir`.
        Archive => "archive",
        /// A restic repository.
        Restic => "restic",
        /// A container image that the user brings.
        CustomImage => "custom_image",
    }
);

word_enum!(
    /// Where something was written down.
    Origin, UnknownOrigin {
        /// In the configuration file: read-only for the API.
        Config => "config",
        /// In labels of containers and volumes: read-only for the API.
        Label => "label",
        /// Through the API.
        Api => "api",
    }
);

word_enum!(
    /// A kind of database.
    DatabaseKind, UnknownDatabaseKind {
        /// PostgreSQL.
        Postgres => "postgres",
        /// MySQL.
        Mysql => "mysql",
        /// MariaDB.
        Mariadb => "mariadb",
        /// MongoDB.
        Mongo => "mongo",
        /// Redis.
        Redis => "redis",
    }
);

word_enum!(
    /// When an image is pulled.
    PullPolicy, UnknownPullPolicy {
        /// Before every run; an image that is there is used when the pull fails.
        Always => "always",
        /// When it is not there.
        IfMissing => "if_missing",
        /// Never.
        Never => "never",
    }
);

word_enum!(
    /// What becomes of a run whose time passed while nothing could run it.
    MissedRun, UnknownMissedRun {
        /// Nothing: the next one is awaited.
        Skip => "skip",
        /// It is made up for, once, however many were missed.
        Once => "once",
    }
);

/// A means of backup. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Where it was written down.
    pub origin: Origin,
    /// How and where its data is stored.
    pub destination: Destination,
    /// The environment of restic or of the image's container.
    pub env: BTreeMap<String, SecretString>,
    /// When its own plan runs; absent means only on demand.
    pub schedule: Option<Schedule>,
    /// The zone of its schedule and of its retention's days; absent means the global one.
    pub timezone: Option<Tz>,
    /// What it keeps.
    pub retention: KeepPolicy,
    /// How long one restic command may take; absent means that only standing still ends it.
    pub restic_timeout: Option<Duration>,
    /// Whether containers that write to a volume are stopped; absent means the global setting.
    pub stop_attached: Option<bool>,
    /// How they are brought to rest; absent means the global setting.
    pub quiesce: Option<Quiesce>,
    /// What becomes of missed runs.
    pub missed_run: MissedRun,
    /// Whether its plan runs by the clock.
    pub is_enabled: bool,
    /// Commands around every run of its own plan.
    pub hooks: Hooks,
    /// Patterns of what its own plan leaves out of every target.
    pub excludes: Vec<String>,
    /// Tags that its own plan gives to every snapshot, besides those of the targets.
    pub tags: Vec<String>,
    /// What its own plan captures, besides what labels say.
    pub targets: Vec<Target>,
    /// How the snapshots of its own plan are drilled; absent means as the service's settings say.
    pub drill: Option<DrillSettings>,
}

impl Instance {
    /// The code behind it.
    #[must_use]
    pub const fn backend(&self) -> BackendKind {
        match self.destination {
            Destination::Archive => BackendKind::Archive,
            Destination::Restic(_) => BackendKind::Restic,
            Destination::CustomImage(_) => BackendKind::CustomImage,
        }
    }
}

/// Where an instance stores data.
#[derive(Debug, Clone)]
pub enum Destination {
    /// As archives in `backup_dir`.
    Archive,
    /// In a restic repository.
    Restic(ResticSettings),
    /// Wherever the image puts it.
    CustomImage(ImageSettings),
}

/// A restic repository and how it is looked after.
#[derive(Debug, Clone)]
pub struct ResticSettings {
    /// Its address.
    pub repository: RepositoryUrl,
    /// When it is checked; absent means only on demand.
    pub check_schedule: Option<Schedule>,
    /// Which part of the data a check reads, as restic takes it: `5%`, `1/20`, `500M`; absent reads none.
    pub check_subset: Option<String>,
    /// Whether retention also covers snapshots of Marina.
    pub adopts_old_snapshots: bool,
}

/// An image that gets the staged data and does the rest.
#[derive(Debug, Clone)]
pub struct ImageSettings {
    /// Its reference.
    pub image: String,
    /// When it is pulled.
    pub pull: PullPolicy,
    /// Who one is to a private registry.
    pub credentials: Option<ImageCredentials>,
    /// How long a run may take; absent means no limit.
    pub timeout: Option<Duration>,
    /// Bytes of memory that its container may have; absent means no limit.
    pub memory_bytes: Option<u64>,
    /// Processors that its container may use, in thousandths; absent means no limit.
    pub milli_cpus: Option<u32>,
}

/// Who one is to a private registry.
#[derive(Debug, Clone)]
pub struct ImageCredentials {
    /// The user.
    pub username: String,
    /// The password or token.
    pub password: SecretString,
}

/// Commands around a capture; each is a line for `/bin/sh -c` in a container.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    /// Before it; a failure ends the capture of the target.
    pub pre: Vec<Hook>,
    /// After it, whatever happened.
    pub post: Vec<Hook>,
}

/// One command.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The line; it may hold a password.
    pub command: SecretString,
    /// The container that it runs in, by name; absent means the target's own.
    pub container: Option<String>,
    /// How long it may take.
    pub timeout: Option<Duration>,
}

/// One thing that a plan captures.
#[derive(Debug, Clone)]
pub struct Target {
    /// What it is.
    pub what: What,
    /// Where it was written down.
    pub origin: Origin,
    /// Parts of a volume or path, relative; empty means all of it.
    pub paths: Vec<PathBuf>,
    /// Whether containers that write to it are brought to rest; absent means the plan's setting.
    pub stop_attached: Option<bool>,
    /// Commands around its capture.
    pub hooks: Hooks,
    /// Which database it is; absent means that the image tells.
    pub database: Option<DatabaseKind>,
    /// Further arguments of the dump tool; they may hold passwords.
    pub dump_args: Vec<SecretString>,
    /// Patterns of what is left out, as restic takes them.
    pub excludes: Vec<String>,
    /// Tags for the snapshot.
    pub tags: Vec<String>,
}

/// What a target names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A volume of the engine.
    Volume(String),
    /// A database, by the name of its container.
    Database(String),
    /// A whole stack.
    Stack(StackName),
    /// An absolute path of the host.
    Path(PathBuf),
}

impl What {
    /// The kind and name that a job gives it.
    #[must_use]
    pub fn to_result_key(&self) -> (TargetKind, String) {
        match self {
            Self::Volume(name) => (TargetKind::Volume, name.clone()),
            Self::Database(name) => (TargetKind::Database, name.clone()),
            Self::Stack(name) => (TargetKind::Data, name.to_string()),
            Self::Path(path) => (TargetKind::Path, path.display().to_string()),
        }
    }
}

/// What, when and for how long. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its id.
    pub id: PlanId,
    /// Where it was written down.
    pub origin: Origin,
    /// By which means.
    pub instance: InstanceId,
    /// What it captures, each thing once.
    pub targets: Vec<Target>,
    /// Patterns of what is left out of every target.
    pub excludes: Vec<String>,
    /// When it runs; absent means only on demand.
    pub schedule: Option<Schedule>,
    /// The zone of its schedule and of its retention's days.
    pub timezone: Tz,
    /// What becomes of missed runs.
    pub missed_run: MissedRun,
    /// Commands around the whole run.
    pub hooks: Hooks,
    /// How containers are brought to rest where a target asks for it.
    pub quiesce: Quiesce,
    /// Whether containers that write to a volume or path are brought to rest, where the target says nothing.
    pub stop_attached: bool,
    /// What it keeps.
    pub retention: KeepPolicy,
    /// Whether it runs by the clock.
    pub is_enabled: bool,
    /// How its snapshots are drilled; absent means as the service's settings say.
    pub drill: Option<DrillSettings>,
    /// What is doubtful about it, in sentences for people.
    pub warnings: Vec<String>,
}

impl Plan {
    /// The next `count` times that the clock sets it off after `now`; none when it is switched off or runs only on demand.
    #[must_use]
    pub fn next_runs(&self, now: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
        match &self.schedule {
            Some(schedule) if self.is_enabled => schedule.next_runs(now, self.timezone, count),
            _ => Vec::new(),
        }
    }
}
