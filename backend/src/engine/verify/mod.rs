//! One snapshot is read again, as a job: archives byte for byte, others as far as their backend can.
//!
//! What is found wrong is recorded with the snapshot, which counts as no good backup from then on. That it could not be
//! looked at, because a disk or a repository is away, says nothing about it.

use std::sync::Arc;
use std::time::Instant;

use crate::backends::BackendError;
use crate::domain::ids::SnapshotId;
use crate::domain::job::{Job, JobKind, JobState, StepName, Trigger};
use crate::domain::log::Level;
use crate::domain::names::InstanceId;
use crate::domain::plan::BackendKind;
use crate::domain::snapshot::Snapshot;
use crate::store::Finding;

use super::backend_work::to_stop;
use super::errand::{Errand, NewJob};
use super::live::{LiveJob, insist};
use super::steps::{self, Stop};
use super::unpack::{UnpackError, contents_of};
use super::{JobEngine, SubmitError, chain};

mod archive;
mod by_the_clock;

type Cx<'a> = steps::Cx<'a, SnapshotId>;

/// What a look found: what was read, or what is wrong.
type Judged = Result<String, String>;

impl JobEngine {
    /// Queues a job that reads a snapshot again.
    ///
    /// # Errors
    /// When there is no such snapshot, it was removed, a job works for its instance, or the job cannot be recorded.
    pub async fn submit_verify(&self, id: &SnapshotId, trigger: Trigger) -> Result<Job, SubmitError> {
        let (engine, id) = (self.clone(), id.clone());
        let submit = async move {
            let snapshot = engine.find_stored(&id).await?;
            let mut jobs = engine.queue(vec![engine.verification_of(&snapshot, trigger)]).await?;
            jobs.pop().ok_or(SubmitError::ShuttingDown)
        };
        // On a task of its own, as every request: see `submit_backups`.
        self.0.parts.runtime.spawn(submit).await.unwrap_or(Err(SubmitError::ShuttingDown))
    }

    /// The snapshot called `id`, which was not removed.
    pub(super) async fn find_stored(&self, id: &SnapshotId) -> Result<Snapshot, SubmitError> {
        if self.0.shutdown.is_cancelled() {
            return Err(SubmitError::ShuttingDown);
        }
        let found = self.0.parts.store.find_snapshot(id).await?;
        let snapshot = found.ok_or_else(|| SubmitError::UnknownSnapshot(id.clone()))?;
        match snapshot.removed_at {
            Some(at) => Err(SubmitError::SnapshotRemoved(at)),
            None => Ok(snapshot),
        }
    }

    fn verification_of(&self, snapshot: &Snapshot, trigger: Trigger) -> (Job, Errand) {
        let job = self.job_about(snapshot, JobKind::Verify, trigger, StepName::OF_CHECK);
        (job, Errand::Verify(snapshot.id.clone()))
    }

    /// A new job that reads a snapshot.
    pub(super) fn job_about(
        &self,
        snapshot: &Snapshot,
        kind: JobKind,
        trigger: Trigger,
        steps: &'static [StepName],
    ) -> Job {
        let job = self.new_job(NewJob {
            kind,
            name: snapshot.subject().unwrap_or(snapshot.id.as_str()),
            stack: snapshot.stack.clone(),
            instance: snapshot.instance.as_deref().and_then(|id| id.parse::<InstanceId>().ok()),
            plan: snapshot.plan.clone(),
            trigger,
            quiesce: None,
            is_dry_run: false,
            steps,
        });
        Job { snapshot_id: Some(snapshot.id.clone()), ..job }
    }
}

/// Runs the job to its end.
pub(super) async fn run(engine: &JobEngine, live: &Arc<LiveJob>, id: &SnapshotId) {
    let cx = Cx { engine, live, request: id };
    live.begin().await;
    let began = Instant::now();
    let verified = Box::pin(cx.step(StepName::Verify, verify(cx))).await;
    let (state, error) = match verified {
        Ok(_) => (JobState::Succeeded, None),
        Err(Stop::Cancelled) => (engine.state_when_stopped(), Some("it was cancelled".to_owned())),
        Err(Stop::Failed(why)) => (JobState::Failed, Some(why)),
    };
    cx.report(&format!("verification of snapshot '{id}'"), state, error, began).await;
}

async fn verify(cx: Cx<'_>) -> Result<String, Stop> {
    let store = &cx.engine.0.parts.store;
    let found = store.find_snapshot(cx.request).await;
    let found = found.map_err(|e| Stop::because("the record of the snapshots cannot be read", &e))?;
    let snapshot = found.ok_or_else(|| Stop::failed("its record is gone"))?;
    cx.live.log.write(Level::Info, format!("reads {} again", snapshot.reference));
    let judged = match snapshot.backend {
        BackendKind::Archive if snapshot.has_plain_archive() => Box::pin(judge_plain(cx, &snapshot)).await,
        BackendKind::Archive => Box::pin(archive::judge(cx, &snapshot)).await,
        BackendKind::Restic | BackendKind::CustomImage => Box::pin(judge_by_backend(cx, &snapshot)).await,
    };
    let finding = match &judged {
        Ok(Ok(_)) => Finding::Sound,
        Ok(Err(reason)) => Finding::Damaged(reason.clone()),
        Err(_) => Finding::Unknown,
    };
    let now = cx.engine.0.parts.clock.now();
    insist(|| store.note_finding(&snapshot.id, &finding, now))
        .await
        .map_err(|e| Stop::because("what was found cannot be recorded", &e))?;
    judged?.map_err(|reason| {
        cx.live.log.write(Level::Error, format!("{} is damaged: {reason}", snapshot.reference));
        Stop::Failed(format!("the snapshot is damaged: {reason}"))
    })
}

/// What has no manifest is read to its end: its checksums are all that there is.
async fn judge_plain(cx: Cx<'_>, snapshot: &Snapshot) -> Result<Judged, Stop> {
    match contents_of(cx.engine, &cx.engine.work_of(cx.live), snapshot).await {
        Ok(_) => Ok(Ok("it was read to its end; there is no manifest to compare it with".to_owned())),
        Err(UnpackError::Archive(error)) => Ok(Err(chain(&error))),
        Err(error @ UnpackError::OtherSize { .. }) => Ok(Err(error.to_string())),
        Err(error) => Err(error.into_stop("the archive could not be read")),
    }
}

async fn judge_by_backend(cx: Cx<'_>, snapshot: &Snapshot) -> Result<Judged, Stop> {
    let name = snapshot.instance.as_deref().unwrap_or_default();
    let instance = name.parse().ok().and_then(|id| cx.engine.0.parts.registry.find_instance(&id));
    let instance = instance.ok_or_else(|| {
        Stop::failed(format!("there is no instance '{name}' any more, which alone knows how to read the snapshot"))
    })?;
    let (backend, work) = (cx.engine.backend_of(&instance), cx.engine.work_of(cx.live));
    match backend.verify(&work, &snapshot.reference).await {
        Ok(findings) if findings.is_empty() => Ok(Ok("nothing wrong was found".to_owned())),
        Ok(findings) => Ok(Err(findings.join("; "))),
        Err(BackendError::NotSupported(why)) => Err(Stop::failed(why)),
        Err(error) => Err(to_stop("the snapshot could not be looked at", &error)),
    }
}
