//! By the file, while Backrest stands still.
//!
//! Everything that can fail is tried before the stop: the new file lies complete beside the old one then. After the stop
//! the old one is read again, because Backrest may have saved it last. Whatever happens from there, Backrest is started;
//! with the configuration before when it does not come up with the new one.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::container::{BackrestContainer, NotUp, Seen};
use super::file::{Content, FileError, Lock, Staged};
use super::note::{StopNote, hash};
use super::place::Place;
use super::reload::reload;
use super::{Applied, ApplyError, Join, Outcome, check};
use crate::backrest::Format;
use crate::backrest::document::Document;
use crate::backrest::merge::Merge;
use crate::docker::ContainerDetail;
use crate::domain::clock::Clock;
use crate::domain::stack::labels;
use crate::pause_point;

/// How long the engine lets a container end by itself where nothing else is said.
const STOP_TIMEOUT_SECS: u64 = 10;

/// How long it is waited for another process that changes the file.
const LOCK_WITHIN: Duration = Duration::from_secs(120);

/// How often it is looked whether Backrest is idle.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What is done about Backrest.
#[derive(Clone, Copy)]
pub enum After<'a> {
    /// Nothing.
    Nothing,
    /// A command of the operator's makes the file known.
    Command(&'a str),
    /// Its container is stopped before the file is written, and started after it.
    Container(BackrestContainer<'a>),
}

/// A file to bring to what labels want.
#[derive(Clone, Copy)]
pub struct FileApply<'a> {
    /// The configuration.
    pub path: &'a Path,
    /// Its format; absent means that it tells itself.
    pub format: Option<Format>,
    /// What counts as there when the file is not.
    pub if_missing: Option<&'a Document>,
    /// What is done about Backrest.
    pub after: After<'a>,
    /// How long it is waited for Backrest to be idle.
    pub patience: Duration,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// A configuration as it was read.
struct Read {
    content: Option<Content>,
    document: Document,
}

/// Reads a configuration; `None` when the file is not there.
///
/// # Errors
/// When it cannot be read or is no configuration.
pub async fn read_file(path: &Path, format: Option<Format>) -> Result<Option<Document>, ApplyError> {
    let place = find(path).await?;
    let content = blocking(move || place.read()).await?;
    content.map(|content| Document::parse(&content.bytes, format)).transpose().map_err(ApplyError::from)
}

/// Brings a file to what labels want, and Backrest to know it. With no difference nothing is touched. Never drop the
/// future: Backrest may stand still then, until [`super::recover`] is asked.
///
/// # Errors
/// When it was not written, or Backrest does not know it. The file is the one before then, unless the command after it
/// failed.
pub async fn by_file(apply: &FileApply<'_>, join: Join<'_>) -> Result<Applied, ApplyError> {
    let place = find(apply.path).await?;
    let seen = apply.read(&place).await?;
    let merge = join(&seen.document);
    if !merge.is_change() {
        return Ok(Applied { merge, outcome: Outcome::Unchanged, notes: Vec::new() });
    }
    Work::begin(*apply, place).await?.run(join).await
}

impl FileApply<'_> {
    async fn read(&self, place: &Place) -> Result<Read, ApplyError> {
        let look = place.clone();
        let content = blocking(move || look.read()).await?;
        let document = match (&content, self.if_missing) {
            (Some(content), _) => Document::parse(&content.bytes, self.format)?,
            (None, Some(document)) => document.clone(),
            (None, None) => return Err(ApplyError::Missing(place.path().to_owned())),
        };
        Ok(Read { content, document })
    }
}

/// What is to be written, complete beside the file.
struct Ready {
    merge: Merge,
    before: Option<Content>,
    text: Vec<u8>,
    staged: Staged,
}

/// A change at work; others of us wait meanwhile.
pub(super) struct Work<'a> {
    apply: FileApply<'a>,
    place: Place,
    _lock: Lock,
}

impl<'a> Work<'a> {
    /// Takes the lock, for which it waits.
    pub(super) async fn begin(apply: FileApply<'a>, place: Place) -> Result<Self, ApplyError> {
        let locked = place.clone();
        let lock = blocking(move || locked.lock(LOCK_WITHIN)).await?;
        pause_point::reach("apply.locked").await;
        Ok(Self { apply, place, _lock: lock })
    }

    async fn run(&self, join: Join<'_>) -> Result<Applied, ApplyError> {
        let Some(ready) = self.prepare(join).await? else {
            let merge = join(&self.apply.read(&self.place).await?.document);
            return Ok(Applied { merge, outcome: Outcome::Unchanged, notes: Vec::new() });
        };
        match self.apply.after {
            After::Nothing => {
                let merge = self.publish(ready).await?;
                Ok(Applied { merge, outcome: Outcome::Written, notes: Vec::new() })
            }
            After::Command(command) => {
                let merge = self.publish(ready).await?;
                reload(command).await?;
                Ok(Applied { merge, outcome: Outcome::Reloaded, notes: Vec::new() })
            }
            After::Container(container) => self.with_container(&container, ready, join).await,
        }
    }

    /// Reads, joins and checks, and writes the outcome beside the file. `None` when there is no difference.
    async fn prepare(&self, join: Join<'_>) -> Result<Option<Ready>, ApplyError> {
        let Read { content: before, document } = self.apply.read(&self.place).await?;
        let merge = join(&document);
        if !merge.is_change() {
            return Ok(None);
        }
        check(&merge)?;
        let text = merge.document.to_text().into_bytes();
        let (new, old) = (text.clone(), before.clone());
        let staged = self.blocking(move |place| place.stage(&new, old.as_ref())).await?;
        pause_point::reach("apply.staged").await;
        Ok(Some(Ready { merge, before, text, staged }))
    }

    async fn publish(&self, ready: Ready) -> Result<Merge, ApplyError> {
        let Ready { merge, before, staged, .. } = ready;
        self.blocking(move |place| place.publish(staged, before.as_ref())).await?;
        Ok(merge)
    }

    async fn with_container(
        &self,
        container: &BackrestContainer<'_>,
        ready: Ready,
        join: Join<'_>,
    ) -> Result<Applied, ApplyError> {
        let detail = container.inspect().await?;
        if !detail.is_up() {
            let merge = self.publish(ready).await?;
            let notes = vec![format!("container '{}' does not run, so it was not started", container.name)];
            return Ok(Applied { merge, outcome: Outcome::Written, notes });
        }
        let seen = self.wait_until_idle(container).await;
        if let Seen::Work(why) = seen {
            return Ok(Applied { merge: ready.merge, outcome: Outcome::Deferred { why }, notes: Vec::new() });
        }
        let mut applied = self.at_rest(container, &detail, ready, join).await?;
        if let Seen::Nothing(why) = seen {
            applied.notes.push(format!("before the stop it could not be seen whether Backrest was at work: {why}"));
        }
        Ok(applied)
    }

    /// What is seen of Backrest when it is idle, or there is no more time to wait.
    async fn wait_until_idle(&self, container: &BackrestContainer<'_>) -> Seen {
        let begun = Instant::now();
        loop {
            let seen = container.look_for_work().await;
            if !matches!(seen, Seen::Work(_)) || begun.elapsed() >= self.apply.patience {
                return seen;
            }
            sleep(LOOK_EVERY.min(self.apply.patience)).await;
        }
    }

    /// Stops, writes, starts. From the note on there is no way out that does not start.
    async fn at_rest(
        &self,
        container: &BackrestContainer<'_>,
        detail: &ContainerDetail,
        ready: Ready,
        join: Join<'_>,
    ) -> Result<Applied, ApplyError> {
        let id = &detail.container.id;
        self.note_stop(detail, &ready).await?;
        pause_point::reach("apply.noted").await;
        let begun = Instant::now();
        let written = match container.engine.stop_container(id, None).await {
            Ok(()) => self.write_at_rest(detail, ready, join).await,
            Err(error) => Err(ApplyError::Engine(error)),
        };
        let (merge, before) = match written {
            Ok(written) => written,
            Err(error) => {
                self.start_unchanged(container, detail).await?;
                return Err(error);
            }
        };
        pause_point::reach("apply.written").await;
        let started = container.start(id).await;
        pause_point::reach("apply.up").await;
        let stopped_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Err(source) = started {
            return Err(self.roll_back(container, id, before, source).await);
        }
        self.blocking(|place| place.clear_note()).await?;
        Ok(Applied { merge, outcome: Outcome::Restarted { stopped_ms }, notes: Vec::new() })
    }

    async fn note_stop(&self, detail: &ContainerDetail, ready: &Ready) -> Result<(), ApplyError> {
        let before = ready.before.as_ref().map(|content| hash(&content.bytes)).unwrap_or_default();
        let label = |key: &str| detail.container.labels.get(key).cloned();
        let note = StopNote {
            container: detail.container.id.clone(),
            name: detail.container.name.clone(),
            project: label(labels::PROJECT),
            service: label(labels::SERVICE),
            started_at: detail.started_at,
            asked_at: self.apply.clock.now(),
            stop_timeout_secs: detail.stop_timeout_secs.unwrap_or(STOP_TIMEOUT_SECS),
            before,
            after: hash(&ready.text),
        };
        self.blocking(move |place| place.put_note(&note)).await
    }

    /// Writes what is ready; made anew when Backrest saved something while it was about to rest.
    async fn write_at_rest(
        &self,
        detail: &ContainerDetail,
        ready: Ready,
        join: Join<'_>,
    ) -> Result<(Merge, Option<Content>), ApplyError> {
        pause_point::reach("apply.stopped").await;
        let now = self.blocking(|place| place.read()).await?;
        let is_same = now.as_ref().map(|content| &content.bytes) == ready.before.as_ref().map(|content| &content.bytes);
        let ready = if is_same {
            ready
        } else {
            drop(ready);
            match self.prepare(join).await? {
                Some(again) => {
                    self.note_stop(detail, &again).await?;
                    again
                }
                None => return Ok((join(&self.apply.read(&self.place).await?.document), now)),
            }
        };
        let before = ready.before.clone();
        Ok((self.publish(ready).await?, before))
    }

    /// Starts a container whose configuration is the one before.
    async fn start_unchanged(
        &self,
        container: &BackrestContainer<'_>,
        before: &ContainerDetail,
    ) -> Result<(), ApplyError> {
        let id = &before.container.id;
        container.engine.start_container(id).await?;
        let now = container.engine.inspect_container(id).await?;
        // In the same run the stop has not come true, and may do so yet: the note is still needed then.
        if now.is_up() && now.started_at != before.started_at {
            self.blocking(|place| place.clear_note()).await?;
        }
        Ok(())
    }

    /// Puts the configuration before back, and starts with that.
    pub(super) async fn roll_back(
        &self,
        container: &BackrestContainer<'_>,
        id: &str,
        before: Option<Content>,
        source: NotUp,
    ) -> ApplyError {
        let restored = self.restore(container, id, before).await;
        let is_restored = restored.is_ok();
        if let Err(error) = restored {
            tracing::error!(error = &error as &dyn std::error::Error, "Backrest does not run");
        }
        ApplyError::NotUp { is_restored, source }
    }

    async fn restore(
        &self,
        container: &BackrestContainer<'_>,
        id: &str,
        before: Option<Content>,
    ) -> Result<(), ApplyError> {
        // The engine may be starting it again and again.
        container.engine.stop_container(id, None).await?;
        let restored = match before {
            Some(before) => self.blocking(move |place| place.put_back(&before)).await,
            None => Ok(()),
        };
        let started = container.start(id).await;
        restored?;
        started.map_err(|source| ApplyError::NotUp { is_restored: false, source })?;
        self.blocking(|place| place.clear_note()).await
    }

    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Place) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, ApplyError> {
        let place = self.place.clone();
        blocking(move || work(&place)).await
    }
}

pub(super) async fn find(path: &Path) -> Result<Place, ApplyError> {
    let path = path.to_owned();
    blocking(move || Place::find(&path)).await
}

/// Runs what waits for the disk where it holds up nothing else.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, ApplyError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(ApplyError::from),
        Err(gone) => Err(FileError::Interrupted(gone.into()).into()),
    }
}
