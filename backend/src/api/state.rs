//! What handlers work with, handed to every worker as `web::Data<AppState>`.
//!
//! Add a field when a handler needs another part of the service; `app.rs` builds it. No globals, no settings that
//! handlers do not read.

use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Duration, Utc};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::auth::throttle::Throttle;
use crate::discovery::Discovery;
use crate::domain::clock::SharedClock;
use crate::engine::JobEngine;
use crate::engine::backrest::Reconciler;
use crate::store::Store;

/// Who gets in.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// Everybody may do everything. Only by an explicit setting.
    pub is_disabled: bool,
    /// How long a login lasts.
    pub session_lifetime: Duration,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self { is_disabled: false, session_lifetime: Duration::days(30) }
    }
}

/// Answers a browser that navigates to a path which a program gets data from: with the dashboard.
pub type ShowPage = fn(&HttpRequest) -> HttpResponse;

/// What the API tells of the service itself.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The release.
    pub version: &'static str,
    /// What this installation calls itself.
    pub node_name: String,
    /// The IANA zone of schedules and of the names of archives.
    pub timezone: String,
    /// The settings that hold no secret, as `GET /api/config` shows them.
    pub public_config: serde_json::Value,
    /// What reading the configuration found doubtful.
    pub config_warnings: Vec<String>,
}

/// What [`AppState`] is made of.
#[derive(Debug, Clone)]
pub struct StateParts {
    /// Jobs, snapshots, tokens.
    pub store: Store,
    /// Runs jobs.
    pub engine: JobEngine,
    /// Keeps a Backrest in step with labels, where one is configured.
    pub backrest: Option<Reconciler>,
    /// What the host runs.
    pub discovery: Discovery,
    /// The time.
    pub clock: Clock,
    /// Who gets in.
    pub auth: AuthSettings,
    /// Cancelled when the service ends; ends every stream.
    pub shutdown: CancellationToken,
    /// What the API tells of the service itself.
    pub about: About,
    /// The dashboard, for the paths that it shares with the API.
    pub show_page: ShowPage,
}

/// The parts of the service that handlers use.
#[derive(Debug)]
pub struct AppState {
    /// Jobs, snapshots, tokens.
    pub store: Store,
    /// Runs jobs.
    pub engine: JobEngine,
    /// Keeps a Backrest in step with labels, where one is configured.
    pub backrest: Option<Reconciler>,
    /// What the host runs.
    pub discovery: Discovery,
    /// The time.
    pub clock: Clock,
    /// Who gets in.
    pub auth: AuthSettings,
    /// Counts failed logins by address.
    pub logins: Throttle,
    /// Password checks at once: each takes 19 MiB for a moment.
    pub password_checks: Semaphore,
    /// Cancelled when the service ends; ends every stream.
    pub shutdown: CancellationToken,
    /// What the API tells of the service itself.
    pub about: About,
    /// The dashboard, for the paths that it shares with the API.
    pub show_page: ShowPage,
    /// When the service started.
    pub started_at: DateTime<Utc>,
}

impl AppState {
    /// The state of a service that starts now.
    #[must_use]
    pub fn new(parts: StateParts) -> Self {
        let StateParts { store, engine, backrest, discovery, clock, auth, shutdown, about, show_page } = parts;
        let (logins, password_checks) = (Throttle::default(), Semaphore::new(2));
        let started_at = clock.now();
        Self {
            store,
            engine,
            backrest,
            discovery,
            clock,
            auth,
            logins,
            password_checks,
            shutdown,
            about,
            show_page,
            started_at,
        }
    }
}

/// A [`SharedClock`] that can be shown in debug output.
#[derive(Clone)]
pub struct Clock(SharedClock);

impl std::ops::Deref for Clock {
    type Target = dyn crate::domain::clock::Clock;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref()
    }
}

impl From<SharedClock> for Clock {
    fn from(clock: SharedClock) -> Self {
        Self(clock)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
