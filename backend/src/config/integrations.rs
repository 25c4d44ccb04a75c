//! Settings of what is reached through other programs: further hosts, Backrest, notifications.
//!
//! They are read and checked like all others. As long as a part is not carried out, its presence is a warning, so
//! that nobody believes in what does not happen.

use std::path::PathBuf;
use std::time::Duration;

use super::address::SecretUrl;

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
#[derive(Debug, Clone)]
pub struct BackrestConfig {
    /// Its configuration file. Absolute.
    pub config: PathBuf,
    /// The form of that file: `native` or `sidecar`; `auto` looks at it.
    pub format: String,
    /// Where it answers: then its API takes the plans, and the file is not touched.
    pub url: Option<SecretUrl>,
    /// The container that is stopped for a changed file.
    pub container: String,
    /// Whether it is stopped for a changed file.
    pub apply: bool,
    /// How long it may take to come up.
    pub restart_timeout: Duration,
    /// The repository of plans whose labels name none.
    pub default_repo: String,
    /// The schedule of plans whose labels name none.
    pub default_schedule: String,
    /// The retention of plans whose labels name none.
    pub default_retention: String,
    /// What the ids of our plans begin with.
    pub plan_id_prefix: String,
    /// The data directory of the Docker Engine. Absolute.
    pub docker_root: PathBuf,
    /// Where Backrest sees the engine's volumes. Absolute.
    pub volume_prefix: Option<PathBuf>,
    /// Whether bind mounts are left out where no label names the paths.
    pub exclude_bind_mounts: bool,
    /// Whether commands in labels become hooks.
    pub label_commands: bool,
    /// What becomes of plans whose workload is gone: `keep`, `disable` or `delete`.
    pub orphans: String,
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
            url: None,
            container: "backrest".to_owned(),
            apply: false,
            restart_timeout: Duration::from_secs(60),
            default_repo: "default".to_owned(),
            default_schedule: "0 2 * * *".to_owned(),
            default_retention: "daily=7,weekly=4".to_owned(),
            plan_id_prefix: "backrest_sidecar_".to_owned(),
            docker_root: "/var/lib/docker".into(),
            volume_prefix: None,
            exclude_bind_mounts: false,
            label_commands: true,
            orphans: "disable".to_owned(),
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
