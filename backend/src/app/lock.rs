//! One process per store.
//!
//! A second process would replay the stop journal and mark jobs as interrupted while the first is at work on them. For
//! SQLite the lock is the kernel's (`flock`): it ends with the process, however that ends. PostgreSQL keeps services on
//! different machines apart itself ([`Claim`]); its connection is watched, and a claim that was lost is taken again.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::config::Config;
use crate::store::{Claim, ClaimError, ClaimState};

/// How often a claim is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Held for as long as the process works with the store.
#[derive(Debug)]
pub(super) struct StoreLock {
    _held: Held,
    lost: CancellationToken,
}

#[derive(Debug)]
enum Held {
    File {
        _file: File,
    },
    /// Ends the watch of the claim, which gives the database up then.
    Database {
        _watch: DropGuard,
    },
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
    /// The database cannot be claimed.
    #[error(transparent)]
    Claim(#[from] ClaimError),
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
    /// Takes the lock on the store that `config` names, or says who has it.
    pub(super) async fn take(config: &Config) -> Result<Self, LockError> {
        if config.database_url.is_postgres() {
            return Ok(Self::claim(config.database_url.expose()).await?);
        }
        Self::take_file(&path_for(config))
    }

    /// Waits until another process has taken the store, which may happen after the connection to it was lost.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    async fn claim(url: &str) -> Result<Self, ClaimError> {
        let claim = Claim::take(url).await?;
        let (lost, end) = (CancellationToken::new(), CancellationToken::new());
        tokio::runtime::Handle::current().spawn(watch(claim, lost.clone(), end.clone()));
        Ok(Self { _held: Held::Database { _watch: end.drop_guard() }, lost })
    }

    fn take_file(path: &Path) -> Result<Self, LockError> {
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
        Ok(Self { _held: Held::File { _file: file }, lost: CancellationToken::new() })
    }
}

/// Looks at a claim until `end`; says once when it is in doubt, and when it is taken again.
async fn watch(mut claim: Claim, lost: CancellationToken, end: CancellationToken) {
    let mut is_in_doubt = false;
    loop {
        tokio::select! {
            () = end.cancelled() => return claim.release().await,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        match claim.look().await {
            Ok(ClaimState::Held) => is_in_doubt = false,
            Ok(ClaimState::TakenAgain) => {
                is_in_doubt = false;
                tracing::warn!("the connection that keeps other services off the database was lost; it is there again");
            }
            Err(error @ ClaimError::Held(_)) => {
                tracing::error!("the database was taken over while the connection to it was lost: {error}");
                return lost.cancel();
            }
            Err(ClaimError::Store(error)) if !is_in_doubt => {
                is_in_doubt = true;
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "it is not known whether the database is still ours; it is looked at again");
            }
            Err(ClaimError::Store(_)) => {}
        }
    }
}

/// Where the lock of a SQLite store lies: beside its file; where the logs are, when it is in memory.
fn path_for(config: &Config) -> PathBuf {
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
        let first = StoreLock::take_file(&path).expect("free");
        let error = StoreLock::take_file(&path).expect_err("held").to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(first);
        StoreLock::take_file(&path).expect("free again");
    }
}
