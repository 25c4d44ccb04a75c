//! One Mainstay per PostgreSQL database.
//!
//! A lock file cannot tell of a second service on another machine, so the database keeps them apart: an advisory lock of
//! PostgreSQL, held by a session of its own, for the schema that the tables are in. It ends with that session, however
//! the process ends; the server is told to notice a dead machine within half a minute.

use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, QueryResult, Statement};

use super::{Doing, StoreError};

/// Names our locks among those of other programs: `MNST`.
const CLASS: u32 = 0x4d4e_5354;
/// How long a claim waits for a predecessor that is just going.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(500);
/// How long one look at the claim may take.
const LOOK_LIMIT: Duration = Duration::from_secs(10);

/// Why a database cannot be claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another session has it.
    #[error("another Mainstay works with this database: {0}")]
    Held(String),
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a look at a claim found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimState {
    /// It was held all the time.
    Held,
    /// The connection was lost, and the claim with it; it is held again.
    TakenAgain,
}

/// A database that is ours alone, for as long as this lives.
#[derive(Debug)]
pub struct Claim {
    db: DatabaseConnection,
    session: i32,
}

impl Claim {
    /// Claims the PostgreSQL database at `url`.
    ///
    /// # Errors
    /// When another session has it, or the database does not answer.
    pub async fn take(url: &str) -> Result<Self, ClaimError> {
        let mut options = ConnectOptions::new(url);
        options.min_connections(1).max_connections(1).sqlx_logging(false).connect_timeout(LOOK_LIMIT);
        // The session is kept however long nothing happens on it.
        options.idle_timeout(None::<Duration>).max_lifetime(None::<Duration>);
        let db = Database::connect(options).await.doing("be reached")?;
        let began = Instant::now();
        loop {
            match lock(&db).await {
                Ok(session) => return Ok(Self { db, session }),
                Err(ClaimError::Held(_)) if began.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes sure that the database is still ours; takes it again when the connection was lost.
    ///
    /// # Errors
    /// When another session has it now, or the database does not answer: then nothing is known.
    pub async fn look(&mut self) -> Result<ClaimState, ClaimError> {
        let late = || StoreError::Row { what: "claim", reason: "the database does not answer".to_owned() };
        let look = async {
            let row = ask(&self.db, "SELECT pg_backend_pid() AS session".to_owned()).await?;
            let session: i32 = row.try_get("", "session").doing("tell its session")?;
            if session == self.session {
                Ok::<_, ClaimError>((session, ClaimState::Held))
            } else {
                Ok((lock(&self.db).await?, ClaimState::TakenAgain))
            }
        };
        let (session, state) = tokio::time::timeout(LOOK_LIMIT, look).await.map_err(|_| late())??;
        self.session = session;
        Ok(state)
    }

    /// Gives the database up.
    pub async fn release(self) {
        // The session ends with its connection, and the lock with the session.
        let _ = tokio::time::timeout(LOOK_LIMIT, self.db.close()).await;
    }
}

/// Takes the lock in the present session; returns the session.
async fn lock(db: &DatabaseConnection) -> Result<i32, ClaimError> {
    // A server that never hears of its client's end would keep the next one out.
    let alive = "SELECT set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false), \
                 set_config('tcp_keepalives_count', '3', false), set_config('application_name', 'mainstay', false)";
    ask(db, alive.to_owned()).await?;
    let key = format!("{CLASS}, hashtext(coalesce(current_schema(), ''))");
    let sql = format!("SELECT pg_backend_pid() AS session, pg_try_advisory_lock({key}) AS is_ours");
    let row = ask(db, sql).await?;
    let is_ours: bool = row.try_get("", "is_ours").doing("tell who has it")?;
    if is_ours {
        return Ok(row.try_get("", "session").doing("tell its session")?);
    }
    Err(ClaimError::Held(holder(db).await.unwrap_or_else(|_| "a session that is not known".to_owned())))
}

/// Who has the lock, for people.
async fn holder(db: &DatabaseConnection) -> Result<String, StoreError> {
    let sql = format!(
        "SELECT 'session ' || a.pid || ' from ' || coalesce(host(a.client_addr), 'this machine') || ', since ' \
         || to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC' AS holder \
         FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
         WHERE l.locktype = 'advisory' AND l.classid = {CLASS} AND l.granted AND a.datname = current_database()"
    );
    ask(db, sql).await?.try_get("", "holder").doing("tell who has it")
}

async fn ask(db: &DatabaseConnection, sql: String) -> Result<QueryResult, StoreError> {
    let row =
        db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.doing("tell who works with it")?;
    row.ok_or_else(|| StoreError::Row { what: "claim", reason: "the database tells nothing".to_owned() })
}
