//! Who is at work: a process that another one can tell to be alive or not, also across containers.
//!
//! What is at rest for the sake of a run may be brought back by anybody once the run's process is dead, and by nobody
//! before. The boot of the machine, the process' id with the time of its start, and the container that it runs in say so;
//! where none of them can be looked at, the time at which the run must be over decides.

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::docker::own_container::find_own_container;
use crate::docker::{ContainerEngine, EngineError};
use crate::engine::quiesce::run_of;

/// The place of the start time among what follows the name in `/proc/<pid>/stat`, see proc_pid_stat(5).
const START_TIME_FIELD: usize = 19;

/// A process that runs a backup.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Owner {
    boot: String,
    pid_namespace: String,
    pid: u32,
    started: String,
    container: Option<String>,
    container_started_at: Option<DateTime<Utc>>,
    /// By when it is over in any case.
    until: DateTime<Utc>,
}

impl Owner {
    /// This process.
    ///
    /// # Errors
    /// When it cannot be told which container it runs in.
    pub(super) async fn this(docker: &dyn ContainerEngine, until: DateTime<Utc>) -> Result<Self, EngineError> {
        let own = find_own_container(docker).await?;
        let pid = std::process::id();
        Ok(Self {
            boot: boot(),
            pid_namespace: pid_namespace(),
            pid,
            started: started(pid).unwrap_or_default(),
            container: own.as_ref().map(|own| own.container.id.clone()),
            container_started_at: own.as_ref().and_then(run_of),
            until,
        })
    }

    /// Whether it may still be at work. This process itself is.
    pub(super) async fn is_alive(&self, docker: &dyn ContainerEngine, now: DateTime<Utc>) -> bool {
        if self.boot != boot() {
            return false;
        }
        if self.pid_namespace == pid_namespace() {
            return started(self.pid).is_some_and(|started| started == self.started);
        }
        let Some(container) = &self.container else { return now < self.until };
        match docker.inspect_container(container).await {
            Ok(found) => {
                found.is_up() && (self.container_started_at.is_none() || run_of(&found) == self.container_started_at)
            }
            Err(EngineError::NotFound { .. }) => false,
            Err(_) => now < self.until,
        }
    }

    /// Whether it is this process.
    pub(super) fn is_this(&self) -> bool {
        self.boot == boot() && self.pid_namespace == pid_namespace() && self.pid == std::process::id()
    }
}

fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

fn pid_namespace() -> String {
    std::fs::read_link("/proc/self/ns/pid").map(|path| path.display().to_string()).unwrap_or_default()
}

/// When a process was started, in ticks since the boot.
fn started(pid: u32) -> Option<String> {
    let text = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    // The name stands in brackets and may hold blanks and brackets itself.
    let (_, behind) = text.rsplit_once(')')?;
    behind.split_whitespace().nth(START_TIME_FIELD).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::scripted::{ScriptedEngine, running_container};
    use crate::domain::stack::ContainerState;

    fn elsewhere(container: Option<&str>) -> Owner {
        Owner {
            boot: boot(),
            pid_namespace: "pid:[1]".to_owned(),
            pid: 1,
            started: "1".to_owned(),
            container: container.map(str::to_owned),
            container_started_at: None,
            until: DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(1),
        }
    }

    #[tokio::test]
    async fn a_process_is_told_by_its_boot_its_start_and_its_container() {
        let engine = ScriptedEngine::new();
        engine.add_container(running_container("c1", "sidecar"));
        let (soon, late) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(2));
        let this = Owner::this(&engine, soon).await.expect("known");
        assert!(this.is_this() && this.is_alive(&engine, late).await, "this process lives");
        let again = Owner { started: "0".to_owned(), ..this.clone() };
        assert!(!again.is_alive(&engine, soon).await, "another one with the same id");
        assert!(!Owner { boot: "before".to_owned(), ..elsewhere(None) }.is_alive(&engine, soon).await, "another boot");
        assert!(elsewhere(None).is_alive(&engine, soon).await && !elsewhere(None).is_alive(&engine, late).await);
        assert!(elsewhere(Some("c1")).is_alive(&engine, late).await, "its container runs");
        engine.set_state("c1", ContainerState::Exited);
        assert!(!elsewhere(Some("c1")).is_alive(&engine, soon).await, "its container ended");
        assert!(!elsewhere(Some("gone")).is_alive(&engine, soon).await, "its container is gone");
    }
}
