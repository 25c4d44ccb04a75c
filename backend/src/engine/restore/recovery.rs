//! What a later process does about restores that were broken off, and what is left to do after every restore.
//!
//! Before a container of such a restore is started, it is decided which data it finds: what was wholly exchanged stays,
//! everything else is taken back. So the replay of the stop journal asks here first. What cannot be decided now, because
//! a disk is away, keeps the containers of that one job at rest and is tried again: half of the old data and half of the
//! new would be worse. What is left over is removed afterwards, while everything runs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::domain::ids::JobId;
use crate::domain::log::Level;
use crate::domain::names::StackName;
use crate::domain::restore::{
    Destination, RestoreOrder, RestorePhase, RestoreRecord, RestoreWish, SCRATCH_PREFIX, Side,
};
use crate::engine::live::insist;
use crate::engine::{JobEngine, chain};
use crate::store::StoreError;

use super::exchange::ExchangeError;
use super::swaps::settle;

/// How long one look at the disks may take before the others go on without it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the store may take while containers are at rest.
pub(super) const STORE_PATIENCE: Duration = Duration::from_secs(10);

/// Restores of which it is not decided yet which data is in place.
#[derive(Default)]
pub(in crate::engine) struct Undecided(tokio::sync::Mutex<State>);

#[derive(Default)]
struct State {
    is_loaded: bool,
    open: BTreeMap<JobId, Open>,
    /// What became of those that a former process left, for their jobs.
    sentences: HashMap<JobId, String>,
}

struct Open {
    record: RestoreRecord,
    /// A look that has not come back.
    attempt: Option<JoinHandle<Result<Side, ExchangeError>>>,
    told: Option<String>,
}

impl JobEngine {
    /// Decides what was left undecided, as far as that can be done now. Returns the jobs whose containers must not be
    /// started yet.
    pub(in crate::engine) async fn settle_restores(&self) -> Result<BTreeSet<JobId>, StoreError> {
        let mut state = self.0.undecided.0.lock().await;
        if !state.is_loaded {
            self.load_open(&mut state).await?;
            state.is_loaded = true;
        }
        for (id, mut open) in std::mem::take(&mut state.open) {
            match self.try_to_settle(&mut open).await {
                Some(side) => {
                    let sentence = self.decided(open.record, side).await;
                    state.sentences.insert(id, sentence);
                }
                None => drop(state.open.insert(id, open)),
            }
        }
        Ok(state.open.keys().cloned().collect())
    }

    /// What became of the restores that a former process left, by job.
    pub(in crate::engine) async fn told_of_restores(&self) -> HashMap<JobId, String> {
        let mut state = self.0.undecided.0.lock().await;
        let mut told = std::mem::take(&mut state.sentences);
        for (id, open) in &state.open {
            let why = open.told.as_deref().unwrap_or("the disk does not answer");
            told.insert(id.clone(), format!("it is not decided yet which data is in place: {why}; it is tried again"));
        }
        told
    }

    /// What a former process's job says of the data that it left, when nothing was left to decide.
    pub(in crate::engine) async fn sentence_of_restore(&self, job: &JobId) -> Option<String> {
        let found = self.0.parts.store.find_restore(job).await.ok()??;
        Some(describe(&found))
    }

    /// Whether a restore left containers of `stack` at rest of which it is not decided which data they find.
    pub(in crate::engine) async fn is_undecided(&self, stack: &StackName) -> Result<bool, StoreError> {
        let undecided = self.settle_restores().await?;
        if undecided.is_empty() {
            return Ok(false);
        }
        let rows = self.0.parts.store.list_journal().await?;
        Ok(rows.iter().any(|row| row.held.stack == *stack && undecided.contains(&row.job_id)))
    }

    /// Leaves a restore of this process to be decided later.
    pub(super) async fn leave_undecided(&self, record: RestoreRecord) {
        let open = Open { record, attempt: None, told: None };
        self.0.undecided.0.lock().await.open.insert(open.record.job_id.clone(), open);
    }

    async fn load_open(&self, state: &mut State) -> Result<(), StoreError> {
        for record in self.0.parts.store.list_open_restores().await? {
            let id = record.job_id.clone();
            if self.find_live(&id).is_some() {
                continue;
            }
            match record.phase {
                RestorePhase::Exchanging => {
                    state.open.insert(id, Open { record, attempt: None, told: None });
                }
                RestorePhase::Unpacking => {
                    // Nothing was touched by then.
                    let sentence = self.decided(record, Side::Old).await;
                    state.sentences.insert(id, sentence);
                }
                RestorePhase::Tidying | RestorePhase::Ended => {
                    state.sentences.insert(id, describe(&record));
                    self.tidy_later(record);
                }
            }
        }
        Ok(())
    }

    /// Which data is in place now; nothing when that cannot be decided.
    async fn try_to_settle(&self, open: &mut Open) -> Option<Side> {
        let swaps = open.record.swaps.clone();
        let attempt =
            open.attempt.take().unwrap_or_else(|| self.0.parts.runtime.spawn_blocking(move || settle(&swaps)));
        let mut attempt = attempt;
        let why = match tokio::time::timeout(PATIENCE, &mut attempt).await {
            Ok(Ok(Ok(side))) => return Some(side),
            Ok(Ok(Err(error))) => chain(&error),
            Ok(Err(_)) => "a defect in Mainstay ended the look at the disk; see the system log".to_owned(),
            Err(_) => {
                open.attempt = Some(attempt);
                "the disk does not answer".to_owned()
            }
        };
        if open.told.as_ref() != Some(&why) {
            let id = &open.record.job_id;
            let message = format!(
                "it cannot be decided yet which data the restore {id} left in place, so its containers stay at rest: {why}; \
                 it is tried again"
            );
            self.say(Level::Error, None, message);
            open.told = Some(why);
        }
        None
    }

    /// Records which data is in place, and has the rest removed while everything goes on. Returns what to tell of it.
    async fn decided(&self, mut record: RestoreRecord, side: Side) -> String {
        self.note_outcome(&mut record, side).await;
        let sentence = describe(&record);
        self.say(Level::Warning, None, format!("the restore {} was broken off; {sentence}", record.job_id));
        self.tidy_later(record);
        sentence
    }

    /// Records which data is in place. That it cannot be recorded harms nothing: the disk itself tells the next process.
    pub(super) async fn note_outcome(&self, record: &mut RestoreRecord, side: Side) {
        (record.phase, record.outcome) = (RestorePhase::Tidying, Some(side));
        let write = async {
            self.0.parts.store.save_restore(record).await?;
            match &record.order {
                RestoreOrder::Undo(before) if side == Side::New => self.note_undone(before).await,
                _ => Ok(()),
            }
        };
        let problem = match tokio::time::timeout(STORE_PATIENCE, write).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => chain(&error),
            Err(_) => "the store does not answer".to_owned(),
        };
        let message = format!("what the restore {} did could not be recorded: {problem}", record.job_id);
        self.say(Level::Warning, None, message);
    }

    /// What the restore `id` had kept is in place again.
    async fn note_undone(&self, id: &JobId) -> Result<(), StoreError> {
        let store = &self.0.parts.store;
        let Some(mut before) = store.find_restore(id).await? else { return Ok(()) };
        (before.outcome, before.phase) = (Some(Side::Old), RestorePhase::Ended);
        store.save_restore(&before).await
    }

    fn tidy_later(&self, record: RestoreRecord) {
        let engine = self.clone();
        self.0.tracker.spawn_on(async move { engine.tidy_restore(record).await }, &self.0.parts.runtime);
    }

    /// Removes what is not kept, and closes the record.
    pub(super) async fn tidy_restore(&self, mut record: RestoreRecord) {
        let (directories, made) = (to_remove(&record), record.made.directories.clone());
        let is_kept = record.outcome == Some(Side::New);
        let removed = tokio::task::spawn_blocking(move || -> io::Result<()> {
            directories.iter().try_for_each(|path| remove(path))?;
            // What somebody has put into one meanwhile stays.
            made.iter().filter(|_| !is_kept).for_each(|path| drop(std::fs::remove_dir(path)));
            Ok(())
        });
        let removed = removed.await;
        let mut problem = removed.unwrap_or_else(|e| Err(io::Error::other(e))).err().map(|error| error.to_string());
        if record.outcome != Some(Side::New) {
            for volume in &record.made.volumes {
                let removed = self.0.parts.docker.remove_volume(volume).await;
                problem = problem.or_else(|| removed.err().map(|error| chain(&error)));
            }
        }
        if let Some(problem) = problem {
            let id = &record.job_id;
            let message = format!("what the restore {id} left over stays until the next start: {problem}");
            return self.say(Level::Warning, None, message);
        }
        record.phase = RestorePhase::Ended;
        if let Err(error) = insist(|| self.0.parts.store.save_restore(&record)).await {
            let message = format!("the end of the restore {} could not be recorded: {}", record.job_id, chain(&error));
            self.say(Level::Warning, None, message);
        }
    }
}

/// Which data is in place, and where the other one is kept.
pub(super) fn describe(record: &RestoreRecord) -> String {
    let Some(side) = record.outcome else { return "it is not decided which data is in place".to_owned() };
    if let RestoreOrder::Restore(RestoreWish {
        destination: Destination::Directory(_) | Destination::NewStack(_),
        ..
    }) = &record.order
    {
        return match side {
            Side::Old => "nothing of it was left behind".to_owned(),
            Side::New => "everything was put there".to_owned(),
        };
    }
    if let (RestoreOrder::Undo(before), Side::Old) = (&record.order, side) {
        return format!("what the restore {before} brought is still in place");
    }
    let kept: BTreeSet<&Path> = record.safety_copies().map(|exchange| exchange.scratch.as_path()).collect();
    if kept.is_empty() {
        return side.sentence().to_owned();
    }
    let places: Vec<String> = kept.iter().map(|path| path.display().to_string()).collect();
    format!("{}; what was there before is kept in {}", side.sentence(), places.join(", "))
}

/// The directories of a restore that hold nothing to be kept.
fn to_remove(record: &RestoreRecord) -> Vec<PathBuf> {
    let kept: BTreeSet<&Path> = record.safety_copies().map(|exchange| exchange.scratch.as_path()).collect();
    record.made.scratch.iter().filter(|path| !kept.contains(path.as_path())).cloned().collect()
}

/// Removes a directory that a restore made. Blocks on the file system.
pub(super) fn remove(directory: &Path) -> io::Result<()> {
    let name = directory.file_name().unwrap_or_default().as_encoded_bytes();
    if !name.starts_with(SCRATCH_PREFIX.as_bytes()) {
        return Err(io::Error::other(format!("{} is no directory of a restore", directory.display())));
    }
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::job::TargetKind;
    use crate::domain::restore::{Exchange, TargetName};

    fn record(outcome: Side, keeps_old: bool) -> RestoreRecord {
        let exchange = |scratch: &str, old| Exchange {
            target: TargetName { kind: TargetKind::Volume, name: "v".into() },
            root: "/v/_data".into(),
            at: PathBuf::new(),
            scratch: scratch.into(),
            aside: "1".into(),
            new: Some(7),
            old,
        };
        let id = JobId::new(DateTime::UNIX_EPOCH);
        let mut record = RestoreRecord::new(id.clone(), RestoreOrder::Undo(id), DateTime::UNIX_EPOCH);
        record.swaps.exchanges =
            vec![exchange("/v/.mainstay-restore-a", Some(8)), exchange("/v/.mainstay-restore-b", None)];
        record.made.scratch = vec!["/v/.mainstay-restore-a".into(), "/v/.mainstay-restore-b".into()];
        (record.outcome, record.keeps_old, record.phase) = (Some(outcome), keeps_old, RestorePhase::Tidying);
        record
    }

    #[test]
    fn only_what_holds_old_data_is_kept_and_only_when_it_was_replaced() {
        let removed = |outcome, keeps_old| to_remove(&record(outcome, keeps_old)).len();
        assert_eq!(removed(Side::New, true), 1);
        assert_eq!((removed(Side::New, false), removed(Side::Old, true)), (2, 2));
    }

    #[test]
    fn nothing_else_is_ever_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let (ours, other) = (directory.path().join(".mainstay-restore-x"), directory.path().join("data"));
        [&ours, &other].iter().for_each(|path| std::fs::create_dir(path).expect("made"));
        assert!(remove(&other).is_err() && other.exists());
        remove(&ours).expect("removed");
        remove(&ours).expect("removed already");
        assert!(!ours.exists());
    }
}
