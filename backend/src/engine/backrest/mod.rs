//! Keeps the plans of a Backrest in step with the labels of containers.
//!
//! One [`Reconciler`] for one Backrest: it lists the containers, has [`crate::backrest`] make plans of their labels, joins
//! them with the configuration and applies it (`round`). [`Reconciler::watch`] does that again and again (`daemon`), held
//! back by `guard` when it leads to nothing. Which plans are ours is recorded by `owned`; what is printed stands in
//! `lines`, what is counted in `status`, a stop of Backrest by us is looked after by `at_rest`, and `run` has Backrest run a plan. The same serves the commands and the service.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::backrest::Settings;
use crate::backrest::apply::{ApiClient, ApplyError, BackrestContainer};
use crate::backrest::merge::Orphans;
use crate::docker::{EngineError, SharedEngine};
use crate::domain::clock::SharedClock;

mod at_rest;
mod daemon;
mod forget;
mod guard;
mod lines;
mod owned;
mod round;
mod run;
mod status;
#[cfg(test)]
mod tests;

pub use crate::backrest::apply::{ApiError, Credentials, Outcome};
pub use crate::backrest::merge::{Change, ChangeKind};
pub use crate::backrest::{
    COMMAND_LIMIT, Format, Keep, Note, NoteLevel, STOP_LIMIT, Skipped, WantedPlan, WantedSchedule,
};
pub use at_rest::BackrestAtRest;
pub use daemon::Rhythm;
pub use owned::OwnedPlans;
pub use round::{PlanSeen, Round, describe};
pub(in crate::engine) use run::run as run_by_backrest;
pub use run::{BackrestRun, BackrestRunError};
pub use status::{Counts, Status};

use guard::Guard;

/// How long Backrest has to keep running where nothing else tells whether it is up.
const SETTLE: Duration = Duration::from_secs(3);

/// What is kept in step, and how.
#[derive(Debug, Clone)]
pub struct ReconcileOptions {
    /// The configuration; absent where only the API is used.
    pub config: Option<PathBuf>,
    /// Its format; absent means that it tells itself.
    pub format: Option<Format>,
    /// The API of the running Backrest; where there is one, the file is not touched.
    pub api: Option<ApiClient>,
    /// The container that Backrest runs in.
    pub container: String,
    /// Whether a changed file is made known by stopping that container before it is written, and starting it after.
    pub apply: bool,
    /// A command that makes a changed file known, instead of a stop.
    pub reload_command: Option<String>,
    /// How long Backrest may take to come up.
    pub up_within: Duration,
    /// How long it is waited for Backrest to be idle.
    pub patience: Duration,
    /// What becomes of plans of ours whose workload is gone.
    pub orphans: Orphans,
    /// How plans are made of labels.
    pub settings: Settings,
}

/// What a reconciler works with.
#[derive(Clone)]
pub struct ReconcilerParts {
    /// The Docker Engine.
    pub docker: SharedEngine,
    /// The time.
    pub clock: SharedClock,
    /// Where it is recorded which plans are ours.
    pub owned: OwnedPlans,
}

/// Why a round came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// It is not known what the host runs.
    #[error("the containers cannot be listed, so nothing was changed")]
    Engine(#[from] EngineError),
    /// The configuration was not applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// Neither a file nor an API was named.
    #[error("neither a configuration file nor an address of Backrest is given")]
    NoTarget,
}

/// Keeps one Backrest in step. Clones are the same.
#[derive(Clone)]
pub struct Reconciler(Arc<Inner>);

struct Inner {
    options: ReconcileOptions,
    parts: ReconcilerParts,
    /// One round at a time; holds what keeps rounds back.
    turn: tokio::sync::Mutex<Guard>,
    status: std::sync::Mutex<Status>,
    /// When Backrest was last told to forget, by plan.
    forgotten: std::sync::Mutex<BTreeMap<String, tokio::time::Instant>>,
}

impl std::fmt::Debug for Reconciler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reconciler").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl Reconciler {
    /// A reconciler that has not looked yet.
    #[must_use]
    pub fn new(options: ReconcileOptions, parts: ReconcilerParts) -> Self {
        Self(Arc::new(Inner {
            options,
            parts,
            turn: tokio::sync::Mutex::default(),
            status: std::sync::Mutex::default(),
            forgotten: std::sync::Mutex::default(),
        }))
    }

    /// What it was made with.
    #[must_use]
    pub fn options(&self) -> &ReconcileOptions {
        &self.0.options
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.lock_status().clone()
    }

    /// Waits until no round is under way.
    pub async fn settled(&self) {
        drop(self.0.turn.lock().await);
    }

    fn lock_status(&self) -> std::sync::MutexGuard<'_, Status> {
        self.0.status.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn container(&self) -> BackrestContainer<'_> {
        let options = &self.0.options;
        BackrestContainer {
            engine: self.0.parts.docker.as_ref(),
            name: &options.container,
            probe: None,
            up_within: options.up_within,
            settle: SETTLE,
        }
    }
}
