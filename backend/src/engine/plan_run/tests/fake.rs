//! A backend that stores nothing, tells what it was asked and saw, and fails where a test wishes it to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use crate::backends::{
    BackendError, BackupBackend, FoundSnapshot, Readiness, Reads, RepositoryStats, RestoreRequest, Restored,
    RunRequest, Session, SharedBackend, Source, SourceOutcome, Stored, Work,
};
use crate::docker::scripted::ScriptedEngine;
use crate::domain::job::TargetState;
use crate::domain::stack::ContainerState;

/// What a capture at rest reads.
pub(super) const READ_AT_REST: u64 = 7;

/// What a call does instead of going well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Fails,
    Panics,
    NotSupported,
    Absent,
    /// Stands still until it is cancelled.
    Hangs,
}

#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Every call, with the containers that run at that moment.
    pub(super) calls: Vec<String>,
    /// The sources of the last publish.
    pub(super) sources: Vec<Source>,
    /// The files below them, relative, with their content.
    pub(super) files: BTreeMap<PathBuf, Vec<u8>>,
    pub(super) request: Option<RunRequest>,
    pub(super) forgotten: Vec<String>,
    pub(super) is_complete: Option<bool>,
}

#[derive(Clone)]
pub(super) struct FakeBackend {
    docker: ScriptedEngine,
    reads: Reads,
    pub(super) faults: Arc<Mutex<BTreeMap<&'static str, Fault>>>,
    pub(super) shelf: Arc<Mutex<Vec<FoundSnapshot>>>,
    pub(super) seen: Arc<Mutex<Seen>>,
}

impl FakeBackend {
    pub(super) fn new(docker: &ScriptedEngine, reads: Reads) -> Self {
        let docker = docker.clone();
        Self { docker, reads, faults: Arc::default(), shelf: Arc::default(), seen: Arc::default() }
    }

    pub(super) fn shared(&self) -> SharedBackend {
        Arc::new(self.clone())
    }

    pub(super) fn break_at(&self, call: &'static str, fault: Fault) {
        self.faults.lock().expect("not poisoned").insert(call, fault);
    }

    pub(super) fn mend(&self, call: &'static str) {
        self.faults.lock().expect("not poisoned").remove(call);
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("not poisoned")
    }

    async fn play(&self, call: &'static str, work: &Work) -> Result<(), BackendError> {
        let ids = ["app", "other"];
        let running: Vec<&str> =
            ids.into_iter().filter(|id| self.docker.state_of(id) == Some(ContainerState::Running)).collect();
        self.seen().calls.push(format!("{call} [{}]", running.join(" ")));
        let fault = self.faults.lock().expect("not poisoned").get(call).copied();
        match fault {
            None => Ok(()),
            Some(Fault::Fails) => Err(BackendError::failed(format!("{call} went wrong"))),
            Some(Fault::NotSupported) => Err(BackendError::NotSupported("it keeps no order of its own")),
            Some(Fault::Absent) => {
                Err(BackendError::Absent("there is no repository; the first run makes it".to_owned()))
            }
            Some(Fault::Panics) => panic!("{call} was to panic"),
            Some(Fault::Hangs) => {
                work.cancel.cancelled().await;
                Err(BackendError::Cancelled)
            }
        }
    }
}

#[async_trait]
impl BackupBackend for FakeBackend {
    fn reads(&self) -> Reads {
        self.reads
    }

    async fn prepare(&self, work: &Work, _: bool) -> Result<Readiness, BackendError> {
        self.play("prepare", work).await.map(|()| Readiness::default())
    }

    async fn begin(&self, request: RunRequest, work: Work) -> Result<Box<dyn Session>, BackendError> {
        self.seen().request = Some(request);
        self.play("begin", &work).await?;
        Ok(Box::new(FakeSession { backend: self.clone(), work }))
    }

    async fn snapshots(&self, work: &Work) -> Result<Vec<FoundSnapshot>, BackendError> {
        self.play("snapshots", work).await?;
        Ok(self.shelf.lock().expect("not poisoned").clone())
    }

    async fn forget(&self, work: &Work, references: &[String]) -> Result<Option<u64>, BackendError> {
        self.play("forget", work).await?;
        self.seen().forgotten.extend(references.iter().cloned());
        Ok(Some(7))
    }

    async fn check(&self, work: &Work) -> Result<Vec<String>, BackendError> {
        match self.play("check", work).await {
            Err(BackendError::Failed { .. }) => Ok(vec!["pack 12 is damaged".to_owned()]),
            other => other.map(|()| Vec::new()),
        }
    }

    async fn stats(&self, work: &Work) -> Result<RepositoryStats, BackendError> {
        self.play("stats", work).await.map(|()| RepositoryStats::default())
    }

    async fn restore(&self, work: &Work, _: &RestoreRequest) -> Result<Vec<Restored>, BackendError> {
        self.play("restore", work).await.map(|()| Vec::new())
    }

    async fn sweep(&self, work: &Work) -> Result<Vec<String>, BackendError> {
        self.play("sweep", work).await.map(|()| Vec::new())
    }
}

struct FakeSession {
    backend: FakeBackend,
    work: Work,
}

#[async_trait]
impl Session for FakeSession {
    async fn precopy(&mut self, _: &[Source]) -> Result<(), BackendError> {
        self.backend.play("precopy", &self.work).await
    }

    async fn capture(&mut self, _: &[Source]) -> Result<Option<u64>, BackendError> {
        self.backend.play("capture", &self.work).await.map(|()| Some(READ_AT_REST))
    }

    async fn publish(&mut self, sources: &[Source]) -> Result<Stored, BackendError> {
        self.backend.play("publish", &self.work).await?;
        let mut stored = Stored { reference: Some("stored-1".to_owned()), bytes_stored: 3, ..Stored::default() };
        for source in sources {
            let mut files = BTreeMap::new();
            source.paths.iter().for_each(|path| read(path, path, &mut files));
            stored.outcomes.push(SourceOutcome {
                kind: source.kind,
                name: source.name.clone(),
                state: TargetState::Succeeded,
                size_bytes: files.values().map(|content| content.len() as u64).sum(),
                message: None,
            });
            self.backend.seen().files.extend(files);
        }
        self.backend.seen().sources = sources.to_vec();
        Ok(stored)
    }

    async fn verify(&mut self, _: &mut Stored, is_complete: bool) -> Result<(), BackendError> {
        self.backend.seen().is_complete = Some(is_complete);
        self.backend.play("verify", &self.work).await
    }

    async fn end(self: Box<Self>) {
        self.backend.play("end", &self.work).await.expect("an end is never broken");
    }
}

fn read(root: &Path, path: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("listed").flatten() {
            read(root, &entry.path(), files);
        }
    } else {
        let below = path.strip_prefix(root).expect("below").to_owned();
        files.insert(below, std::fs::read(path).expect("read"));
    }
}
