//! What can be said of a configuration as a whole, without looking at the disk.

use std::path::Path;

use super::model::Config;

/// Combinations that are accepted, but hardly meant. Each with the key that is best changed.
pub(super) fn concerns(config: &Config) -> Vec<(&'static str, String)> {
    let mut concerns = Vec::new();
    let stacks = config.stacks_dir.as_path();
    let directories: [(&str, &Path); 3] =
        [("backup_dir", &config.backup_dir), ("log_dir", &config.log_dir), ("staging_dir", &config.staging_dir)];
    for (key, directory) in directories {
        if directory.starts_with(stacks) {
            let message = format!(
                "'{key}' ({}) lies within 'stacks_dir' ({}); it would be taken for a stack",
                directory.display(),
                stacks.display()
            );
            concerns.push((key, message));
        }
    }
    if config.auth.disabled && !config.listen.ip().is_loopback() {
        let message = format!(
            "'auth.disabled' is on and the service listens on {}: everyone who reaches it controls the Docker Engine",
            config.listen
        );
        concerns.push(("auth.disabled", message));
    }
    if config.auth.disabled && config.auth.password.is_some() {
        concerns.push(("auth.password", "'auth.password' has no effect while 'auth.disabled' is on".to_owned()));
    }
    concerns
}
