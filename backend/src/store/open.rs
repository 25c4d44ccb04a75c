//! Opening the database, whatever is in the way.
//!
//! A start must not fail because the disk is full or because another process has the database locked: the stop journal
//! is in there. A full disk gets the room that is kept for it; where there is none, SQLite is opened so that it needs
//! no file besides. A lock is waited for.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use migrations::{Migrator, MigratorTrait};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr, RuntimeErr};

use super::reserve::Reserve;
use super::{Doing, StoreError};

/// How long a statement waits for another process that has the database locked.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the opening waits for such a process.
const LOCK_PATIENCE: Duration = Duration::from_secs(120);
/// The pause between two attempts to open.
const LOCK_PAUSE: Duration = Duration::from_millis(500);

/// How SQLite is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Several connections, and other processes may read.
    Shared,
    /// One connection, nobody else, and the index of the write-ahead log in memory: needs no room on the disk.
    Alone,
}

/// Connects to `url` and brings the schema up to date.
pub(super) async fn open(url: &str, reserve: Option<&Reserve>) -> Result<DatabaseConnection, StoreError> {
    let began = Instant::now();
    let mut is_told = false;
    loop {
        match open_with_room(url, reserve).await {
            Err(error) if is_locked(&error) && began.elapsed() < LOCK_PATIENCE => {
                if !is_told {
                    tracing::warn!("another process has the database locked; it is waited for");
                    is_told = true;
                }
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            result => return result,
        }
    }
}

async fn open_with_room(url: &str, reserve: Option<&Reserve>) -> Result<DatabaseConnection, StoreError> {
    let error = match open_once(url, Manner::Shared).await {
        Ok(db) => return Ok(db),
        Err(error) => error,
    };
    let Some(reserve) = reserve.filter(|reserve| lacks_room(&error, reserve)) else { return Err(error) };
    if reserve.give_up() {
        tracing::warn!("the disk of the store is full: the room that was kept for it is given up");
        if let Ok(db) = open_once(url, Manner::Shared).await {
            return Ok(db);
        }
    }
    let db = open_once(url, Manner::Alone).await.map_err(|_| error)?;
    tracing::error!(
        "the disk of the store is full: little can be recorded until it has room and Mainstay is restarted"
    );
    Ok(db)
}

async fn open_once(url: &str, manner: Manner) -> Result<DatabaseConnection, StoreError> {
    let is_sqlite = url.starts_with("sqlite:");
    if !is_sqlite && !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(StoreError::UnknownAddress(redact(url)));
    }
    if is_sqlite {
        make_private_file(url)?;
    }
    let mut options = ConnectOptions::new(url);
    let connections = if manner == Manner::Shared { 4 } else { 1 };
    options.max_connections(connections).sqlx_logging(false).connect_timeout(BUSY_TIMEOUT);
    if is_sqlite {
        options.map_sqlx_sqlite_opts(move |sqlite| with_pragmas(sqlite, manner));
    }
    let db = Database::connect(options).await.doing("be reached")?;
    match Migrator::up(&db, None).await.doing("bring its schema up to date") {
        Ok(()) => Ok(db),
        Err(error) => {
            let _ = db.close().await;
            Err(error)
        }
    }
}

fn with_pragmas(sqlite: SqliteConnectOptions, manner: Manner) -> SqliteConnectOptions {
    let sqlite = sqlite
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true);
    if manner == Manner::Alone { sqlite.locking_mode(SqliteLockingMode::Exclusive) } else { sqlite }
}

/// The file of a SQLite database; none for another one, or one in memory.
pub(super) fn file_of(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?.trim_start_matches("//").split('?').next().unwrap_or_default();
    (!path.is_empty() && !path.starts_with(":memory:")).then(|| PathBuf::from(path))
}

/// Makes the database file, readable for its owner only: it holds what lets people in. SQLite gives its other files the
/// same mode.
fn make_private_file(url: &str) -> Result<(), StoreError> {
    let Some(path) = file_of(url) else { return Ok(()) };
    let failed = |source| StoreError::File { path: path.display().to_string(), source };
    if let Some(parent) = path.parent().filter(|p| *p != Path::new("")) {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(failed)?;
    Ok(())
}

/// Whether more room on the disk may help. SQLite often says no more than that it cannot read or open something.
pub(super) fn lacks_room(error: &StoreError, reserve: &Reserve) -> bool {
    const FULL: u32 = 13;
    const IO_ERROR: u32 = 10;
    const CANNOT_OPEN: u32 = 14;
    match error {
        StoreError::Database { source, .. } => match sqlite_code(source) {
            Some(FULL) => true,
            Some(IO_ERROR | CANNOT_OPEN) => reserve.is_disk_full(),
            _ => false,
        },
        StoreError::File { source, .. } => {
            matches!(source.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
        }
        _ => false,
    }
}

/// Whether another process has the database locked.
pub(super) fn is_locked(error: &StoreError) -> bool {
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    matches!(error, StoreError::Database { source, .. } if matches!(sqlite_code(source), Some(BUSY | LOCKED)))
}

/// SQLite's primary result code: the low byte of what it says.
fn sqlite_code(error: &DbErr) -> Option<u32> {
    let (DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return None;
    };
    let code: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
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
