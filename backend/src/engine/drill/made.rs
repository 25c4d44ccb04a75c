//! The throw-away containers of a drill: made with labels, removed whatever happens, and by the next start after a kill.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::docker::{ContainerSpec, EngineError};
use crate::domain::drill::DrillSettings;
use crate::domain::ids::JobId;
use crate::domain::log::Level;

use super::super::JobEngine;
use super::Cx;
use super::scratch;

/// Every container of a drill.
const DRILL: &str = "mainstay.drill";
/// By which job.
const JOB: &str = "mainstay.job";
/// The network of which nothing leaves the container.
const NO_NETWORK: &str = "none";
/// How often a removal is tried, and the pause between: an engine that restarts itself is away for about that long.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(3);

/// What a drill made.
pub(super) struct Made<'a> {
    cx: Cx<'a>,
    names: Mutex<Vec<String>>,
}

impl<'a> Made<'a> {
    pub(super) const fn new(cx: Cx<'a>) -> Self {
        Self { cx, names: Mutex::new(Vec::new()) }
    }

    /// Makes a container with no network, within the drill's limits. Its name is remembered before it is made, because an
    /// answer may be lost.
    pub(super) async fn container(
        &self,
        settings: &DrillSettings,
        spec: ContainerSpec,
    ) -> Result<(String, String), EngineError> {
        let name = {
            let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            let name = format!("mainstay-drill-{}-{}", self.cx.live.id(), names.len() + 1);
            names.push(name.clone());
            name
        };
        let spec = ContainerSpec {
            name: name.clone(),
            labels: self.labels(),
            networks: vec![NO_NETWORK.to_owned()],
            memory_bytes: settings.memory_bytes,
            milli_cpus: settings.milli_cpus,
            ..spec
        };
        let id = self.cx.engine.0.parts.docker.create_container(&spec).await?;
        Ok((id, name))
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let pairs = [(DRILL, "1"), (JOB, self.cx.live.id().as_str())];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// Removes all of them, with their nameless volumes.
    pub(super) async fn remove(&self) {
        let names = std::mem::take(&mut *self.names.lock().unwrap_or_else(PoisonError::into_inner));
        for name in names {
            if let Err(error) = remove(self.cx, &name).await {
                let message =
                    format!("container {name} could not be removed, which is tried again at the next start: {error}");
                self.cx.live.log.write(Level::Warning, message);
            }
        }
    }
}

async fn remove(cx: Cx<'_>, name: &str) -> Result<(), EngineError> {
    let mut attempt = 1;
    loop {
        match cx.engine.0.parts.docker.remove_container(name).await {
            Err(_) if attempt < ATTEMPTS => attempt += 1,
            removed => return removed,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Removes what drills left behind that a former process was at: containers by their labels, directories by their names.
/// What cannot be removed is told; a directory is looked for again at the next start.
pub(in crate::engine) async fn sweep(engine: &JobEngine, broken_off: &[JobId]) {
    let mut problems = Vec::from_iter(sweep_directories(engine).await.err());
    // An engine that does not answer keeps no start waiting for nothing.
    if !broken_off.is_empty() {
        problems.extend(sweep_containers(engine, broken_off).await.err());
    }
    for problem in problems {
        engine.say(Level::Warning, None, format!("what an earlier drill left behind could not be removed: {problem}"));
    }
}

async fn sweep_containers(engine: &JobEngine, broken_off: &[JobId]) -> Result<(), String> {
    let docker = &engine.0.parts.docker;
    for container in docker.list_containers().await.map_err(|error| error.to_string())? {
        let job = container.labels.get(JOB).filter(|_| container.labels.contains_key(DRILL));
        if !job.is_some_and(|job| broken_off.iter().any(|other| other.as_str() == job)) {
            continue;
        }
        docker.remove_container(&container.id).await.map_err(|error| error.to_string())?;
        let message = format!("removed the container {} that an earlier drill left behind", container.name);
        engine.say(Level::Info, None, message);
    }
    Ok(())
}

async fn sweep_directories(engine: &JobEngine) -> Result<(), String> {
    let staging = engine.0.settings.staging_dir.clone();
    for job in scratch::jobs_in(&staging) {
        // Another installation may use the same directory.
        if !matches!(engine.0.parts.store.find_job(&job).await, Ok(Some(_))) {
            continue;
        }
        let (staging, id) = (staging.clone(), job.clone());
        let removed = tokio::task::spawn_blocking(move || scratch::remove_of(&staging, &id)).await;
        removed.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        engine.say(Level::Info, None, format!("removed what the drill {job} left in the staging directory"));
    }
    Ok(())
}
