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
