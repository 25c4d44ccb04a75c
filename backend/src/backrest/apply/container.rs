//! Backrest's container: whether it is at work, brought to rest, and up again.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep};
use url::Url;

use super::inside::run_script;
use crate::docker::{ContainerDetail, ContainerEngine, EngineError};
use crate::domain::stack::{ContainerState, Health};

/// How often it is looked whether it is up.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long the look for programs at work may take.
const LOOK_WITHIN: Duration = Duration::from_secs(10);

/// How long one answer of Backrest may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Tells the name of every process, with nothing but what a shell itself can do.
const NAMES_OF_PROCESSES: &str =
    "for file in /proc/[0-9]*/comm; do read -r name <\"$file\" && echo \"$name\"; done 2>/dev/null; true";

/// What programs are called that run in Backrest's container only while it works: for a repository, or for a hook. A version
/// may follow.
pub(super) const WORKERS: &[&str] = &["restic", "rclone", "docker"];

/// The container that Backrest runs in.
#[derive(Clone, Copy)]
pub struct BackrestContainer<'a> {
    /// The engine.
    pub engine: &'a dyn ContainerEngine,
    /// Its name or id.
    pub name: &'a str,
    /// Where Backrest answers when it is up, such as `http://backrest:9898/`. Without it the container's health counts,
    /// or, where it has none, that it keeps running.
    pub probe: Option<&'a Url>,
    /// How long it may take to come up.
    pub up_within: Duration,
    /// How long it has to keep running where nothing else tells whether it is up.
    pub settle: Duration,
}

/// Why Backrest does not count as up.
#[derive(Debug, thiserror::Error)]
pub enum NotUp {
    /// It ended.
    #[error("its container ended soon after the start, with exit code {}", .0.map_or_else(|| "unknown".to_owned(), |code| code.to_string()))]
    Ended(Option<i64>),
    /// It ended and was started again by the engine.
    #[error("its container ends again and again")]
    Restarts,
    /// Its health check says no.
    #[error("its container is unhealthy")]
    Unhealthy,
    /// It does not answer.
    #[error("it did not come up within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// It cannot be started or looked at.
    #[error("its container cannot be started")]
    Engine(#[from] EngineError),
}

/// What can be seen of Backrest's work from outside.
pub(super) enum Seen {
    /// It is at something.
    Work(String),
    /// It is at nothing that we know.
    Idle,
    /// Nothing, for this reason.
    Nothing(String),
}

/// What one look at a container that was started tells.
enum Look {
    Up,
    NotYet,
}

impl BackrestContainer<'_> {
    pub(super) async fn inspect(&self) -> Result<ContainerDetail, EngineError> {
        self.engine.inspect_container(self.name).await
    }

    /// Looks whether Backrest is at work.
    pub(super) async fn look_for_work(&self) -> Seen {
        let names = match run_script(self.engine, self.name, NAMES_OF_PROCESSES, Vec::new(), LOOK_WITHIN).await {
            Ok(names) => names,
            Err(error) => return Seen::Nothing(error.to_string()),
        };
        match names.lines().map(str::trim).find(|name| WORKERS.iter().any(|worker| name.starts_with(worker))) {
            Some(worker) => Seen::Work(format!("'{worker}' runs in Backrest's container")),
            None => Seen::Idle,
        }
    }

    /// Starts it and waits until it is up.
    pub(super) async fn start(&self, id: &str) -> Result<(), NotUp> {
        self.engine.start_container(id).await?;
        let run = self.engine.inspect_container(id).await?.started_at;
        let begun = Instant::now();
        loop {
            if let Look::Up = self.look(id, run, begun).await? {
                return Ok(());
            }
            if begun.elapsed() >= self.up_within {
                return Err(NotUp::TimedOut(self.up_within));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn look(&self, id: &str, run: Option<DateTime<Utc>>, begun: Instant) -> Result<Look, NotUp> {
        let detail = self.engine.inspect_container(id).await?;
        match detail.container.state {
            ContainerState::Restarting => return Err(NotUp::Restarts),
            _ if !detail.is_up() => return Err(NotUp::Ended(detail.exit_code)),
            _ if detail.started_at != run => return Err(NotUp::Restarts),
            _ => {}
        }
        let is_up = match (self.probe, detail.container.health) {
            (Some(probe), _) => answers(probe).await,
            (None, Some(Health::Unhealthy)) => return Err(NotUp::Unhealthy),
            (None, Some(health)) => health == Health::Healthy,
            (None, None) => begun.elapsed() >= self.settle,
        };
        Ok(if is_up { Look::Up } else { Look::NotYet })
    }
}

/// Whether Backrest answers; that it wants to know who asks is an answer too.
async fn answers(probe: &Url) -> bool {
    let Ok(http) = super::client::http() else { return false };
    let asked = http.get(probe.clone()).timeout(ANSWER_WITHIN).send().await;
    asked.is_ok_and(|answer| answer.status().is_success() || answer.status() == reqwest::StatusCode::UNAUTHORIZED)
}
