//! One run of the instance.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::Parts;
use super::container::Occasion;
use super::removal::Removal;
use super::run::Run;
use crate::backends::archive::estimate;
use crate::backends::{BackendError, RunRequest, Session, Source, SourceOutcome, Stored, Work};
use crate::domain::job::TargetState;
use crate::domain::log::Level;

/// How long adding up the sizes of one source may take.
const MEASURE_LIMIT: Duration = Duration::from_secs(20);

/// A run: everything happens in [`Session::publish`].
pub(super) struct ImageSession {
    parts: Arc<Parts>,
    request: RunRequest,
    work: Work,
    /// What is still to be removed.
    removal: Option<Removal>,
}

impl ImageSession {
    pub(super) fn new(parts: Arc<Parts>, request: RunRequest, work: Work) -> Self {
        Self { parts, request, work, removal: None }
    }

    /// The name of the run's directory. Anything else than a directory of the instance is a mistake of ours, and nothing
    /// to show to an image.
    fn run_name(&self) -> Result<String, BackendError> {
        let below = self.request.run_dir.strip_prefix(&self.parts.staged).unwrap_or(Path::new(""));
        let mut components = below.components();
        match (components.next(), components.next()) {
            (Some(Component::Normal(name)), None) if self.request.run_dir.is_dir() => {
                Ok(name.to_string_lossy().into_owned())
            }
            _ => Err(BackendError::failed("nothing was staged, so that there is nothing for the image to store")),
        }
    }

    async fn clean(&mut self) {
        if let Some(removal) = self.removal.take() {
            removal.run().await;
        }
    }
}

#[async_trait]
impl Session for ImageSession {
    async fn precopy(&mut self, _: &[Source]) -> Result<(), BackendError> {
        Ok(())
    }

    async fn capture(&mut self, _: &[Source]) -> Result<Option<u64>, BackendError> {
        Ok(Some(0))
    }

    async fn publish(&mut self, sources: &[Source]) -> Result<Stored, BackendError> {
        let run = self.run_name()?;
        let measured = measure(sources.to_vec()).await?;
        let name = self.parts.owner.name(&self.request.job);
        let removal = self.removal.insert(Removal::new(&self.parts.docker, &self.work.report, name));
        let occasion = Occasion { job: &self.request.job, run: &run };
        let run = Run { parts: &self.parts, work: &self.work, occasion, removal };
        let outcome = run.complete().await;
        self.clean().await;
        outcome?;
        self.work.report.log(Level::Info, None, "the image ended with exit code 0".to_owned());
        Ok(measured)
    }

    /// The exit code was all that there is to know.
    async fn verify(&mut self, _: &mut Stored, _: bool) -> Result<(), BackendError> {
        Ok(())
    }

    async fn end(mut self: Box<Self>) {
        self.clean().await;
    }
}

/// What the image is given. What it keeps of it, and where, nobody can know.
async fn measure(sources: Vec<Source>) -> Result<Stored, BackendError> {
    let measured = tokio::task::spawn_blocking(move || {
        let mut stored = Stored::default();
        for source in sources {
            let sums = source.paths.iter().map(|path: &PathBuf| estimate(path, &[], MEASURE_LIMIT));
            let (bytes, files) = sums.fold((0, 0), |sum, found| (sum.0 + found.bytes, sum.1 + found.files));
            stored.bytes_read += bytes;
            stored.entry_count += files;
            let (kind, name, state) = (source.kind, source.name, TargetState::Succeeded);
            stored.outcomes.push(SourceOutcome { kind, name, state, size_bytes: bytes, message: None });
        }
        stored
    });
    measured.await.map_err(|error| BackendError::because("the sizes of what was staged are not known", error))
}
