//! The index of an archive, made anew when it is missing or damaged.
//!
//! Making one reads the whole archive twice, so it is done once for all who wait, one archive at a time, whether or not
//! they wait until the end; and when it fails, that is remembered for a while.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};

use crate::backends::archive::{self, ArchiveIndex, IndexError, Meter, rebuild_index};
use crate::domain::ids::SnapshotId;
use crate::domain::log::Level;
use crate::domain::snapshot::Snapshot;

use super::super::{JobEngine, chain};
use super::{BrowseError, open_checked, path_of};

/// How long a request waits; who asks again later finds the index, or waits on.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long nobody tries again after a failure.
const FAILURE_KEPT: Duration = Duration::from_mins(10);

/// The indexes in the making, and what came of the last ones.
#[derive(Debug)]
pub(super) struct Makings {
    made: Mutex<HashMap<SnapshotId, watch::Receiver<Option<Made>>>>,
    turn: Arc<Semaphore>,
}

impl Default for Makings {
    fn default() -> Self {
        Self { made: Mutex::default(), turn: Arc::new(Semaphore::new(1)) }
    }
}

/// What came of one.
#[derive(Debug, Clone)]
struct Made {
    at: Instant,
    outcome: Result<(), Arc<IndexError>>,
}

impl Made {
    /// Whether it answers a request that began to look at `since`.
    fn is_answer(&self, since: Instant) -> bool {
        self.at >= since || (self.outcome.is_err() && self.at.elapsed() < FAILURE_KEPT)
    }
}

impl JobEngine {
    /// What `look` finds in the archive, with an index made anew if there is no usable one.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        snapshot: &Snapshot,
        look: impl Fn(ArchiveIndex) -> Result<T, BrowseError> + Send + Sync + 'static,
    ) -> Result<T, BrowseError> {
        let (since, look) = (Instant::now(), Arc::new(look));
        let once = async || {
            let (snapshot, look) = (snapshot.clone(), Arc::clone(&look));
            self.in_thread(move || {
                open_checked(&snapshot)?;
                look(ArchiveIndex::open(path_of(&snapshot)?)?)
            })
            .await
        };
        match once().await {
            Err(BrowseError::NoIndex(reason)) => {
                self.make_index(snapshot, &reason, since).await?;
                once().await
            }
            found => found,
        }
    }

    async fn make_index(&self, snapshot: &Snapshot, reason: &str, since: Instant) -> Result<(), BrowseError> {
        let mut making = self.join_making(snapshot, reason, since);
        let made = tokio::select! {
            made = tokio::time::timeout(PATIENCE, making.wait_for(Option::is_some)) => made,
            () = self.0.shutdown.cancelled() => return Err(BrowseError::ShuttingDown),
        };
        let made = made.map_err(|_| BrowseError::MakingIndex)?;
        let made = made.map_err(|_| io::Error::other("the index was given up"))?.clone();
        made.map_or(Ok(()), |made| made.outcome).map_err(|error| refuse(&error))
    }

    /// The making of an index that is under way or has just ended, or a new one.
    fn join_making(&self, snapshot: &Snapshot, reason: &str, since: Instant) -> watch::Receiver<Option<Made>> {
        let mut all = self.0.browse.indexes.made.lock().unwrap_or_else(PoisonError::into_inner);
        let is_answer = |making: &watch::Receiver<Option<Made>>| match &*making.borrow() {
            Some(made) => made.is_answer(since),
            None => making.has_changed().is_ok(),
        };
        if let Some(making) = all.get(&snapshot.id).filter(|making| is_answer(making)) {
            return making.clone();
        }
        all.retain(|_, making| is_answer(making));
        let making = self.start_making(snapshot.clone(), reason);
        all.insert(snapshot.id.clone(), making.clone());
        making
    }

    fn start_making(&self, snapshot: Snapshot, reason: &str) -> watch::Receiver<Option<Made>> {
        let name = &snapshot.reference;
        let message = format!("the index of {name} is made anew out of the archive: {reason}");
        self.system_log().write(Level::Warning, snapshot.subject().map(str::to_owned), message);
        let (sender, receiver) = watch::channel(None);
        let engine = self.clone();
        let work = async move {
            let _turn = engine.0.browse.indexes.turn.acquire().await;
            let outcome = engine.make_now(&snapshot).await;
            sender.send_replace(Some(Made { at: Instant::now(), outcome: outcome.map_err(Arc::new) }));
        };
        drop(self.0.tracker.spawn_on(work, &self.0.parts.runtime));
        receiver
    }

    async fn make_now(&self, snapshot: &Snapshot) -> Result<(), IndexError> {
        let (begun, meter) = (Instant::now(), Arc::new(Meter::new()));
        let (path, progress) = (PathBuf::from(&snapshot.reference), Arc::clone(&meter));
        let mut thread = self.0.parts.runtime.spawn_blocking(move || make(&path, &progress));
        let joined = tokio::select! {
            joined = &mut thread => joined,
            () = self.0.shutdown.cancelled() => {
                meter.cancel();
                thread.await
            }
        };
        let outcome = joined.unwrap_or_else(|error| Err(IndexError::Read(io::Error::other(error))));
        let (stack, name) = (snapshot.subject().map(str::to_owned), &snapshot.reference);
        match &outcome {
            Ok(()) => {
                let secs = begun.elapsed().as_secs_f64();
                self.system_log().write(Level::Success, stack, format!("the index of {name} was made in {secs:.1} s"));
            }
            Err(error) => {
                let message = format!("the index of {name} could not be made: {}", chain(error));
                self.system_log().write(Level::Error, stack, message);
            }
        }
        outcome
    }
}

fn make(archive: &Path, meter: &Meter) -> Result<(), IndexError> {
    rebuild_index(archive, meter)?;
    // Retention may have been here meanwhile; then nothing is left of the index either.
    match archive.try_exists() {
        Ok(false) => Ok(archive::remove_archive(archive)?),
        _ => Ok(()),
    }
}

/// The same failure for everybody who waits.
fn refuse(error: &IndexError) -> BrowseError {
    match error {
        IndexError::Unusable(reason) => BrowseError::NoIndex(reason.clone()),
        IndexError::Damaged(what) => BrowseError::Damaged(what.clone()),
        IndexError::Read(error) => BrowseError::Io(io::Error::new(error.kind(), error.to_string())),
    }
}
