//! The configuration as types.
//!
//! Everything here is parsed: a [`Config`] that exists holds absolute paths, durations, zones and addresses, never a
//! text that someone has to parse again. To add a setting: a field here, its default in `Default`, one line in
//! `decode`, and its line in `examples/config.example.yml` (a test compares the two). Do not read the process
//! environment or a file from here.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use secrecy::SecretString;

use crate::domain::drill::DrillSettings;
use crate::domain::job::Quiesce;
use crate::domain::keep::KeepPolicy;
use crate::domain::plan::Instance;
use crate::domain::schedule::Schedule;
use crate::domain::share::Share;
use crate::domain::strategy::Precopy;

use super::address::{DatabaseUrl, SecretUrl};
use super::integrations::{BackrestConfig, HostConfig, NotificationConfig};

/// Every setting of the service. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the stacks lie, one directory each. Absolute.
    pub stacks_dir: PathBuf,
    /// Where archives are written. Absolute.
    pub backup_dir: PathBuf,
    /// Where job log files are written. Absolute.
    pub log_dir: PathBuf,
    /// Whether volumes and bind mounts are captured besides the compose files.
    pub include_data: bool,
    /// Stacks that are backed up without being stopped.
    pub skip_stop: Vec<String>,
    /// Archives older than this many days may go; 0 keeps all.
    pub retention_days: u32,
    /// Log files older than this many days may go; 0 keeps all.
    pub log_retention_days: u32,
    /// Where the HTTP server listens.
    pub listen: SocketAddr,
    /// The store.
    pub database_url: DatabaseUrl,
    /// The key that secrets in the store are encrypted with: 64 hexadecimal digits. Absent means that it is in a file.
    pub secret_key: Option<SecretString>,
    /// The file of that key, made when it is first needed; absent means `secret.key` beside the store. Absolute.
    pub secret_key_file: Option<PathBuf>,
    /// Where captured data lies until it is published. Absolute.
    pub staging_dir: PathBuf,
    /// What this installation calls itself; the host's name by default.
    pub node_name: String,
    /// The zone that schedules without one of their own are read in.
    pub timezone: Tz,
    /// Address of the Docker Engine; absent means the client library's default.
    pub docker_host: Option<String>,
    /// How archives are made.
    pub archive: ArchiveConfig,
    /// Jobs that may run at the same time, at least 1.
    pub max_concurrent_jobs: usize,
    /// Time between the stop signal and the kill; absent leaves it to each container.
    pub stop_timeout: Option<Duration>,
    /// How long a started container may take to become healthy.
    pub health_timeout: Duration,
    /// How long a stream of data may stand still before it counts as hung.
    pub stall_timeout: Duration,
    /// How often everything is looked at without an event of the engine, at least a second.
    pub discovery_interval: Duration,
    /// How long the service may take to bring stacks back when it is told to end.
    pub shutdown_timeout: Duration,
    /// Retention of instances without one of their own; absent means seven days, four weeks, six months.
    pub retention: Option<KeepPolicy>,
    /// Whether containers that write to a captured volume are stopped, where nothing else says so.
    pub stop_attached: bool,
    /// How long one restic command may take; absent means that only standing still ends it.
    pub restic_timeout: Option<Duration>,
    /// Other nodes whose state is shown here.
    pub peers: Vec<SecretUrl>,
    /// Origins of other web pages that may call the API.
    pub cors_origins: Vec<String>,
    /// How what was stored is read again by the clock.
    pub verify: VerifyConfig,
    /// How drills are made where an instance says nothing else.
    pub drill: DrillSettings,
    /// Who may use the API.
    pub auth: AuthConfig,
    /// What the service writes about itself.
    pub log: LogConfig,
    /// Means of backup.
    pub instances: Vec<Instance>,
    /// Docker engines besides the local one.
    pub hosts: Vec<HostConfig>,
    /// A Backrest whose plans are kept.
    pub backrest: Option<BackrestConfig>,
    /// Where results are reported to.
    pub notifications: Vec<NotificationConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            stacks_dir: "/opt/stacks".into(),
            backup_dir: "/opt/backups".into(),
            log_dir: "/opt/backup-logs".into(),
            include_data: true,
            skip_stop: Vec::new(),
            retention_days: 7,
            log_retention_days: 14,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            database_url: DatabaseUrl::default(),
            secret_key: None,
            secret_key_file: None,
            staging_dir: "/backup".into(),
            node_name: "localhost".to_owned(),
            timezone: Tz::UTC,
            docker_host: None,
            archive: ArchiveConfig::default(),
            max_concurrent_jobs: 1,
            stop_timeout: None,
            health_timeout: Duration::from_secs(60),
            stall_timeout: Duration::from_mins(5),
            discovery_interval: Duration::from_secs(30),
            shutdown_timeout: Duration::from_mins(2),
            retention: None,
            stop_attached: false,
            restic_timeout: None,
            peers: Vec::new(),
            cors_origins: Vec::new(),
            verify: VerifyConfig::default(),
            drill: DrillSettings::default(),
            auth: AuthConfig::default(),
            log: LogConfig::default(),
            instances: Vec::new(),
            hosts: Vec::new(),
            backrest: None,
            notifications: Vec::new(),
        }
    }
}

/// How archives are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveConfig {
    /// The codec.
    pub compression: Compression,
    /// The codec's level: 0 to 9 for gzip, 1 to 22 for zstd; the file may also say it in words, see [`Effort`].
    pub level: i32,
    /// Compressor threads, at least 1; absent means one for each processor.
    pub workers: Option<usize>,
    /// What is done to the containers meanwhile.
    pub quiesce: Quiesce,
    /// How data is made safe before the containers go on.
    pub precopy: Precopy,
    /// Recipients that archives are encrypted to.
    pub encrypt_to: Vec<String>,
    /// Whether reading and compressing give way to everything else that wants the disk and the processor.
    pub low_priority: bool,
}

impl Default for ArchiveConfig {
    fn default() -> Self {
        let compression = Compression::Gzip;
        Self {
            compression,
            level: compression.default_level(),
            workers: None,
            quiesce: Quiesce::Stop,
            precopy: Precopy::Auto,
            encrypt_to: Vec::new(),
            low_priority: false,
        }
    }
}

/// How what was stored is read again by the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyConfig {
    /// When; never when absent.
    pub schedule: Option<Schedule>,
    /// How many of all snapshots, each time; the longest unseen come first.
    pub fraction: Share,
}

impl Default for VerifyConfig {
    /// In a month all have had their turn.
    fn default() -> Self {
        Self { schedule: Schedule::parse("T 4 * * *", "verify").ok(), fraction: Share::one_of(30) }
    }
}

/// Who may use the API.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// The password; without one the first start makes one.
    pub password: Option<SecretString>,
    /// Whether everyone may do everything. Never the default.
    pub disabled: bool,
    /// How long a session lasts.
    pub session_ttl: Duration,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self { password: None, disabled: false, session_ttl: Duration::from_hours(12) }
    }
}

/// What the service writes about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// The least important level that is written.
    pub level: LogLevel,
    /// The form of a line.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: LogLevel::Info, format: LogFormat::Text }
    }
}

/// A setting with a closed list of words.
pub trait Words: Copy + Eq + 'static {
    /// Every value with its word in the file.
    const WORDS: &'static [(&'static str, Self)];

    /// The word in the file.
    #[must_use]
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_meta])* $variant),+
        }

        impl Words for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];
        }
    };
}

words! {
    /// A codec of archives.
    Compression {
        /// `.tar.gz`
        Gzip = "gzip",
        /// `.tar.zst`
        Zstd = "zstd",
    }
}

words! {
    /// A level in words.
    Effort {
        /// As fast as the codec gets without giving much size away.
        Fast = "fast",
        /// Smaller than zlib's usual level in less time.
        Balanced = "balanced",
        /// The smallest that still keeps up with other tools' usual level.
        Dense = "dense",
    }
}

impl Compression {
    /// The level that is used when none is set. What changes while containers stand is compressed while they stand,
    /// so gzip is fast unless someone asks for small; zstd is fast enough in any case.
    #[must_use]
    pub const fn default_level(self) -> i32 {
        match self {
            Self::Gzip => self.level_of(Effort::Fast),
            Self::Zstd => self.level_of(Effort::Balanced),
        }
    }

    /// The level that a word stands for.
    #[must_use]
    pub const fn level_of(self, effort: Effort) -> i32 {
        match (self, effort) {
            (_, Effort::Fast) => 1,
            (Self::Gzip, Effort::Balanced) => 4,
            (Self::Zstd, Effort::Balanced) => 3,
            (_, Effort::Dense) => 7,
        }
    }

    /// The levels that the codec knows.
    #[must_use]
    pub const fn levels(self) -> std::ops::RangeInclusive<i32> {
        match self {
            Self::Gzip => 0..=9,
            Self::Zstd => 1..=22,
        }
    }
}

impl Words for Quiesce {
    const WORDS: &'static [(&'static str, Self)] =
        &[(Self::Stop.as_str(), Self::Stop), (Self::Pause.as_str(), Self::Pause), (Self::None.as_str(), Self::None)];
}

impl Words for Precopy {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Self::Auto.as_str(), Self::Auto),
        (Self::Off.as_str(), Self::Off),
        (Self::Staging.as_str(), Self::Staging),
        (Self::Splice.as_str(), Self::Splice),
        (Self::Snapshot.as_str(), Self::Snapshot),
    ];
}

words! {
    /// How much the service writes about itself.
    LogLevel {
        /// Only what someone should act on.
        Error = "error",
        /// Also what may become a problem.
        Warn = "warn",
        /// Also what happens in normal running.
        Info = "info",
        /// Also what helps to find a fault.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

words! {
    /// The form of a line in the service's own log.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}
