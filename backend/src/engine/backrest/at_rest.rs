//! Backrest's own stop, for those who look at what is at rest, or bring it back by hand. It stands in no store but beside the
//! configuration: a daemon has no store.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Reconciler;
use crate::backrest::apply::{StoppedByUs, find_stopped, recover};
use crate::backrest::line::{Line, Tell};
use crate::engine::doctor::Check;
use crate::engine::{RestState, chain};

/// How long a round that is under way is waited for.
const ROUND_WITHIN: Duration = Duration::from_secs(20);

/// A Backrest that was stopped for its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackrestAtRest {
    /// Its Compose project; empty when it is of none.
    pub stack: String,
    /// Its service; its name when it is of none.
    pub service: String,
    /// The container's name.
    pub container: String,
    /// The container's id.
    pub container_id: String,
    /// When the stop was asked for.
    pub asked_at: DateTime<Utc>,
    /// How it stands with it.
    pub state: RestState,
    /// More about it, in a sentence for people.
    pub message: Option<String>,
}

impl Reconciler {
    /// The Backrest that is at rest because of us, if it is. The engine is not asked.
    pub async fn find_at_rest(&self) -> Option<BackrestAtRest> {
        let path = self.options().config.as_deref()?;
        match find_stopped(path).await {
            Ok(stopped) => stopped.map(|stopped| self.describe(stopped)),
            Err(error) => Some(self.unreadable(path, &error)),
        }
    }

    /// Starts a Backrest that a former process stopped. One that a round holds at rest is left to that round.
    pub async fn resume_by_hand(&self, tell: Tell<'_>) -> Option<BackrestAtRest> {
        let before = self.find_at_rest().await?;
        let Ok(turn) = tokio::time::timeout(ROUND_WITHIN, self.0.turn.lock()).await else { return Some(before) };
        self.start_stopped(tell).await;
        drop(turn);
        let after = self.find_at_rest().await;
        Some(match after {
            None => BackrestAtRest { state: RestState::Back, message: None, ..before },
            // It runs, and its note stays until the stop can no longer come true.
            Some(after) if after.state == RestState::Pending => BackrestAtRest {
                state: RestState::Waiting,
                message: Some("it runs; it is watched until no stop can end it any more".to_owned()),
                ..after
            },
            Some(after) => after,
        })
    }

    /// Starts it where it is noted beside the configuration that it was stopped, and tells of that.
    pub(super) async fn start_stopped(&self, tell: Tell<'_>) {
        let Some(path) = &self.options().config else { return };
        let recovered = recover(path, self.container(), self.0.parts.clock.as_ref()).await;
        let trouble = recovered.as_ref().err().map(|error| chain(error));
        match recovered {
            Ok(true) => tell(Line::warning("backrest.restart").with("message", "a former process had stopped it")),
            Ok(false) => {}
            Err(error) => tell(Line::error("backrest.restart").with("message", chain(&error))),
        }
        self.lock_status().not_back = trouble;
    }

    fn describe(&self, stopped: StoppedByUs) -> BackrestAtRest {
        let held = "it is stopped for its configuration right now, and is started again";
        let (state, message) = match (self.0.turn.try_lock(), self.lock_status().not_back.clone()) {
            (Err(_), _) => (RestState::Held, Some(held.to_owned())),
            (Ok(_), Some(why)) => (RestState::Failed, Some(why)),
            (Ok(_), None) => (RestState::Pending, None),
        };
        let name = if stopped.name.is_empty() { self.options().container.clone() } else { stopped.name };
        BackrestAtRest {
            stack: stopped.project.unwrap_or_default(),
            service: stopped.service.unwrap_or_else(|| name.clone()),
            container: name,
            container_id: stopped.id,
            asked_at: stopped.asked_at,
            state,
            message,
        }
    }

    fn unreadable(&self, path: &Path, error: &(dyn std::error::Error + 'static)) -> BackrestAtRest {
        let name = self.options().container.clone();
        BackrestAtRest {
            stack: String::new(),
            service: name.clone(),
            container: name,
            container_id: String::new(),
            asked_at: self.0.parts.clock.now(),
            state: RestState::Failed,
            message: Some(format!(
                "beside {} something is noted that cannot be read: {}",
                path.display(),
                chain(error)
            )),
        }
    }

    /// What `mainstay doctor` says of Backrest: whether its configuration can be read, whether it is in step, and whether it
    /// stands still because of us.
    pub async fn run_doctor(&self) -> Vec<Check> {
        let held = match self.find_at_rest().await {
            None => Check::ok("backrest.held", "Backrest is not held at rest"),
            Some(one) => {
                let message =
                    one.message.unwrap_or_else(|| "a former process stopped it; it is started next".to_owned());
                let message = format!("container {}: {message}", one.container);
                let remedy = "`mainstay resume` tries at once, `docker start` is the last resort";
                match one.state {
                    RestState::Held => Check::ok("backrest.held", message),
                    RestState::Failed => Check::failed("backrest.held", message, remedy),
                    _ => Check::warning("backrest.held", message, remedy),
                }
            }
        };
        vec![self.check_config().await, held]
    }

    async fn check_config(&self) -> Check {
        const NAME: &str = "backrest.config";
        let place = self.place();
        let document = match self.read().await {
            Ok(document) => document,
            Err(error) => {
                let remedy =
                    "name Backrest's own file with backrest.config, mounted with its directory, or set backrest.url";
                return Check::failed(NAME, chain(&error), remedy);
            }
        };
        let status = self.status();
        match (status.error, status.drift) {
            (Some(error), _) => Check::failed(NAME, error, "see the system log; the next round tries again"),
            (None, 0) => {
                let repos = document.repo_ids().len();
                Check::ok(NAME, format!("{place}: format {}, {repos} repositories", document.format().as_str()))
            }
            (None, drift) => Check::warning(
                NAME,
                format!("{drift} plans are other in Backrest than labels want"),
                "POST /api/v1/backrest/reconcile with dry_run shows the difference",
            ),
        }
    }
}
