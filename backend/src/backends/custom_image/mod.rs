//! A container image that the user brings.
//!
//! Mainstay stages the data of an instance and runs the image over it: `/backup.sh` as its command, the data at
//! `/backup`, an exit code of 0 for success. How and where it is stored, how long it is kept and whether it can be read
//! back is up to the image.
//!
//! `image` sees to the image, `place` finds out how its container gets at the staged data, `container` describes the
//! container, `run` runs one and always removes it, `lines` makes log lines of what it prints, and `sweep` removes what a
//! kill left behind. To hand one more variable to images, add it in `container`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{
    BackendError, BackendParts, BackupBackend, FoundSnapshot, Readiness, Reads, RepositoryStats, RestoreRequest,
    Restored, RunRequest, Session, Work,
};
use crate::docker::SharedEngine;
use crate::domain::clock::SharedClock;
use crate::domain::plan::{ImageSettings, Instance};
use owner::Owner;
use place::Place;
use session::ImageSession;

mod container;
mod fill;
mod image;
mod owner;
mod place;
mod removal;
mod run;
mod session;
mod sweep;
#[cfg(test)]
mod tests;

/// How long an image that is told to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// What the image is to find at `/`.
const SCRIPT: &str = "/backup.sh";
/// Where the image finds the data.
const DATA: &str = "/backup";

/// Runs an image over the staged data.
#[derive(Clone)]
pub(super) struct CustomImageBackend(Arc<Parts>);

/// What a run is made of.
struct Parts {
    docker: SharedEngine,
    clock: SharedClock,
    owner: Owner,
    settings: ImageSettings,
    env: std::collections::BTreeMap<String, secrecy::SecretString>,
    /// The directory of the instance in the staging directory.
    staged: std::path::PathBuf,
}

impl CustomImageBackend {
    pub(super) fn new(instance: &Instance, settings: &ImageSettings, parts: &BackendParts) -> Self {
        Self(Arc::new(Parts {
            docker: Arc::clone(&parts.docker),
            clock: Arc::clone(&parts.clock),
            owner: Owner { instance: instance.id.clone(), node_name: parts.node_name.clone() },
            settings: settings.clone(),
            env: instance.env.clone(),
            staged: parts.staging_dir.join(instance.id.as_str()),
        }))
    }
}

#[async_trait]
impl BackupBackend for CustomImageBackend {
    fn reads(&self) -> Reads {
        Reads::Staged
    }

    async fn prepare(&self, work: &Work, _: bool) -> Result<Readiness, BackendError> {
        let mut readiness = image::prepare(&self.0, work).await?;
        if place::find(self.0.docker.as_ref(), &self.0.staged).await == Place::Volume {
            readiness.notes.push(
                "the Docker Engine cannot see the staging directory, so that the staged data is copied into a volume \
                 for the image; mount the staging directory from the host to save time and room"
                    .to_owned(),
            );
        }
        readiness.notes.push("retention and verification are up to the image".to_owned());
        Ok(readiness)
    }

    async fn begin(&self, request: RunRequest, work: Work) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(ImageSession::new(Arc::clone(&self.0), request, work)))
    }

    async fn snapshots(&self, _: &Work) -> Result<Vec<FoundSnapshot>, BackendError> {
        Err(BackendError::NotSupported("what a custom image has stored is known to the image alone"))
    }

    async fn forget(&self, _: &Work, _: &[String]) -> Result<Option<u64>, BackendError> {
        Err(BackendError::NotSupported(
            "retention is up to the image; Mainstay removes nothing that a custom image stored",
        ))
    }

    async fn check(&self, _: &Work) -> Result<Vec<String>, BackendError> {
        Err(BackendError::NotSupported("checking what is stored is up to the image"))
    }

    async fn stats(&self, _: &Work) -> Result<RepositoryStats, BackendError> {
        Err(BackendError::NotSupported("how much a custom image has stored is known to the image alone"))
    }

    async fn restore(&self, _: &Work, _: &RestoreRequest) -> Result<Vec<Restored>, BackendError> {
        Err(BackendError::NotSupported("what a custom image stored is restored with the tools of the image"))
    }

    async fn sweep(&self, work: &Work) -> Result<Vec<String>, BackendError> {
        sweep::sweep(self.0.docker.as_ref(), &self.0.owner, work).await
    }
}
