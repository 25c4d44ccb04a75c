//! A run of a plan by Backrest because someone asks for it, as a job: it begins with the request and ends when Backrest has
//! ended. Backrest takes the snapshot; the job only tells how that went.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{ApiClient, ApiError, Reconciler};
use crate::domain::job::{Job, JobKind, JobState, StepName, Trigger};
use crate::domain::log::Level;
use crate::domain::names::PlanId;
use crate::engine::errand::{Errand, NewJob};
use crate::engine::live::LiveJob;
use crate::engine::once::RequestKey;
use crate::engine::steps::{self, Stop};
use crate::engine::{JobEngine, SubmitError, chain};

/// How long a refusal may take to come.
const REFUSED_WITHIN: Duration = Duration::from_secs(3);
/// How often it is looked how far Backrest is.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long nothing may be seen of the run while Backrest is idle or does not answer.
const LOST_AFTER: Duration = Duration::from_mins(5);
/// How many of the newest operations are looked at.
const LOOKED_AT: u32 = 200;

/// A run that someone wants.
#[derive(Debug, Clone)]
pub struct BackrestRun {
    /// Who knows the Backrest.
    pub reconciler: Reconciler,
    /// The plan, by the id that it has in Backrest.
    pub plan: PlanId,
    /// What set it off.
    pub trigger: Trigger,
}

/// Why no run was asked for.
#[derive(Debug, thiserror::Error)]
pub enum BackrestRunError {
    /// Only the API can do it.
    #[error("Backrest can be asked to run a plan only through its API; set its address")]
    NoApi,
    /// The job is refused.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

type Cx<'a> = steps::Cx<'a, BackrestRun>;

impl JobEngine {
    /// Queues a run, as a job that follows it to its end. A request whose key was used within the last day gets the job
    /// of that time.
    ///
    /// # Errors
    /// When there is no API to ask, the plan is being run for somebody already, or the job cannot be recorded.
    pub async fn run_by_backrest_once(
        &self,
        key: Option<RequestKey>,
        run: BackrestRun,
    ) -> Result<Option<Job>, BackrestRunError> {
        if run.reconciler.options().api.is_none() {
            return Err(BackrestRunError::NoApi);
        }
        let engine = self.clone();
        // On a task of its own, as every request: see `submit_backups`.
        let submit = async move { engine.queue_backrest(run).await };
        let submitted = self.0.parts.runtime.spawn(submit);
        let jobs = self.once(key, async { submitted.await.unwrap_or(Err(SubmitError::ShuttingDown)) }).await?;
        Ok(jobs.into_iter().next())
    }

    async fn queue_backrest(&self, run: BackrestRun) -> Result<Vec<Job>, SubmitError> {
        if self.0.shutdown.is_cancelled() {
            return Err(SubmitError::ShuttingDown);
        }
        let job = self.new_job(NewJob {
            kind: JobKind::Backup,
            name: run.plan.as_str(),
            stack: None,
            instance: None,
            plan: Some(run.plan.clone()),
            trigger: run.trigger,
            quiesce: None,
            is_dry_run: false,
            steps: StepName::OF_BACKREST,
        });
        self.queue(vec![(job, Errand::Backrest(run))]).await
    }
}

/// Runs the job to its end.
pub(in crate::engine) async fn run(engine: &JobEngine, live: &Arc<LiveJob>, request: &BackrestRun) {
    let cx = Cx { engine, live, request };
    live.begin().await;
    let began = std::time::Instant::now();
    let ended = Box::pin(cx.step(StepName::Capture, cx.unless_cancelled(follow(cx)))).await;
    let (state, error) = match ended {
        Ok(Ended { lacks: None, .. }) => (JobState::Succeeded, None),
        Ok(Ended { lacks, .. }) => (JobState::Partial, lacks),
        Err(Stop::Cancelled) => {
            let why = "nobody waits for it any more; Backrest goes on with the run".to_owned();
            (engine.state_when_stopped(), Some(why))
        }
        Err(Stop::Failed(why)) => (JobState::Failed, Some(why)),
    };
    cx.report(&format!("run of plan '{}' by Backrest", request.plan), state, error, began).await;
}

/// A run that made a snapshot.
#[derive(Debug, PartialEq, Eq)]
struct Ended {
    told: String,
    /// What the snapshot has not, if it is not whole.
    lacks: Option<String>,
}

impl steps::StepResult for Ended {
    fn detail(&self) -> Option<String> {
        Some(self.told.clone())
    }
}

async fn follow(cx: Cx<'_>) -> Result<Ended, Stop> {
    let plan = cx.request.plan.as_str();
    let api = cx.request.reconciler.options().api.as_ref();
    let api = api.ok_or_else(|| Stop::failed("the address of Backrest's API is not configured"))?;
    let failed = |error: ApiError| Stop::because("Backrest did not run it", &error);
    let before = Runs::of(api, plan).await.map_err(failed)?.ids();
    api.run_plan(plan, REFUSED_WITHIN).await.map_err(failed)?;
    cx.live.log.write(Level::Info, "Backrest has it in its queue");
    let mut seen_at = Instant::now();
    let mut is_told = false;
    loop {
        match Runs::of(api, plan).await {
            Ok(runs) => {
                let mine = runs.find_begun(&before);
                if let Some(end) = mine.and_then(judge) {
                    return end.map_err(Stop::Failed);
                }
                if mine.is_some() && !is_told {
                    cx.live.log.write(Level::Info, "Backrest is at it");
                    is_told = true;
                }
                if mine.is_some() || is_busy(api, &cx.request.reconciler).await {
                    seen_at = Instant::now();
                }
            }
            Err(error) => {
                cx.live.log.write(Level::Warning, format!("it is not known how far it is: {}", chain(&error)));
            }
        }
        if seen_at.elapsed() >= LOST_AFTER {
            return Err(Stop::failed(
                "Backrest knows nothing of the run any more: a save of its configuration or a restart \
                has it forget what is queued; run it again",
            ));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Whether Backrest, which does one thing after another, is at something else.
pub(super) async fn is_busy(api: &ApiClient, reconciler: &Reconciler) -> bool {
    let instance = reconciler.status().last.map(|round| round.instance).filter(|name| !name.is_empty());
    let Some(instance) = instance else { return false };
    let all = api.operations(&json!({"instanceId": instance}), LOOKED_AT).await.unwrap_or_default();
    all.iter().any(|one| one["status"] == "STATUS_INPROGRESS")
}

/// The backups of a plan that Backrest tells of, the oldest first.
struct Runs(Vec<Value>);

impl Runs {
    async fn of(api: &ApiClient, plan: &str) -> Result<Self, ApiError> {
        let mut all = api.operations(&json!({"planId": plan}), LOOKED_AT).await?;
        all.retain(|one| one.get("operationBackup").is_some());
        Ok(Self(all))
    }

    /// Those that have begun. One that waits for its time may begin meanwhile, under the id that it has.
    fn ids(&self) -> BTreeSet<String> {
        self.0.iter().filter(|one| has_begun(one)).map(id_of).collect()
    }

    /// The first that has begun and is none of these.
    fn find_begun(&self, before: &BTreeSet<String>) -> Option<&Value> {
        self.0.iter().find(|one| has_begun(one) && !before.contains(&id_of(one)))
    }
}

fn has_begun(operation: &Value) -> bool {
    operation["status"] != "STATUS_PENDING"
}

/// An id, which is written as a text or a number.
fn id_of(operation: &Value) -> String {
    let id = &operation["id"];
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

/// How a backup came out; `None` while it is in progress.
fn judge(operation: &Value) -> Option<Result<Ended, String>> {
    let text = |name: &str| operation[name].as_str().filter(|text| !text.is_empty());
    let why = || text("displayMessage").unwrap_or("Backrest does not say why").to_owned();
    let told = || match text("snapshotId") {
        Some(snapshot) => format!("Backrest took snapshot {}", snapshot.chars().take(8).collect::<String>()),
        None => "Backrest took a snapshot".to_owned(),
    };
    match text("status") {
        Some("STATUS_SUCCESS") => Some(Ok(Ended { told: told(), lacks: None })),
        Some("STATUS_WARNING") => {
            Some(Ok(Ended { told: told(), lacks: Some(format!("the snapshot is not whole: {}", why())) }))
        }
        Some("STATUS_ERROR") => Some(Err(format!("Backrest failed: {}", why()))),
        Some("STATUS_SYSTEM_CANCELLED" | "STATUS_USER_CANCELLED") => Some(Err(format!("it was cancelled: {}", why()))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backup(id: &str, status: &str) -> Value {
        json!({"id": id, "status": status, "operationBackup": {}})
    }

    #[test]
    fn a_run_is_the_first_backup_that_began_after_the_request() {
        let before = Runs(vec![backup("1", "STATUS_SUCCESS"), backup("2", "STATUS_PENDING")]).ids();
        let now = Runs(vec![backup("1", "STATUS_SUCCESS"), backup("2", "STATUS_PENDING")]);
        assert!(now.find_begun(&before).is_none(), "the next run by the clock is not the one that was asked for");
        let now = Runs(vec![backup("1", "STATUS_SUCCESS"), backup("3", "STATUS_INPROGRESS")]);
        assert_eq!(now.find_begun(&before).map(id_of).as_deref(), Some("3"));
        assert!(now.find_begun(&before).is_some_and(|one| judge(one).is_none()), "it is at work");
    }

    #[test]
    fn only_a_whole_snapshot_is_a_success() {
        let ended = |status: &str| {
            judge(&json!({"status": status, "displayMessage": "no space", "snapshotId": "0123456789ab"}))
        };
        let told = "Backrest took snapshot 01234567".to_owned();
        assert_eq!(ended("STATUS_SUCCESS"), Some(Ok(Ended { told, lacks: None })));
        let lacking = ended("STATUS_WARNING").expect("ended").expect("a snapshot");
        assert_eq!(lacking.lacks.as_deref(), Some("the snapshot is not whole: no space"));
        for status in ["STATUS_ERROR", "STATUS_USER_CANCELLED", "STATUS_SYSTEM_CANCELLED"] {
            let why = ended(status).expect("ended").expect_err(status);
            assert!(why.contains("no space"), "{why}");
        }
        assert_eq!(ended("STATUS_INPROGRESS"), None);
    }
}
