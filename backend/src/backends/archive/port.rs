//! Plain archives behind the port.

use async_trait::async_trait;
use std::sync::Arc;

use super::super::{
    BackendError, BackendParts, BackupBackend, FoundSnapshot, Readiness, Reads, RepositoryStats, RestoreRequest,
    RunRequest, Session, SharedBackend, Work,
};
use crate::domain::plan::Instance;

/// Writes archives.
struct ArchiveBackend;

/// The backend of an instance whose data goes to `backup_dir`.
pub(in crate::backends) fn backend(_: &Instance, _: &BackendParts) -> SharedBackend {
    Arc::new(ArchiveBackend)
}

const NOT_YET: BackendError = BackendError::NotSupported("not built yet");

#[async_trait]
impl BackupBackend for ArchiveBackend {
    fn reads(&self) -> Reads {
        Reads::InPlace
    }

    async fn prepare(&self, _: &Work, _: bool) -> Result<Readiness, BackendError> {
        Err(NOT_YET)
    }

    async fn begin(&self, _: RunRequest, _: Work) -> Result<Box<dyn Session>, BackendError> {
        Err(NOT_YET)
    }

    async fn snapshots(&self, _: &Work) -> Result<Vec<FoundSnapshot>, BackendError> {
        Err(NOT_YET)
    }

    async fn forget(&self, _: &Work, _: &[String]) -> Result<Option<u64>, BackendError> {
        Err(NOT_YET)
    }

    async fn check(&self, _: &Work) -> Result<Vec<String>, BackendError> {
        Err(NOT_YET)
    }

    async fn stats(&self, _: &Work) -> Result<RepositoryStats, BackendError> {
        Err(NOT_YET)
    }

    async fn restore(&self, _: &Work, _: &RestoreRequest) -> Result<(), BackendError> {
        Err(NOT_YET)
    }

    async fn sweep(&self, _: &Work) -> Result<Vec<String>, BackendError> {
        Ok(Vec::new())
    }
}
