//! A container image that the user brings.

use async_trait::async_trait;

use super::{
    BackendError, BackendParts, BackupBackend, FoundSnapshot, Readiness, Reads, RepositoryStats, RestoreRequest,
    RunRequest, Session, Work,
};
use crate::domain::plan::{ImageSettings, Instance};

/// Runs an image over the staged data.
pub(super) struct CustomImageBackend;

impl CustomImageBackend {
    pub(super) fn new(_: &Instance, _: &ImageSettings, _: &BackendParts) -> Self {
        Self
    }
}

const NOT_YET: BackendError = BackendError::NotSupported("not built yet");

#[async_trait]
impl BackupBackend for CustomImageBackend {
    fn reads(&self) -> Reads {
        Reads::Staged
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
