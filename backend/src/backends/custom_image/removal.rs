//! Removes what was made for a run, whatever came of it.

use std::sync::Arc;
use std::time::Duration;

use crate::backends::Report;
use crate::docker::{EngineError, SharedEngine};
use crate::domain::log::Level;

/// The pauses between attempts: an engine that restarts itself is away for about that long.
/// Tests do not wait.
const PAUSES: [Duration; 3] = if cfg!(test) {
    [Duration::ZERO; 3]
} else {
    [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(10)]
};

/// A container, and a volume of the same name, that have to go.
pub(super) struct Removal {
    docker: SharedEngine,
    report: Arc<dyn Report>,
    name: String,
    has_volume: bool,
}

impl Removal {
    /// The container is called by its name: when the answer to its making was lost, its id is not known.
    pub(super) fn new(docker: &SharedEngine, report: &Arc<dyn Report>, name: String) -> Self {
        Self { docker: Arc::clone(docker), report: Arc::clone(report), name, has_volume: false }
    }

    /// The volume goes too, once no container has it.
    pub(super) fn add_volume(&mut self) {
        self.has_volume = true;
    }

    /// Removes them. What cannot be removed is told; the next start finds it by its labels.
    pub(super) async fn run(&self) {
        for pause in PAUSES {
            if self.attempt().await.is_ok() {
                return;
            }
            tokio::time::sleep(pause).await;
        }
        if let Err(error) = self.attempt().await {
            let message = format!(
                "the container '{}' could not be removed: {error}; it is removed at the next start, or by \
                 `docker rm --force --volumes {}`",
                self.name, self.name
            );
            self.report.log(Level::Warning, None, message);
        }
    }

    /// Only the container, which is made again.
    pub(super) async fn container(&self) -> Result<(), EngineError> {
        self.docker.remove_container(&self.name).await
    }

    async fn attempt(&self) -> Result<(), EngineError> {
        self.container().await?;
        if self.has_volume { self.docker.remove_volume(&self.name).await } else { Ok(()) }
    }
}
