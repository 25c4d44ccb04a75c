//! The part of the configuration that may be shown.

use std::path::PathBuf;

use serde::Serialize;

use super::model::{Config, Words};

/// Settings without secrets, as they are shown to whoever may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicConfig {
    /// Where the stacks lie.
    pub stacks_dir: PathBuf,
    /// Where archives are written.
    pub backup_dir: PathBuf,
    /// Where log files are written.
    pub log_dir: PathBuf,
    /// Where captured data lies until it is published.
    pub staging_dir: PathBuf,
    /// Whether volumes and bind mounts are captured.
    pub include_data: bool,
    /// Stacks that are not stopped.
    pub skip_stop: Vec<String>,
    /// Days that archives are kept; 0 keeps all.
    pub retention_days: u32,
    /// Days that log files are kept; 0 keeps all.
    pub log_retention_days: u32,
    /// The codec of archives: `gzip` or `zstd`.
    pub compression: &'static str,
    /// The codec's level.
    pub compression_level: i32,
    /// What is done to containers meanwhile: `stop`, `pause` or `none`.
    pub quiesce: &'static str,
    /// Jobs that may run at the same time.
    pub max_concurrent_jobs: usize,
    /// What this installation calls itself.
    pub node_name: String,
    /// The zone of schedules.
    pub timezone: &'static str,
}

impl Config {
    /// What may be shown of this configuration.
    #[must_use]
    pub fn public_view(&self) -> PublicConfig {
        PublicConfig {
            stacks_dir: self.stacks_dir.clone(),
            backup_dir: self.backup_dir.clone(),
            log_dir: self.log_dir.clone(),
            staging_dir: self.staging_dir.clone(),
            include_data: self.include_data,
            skip_stop: self.skip_stop.clone(),
            retention_days: self.retention_days,
            log_retention_days: self.log_retention_days,
            compression: self.archive.compression.word(),
            compression_level: self.archive.level,
            quiesce: self.archive.quiesce.word(),
            max_concurrent_jobs: self.max_concurrent_jobs,
            node_name: self.node_name.clone(),
            timezone: self.timezone.name(),
        }
    }
}
