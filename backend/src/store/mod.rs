//! What must survive the process: jobs, the stop journal, snapshots, tokens.
//!
//! One file per aggregate; each takes and returns domain types, rows stay within. To add an aggregate: a migration,
//! an entity, a file here. Do not put rules here: a query answers, the domain decides.
//!
//! SQLite runs in WAL mode with `synchronous=FULL`: the stop journal must survive a power cut, and with `NORMAL` the
//! last commits of a WAL may be lost in one. Room is kept for it on its disk ([`reserve`]): a write that matters goes
//! through `with_room`, which gives that room up rather than fail.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};

use crate::domain::clock::SharedClock;
use reserve::Reserve;

mod access;
mod backrest;
mod claim;
mod entity;
mod idempotency;
mod instances;
mod jobs;
mod journal;
mod key_file;
mod known_tokens;
mod open;
mod page;
mod plan_runs;
mod plans;
mod reserve;
mod restores;
mod revision;
mod rows;
mod secrets;
mod snapshots;
mod stored_targets;
mod summary;
mod written;

pub use claim::{Claim, ClaimError, ClaimState};
pub use idempotency::RememberedRequest;
pub use instances::Recorded;
pub use jobs::JobFilter;
pub use journal::{HeldContainer, HoldAction, JournalRow};
pub use page::{Page, PageRequest};
pub use plan_runs::PlanRun;
pub use reserve::ReserveState;
pub use revision::Revision;
pub use secrets::{SecretKey, Secrets, SecretsError};
pub use snapshots::{Finding, SnapshotFilter};
pub use summary::BackupSummary;

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address names no database that Mainstay can use.
    #[error("'{0}' is no database address; use sqlite:///path/to/file.db or postgres://user@host/name")]
    UnknownAddress(String),
    /// The database file cannot be made.
    #[error("the database file {path} cannot be opened or made")]
    File {
        /// The database file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database refused.
    #[error("the database could not {action}")]
    Database {
        /// What was asked of it, as a verb.
        action: &'static str,
        /// What it said.
        #[source]
        source: DbErr,
    },
    /// A row holds something that this version cannot read.
    #[error("the {what} of a stored row cannot be read: {reason}")]
    Row {
        /// Which column.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A secret could not be encrypted or decrypted.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

/// Adds what was being done to a database error.
trait Doing<T> {
    fn doing(self, action: &'static str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for Result<T, DbErr> {
    fn doing(self, action: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Database { action, source })
    }
}

/// The store. Cloning shares the connections.
#[derive(Clone)]
pub struct Store {
    db: DatabaseConnection,
    clock: SharedClock,
    changes: revision::Changes,
    reserve: Option<Reserve>,
    /// Where the database file lies.
    directory: Option<PathBuf>,
    secrets: Secrets,
    known_tokens: Arc<known_tokens::KnownTokens>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("backend", &self.db.get_database_backend()).finish()
    }
}

impl Store {
    /// Connects to `url` and brings the schema up to date. Waits for a process that has the database locked, and gives
    /// up the room that is kept for it when its disk is full.
    ///
    /// # Errors
    /// When the address is of no known kind, the database cannot be reached or its schema cannot be changed.
    pub async fn connect(url: &str, clock: SharedClock) -> Result<Self, StoreError> {
        let file = open::file_of(url);
        let reserve = file.as_deref().map(Reserve::beside);
        let db = open::open(url, reserve.as_ref()).await?;
        let secrets = Secrets::beside(file.as_deref());
        let directory = file.as_deref().and_then(Path::parent).map(Path::to_owned);
        Ok(Self {
            db,
            clock,
            reserve,
            directory,
            secrets,
            changes: revision::Changes::default(),
            known_tokens: Arc::default(),
        })
    }

    /// Takes the key of stored secrets from elsewhere than the file `secret.key` beside the database.
    #[must_use]
    pub fn with_secrets(mut self, secrets: Secrets) -> Self {
        self.secrets = secrets;
        self
    }

    /// The directory of the database file; `None` when there is no such file.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// Keeps room for the store on its disk, when it is missing and there is enough to spare.
    #[must_use]
    pub fn keep_reserve(&self) -> ReserveState {
        self.reserve.as_ref().map_or(ReserveState::NotOurs, Reserve::keep)
    }

    /// Proves that the store can be written to.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn check_writable(&self) -> Result<(), StoreError> {
        let transaction = self.begin_write().await?;
        transaction
            .execute_unprepared("UPDATE settings SET value = value WHERE name = 'none'")
            .await
            .doing("be written to")?;
        transaction.commit().await.doing("be written to")
    }

    /// Closes the connections once the queries at work are done.
    ///
    /// # Errors
    /// When a connection does not close.
    pub async fn close(self) -> Result<(), StoreError> {
        // Nothing is answered out of memory any more.
        drop(self.changes.begin());
        self.known_tokens.forget();
        self.db.close().await.doing("close its connections")
    }

    /// A transaction that may read and then write. SQLite's default mode would fail half of these with "database is
    /// locked" as soon as two run at once; `IMMEDIATE` takes the lock first.
    async fn begin_write(&self) -> Result<DatabaseTransaction, StoreError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.db.begin_with_options(options).await.doing("begin a transaction")
    }

    /// A write that matters: once more with the room that was kept, when the disk is full.
    async fn with_room<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        write: impl Fn() -> F,
    ) -> Result<T, StoreError> {
        match (write().await, &self.reserve) {
            (Err(error), Some(reserve)) if open::lacks_room(&error, reserve) => {
                if reserve.give_up() {
                    tracing::warn!("the disk of the store is full: the room that was kept for it is given up");
                }
                write().await
            }
            (result, _) => result,
        }
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod index_tests;
