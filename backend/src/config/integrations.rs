//! Settings of what is reached through other programs: instances, further hosts, Backrest, notifications.
//!
//! They are read and checked like all others. As long as a part is not carried out, its presence is a warning, so
//! that nobody believes in a backup that does not happen.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use secrecy::SecretString;

use crate::domain::job::Quiesce;

use super::address::SecretUrl;
use super::model::{Words, words};

/// A means of backup: a restic repository or an image that does it all.
#[derive(Debug, Clone)]
pub struct InstanceConfig {
    /// Its name, unique in the file.
    pub id: String,
    /// How its data is stored.
    pub backend: InstanceBackend,
    /// When it runs, as five cron fields; absent means only on demand.
    pub schedule: Option<String>,
    /// The zone of the schedule; absent means the global one.
    pub timezone: Option<Tz>,
    /// What it keeps; absent means the global retention.
    pub retention: Option<String>,
    /// How long one restic command may take; absent means the global limit.
    pub restic_timeout: Option<Duration>,
    /// Whether writers are stopped; absent means the global setting.
    pub stop_attached: Option<bool>,
    /// What is done to containers meanwhile; absent means the archive's setting.
    pub quiesce: Option<Quiesce>,
    /// The environment of restic or of the image's container.
    pub env: BTreeMap<String, SecretString>,
    /// What is backed up, besides what labels say.
    pub targets: Vec<TargetConfig>,
}

/// How an instance stores data.
#[derive(Debug, Clone)]
pub enum InstanceBackend {
    /// A restic repository.
    Restic {
        /// Its address.
        repository: SecretUrl,
    },
    /// An image that gets the staged data and does the rest.
    CustomImage {
        /// The image's reference.
        image: String,
    },
    /// An archive in the backup directory.
    Archive,
}

/// One thing that an instance backs up.
#[derive(Debug, Clone)]
pub struct TargetConfig {
    /// What it is.
    pub what: TargetKind,
    /// Paths below a volume; `/` means all of it.
    pub paths: Vec<String>,
    /// Whether writers are stopped; absent means the instance's setting.
    pub stop_attached: Option<bool>,
    /// A command that runs in the container before; it may hold a password.
    pub pre_hook: Option<SecretString>,
    /// A command that runs in the container afterwards.
    pub post_hook: Option<SecretString>,
    /// Which database it is; absent means that the image tells.
    pub db_kind: Option<DatabaseKind>,
    /// Further arguments of the dump command; they may hold passwords.
    pub dump_args: Vec<SecretString>,
}

/// What a target names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetKind {
    /// A volume.
    Volume(String),
    /// A container with a database.
    Database(String),
    /// A whole stack.
    Stack(String),
}

words! {
    /// A kind of database.
    DatabaseKind {
        /// PostgreSQL
        Postgres = "postgres",
        /// MySQL
        Mysql = "mysql",
        /// MariaDB
        Mariadb = "mariadb",
        /// MongoDB
        Mongo = "mongo",
        /// Redis
        Redis = "redis",
    }
}

/// A Docker Engine besides the local one.
#[derive(Debug, Clone)]
pub struct HostConfig {
    /// Its name, unique in the file.
    pub name: String,
    /// Where it answers: `tcp://`, `ssh://` or `unix://`.
    pub address: SecretUrl,
    /// Certificates for TCP with TLS.
    pub tls: Option<TlsConfig>,
}

/// Certificates of an engine that speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// Who signed the engine's certificate. Absolute.
    pub ca: PathBuf,
    /// Our certificate. Absolute.
    pub cert: PathBuf,
    /// Our key. Absolute.
    pub key: PathBuf,
}

/// A Backrest whose plans are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackrestConfig {
    /// Its configuration file. Absolute.
    pub config: PathBuf,
    /// The form of that file; `auto` looks at it.
    pub format: String,
    /// The container that is restarted after a change.
    pub container: String,
    /// Whether it is restarted after a change.
    pub apply: bool,
    /// Whether Docker events start a reconciliation.
    pub with_events: bool,
    /// Pause between two reconciliations.
    pub interval: Duration,
}

impl Default for BackrestConfig {
    fn default() -> Self {
        Self {
            config: "/config/config.json".into(),
            format: "auto".to_owned(),
            container: "backrest".to_owned(),
            apply: false,
            with_events: true,
            interval: Duration::from_secs(60),
        }
    }
}

/// Where results are reported to.
#[derive(Debug, Clone)]
pub struct NotificationConfig {
    /// The address; it may hold a token.
    pub url: SecretUrl,
}
