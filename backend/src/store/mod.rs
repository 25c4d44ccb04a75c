//! What must survive the process: jobs, the stop journal, snapshots, tokens.
//!
//! One file per aggregate; each takes and returns domain types, rows stay within. To add an aggregate: a migration,
//! an entity, a file here. Do not put rules here: a query answers, the domain decides.
//!
//! SQLite runs in WAL mode with `synchronous=FULL`: the stop journal must survive a power cut, and with `NORMAL` the
//! last commits of a WAL may be lost in one.

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use migrations::{Migrator, MigratorTrait};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

use crate::domain::clock::SharedClock;

mod access;
mod entity;
mod idempotency;
mod jobs;
mod journal;
mod known_tokens;
mod page;
mod revision;
mod rows;
mod snapshots;
mod summary;

pub use idempotency::RememberedRequest;
pub use jobs::JobFilter;
pub use journal::{HeldContainer, HoldAction, JournalRow};
pub use page::{Page, PageRequest};
pub use revision::Revision;
pub use snapshots::SnapshotFilter;
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
    known_tokens: Arc<known_tokens::KnownTokens>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("backend", &self.db.get_database_backend()).finish()
    }
}

impl Store {
    /// Connects to `url` and brings the schema up to date.
    ///
    /// # Errors
    /// When the address is of no known kind, the database cannot be reached or its schema cannot be changed.
    pub async fn connect(url: &str, clock: SharedClock) -> Result<Self, StoreError> {
        let db = open(url).await?;
        let store = Self { db, clock, changes: revision::Changes::default(), known_tokens: Arc::default() };
        store.migrate().await?;
        Ok(store)
    }

    /// Brings the schema up to date; does nothing when it is.
    ///
    /// # Errors
    /// When the database refuses a change.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        Migrator::up(&self.db, None).await.doing("bring its schema up to date")
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
}

async fn open(url: &str) -> Result<DatabaseConnection, StoreError> {
    let is_sqlite = url.starts_with("sqlite:");
    if !is_sqlite && !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(StoreError::UnknownAddress(redact(url)));
    }
    if is_sqlite {
        make_private_file(url)?;
    }
    let mut options = ConnectOptions::new(url);
    options.max_connections(4).sqlx_logging(false).connect_timeout(Duration::from_secs(10));
    if is_sqlite {
        options.map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(Duration::from_secs(10))
                .foreign_keys(true)
        });
    }
    Database::connect(options).await.doing("be reached")
}

/// Makes the database file, readable for its owner only: it holds what lets people in. SQLite gives its other files the
/// same mode.
fn make_private_file(url: &str) -> Result<(), StoreError> {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//").split('?').next().unwrap_or_default();
    if path.starts_with(":memory:") {
        return Ok(());
    }
    let failed = |source| StoreError::File { path: path.to_owned(), source };
    if let Some(parent) = Path::new(path).parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(failed)?;
    Ok(())
}

/// The address without its password.
fn redact(address: &str) -> String {
    match url::Url::parse(address) {
        Ok(mut parsed) if parsed.password().is_some() => {
            let _ = parsed.set_password(Some("***"));
            parsed.to_string()
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod index_tests;
