//! What the host runs: stacks out of the stacks directory and out of the labels of containers.
//!
//! [`Discovery`] keeps a [`View`] that is always there and never an error: a broken compose file, a missing directory
//! or an engine that does not answer is a warning in it. [`Discovery::run`] keeps it fresh out of the engine's events;
//! [`Discovery::refresh`] takes a new one before something depends on it. `compose/` reads files, [`containers`] reads
//! labels of Compose, `merge` pairs the two, `assemble` makes stacks, [`targets`] says what a backup captures; `labels`
//! picks the labels that ask for a backup. To learn of one more source of stacks, read it beside those two and pair it
//! in `merge`. Do not ask the engine from anywhere but `ask_engine`, and change nothing on the host from here.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::broadcast;

use crate::docker::own_container::{find_own_container, path_map_of};
use crate::docker::{EngineInfo, EngineVolume, SharedEngine};
use crate::domain::clock::SharedClock;
use crate::domain::names::StackName;
use crate::domain::path_map::PathMap;
use crate::domain::stack::{Container, Stack};

mod assemble;
pub mod compose;
pub mod containers;
pub mod directories;
pub mod exclusions;
mod labels;
mod merge;
pub mod paths;
mod run;
pub mod targets;
mod view;

pub use view::{Change, EngineState, View};

use assemble::Scan;
use paths::RealPaths;
use targets::PlannedTarget;

/// How many changes a listener may be behind before it is told that it missed some.
const CHANGES_KEPT: usize = 256;

/// Where to look, and what the configuration says of what is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoverySettings {
    /// The directory that holds a directory for each stack, as this process sees it.
    pub stacks_dir: PathBuf,
    /// Stacks that are captured without a stop, by stack or directory name.
    pub skip_stop: Vec<String>,
    /// What the engine's host is called.
    pub host: String,
    /// Directories of Mainstay's own, as this process sees them: a bind within is never captured.
    pub excluded_paths: Vec<PathBuf>,
}

/// Finds stacks. Clones share everything.
#[derive(Clone)]
pub struct Discovery(Arc<Inner>);

struct Inner {
    settings: DiscoverySettings,
    engine: SharedEngine,
    clock: SharedClock,
    view: RwLock<Arc<View>>,
    path_map: RwLock<PathMap>,
    changes: broadcast::Sender<Change>,
    /// One scan at a time; holds what the engine said last, for the time when it does not answer.
    last: tokio::sync::Mutex<Known>,
}

/// What the engine said.
#[derive(Debug, Clone, Default)]
struct Known {
    containers: Vec<Container>,
    volumes: Vec<EngineVolume>,
    is_path_map_known: bool,
}

/// What came of asking the engine.
struct Answer {
    info: Option<EngineInfo>,
    error: Option<String>,
    warning: Option<String>,
}

impl std::fmt::Debug for Discovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Discovery").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Discovery {
    /// Discovery that has not looked yet: its view is empty until [`Self::refresh`] or [`Self::run`].
    #[must_use]
    pub fn new(settings: DiscoverySettings, engine: SharedEngine, clock: SharedClock) -> Self {
        let view = RwLock::new(Arc::new(View::empty(clock.now())));
        let (changes, _) = broadcast::channel(CHANGES_KEPT);
        let path_map = RwLock::new(PathMap::Host);
        Self(Arc::new(Inner { settings, engine, clock, view, path_map, changes, last: tokio::sync::Mutex::default() }))
    }

    /// What is known now, without looking again.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.0.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at everything, starting now.
    pub async fn refresh(&self) -> Arc<View> {
        let mut last = self.0.last.lock().await;
        let answer = self.ask_engine(&mut last).await;
        let known = last.clone();
        let view = self.scan(known, answer).await;
        self.publish(&view);
        view
    }

    /// The stack called `name` in the present view, or the one whose directory is called so.
    #[must_use]
    pub fn find_stack(&self, name: &StackName) -> Option<Stack> {
        self.view().find_stack(name).cloned()
    }

    /// Tells of every change from now on; the view has it already.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.0.changes.subscribe()
    }

    /// How host paths translate into paths of this process. Until the engine was reached, the process is taken to run
    /// on the host.
    #[must_use]
    pub fn path_map(&self) -> PathMap {
        self.0.path_map.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a backup of `stack` captures and leaves out, its paths looked at now.
    pub async fn plan_targets(&self, stack: &Stack, include_data: bool) -> Vec<PlannedTarget> {
        let (owned, path_map) = (stack.clone(), self.path_map());
        let real = tokio::task::spawn_blocking(move || RealPaths::look(&owned, &path_map)).await;
        // Without the look nothing is left out as captured elsewhere.
        targets::plan_targets(stack, &real.unwrap_or_default(), include_data)
    }

    /// The containers of the host that are not of `stack`, as the last look found them.
    pub async fn strangers(&self, stack: &Stack) -> Vec<Container> {
        let ours: Vec<&str> = stack.containers().map(|(_, container)| container.id.as_str()).collect();
        let last = self.0.last.lock().await;
        last.containers.iter().filter(|container| !ours.contains(&container.id.as_str())).cloned().collect()
    }

    /// Every container and every volume of the host, as the last look found them.
    pub async fn found(&self) -> (Vec<Container>, Vec<EngineVolume>) {
        let last = self.0.last.lock().await;
        (last.containers.clone(), last.volumes.clone())
    }

    /// The directory that holds a directory for each stack, as this process sees it.
    #[must_use]
    pub fn stacks_dir(&self) -> &Path {
        &self.0.settings.stacks_dir
    }

    /// What the engine's host is called.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.settings.host
    }

    async fn ask_engine(&self, last: &mut Known) -> Answer {
        let engine = &self.0.engine;
        let containers = match engine.list_containers().await {
            Ok(containers) => containers,
            Err(error) => {
                // It may come back as another engine, or with this process in another container.
                last.is_path_map_known = false;
                return Answer { info: None, error: Some(describe(&error)), warning: None };
            }
        };
        last.containers = containers;
        let is_new = !last.is_path_map_known;
        if is_new {
            match find_own_container(engine.as_ref()).await {
                Ok(own) => {
                    let map = own.as_ref().map_or(PathMap::Host, path_map_of);
                    *self.0.path_map.write().unwrap_or_else(PoisonError::into_inner) = map;
                    last.is_path_map_known = true;
                }
                // The next look asks again.
                Err(error) => tracing::warn!(error = describe(&error), "it cannot be told which container is our own"),
            }
        }
        let warning = match engine.list_volumes().await {
            Ok(volumes) => {
                last.volumes = volumes;
                None
            }
            Err(error) => Some(format!(
                "the volumes could not be listed, so only those of containers are known: {}",
                describe(&error)
            )),
        };
        // An engine is another one only after the connection was lost.
        let info = match self.view().engine.info.clone().filter(|_| !is_new) {
            Some(known) => Some(known),
            None => {
                engine.info().await.map_err(|error| tracing::debug!(%error, "the engine says nothing of itself")).ok()
            }
        };
        Answer { info, error: None, warning }
    }

    async fn scan(&self, known: Known, answer: Answer) -> Arc<View> {
        let before = self.view();
        let now = self.0.clock.now();
        let is_reachable = answer.error.is_none();
        let (settings, path_map) = (self.0.settings.clone(), self.path_map());
        let labelled = labels::collect(&known.containers, &known.volumes);
        let built = tokio::task::spawn_blocking(move || {
            let Known { containers, volumes, .. } = known;
            let (settings, path_map) = (&settings, &path_map);
            assemble::build(&Scan { settings, path_map, containers: &containers, volumes: &volumes, is_reachable })
        });
        let (stacks, mut warnings) = built.await.unwrap_or_else(|error| {
            tracing::error!(%error, "the scan for stacks broke off");
            (before.stacks.clone(), vec!["the scan for stacks broke off; what is shown is older".to_owned()])
        });
        let volumes_error = answer.warning.clone();
        warnings.extend(answer.warning);
        let is_same = before.taken_at.is_some() && before.engine.reachable == is_reachable;
        let since = if is_same { before.engine.since } else { now };
        let info = answer.info.or_else(|| before.engine.info.clone());
        let engine = EngineState { reachable: is_reachable, info, error: answer.error, since, volumes_error };
        Arc::new(View { stacks, labelled, warnings, engine, taken_at: Some(now) })
    }

    /// Puts a view in place, then tells what is different.
    fn publish(&self, view: &Arc<View>) {
        let before = {
            let mut present = self.0.view.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *present, Arc::clone(view))
        };
        for change in view.changes_since(&before) {
            if let Change::Engine { reachable, error } = &change {
                log_engine(*reachable, error.as_deref().unwrap_or_default());
            }
            // Nobody may be listening.
            self.0.changes.send(change).ok();
        }
    }
}

fn log_engine(reachable: bool, error: &str) {
    if reachable {
        tracing::info!("the Docker Engine answers; the state of every stack is known");
    } else {
        tracing::warn!(error, "the Docker Engine does not answer; states are unknown until it is back");
    }
}

/// An error with its causes, on one line.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
