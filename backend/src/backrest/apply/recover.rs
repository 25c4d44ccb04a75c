//! After a run of ours that was killed: a Backrest that it stopped runs again.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::ApplyError;
use super::by_file::{After, FileApply, Work, blocking, find};
use super::container::BackrestContainer;
use super::file::{Content, FileError, read};
use super::note::{StopNote, hash};
use crate::docker::EngineError;
use crate::domain::clock::Clock;

/// How long after its timeout a stop that was asked for may still come true.
const STOP_MAY_LAND: TimeDelta = TimeDelta::seconds(30);

/// A Backrest's container that a run of ours stopped, as that run wrote it down before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedByUs {
    /// The container's id.
    pub id: String,
    /// Its name; empty when it is not known.
    pub name: String,
    /// Its Compose project.
    pub project: Option<String>,
    /// Its service there.
    pub service: Option<String>,
    /// When the stop was asked for.
    pub asked_at: DateTime<Utc>,
}

/// What is noted beside a configuration; `None` when nothing is, or there is no such directory.
///
/// # Errors
/// When the note cannot be read.
pub async fn find_stopped(path: &Path) -> Result<Option<StoppedByUs>, ApplyError> {
    let note = match find(path).await {
        Ok(place) => blocking(move || place.find_note()).await?,
        Err(ApplyError::File(FileError::NoPlace(_))) => None,
        Err(error) => return Err(error),
    };
    let seen = |note: StopNote| StoppedByUs {
        id: note.container,
        name: note.name,
        project: note.project,
        service: note.service,
        asked_at: note.asked_at,
    };
    Ok(note.map(seen))
}

/// Starts a Backrest that a former run of ours stopped and could not start again, and says whether it did. To be asked
/// before every round.
///
/// # Errors
/// When it cannot be started; the note stays then.
pub async fn recover(path: &Path, container: BackrestContainer<'_>, clock: &dyn Clock) -> Result<bool, ApplyError> {
    if find_stopped(path).await?.is_none() {
        return Ok(false);
    }
    let place = find(path).await?;
    let apply = FileApply {
        path,
        format: None,
        if_missing: None,
        after: After::Container(container),
        patience: Duration::ZERO,
        clock,
    };
    let work = Work::begin(apply, place).await?;
    // Another process may have been about it while we waited for the lock.
    let Some(note) = work.blocking(|place| place.find_note()).await? else { return Ok(false) };
    work.undo_stop(&container, &note, clock.now()).await
}

impl Work<'_> {
    /// Does what a run that was killed could not do any more. Says whether Backrest was started.
    async fn undo_stop(
        &self,
        container: &BackrestContainer<'_>,
        note: &StopNote,
        now: DateTime<Utc>,
    ) -> Result<bool, ApplyError> {
        let detail = match container.engine.inspect_container(&note.container).await {
            Ok(detail) => detail,
            // It was made anew; who did that runs it.
            Err(EngineError::NotFound { .. }) => {
                self.blocking(|place| place.clear_note()).await?;
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        if detail.is_up() {
            let waits = TimeDelta::seconds(i64::try_from(note.stop_timeout_secs).unwrap_or(i64::from(u32::MAX)));
            let is_same_run = detail.started_at == note.started_at;
            if !is_same_run || now > note.asked_at + waits + STOP_MAY_LAND {
                self.blocking(|place| place.clear_note()).await?;
            }
            return Ok(false);
        }
        match container.start(&note.container).await {
            Ok(()) => self.blocking(|place| place.clear_note()).await?,
            Err(source) => {
                let before = self.find_before(note).await?;
                let Some(before) = before else { return Err(ApplyError::NotUp { is_restored: false, source }) };
                return Err(self.roll_back(container, &note.container, Some(before), source).await);
            }
        }
        Ok(true)
    }

    /// The configuration before, where the new one is in its place.
    async fn find_before(&self, note: &StopNote) -> Result<Option<Content>, ApplyError> {
        let (now, copy) = self.blocking(|place| Ok((place.read()?, read(&place.copy())?))).await?;
        let is_new = now.is_some_and(|now| hash(&now.bytes) == note.after);
        Ok(copy.filter(|copy| is_new && hash(&copy.bytes) == note.before))
    }
}
