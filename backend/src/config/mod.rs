//! The configuration: file, environment and flags become one [`Config`].
//!
//! The way of a value: [`load`] finds the file, `yaml` reads it into a tree that knows where each key stands,
//! `overlay` lays environment and flags over the tree, `decode` turns it into types and collects every mistake. A key
//! that nobody asked for is a mistake too. Secrets are wrapped as soon as they are read. Nothing here looks whether a
//! directory exists: that may change while the service runs, and is the doctor's work.
//!
//! To add a setting: its field and default in `model`, one line in `decode`, its line in
//! `examples/config.example.yml`.

mod address;
mod check;
mod decode;
mod decode_integrations;
mod drill;
mod expand;
mod instances;
mod integrations;
mod load;
mod model;
mod overlay;
mod problem;
mod section;
mod tree;
mod value;
mod view;
mod yaml;

#[cfg(test)]
mod tests;

pub use crate::domain::duration::{InvalidDuration, parse_duration};
pub use address::{DatabaseUrl, InvalidDatabaseUrl, SecretUrl, redact};
pub use integrations::{BackrestConfig, HostConfig, NotificationConfig, TlsConfig};
pub use load::{LoadOptions, Loaded, Overrides, SEARCH_PATHS, load, load_for_resume};
pub use model::{ArchiveConfig, AuthConfig, Compression, Config, Effort, LogConfig, LogFormat, LogLevel, Words};
pub use problem::{ConfigError, ConfigErrors, ConfigWarning};
pub use view::PublicConfig;

use load::ReadFile;
