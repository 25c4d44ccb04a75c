//! Runs jobs.
//!
//! [`JobEngine`] takes requests, queues them, never runs two jobs on one stack, and carries each through the steps of
//! [`backup`]. What it brought to rest it brings back, whatever happens: see [`quiesce`], [`replay`] and [`recovery`]. To add a
//! step, add its name to the domain, a file under `backup/`, and a line in `backup/mod.rs`. Nothing here knows of HTTP
//! or of schedules.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono_tz::Tz;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backends::archive::Codec;
use crate::backends::{BackendParts, SharedBackend};
use crate::discovery::Discovery;
use crate::docker::SharedEngine;
use crate::domain::clock::SharedClock;
use crate::domain::drill::DrillSettings;
use crate::domain::ids::JobId;
use crate::domain::job::Quiesce;
use crate::domain::names::{InstanceId, StackName};
use crate::domain::plan::Instance;
use crate::domain::schedule::Schedule;
use crate::domain::share::Share;
use crate::domain::strategy::Precopy;
use crate::pause_point;
use crate::store::Store;

mod backend_work;
pub mod backrest;
mod backup;
pub mod backup_once;
mod browse;
mod check_run;
mod claims;
pub mod doctor;
mod drill;
mod errand;
pub mod events;
mod free_space;
mod hooks;
pub mod hub;
mod import;
mod instances;
mod jobs;
mod leftovers;
pub mod live;
mod load_dump;
pub mod logbook;
mod once;
pub mod overview;
mod plan_run;
mod plans;
mod protection;
mod quiesce;
mod recovery;
pub mod registry;
mod replay;
mod reserve;
mod rest;
mod restore;
mod retention;
mod steps;
mod submit;
mod unpack;
mod verify;
mod work;

pub use crate::backends::{BackendError, FoundSnapshot, Readiness, RepositoryStats};
pub use crate::pause_point::{
    PLACES as PAUSE_PLACES, PLACES_OF_APPLY as PAUSE_PLACES_OF_APPLY, PLACES_OF_DRILLS as PAUSE_PLACES_OF_DRILLS,
    PLACES_OF_PLANS as PAUSE_PLACES_OF_PLANS, PLACES_OF_RESTORE as PAUSE_PLACES_OF_RESTORE,
};
pub use backup::{CapturedVia, Coverage};
pub use browse::{BrowseError, Content, Listing, OpenArchive, OpenEntry};
pub use import::{ImportRequest, ImportSource};
pub use once::RequestKey;
pub use plans::{ForgetError, ForgetReport, InstanceError, PlanPreview, PlanRequest, PreviewTarget};
pub use recovery::RecoveryReport;
pub use replay::{AtRest, RestState};
pub use restore::{RestoreDatabase, RestorePreview, RestoreRequest, RestoreSpace, RestoreTarget};
pub use submit::{BackupRequest, CancelError, RetryError, SubmitError};

use events::{Event, EventHub};
use live::LiveJob;
use logbook::SystemLog;

/// What the engine must know of the configuration.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Where archives land.
    pub backup_dir: PathBuf,
    /// Where what is read before a stop may go, if it is there.
    pub staging_dir: PathBuf,
    /// Where job logs land.
    pub log_dir: PathBuf,
    /// Whether the rest of the stack directory is captured beside the compose files.
    pub include_data: bool,
    /// Archives older than this many days may go; 0 keeps all.
    pub retention_days: u32,
    /// Logs older than this many days may go; 0 keeps all.
    pub log_retention_days: u32,
    /// How archives are made.
    pub archive: ArchiveSettings,
    /// How stacks are brought to rest when neither the request nor the stack says so.
    pub quiesce: Quiesce,
    /// How many jobs run at once.
    pub max_concurrent_jobs: usize,
    /// How long a container may take to stop; its own setting when absent.
    pub stop_timeout: Option<Duration>,
    /// How long a container that was healthy may take to be healthy again.
    pub health_timeout: Duration,
    /// How long data may stand still before a job gives it up.
    pub stall_timeout: Duration,
    /// When snapshots are read again by the clock, and how many of them.
    pub verify: VerifySettings,
    /// How drills are made where a plan says nothing else, and those of plain archives.
    pub drill: DrillSettings,
    /// The zone of the time in the names of archives and logs.
    pub timezone: Tz,
    /// Mainstay's own version, for the manifest.
    pub version: &'static str,
}

/// How snapshots are read again by the clock.
#[derive(Debug, Clone)]
pub struct VerifySettings {
    /// When; never when absent.
    pub schedule: Option<Schedule>,
    /// How many of all, each time.
    pub share: Share,
}

/// How archives are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveSettings {
    /// How they are compressed.
    pub codec: Codec,
    /// Compressor threads, at least 1.
    pub workers: usize,
    /// What is read before the stop.
    pub precopy: Precopy,
    /// Whether what is read while the stack runs gives way to everything else on the machine.
    pub low_priority: bool,
}

/// Makes the backend of an instance.
pub type BuildBackend = Arc<dyn Fn(&Instance, &BackendParts) -> SharedBackend + Send + Sync>;

/// What the engine works with.
#[derive(Clone)]
pub struct EngineParts {
    /// Jobs, journal, snapshots.
    pub store: Store,
    /// The Docker Engine.
    pub docker: SharedEngine,
    /// What the host runs.
    pub discovery: Discovery,
    /// Instances and plans.
    pub registry: registry::Registry,
    /// What the backends of instances are built of.
    pub backends: BackendParts,
    /// Makes the backend of an instance: [`crate::backends::build`], outside of tests.
    pub build_backend: BuildBackend,
    /// The time.
    pub clock: SharedClock,
    /// The service's own log.
    pub system_log: SystemLog,
    /// Where jobs run: the main runtime's handle, because a task on an HTTP worker would die with it.
    pub runtime: Handle,
}

struct Inner {
    settings: EngineSettings,
    parts: EngineParts,
    events: Arc<EventHub>,
    live: Mutex<Live>,
    slots: Arc<Semaphore>,
    /// Told whenever a job gives back what it had.
    given_back: Notify,
    tracker: TaskTracker,
    shutdown: CancellationToken,
    /// What is known of abandoned rows of the stop journal; its locks keep replays and the stops of jobs apart.
    replay: replay::Watch,
    /// Restores of which it is not decided yet which data is in place.
    undecided: restore::Undecided,
    /// Keeps imports apart.
    importing: tokio::sync::Mutex<()>,
    /// Keeps repetitions of a request apart.
    keyed: tokio::sync::Mutex<()>,
    /// What the dashboard asks for all the time.
    kept: overview::Kept,
    /// Those who look into archives.
    browse: browse::Browse,
}

#[derive(Default)]
struct Live {
    jobs: HashMap<JobId, Arc<LiveJob>>,
    /// Who has a stack, or a container that is in none.
    stacks: HashMap<StackName, JobId>,
    /// Who works for an instance.
    instances: HashMap<InstanceId, BTreeSet<JobId>>,
    /// Whose turn it is to work for an instance.
    turns: HashMap<InstanceId, Arc<tokio::sync::Mutex<()>>>,
    /// Instances whose leftovers of a former process are gone.
    swept: BTreeSet<InstanceId>,
}

/// Runs jobs. Cloning shares it.
#[derive(Clone)]
pub struct JobEngine(Arc<Inner>);

impl std::fmt::Debug for JobEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobEngine").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl JobEngine {
    /// An engine at rest. Call [`JobEngine::recover`] before the first request.
    #[must_use]
    pub fn new(settings: EngineSettings, parts: EngineParts) -> Self {
        let slots = Arc::new(Semaphore::new(settings.max_concurrent_jobs.max(1)));
        let events = Arc::new(EventHub::new(events::EVENTS_KEPT, parts.clock.now()));
        let kept = overview::Kept::new(settings.backup_dir.clone());
        Self(Arc::new(Inner {
            settings,
            parts,
            events,
            live: Mutex::default(),
            slots,
            given_back: Notify::new(),
            tracker: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            replay: replay::Watch::default(),
            undecided: restore::Undecided::default(),
            importing: tokio::sync::Mutex::new(()),
            keyed: tokio::sync::Mutex::new(()),
            kept,
            browse: browse::Browse::default(),
        }))
    }

    /// What it was made with.
    #[must_use]
    pub fn settings(&self) -> &EngineSettings {
        &self.0.settings
    }

    /// The instances and plans.
    #[must_use]
    pub fn registry(&self) -> &registry::Registry {
        &self.0.parts.registry
    }

    /// What happens, for the whole dashboard.
    #[must_use]
    pub fn events(&self) -> &EventHub {
        &self.0.events
    }

    /// Tells the dashboard of something that is no job.
    pub fn publish(&self, event: Event) {
        self.0.events.publish(event);
    }

    /// The Docker Engine.
    #[must_use]
    pub fn docker(&self) -> SharedEngine {
        self.0.parts.docker.clone()
    }

    /// Where work goes on that must not end with whoever asked for it.
    #[must_use]
    pub fn runtime(&self) -> Handle {
        self.0.parts.runtime.clone()
    }

    /// The service's own log.
    #[must_use]
    pub fn system_log(&self) -> &SystemLog {
        &self.0.parts.system_log
    }

    /// The job, when it is queued or at work.
    #[must_use]
    pub fn find_live(&self, id: &JobId) -> Option<Arc<LiveJob>> {
        self.live().jobs.get(id).cloned()
    }

    /// Jobs that are queued or at work, oldest first.
    #[must_use]
    pub fn list_live(&self) -> Vec<Arc<LiveJob>> {
        let mut jobs: Vec<_> = self.live().jobs.values().cloned().collect();
        jobs.sort_by(|a, b| a.id().cmp(b.id()));
        jobs
    }

    /// Asks every job to end, waits until their stacks are back, at most for `limit`. A container that a stop may still
    /// end is watched for that long too. Returns whether all is well.
    pub async fn shut_down(&self, limit: Duration) -> bool {
        let jobs: Vec<JobId> = self.list_live().iter().map(|live| live.id().clone()).collect();
        self.0.shutdown.cancel();
        self.0.tracker.close();
        let all = async {
            self.0.tracker.wait().await;
            self.settle_journal(&jobs).await
        };
        tokio::time::timeout(limit, all).await.unwrap_or(false)
    }

    /// The directories that Mainstay itself needs, as this process sees them.
    fn own_directories(&self) -> Vec<PathBuf> {
        let settings = &self.0.settings;
        let all = [&settings.backup_dir, &settings.log_dir, &settings.staging_dir];
        let all = all.into_iter().map(PathBuf::as_path).chain(self.0.parts.store.directory());
        all.filter(|path| path.is_absolute()).map(Path::to_owned).collect()
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LiveJob {
    /// Its log.
    #[must_use]
    pub const fn log(&self) -> &Arc<logbook::JobLog> {
        &self.log
    }
}

/// An error with its causes, each once: `a: b: c`. Some libraries repeat the cause in the text of the error above it.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |e| e.source()).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
