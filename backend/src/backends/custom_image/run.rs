//! One container of the image, from its making to its exit code. Whoever calls removes it.

use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::{sleep, timeout};

use super::container::{Occasion, of_run};
use super::place::{self, Place};
use super::removal::Removal;
use super::{DATA, GRACE, Parts, SCRIPT, fill, image};
use crate::backends::{BackendError, Work};
use crate::docker::lines::{Lines, Mask};
use crate::docker::{EngineError, MountSource, OutputPiece, VolumeSpec};
use crate::domain::log::Level;

/// How long the rest of an output may take to arrive after its container has ended.
const LAST_OUTPUT: Duration = Duration::from_secs(10);
/// What a shell returns when a program cannot be run, and when it is not there.
const NOT_RUNNABLE: i64 = 126;
const NOT_THERE: i64 = 127;
/// What a process ends with that was killed.
const KILLED: i64 = 137;

/// A run of the image.
pub(super) struct Run<'a> {
    pub(super) parts: &'a Parts,
    pub(super) work: &'a Work,
    pub(super) occasion: Occasion<'a>,
    pub(super) removal: &'a mut Removal,
}

impl Run<'_> {
    /// Runs the image to its end. Anything but the exit code 0 is an error.
    pub(super) async fn complete(mut self) -> Result<(), BackendError> {
        let id = self.make().await?;
        self.announce().await;
        if self.work.cancel.is_cancelled() {
            return Err(BackendError::Cancelled);
        }
        self.parts.docker.start_container(&id).await.map_err(|error| self.not_started(error))?;
        match self.follow(&id).await? {
            0 => Ok(()),
            code => Err(BackendError::failed(self.reason(&id, code).await)),
        }
    }

    /// Makes the container with the staged data at its place, through a volume when it must be. A cancel waits for the
    /// engine's answers: what it makes after nobody listens any more would not be removed.
    async fn make(&mut self) -> Result<String, BackendError> {
        if let Place::Host(path) = place::find(self.parts.docker.as_ref(), &self.parts.staged).await {
            let spec = of_run(self.parts, &self.occasion, MountSource::HostPath(path));
            match self.parts.docker.create_container(&spec).await {
                Ok(id) if self.sees_the_run(&id).await? => return Ok(id),
                Ok(_) => self.removal.container().await.map_err(|error| self.not_made(error))?,
                Err(EngineError::Rejected { message, .. }) if is_source_missing(&message) => {}
                Err(error) => return Err(self.not_made(error)),
            }
        }
        self.make_with_volume().await
    }

    /// Whether the directory of this run is what the container has at its place, and not one of another host by the
    /// same name.
    async fn sees_the_run(&self, id: &str) -> Result<bool, BackendError> {
        match self.parts.docker.stream_path(id, &Path::new(DATA).join(self.occasion.run)).await {
            Ok(_) => Ok(true),
            Err(EngineError::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.not_made(error)),
        }
    }

    async fn make_with_volume(&mut self) -> Result<String, BackendError> {
        let name = self.parts.owner.name(self.occasion.job);
        let note = "the Docker Engine cannot see the staging directory: the data is copied into a volume".to_owned();
        self.work.report.log(Level::Info, None, note);
        self.removal.add_volume();
        let labels = self.parts.owner.labels(self.occasion.job);
        self.parts
            .docker
            .create_volume(&VolumeSpec::labelled(&name, labels))
            .await
            .map_err(|error| self.not_made(error))?;
        let spec = of_run(self.parts, &self.occasion, MountSource::Volume(name));
        let id = self.parts.docker.create_container(&spec).await.map_err(|error| self.not_made(error))?;
        let data = fill::tar_of(self.parts.staged.join(self.occasion.run), self.occasion.run.to_owned());
        tokio::select! {
            filled = self.parts.docker.put_archive(&id, Path::new(DATA), data) => match filled {
                Ok(()) => Ok(id),
                Err(error) => Err(BackendError::because("the staged data could not be copied into a volume", error)),
            },
            () = self.work.cancel.cancelled() => Err(BackendError::Cancelled),
        }
    }

    /// Tells which image it is: a tag may mean another one tomorrow.
    async fn announce(&self) {
        let name = &self.parts.settings.image;
        let digest = self.parts.docker.inspect_image(name).await.ok();
        let digest = digest.as_ref().map_or("unknown", image::digest_of);
        self.work.report.log(Level::Info, None, format!("running the image '{name}' ({digest})"));
    }

    /// Logs what it prints, live, and waits for its end, within the limit and unless it is cancelled.
    async fn follow(&self, id: &str) -> Result<i64, BackendError> {
        let mut printing = std::pin::pin!(self.print(id));
        let mut ending = std::pin::pin!(self.parts.docker.wait_container(id));
        let mut limit = std::pin::pin!(expiry(self.parts.settings.timeout));
        let mut is_printed = false;
        let outcome = loop {
            tokio::select! {
                () = &mut printing, if !is_printed => is_printed = true,
                ended = &mut ending => break ended.map_err(|error| self.lost(error)),
                after = &mut limit => {
                    self.stop(id).await;
                    break Err(timed_out(after));
                }
                () = self.work.cancel.cancelled() => {
                    self.stop(id).await;
                    break Err(BackendError::Cancelled);
                }
            }
        };
        if !is_printed && timeout(LAST_OUTPUT, printing).await.is_err() {
            let message = "the end of what the image printed did not arrive".to_owned();
            self.work.report.log(Level::Warning, None, message);
        }
        outcome
    }

    /// Ends the image; what does not end is killed here, and in any case when the container is removed.
    async fn stop(&self, id: &str) {
        if let Err(error) = self.parts.docker.stop_container(id, Some(GRACE)).await {
            tracing::warn!(container = id, %error, "an image could not be stopped, it is removed");
        }
    }

    async fn print(&self, id: &str) {
        let mask = Mask::of(&self.parts.env);
        let log = |level: Level, lines: Vec<String>| {
            lines.into_iter().for_each(|line| self.work.report.log(level, None, mask.apply(line)));
        };
        let (mut out, mut err) = (Lines::default(), Lines::default());
        let failure = match self.parts.docker.container_output(id).await {
            Ok(mut output) => loop {
                match output.next().await {
                    Some(Ok(OutputPiece::Out(piece))) => log(Level::Info, out.push(&piece)),
                    Some(Ok(OutputPiece::Err(piece))) => log(Level::Warning, err.push(&piece)),
                    Some(Err(error)) => break Some(error),
                    None => break None,
                }
            },
            Err(error) => Some(error),
        };
        log(Level::Info, out.end().into_iter().collect());
        log(Level::Warning, err.end().into_iter().collect());
        if let Some(error) = failure {
            log(Level::Warning, vec![format!("what the image prints can no longer be read: {error}")]);
        }
    }

    fn not_made(&self, error: EngineError) -> BackendError {
        let image = &self.parts.settings.image;
        match error {
            EngineError::NotFound { what } if what.starts_with("image") => {
                BackendError::NotReady(format!("the image '{image}' is not there any more; pull or load it"))
            }
            other => BackendError::because(format!("the container of the image '{image}' could not be made"), other),
        }
    }

    /// The engine's words for a command that is not there, or may not be executed, are about its own insides.
    fn not_started(&self, error: EngineError) -> BackendError {
        let image = &self.parts.settings.image;
        if let EngineError::Rejected { message, .. } = &error
            && message.contains(SCRIPT)
        {
            if message.contains("no such file") {
                return image::no_script(image);
            }
            if message.contains("permission denied") {
                return BackendError::NotReady(format!(
                    "{SCRIPT} of the image '{image}' may not be executed; give it the permission with chmod +x"
                ));
            }
        }
        BackendError::because(format!("the container of the image '{image}' could not be started"), error)
    }

    fn lost(&self, error: EngineError) -> BackendError {
        let message = format!("what became of the image '{}' is not known", self.parts.settings.image);
        BackendError::because(message, error)
    }

    async fn reason(&self, id: &str, code: i64) -> String {
        let hint = match code {
            NOT_RUNNABLE => ": something in it may not be executed",
            NOT_THERE => ": a program that it calls is not in it",
            KILLED if self.is_out_of_memory(id).await => ": it needed more memory than it may have",
            KILLED => ": something killed it",
            _ => "",
        };
        format!("the image ended with exit code {code}{hint}")
    }

    async fn is_out_of_memory(&self, id: &str) -> bool {
        let detail = self.parts.docker.inspect_container(id).await;
        detail.is_ok_and(|detail| detail.redacted.pointer("/State/OOMKilled") == Some(&serde_json::Value::Bool(true)))
    }
}

/// The engine's words when the source of a bind is not on its host.
fn is_source_missing(message: &str) -> bool {
    message.contains("bind source path does not exist")
}

/// Ends after the limit, with it; never without one.
async fn expiry(limit: Option<Duration>) -> Duration {
    match limit {
        Some(limit) => {
            sleep(limit).await;
            limit
        }
        None => std::future::pending().await,
    }
}

fn timed_out(after: Duration) -> BackendError {
    BackendError::failed(format!("the image did not end within {} s and was stopped", after.as_secs()))
}
