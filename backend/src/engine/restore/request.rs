//! Taking requests: what is refused at once, and what a job is recorded as.

use std::path::{Component, Path};

use crate::domain::ids::JobId;
use crate::domain::job::{Job, JobKind, StepName, Trigger};
use crate::domain::names::{InstanceId, StackName};
use crate::domain::plan::BackendKind;
use crate::domain::restore::{Destination, RestoreOrder, RestoreRecord, RestoreWish, Side, TargetName};
use crate::domain::snapshot::Snapshot;
use crate::engine::errand::{Errand, NewJob};
use crate::engine::{JobEngine, SubmitError};

use super::look::preview;
use super::{RestorePreview, RestoreRequest};

/// Where nothing is ever restored to, nor below.
const FORBIDDEN: [&str; 4] = ["/proc", "/sys", "/dev", "/run"];

impl JobEngine {
    /// Queues a restore, or taking one back.
    ///
    /// # Errors
    /// When there is no such snapshot or restore, it cannot be done as it is asked for, another job works on the stack or
    /// for the instance, the service is shutting down, or the job cannot be recorded.
    pub async fn submit_restore(&self, request: RestoreRequest) -> Result<Job, SubmitError> {
        // On a task of its own, as every request: see `submit_backups`.
        let engine = self.clone();
        let submitted = self.0.parts.runtime.spawn(async move { engine.queue_restore(request).await });
        submitted.await.unwrap_or(Err(SubmitError::ShuttingDown))
    }

    /// What a restore would do; nothing is touched.
    ///
    /// # Errors
    /// When there is no such snapshot, or the service is shutting down.
    pub async fn preview_restore(&self, wish: RestoreWish) -> Result<RestorePreview, SubmitError> {
        let snapshot = self.snapshot_for(&wish).await?;
        if let Err(why) = check_wish(self, &wish, &snapshot) {
            return Ok(RestorePreview { problems: vec![why], ..RestorePreview::default() });
        }
        let engine = self.clone();
        let look = async move { Box::pin(preview(&engine, &wish, &snapshot)).await };
        let seen = self.0.tracker.spawn_on(look, &self.0.parts.runtime).await;
        seen.map_err(|_| SubmitError::ShuttingDown)
    }

    /// Queues the same restore again.
    pub(in crate::engine) async fn retry_restore(&self, id: &JobId, trigger: Trigger) -> Result<Job, SubmitError> {
        let record = self.0.parts.store.find_restore(id).await?;
        let order = record.ok_or_else(|| SubmitError::UnknownRestore(id.clone()))?.order;
        self.submit_restore(RestoreRequest { order, trigger }).await
    }

    async fn queue_restore(&self, request: RestoreRequest) -> Result<Job, SubmitError> {
        if self.0.shutdown.is_cancelled() {
            return Err(SubmitError::ShuttingDown);
        }
        let job = match &request.order {
            RestoreOrder::Restore(wish) => self.restore_job(wish, request.trigger).await?,
            RestoreOrder::Undo(id) => self.undo_job(id, request.trigger).await?,
        };
        let store = &self.0.parts.store;
        // First, so that the job finds it; and a later process, when this one ends before its turn.
        store.save_restore(&RestoreRecord::new(job.id.clone(), request.order.clone(), job.queued_at)).await?;
        let id = job.id.clone();
        let queued = self.queue(vec![(job, Errand::Restore(request))]).await;
        if queued.is_err() {
            store.delete_restore(&id).await?;
        }
        queued?.into_iter().next().ok_or(SubmitError::ShuttingDown)
    }

    async fn restore_job(&self, wish: &RestoreWish, trigger: Trigger) -> Result<Job, SubmitError> {
        let snapshot = self.snapshot_for(wish).await?;
        check_wish(self, wish, &snapshot).map_err(SubmitError::Refused)?;
        let stack = match &wish.destination {
            Destination::InPlace => snapshot.stack.clone(),
            Destination::NewStack(name) => Some(name.clone()),
            Destination::Directory(_) => None,
        };
        let name = snapshot.subject().unwrap_or("snapshot").to_owned();
        let instance = snapshot.instance.as_deref().and_then(|id| id.parse::<InstanceId>().ok());
        let mut job = self.new_restore(&name, stack, instance, StepName::OF_RESTORE, trigger);
        job.snapshot_id = Some(wish.snapshot.clone());
        Ok(job)
    }

    async fn undo_job(&self, id: &JobId, trigger: Trigger) -> Result<Job, SubmitError> {
        let record = self.0.parts.store.find_restore(id).await?;
        let record = record.ok_or_else(|| SubmitError::UnknownRestore(id.clone()))?;
        if !record.can_be_undone() {
            let why = match (record.outcome, record.keeps_old) {
                (None, _) => "it has not ended yet",
                (Some(Side::Old), _) => "the old data is in place",
                (_, false) => "nothing of before was kept",
                _ => "it replaced nothing",
            };
            return Err(SubmitError::Refused(format!("the restore {id} cannot be taken back: {why}")));
        }
        let stack = self.find_job(id).await?.and_then(|job| job.stack);
        let name = stack.as_ref().map_or("undo", StackName::as_str).to_owned();
        Ok(self.new_restore(&name, stack, None, StepName::OF_UNDO, trigger))
    }

    fn new_restore(
        &self,
        name: &str,
        stack: Option<StackName>,
        instance: Option<InstanceId>,
        steps: &'static [StepName],
        trigger: Trigger,
    ) -> Job {
        let (kind, quiesce, plan, is_dry_run) = (JobKind::Restore, None, None, false);
        self.new_job(NewJob { kind, name, stack, instance, plan, trigger, quiesce, is_dry_run, steps })
    }

    /// The snapshot that is meant; one that is gone is refused.
    pub(super) async fn snapshot_for(&self, wish: &RestoreWish) -> Result<Snapshot, SubmitError> {
        let found = self.0.parts.store.find_snapshot(&wish.snapshot).await?;
        found.ok_or_else(|| SubmitError::UnknownSnapshot(wish.snapshot.clone()))
    }
}

/// What can be told of a wish without looking anywhere. The error is a sentence for people.
pub(super) fn check_wish(engine: &JobEngine, wish: &RestoreWish, snapshot: &Snapshot) -> Result<(), String> {
    if let Some(at) = snapshot.removed_at {
        return Err(format!("the snapshot was removed at {}", at.format("%Y-%m-%d %H:%M:%S UTC")));
    }
    if snapshot.backend == BackendKind::CustomImage {
        return Err("the snapshot was stored by an image of the user's own, which alone can bring it back".to_owned());
    }
    let is_known = |wanted: &&TargetName| {
        snapshot.targets.iter().any(|target| target.kind == wanted.kind && target.name == wanted.name)
    };
    if let Some(unknown) = wish.targets.iter().find(|wanted| !is_known(wanted)) {
        return Err(format!("the snapshot has no target '{unknown}'"));
    }
    match &wish.destination {
        Destination::Directory(directory) => check_directory(engine, directory),
        Destination::NewStack(name) => check_new_name(name),
        Destination::InPlace => Ok(()),
    }
}

fn check_new_name(name: &StackName) -> Result<(), String> {
    // Compose takes no others, and volumes are called by it.
    let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    if name.as_str().chars().all(is_fine) {
        return Ok(());
    }
    Err(format!("'{name}' is no name for a stack: lower-case letters, digits, '_' and '-' are allowed"))
}

/// Nothing is restored into what Mainstay or the system needs, nor into a directory that holds such.
fn check_directory(engine: &JobEngine, directory: &Path) -> Result<(), String> {
    let shown = directory.display();
    let is_plain = directory.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if !directory.is_absolute() || !is_plain {
        return Err(format!("'{shown}' is no absolute path without '..'"));
    }
    if directory.parent().is_none() {
        return Err("nothing is restored over the root of the file system; name a new directory".to_owned());
    }
    if let Some(forbidden) = FORBIDDEN.iter().find(|forbidden| directory.starts_with(forbidden)) {
        return Err(format!("nothing is restored into {forbidden}; name another directory"));
    }
    // Behind links too, where there is something to look at already.
    let existing = directory.ancestors().find_map(|path| path.canonicalize().ok().map(|real| (path, real)));
    let real = existing.and_then(|(path, real)| Some(real.join(directory.strip_prefix(path).ok()?)));
    for own in engine.own_directories() {
        let own_real = own.canonicalize().unwrap_or_else(|_| own.clone());
        let touches = |a: &Path, b: &Path| a.starts_with(b) || b.starts_with(a);
        if touches(directory, &own) || real.as_deref().is_some_and(|real| touches(real, &own_real)) {
            return Err(format!("{shown} holds or lies in {}, which Mainstay itself needs", own.display()));
        }
    }
    Ok(())
}
