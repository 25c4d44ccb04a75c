//! The composition root: the only place that builds everything.
//!
//! [`Builder::start`] puts the parts together in the order in which they need each other: the lock on the store, the
//! store, the engine, what a former process left behind, and only then the HTTP server, so that no request meets a
//! half-started service. [`Running::stop`] takes it down the other way: no new requests, streams ended, jobs asked to
//! end and waited for, the store closed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::Duration as Span;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::state::{About, AppState, StateParts};
use crate::backends::archive::Codec;
use crate::backends::{ArchiveParts, BackendParts};
use crate::config::{Compression, Config, Loaded};
use crate::discovery::{Discovery, DiscoverySettings};
use crate::docker::SharedEngine;
use crate::docker::bollard_engine::BollardEngine;
use crate::domain::access::Scope;
use crate::domain::clock::{SharedClock, SystemClock};
use crate::engine::backrest::Reconciler;
use crate::engine::logbook::SystemLog;
use crate::engine::{ArchiveSettings, EngineParts, EngineSettings, JobEngine, VerifySettings};
use crate::scheduler::Scheduler;
use crate::store::Store;
use crate::telemetry::redact::Redactor;

mod backrest;
mod http;
mod lock;
mod password;
mod resume;
mod secrets;
mod serve;
pub mod sidecar;
mod store;
mod watch;

pub use lock::LockError;
pub use resume::Resumer;
pub use serve::serve;

/// How long whatever else goes on beside jobs may take when the service ends.
const TASKS_GRACE: Duration = Duration::from_secs(2);
/// How long the store may take to close.
const CLOSE_GRACE: Duration = Duration::from_secs(3);
/// How long the first look at the host may take before the service answers without it.
const FIRST_LOOK: Duration = Duration::from_secs(10);

/// Builds a service.
pub struct Builder {
    loaded: Loaded,
    clock: SharedClock,
    docker: Option<SharedEngine>,
    logs: Option<(SystemLog, Redactor)>,
    is_for_command: bool,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("config", &self.loaded.config).finish_non_exhaustive()
    }
}

impl Builder {
    /// A service of this configuration, on the machine's clock and the configured Docker Engine.
    #[must_use]
    pub fn new(loaded: Loaded) -> Self {
        Self { loaded, clock: Arc::new(SystemClock), docker: None, logs: None, is_for_command: false }
    }

    /// Takes the time from `clock`.
    #[must_use]
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Drives `docker` instead of the configured engine.
    #[must_use]
    pub fn docker(mut self, docker: SharedEngine) -> Self {
        self.docker = Some(docker);
        self
    }

    /// Writes to `log`, which the caller has connected to tracing, and has `redactor`, through which all of it goes, know
    /// every secret.
    #[must_use]
    pub fn logs(mut self, log: SystemLog, redactor: Redactor) -> Self {
        self.logs = Some((log, redactor));
        self
    }

    /// Puts the service together and starts it.
    ///
    /// # Errors
    /// When another process has the store, the store cannot be opened, or the address cannot be bound.
    pub async fn start(self) -> anyhow::Result<Running> {
        let Self { loaded, clock, docker, logs, is_for_command } = self;
        let config = &loaded.config;
        // First, because nothing is to happen when the address is taken.
        let listener = http::bind(config.listen)?;
        let store_lock = lock::StoreLock::take(config).await?;
        make_directories(config);
        let (system_log, redactor) = logs.unwrap_or_else(|| logs_of(config, &clock));
        let store = store::open(config, clock.clone()).await?;
        let docker = docker.unwrap_or_else(|| Arc::new(real_engine(config)));
        let discovery = Discovery::new(discovery_settings(config), docker.clone(), clock.clone());
        let parts = EngineParts {
            store: store.clone(),
            backends: backend_parts(config, docker.clone(), clock.clone()),
            build_backend: Arc::new(crate::backends::build),
            docker,
            discovery: discovery.clone(),
            registry: store::registry(config, &store, &discovery, redactor).await?,
            clock: clock.clone(),
            system_log,
            runtime: tokio::runtime::Handle::current(),
        };
        let engine = JobEngine::new(engine_settings(config), parts);
        let shutdown = CancellationToken::new();
        // A start that fails, or is given up half-way, leaves nothing at work.
        let unless_started = shutdown.clone().drop_guard();
        let tasks = TaskTracker::new();
        // Before anything else: what a former process stopped runs again. What is not back at once is watched from now
        // on, however long the rest of the start takes.
        watch::start_journal(&tasks, &shutdown, &engine);
        recover(&engine, &discovery).await?;
        let auth = password::prepare(config, &store, is_for_command).await?;
        watch::start_discovery(&tasks, &shutdown, &discovery, config.discovery_interval);
        watch::start(&tasks, &shutdown, &engine, &discovery);
        let backrest = backrest::start(config, &engine, &store, &clock, (&tasks, &shutdown), is_for_command)?;
        let scheduler = Scheduler::start(engine.clone(), store.clone(), clock.clone()).await?;
        let state = AppState::new(StateParts {
            store: store.clone(),
            engine: engine.clone(),
            backrest: backrest.clone(),
            discovery,
            clock: clock.clone().into(),
            auth,
            shutdown: shutdown.clone(),
            about: about(&loaded)?,
            show_page: crate::spa::show_page,
        });
        let server = http::serve(listener, state)?;
        unless_started.disarm();
        Ok(Running {
            address: server.address,
            server: server.handle,
            server_task: tokio::runtime::Handle::current().spawn(server.run),
            store,
            engine,
            backrest,
            clock,
            scheduler,
            shutdown,
            shutdown_timeout: config.shutdown_timeout,
            tasks,
            store_lock,
        })
    }
}

/// The logs of a service that nobody has connected to tracing.
fn logs_of(config: &Config, clock: &SharedClock) -> (SystemLog, Redactor) {
    let redactor = Redactor::default();
    redactor.register(secrets::of_config(config));
    (system_log(config, clock.clone(), &redactor), redactor)
}

/// The service's own log, which shows nothing that `redactor` knows.
fn system_log(config: &Config, clock: SharedClock, redactor: &Redactor) -> SystemLog {
    let redactor = redactor.clone();
    SystemLog::redacting(config.log_dir.clone(), clock, Arc::new(move |text: &str| redactor.redact(text)))
}

/// Puts in order what an end that was not planned left behind, and takes the first look at the host.
async fn recover(engine: &JobEngine, discovery: &Discovery) -> anyhow::Result<()> {
    let report = engine.recover().await?;
    if report != crate::engine::RecoveryReport::default() {
        tracing::warn!(?report, "the last end of the service was not planned; what it left behind was put in order");
    }
    if tokio::time::timeout(FIRST_LOOK, discovery.refresh()).await.is_err() {
        tracing::warn!("the first look at the host takes long; the service answers without it");
    }
    Ok(())
}

/// A service that answers.
pub struct Running {
    address: SocketAddr,
    server: actix_web::dev::ServerHandle,
    server_task: tokio::task::JoinHandle<std::io::Result<()>>,
    store: Store,
    engine: JobEngine,
    backrest: Option<Reconciler>,
    clock: SharedClock,
    scheduler: Scheduler,
    shutdown: CancellationToken,
    shutdown_timeout: Duration,
    tasks: TaskTracker,
    store_lock: lock::StoreLock,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Running {
    /// Where it answers, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address that was bound.
    #[must_use]
    pub const fn socket_address(&self) -> SocketAddr {
        self.address
    }

    /// The engine, for tests that look behind the API.
    #[must_use]
    pub const fn engine(&self) -> &JobEngine {
        &self.engine
    }

    /// The store, for tests that look behind the API.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// A token for the command that started this service.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn command_token(&self) -> anyhow::Result<String> {
        make_command_token(&self.store, &self.clock).await
    }

    /// Waits until another service has taken the store: then this one must end.
    pub async fn lost_store(&self) {
        self.store_lock.lost().await;
    }

    /// Takes the service down: streams end, jobs bring their stacks back, the store is closed.
    pub async fn stop(self) {
        self.shutdown.cancel();
        let close_doors = async {
            self.server.stop(true).await;
            let _ = self.server_task.await;
            self.scheduler.stop().await;
        };
        // Beside each other: whoever ends this process may not wait long, and stacks come first.
        // A Backrest that is stopped for its configuration is started again first.
        let settled = async {
            if let Some(backrest) = &self.backrest {
                let _ = tokio::time::timeout(self.shutdown_timeout, backrest.settled()).await;
            }
        };
        let (is_well, (), ()) = tokio::join!(self.engine.shut_down(self.shutdown_timeout), close_doors, settled);
        if !is_well {
            tracing::error!("not everything is back; what is at rest is started by the next Mainstay");
        }
        self.tasks.close();
        if tokio::time::timeout(TASKS_GRACE, self.tasks.wait()).await.is_err() {
            tracing::debug!("something beside the jobs did not end in time");
        }
        match tokio::time::timeout(CLOSE_GRACE, self.store.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(error = &error as &dyn std::error::Error, "the store did not close"),
            Err(_) => tracing::debug!("the store did not close in time"),
        }
    }
}

/// A service on a free port of the loopback address, for the length of a command.
///
/// # Errors
/// As [`Builder::start`].
pub async fn start_for_command(loaded: &Loaded) -> anyhow::Result<Running> {
    let mut loaded = loaded.clone();
    loaded.config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    Builder { is_for_command: true, ..Builder::new(loaded) }.start().await
}

/// A short-lived token, written into the store that the running service uses.
///
/// # Errors
/// When the store cannot be opened.
pub async fn token_from_store(config: &Config) -> anyhow::Result<String> {
    let clock: SharedClock = Arc::new(SystemClock);
    let store = Store::connect(config.database_url.expose(), clock.clone()).await?;
    let token = make_command_token(&store, &clock).await;
    store.close().await?;
    token
}

/// Brings the schema of the store up to date.
///
/// # Errors
/// When the store cannot be opened or changed.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    let store = Store::connect(config.database_url.expose(), Arc::new(SystemClock)).await?;
    Ok(store.close().await?)
}

async fn make_command_token(store: &Store, clock: &SharedClock) -> anyhow::Result<String> {
    let expires_at = clock.now() + Span::hours(24);
    let (_, secret) = store.create_token("command line", Scope::Admin, true, Some(expires_at)).await?;
    Ok(secret)
}

/// Makes the directories that are missing. One that cannot be made is told by the doctor and fails the job that needs
/// it, not the service: it must be there to say so.
fn make_directories(config: &Config) {
    for directory in [&config.backup_dir, &config.log_dir] {
        if let Err(error) = std::fs::create_dir_all(directory) {
            tracing::warn!(%error, "the directory {} cannot be made", directory.display());
        }
    }
}

fn real_engine(config: &Config) -> BollardEngine {
    BollardEngine::connect(config.docker_host.as_deref()).with_stall_timeout(config.stall_timeout)
}

fn discovery_settings(config: &Config) -> DiscoverySettings {
    DiscoverySettings {
        stacks_dir: config.stacks_dir.clone(),
        skip_stop: config.skip_stop.clone(),
        host: "local".to_owned(),
        excluded_paths: vec![config.backup_dir.clone(), config.log_dir.clone(), config.staging_dir.clone()],
    }
}

fn engine_settings(config: &Config) -> EngineSettings {
    EngineSettings {
        backup_dir: config.backup_dir.clone(),
        staging_dir: config.staging_dir.clone(),
        log_dir: config.log_dir.clone(),
        include_data: config.include_data,
        retention_days: config.retention_days,
        log_retention_days: config.log_retention_days,
        archive: archive_settings(config),
        quiesce: config.archive.quiesce,
        max_concurrent_jobs: config.max_concurrent_jobs,
        stop_timeout: config.stop_timeout,
        health_timeout: config.health_timeout,
        stall_timeout: config.stall_timeout,
        drill: config.drill.clone(),
        verify: verify_settings(config),
        timezone: config.timezone,
        version: env!("CARGO_PKG_VERSION"),
    }
}

fn verify_settings(config: &Config) -> VerifySettings {
    VerifySettings { schedule: config.verify.schedule.clone(), share: config.verify.fraction }
}

fn backend_parts(config: &Config, docker: SharedEngine, clock: SharedClock) -> BackendParts {
    let archive = archive_settings(config);
    let archives = ArchiveParts {
        backup_dir: config.backup_dir.clone(),
        codec: archive.codec,
        workers: archive.workers,
        timezone: config.timezone,
        version: env!("CARGO_PKG_VERSION"),
    };
    BackendParts {
        docker,
        clock,
        node_name: config.node_name.clone(),
        staging_dir: config.staging_dir.clone(),
        cache_dir: config.staging_dir.join(".cache"),
        archives,
    }
}

fn archive_settings(config: &Config) -> ArchiveSettings {
    let level = config.archive.level;
    let codec = match config.archive.compression {
        Compression::Gzip => Codec::Gzip { level: level.unsigned_abs() },
        Compression::Zstd => Codec::Zstd { level },
    };
    let workers = config.archive.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    ArchiveSettings { codec, workers, precopy: config.archive.precopy, low_priority: config.archive.low_priority }
}

/// What the API tells of the service itself.
fn about(loaded: &Loaded) -> anyhow::Result<About> {
    Ok(About {
        version: env!("CARGO_PKG_VERSION"),
        node_name: loaded.config.node_name.clone(),
        timezone: loaded.config.timezone.to_string(),
        public_config: serde_json::to_value(loaded.config.public_view())?,
        config_warnings: loaded.warnings.iter().map(ToString::to_string).collect(),
    })
}
