//! What runs leave behind when they are killed: hot and unverified snapshots, locks, processes that go on alone and their records.

use std::fs;
use std::time::Duration;

use tokio::time::Instant;

use super::group::Group;
use super::locks::Lock;
use super::own_runs::records;
use super::process::{Call, Ended};
use super::program::Restic;
use super::snapshots::Snapshot;
use super::{BackendError, Work};
use crate::domain::log::Level;

/// How often it is looked whether a repository is free.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How long a killed process may take to be gone.
const DEATH: Duration = Duration::from_secs(5);

/// Removes what a kill left behind; returns what was removed.
pub(super) async fn sweep(restic: &Restic, work: &Work) -> Result<Vec<String>, BackendError> {
    let _turn = restic.take_turn(work).await?;
    let mut removed = Vec::new();
    for pid in end_orphans(restic).await {
        removed
            .push(format!("restic, process {pid}, that an earlier run of instance {} left at work", restic.instance));
    }
    let Some(locks) = restic.find_locks(work).await? else { return Ok(removed) };
    let (locks, _) = restic.clear_dead_of(work, locks).await?;
    if locks > 0 {
        removed.push(format!("{locks} locks that earlier runs left in the repository of instance {}", restic.instance));
    }
    let all = restic.all_snapshots(work).await?;
    let snapshots = restic.remove_leftovers(work, &all, |_| true).await?;
    if snapshots > 0 {
        removed.push(format!("{snapshots} unfinished snapshots of instance {}", restic.instance));
    }
    for (path, record) in records(restic) {
        if record.is_dead() {
            let _ = fs::remove_file(path);
        }
    }
    Ok(removed)
}

/// Ends what goes on without the process that began it: what it still stores counts for nothing, and it holds a lock. The
/// lock stays behind, and is dead then. Returns the processes.
async fn end_orphans(restic: &Restic) -> Vec<i32> {
    let mut ended = Vec::new();
    for (_, record) in records(restic).into_iter().filter(|(_, record)| record.is_orphaned()) {
        drop(Group::led_by(u32::try_from(record.pid).ok()));
        let deadline = Instant::now() + DEATH;
        while !record.is_dead() && Instant::now() < deadline {
            tokio::time::sleep(DEATH / 100).await;
        }
        ended.push(record.pid);
    }
    ended
}

impl Restic {
    /// Removes those snapshots of this instance that were only for a run. Needs the turn at the repository.
    pub(super) async fn remove_leftovers(
        &self,
        work: &Work,
        all: &[Snapshot],
        is_meant: impl Fn(&Snapshot) -> bool,
    ) -> Result<usize, BackendError> {
        let is_left = |snapshot: &&Snapshot| self.is_own(snapshot) && snapshot.is_leftover() && is_meant(snapshot);
        let ids: Vec<String> = all.iter().filter(is_left).map(|snapshot| snapshot.id.clone()).collect();
        if !ids.is_empty() {
            self.drop_snapshots(work, &ids).await?;
            let what = match ids.len() {
                1 => "1 snapshot that was only for a run was removed".to_owned(),
                count => format!("{count} snapshots that were only for a run were removed"),
            };
            work.report.log(Level::Debug, None, what);
        }
        Ok(ids.len())
    }

    /// Waits until nobody holds the repository for themselves, as a backup does that comes before the stop: then one that
    /// comes within it will not be refused.
    pub(super) async fn wait_until_free(&self, work: &Work) -> Result<(), BackendError> {
        let began = Instant::now();
        loop {
            let (_, mut locks) = self.clear_dead_locks(work).await?;
            locks.retain(|lock| lock.body.exclusive);
            let Some(first) = locks.first() else { return Ok(()) };
            if began.elapsed() >= self.lock_patience {
                return Err(self.locked(&locks, &Ended { code: None, said: Vec::new() }));
            }
            let owner = first.body.owner();
            work.report.log(Level::Info, None, format!("waiting for a lock of the repository: {owner}"));
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = work.cancel.cancelled() => return Err(BackendError::Cancelled),
            }
        }
    }

    /// The arguments of a command, followed by ids.
    pub(super) fn with_ids(words: &[&str], ids: &[String]) -> Call {
        Call::new(words.iter().map(|word| (*word).to_owned()).chain(ids.iter().cloned()))
    }
}

/// The locks that keep a backup from beginning, each as a sentence for whoever only looks.
pub(super) fn describe(locks: &[Lock]) -> Vec<String> {
    let exclusive = locks.iter().filter(|lock| lock.body.exclusive);
    exclusive.map(|lock| format!("the repository is locked by {}", lock.body.owner())).collect()
}
