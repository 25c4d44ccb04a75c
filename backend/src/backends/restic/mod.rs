//! A restic repository, kept by the restic command.
//!
//! [`program`] knows the command and its environment, [`process`] runs it and ends it, [`failure`] says what went wrong.
//! Above them: [`locks`] (locks of the repository, and which of them are ours and dead), [`turns`] (one at a time in this
//! process), [`snapshots`] and [`tags`] (what lies there and whose it is), [`pass`] (one `restic backup`), [`standby`] (one
//! that waits for the stop), [`contents`] (what a snapshot holds), [`look`] and [`pour`] (what someone sees of it),
//! [`session`] (a run), [`care`] (forget, prune, check) and [`restore`] (the way back). The port is put together here.
//!
//! What differs between versions is asked for in one place, `Version`; output is parsed leniently, because fields come and
//! go. Every value that reaches a log or an error goes through [`redact`].

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;

use super::{
    BackendError, BackendParts, BackupBackend, FoundSnapshot, Look, Readiness, Reads, RepositoryStats, RestoreRequest,
    Restored, ResultReader, RunRequest, Session, SharedReader, Wanted, Work,
};
use crate::domain::entry::EntryPath;
use crate::domain::name_pattern::NamePattern;
use crate::domain::plan::{Instance, ResticSettings};

use program::Restic;

mod activity;
mod care;
mod contents;
mod failure;
mod group;
mod lines;
mod locks;
mod look;
mod messages;
mod own_runs;
mod pass;
mod pour;
mod prepare;
mod process;
mod program;
mod redact;
mod restore;
mod restored;
mod session;
mod snapshots;
mod standby;
mod sweep;
mod tags;
mod turns;
mod version;

#[cfg(test)]
mod tests;

/// Keeps a restic repository.
pub(super) struct ResticBackend(Arc<Restic>);

impl ResticBackend {
    pub(super) fn new(instance: &Instance, settings: &ResticSettings, parts: &BackendParts) -> Self {
        Self(Arc::new(Restic::new(instance, settings, parts)))
    }
}

#[async_trait]
impl BackupBackend for ResticBackend {
    fn reads(&self) -> Reads {
        Reads::InPlace
    }

    async fn prepare(&self, work: &Work, may_create: bool) -> Result<Readiness, BackendError> {
        prepare::prepare(&self.0, work, may_create).await
    }

    async fn begin(&self, request: RunRequest, work: Work) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(session::ResticSession::begin(Arc::clone(&self.0), request, work).await?))
    }

    async fn snapshots(&self, work: &Work) -> Result<Vec<FoundSnapshot>, BackendError> {
        snapshots::list(&self.0, work).await
    }

    async fn forget(&self, work: &Work, references: &[String]) -> Result<Option<u64>, BackendError> {
        care::forget(&self.0, work, references).await
    }

    async fn check(&self, work: &Work) -> Result<Vec<String>, BackendError> {
        care::check(&self.0, work).await
    }

    async fn verify(&self, work: &Work, reference: &str) -> Result<Vec<String>, BackendError> {
        care::verify(&self.0, work, reference).await
    }

    async fn stats(&self, work: &Work) -> Result<RepositoryStats, BackendError> {
        care::stats(&self.0, work).await
    }

    async fn restore(&self, work: &Work, request: &RestoreRequest) -> Result<Vec<Restored>, BackendError> {
        restore::restore(&self.0, work, request).await
    }

    fn reader(&self) -> Option<SharedReader> {
        Some(Arc::new(ResticReader(Arc::clone(&self.0))))
    }

    async fn sweep(&self, work: &Work) -> Result<Vec<String>, BackendError> {
        sweep::sweep(&self.0, work).await
    }
}

/// Looks into snapshots.
struct ResticReader(Arc<Restic>);

#[async_trait]
impl ResultReader for ResticReader {
    async fn look(
        &self,
        work: &Work,
        reference: &str,
        at: &EntryPath,
        after: Option<&EntryPath>,
        limit: usize,
    ) -> Result<Look, BackendError> {
        look::look(&self.0, work, reference, at, (after, limit)).await
    }

    async fn search(
        &self,
        work: &Work,
        reference: &str,
        pattern: &NamePattern,
        after: Option<&EntryPath>,
        limit: usize,
    ) -> Result<Look, BackendError> {
        look::search(&self.0, work, reference, pattern, (after, limit)).await
    }

    async fn pour(
        &self,
        work: &Work,
        reference: &str,
        wanted: &Wanted,
        to: &mpsc::Sender<Bytes>,
    ) -> Result<(), BackendError> {
        pour::pour(&self.0, work, reference, wanted, to).await
    }
}
