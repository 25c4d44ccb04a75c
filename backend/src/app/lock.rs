//! One process per store.
//!
//! A second process would replay the stop journal and mark jobs as interrupted while the first is at work on them. The
//! lock is the kernel's (`flock`): it ends with the process, however that ends.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::config::Config;

/// Held for as long as the process works with the store.
#[derive(Debug)]
pub(super) struct StoreLock {
    _file: File,
}

/// Why the lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("another Mainstay (process {holder}) works with this store; its lock file is {path}")]
    Held {
        /// The lock file.
        path: PathBuf,
        /// The id of the other process, as far as it is known.
        holder: String,
    },
    /// The lock file cannot be made.
    #[error("the lock file {path} cannot be made")]
    File {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl StoreLock {
    /// Takes the lock, or says who has it.
    pub(super) fn take(path: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::File { path: path.to_owned(), source };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            file.read_to_string(&mut holder).map_err(failed)?;
            let holder = if holder.trim().is_empty() { "unknown".to_owned() } else { holder.trim().to_owned() };
            return Err(LockError::Held { path: path.to_owned(), holder });
        }
        // Who has it is for people: a full disk, on which it cannot be written, must not keep stacks down.
        let told = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
        if let Err(error) = told {
            tracing::warn!(%error, "the process's id could not be written to {}", path.display());
        }
        Ok(Self { _file: file })
    }
}

/// Where the lock of a configuration's store lies: beside a SQLite file, else where the logs are.
pub(super) fn path_for(config: &Config) -> PathBuf {
    let url = config.database_url.expose();
    let file = url.strip_prefix("sqlite://").map(|path| path.split('?').next().unwrap_or(path));
    match file {
        Some(path) if path.starts_with('/') => PathBuf::from(format!("{path}.lock")),
        _ => config.log_dir.join(".mainstay.lock"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_the_first_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("deep/store.lock");
        let first = StoreLock::take(&path).expect("free");
        let error = StoreLock::take(&path).expect_err("held").to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(first);
        StoreLock::take(&path).expect("free again");
    }
}
