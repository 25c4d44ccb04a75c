//! Locks of the repository: whose they are, how long they are waited for, and which may be removed.
//!
//! `restic unlock` removes by host name and process number, or by age, and so may take away the lock of a restic that
//! lives in another container. We remove only what `own_runs` proves to be ours and dead; with `restic unlock` only
//! where it would remove nothing else.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use tokio::time::Instant;

use super::failure::Trouble;
use super::own_runs::{host_name, records};
use super::process::{Call, Ended, Heed, Line, Running};
use super::program::{Restic, SHORT};
use super::{BackendError, Work};
use crate::domain::log::Level;

/// How often a lock is tried again.
const TRY_EVERY: Duration = Duration::from_secs(3);
/// `restic unlock` takes a lock for dead that was not refreshed for 30 minutes; clocks differ.
const NEARLY_STALE: TimeDelta = TimeDelta::minutes(20);

/// A lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lock {
    pub(super) id: String,
    pub(super) body: Body,
}

/// What stands in a lock.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Body {
    /// When it was made or refreshed.
    pub(super) time: DateTime<Utc>,
    #[serde(default)]
    pub(super) exclusive: bool,
    #[serde(default)]
    pub(super) hostname: String,
    #[serde(default)]
    pub(super) username: String,
    #[serde(default)]
    pub(super) pid: i32,
}

impl Body {
    /// Names the lock's owner.
    pub(super) fn owner(&self) -> String {
        let Self { hostname, username, pid, time, .. } = self;
        format!("host {hostname}, user {username}, process {pid}, since {}", time.format("%Y-%m-%d %H:%M:%S UTC"))
    }

    /// Whether `restic unlock` would leave it alone.
    fn survives_unlock(&self, now: DateTime<Utc>) -> bool {
        self.hostname != host_name() && now - self.time < NEARLY_STALE
    }
}

impl Restic {
    /// The locks of the repository, which is opened for that; absent when it is certain that there is no repository.
    pub(super) async fn find_locks(&self, work: &Work) -> Result<Option<Vec<Lock>>, BackendError> {
        let version = self.version(work).await?;
        let call = Call::new(["list", "locks", "--no-lock"]).within(SHORT);
        let (ended, ids) = self.collect(work, call).await?;
        match ended.trouble(version) {
            _ if ended.is_success() => {}
            Trouble::NoRepository => return Ok(None),
            _ => return Err(self.error("opening the repository", &ended, version)),
        }
        let mut locks = Vec::new();
        for id in ids.into_iter().map(|id| id.trim().to_owned()).filter(|id| is_id(id)) {
            let call = Call::new(["cat", "lock", "--no-lock"]).with(id.as_str()).within(SHORT);
            let (_, lines) = self.collect(work, call).await?;
            // It may be gone by now.
            if let Ok(body) = serde_json::from_str(&lines.join("\n")) {
                locks.push(Lock { id, body });
            }
        }
        Ok(Some(locks))
    }

    async fn list_locks(&self, work: &Work) -> Result<Vec<Lock>, BackendError> {
        let locks = self.find_locks(work).await?;
        locks.ok_or_else(|| self.absent())
    }

    /// Removes the locks that are provably ours and dead, and returns the others. Needs the turn at the repository: what
    /// this process itself has at work is no leftover.
    pub(super) async fn clear_dead_locks(&self, work: &Work) -> Result<(usize, Vec<Lock>), BackendError> {
        let locks = self.list_locks(work).await?;
        self.clear_dead_of(work, locks).await
    }

    /// The same of locks that are known already.
    pub(super) async fn clear_dead_of(
        &self,
        work: &Work,
        locks: Vec<Lock>,
    ) -> Result<(usize, Vec<Lock>), BackendError> {
        let (dead, left): (Vec<_>, Vec<_>) = locks.into_iter().partition(|lock| self.is_dead(&lock.body));
        if dead.is_empty() {
            return Ok((0, left));
        }
        let removed = match self.local_repository() {
            Some(repository) => dead.iter().filter(|lock| remove_file(&repository, &lock.id)).count(),
            None => self.unlock(work, &dead, &left).await?,
        };
        for lock in dead.iter().take(removed) {
            let owner = lock.body.owner();
            work.report.log(Level::Info, None, format!("removed a lock that an earlier run of ours left ({owner})"));
        }
        Ok((removed, left))
    }

    fn is_dead(&self, lock: &Body) -> bool {
        records(self).iter().any(|(_, record)| record.made(&lock.hostname, lock.pid) && record.is_dead())
    }

    /// Has restic remove the dead ones where it removes no other.
    async fn unlock(&self, work: &Work, dead: &[Lock], left: &[Lock]) -> Result<usize, BackendError> {
        let now = self.clock.now();
        if !left.iter().all(|lock| lock.body.survives_unlock(now)) {
            return Ok(0);
        }
        self.collect(work, Call::new(["unlock"]).within(SHORT)).await?;
        let remaining = self.list_locks(work).await?;
        let still = remaining.iter().filter(|lock| dead.iter().any(|dead| dead.id == lock.id)).count();
        // In a new container the number of the dead process may be taken: restic believes that it lives.
        if still > 0 && still == remaining.len() {
            self.collect(work, Call::new(["unlock", "--remove-all"]).within(SHORT)).await?;
            return Ok(dead.len());
        }
        Ok(dead.len() - still)
    }

    /// Runs what needs a lock: dead ones of ours are removed, others are waited for, up to `patience`.
    pub(super) async fn run_locked(
        &self,
        work: &Work,
        call: &Call,
        patience: Duration,
        on_line: &mut (dyn for<'l> FnMut(Line<'l>) -> Heed + Send),
    ) -> Result<Ended, BackendError> {
        self.run_begun(work, None, call, patience, on_line).await
    }

    /// The same where the first try is at work already.
    pub(super) async fn run_begun(
        &self,
        work: &Work,
        mut begun: Option<Running>,
        call: &Call,
        patience: Duration,
        on_line: &mut (dyn for<'l> FnMut(Line<'l>) -> Heed + Send),
    ) -> Result<Ended, BackendError> {
        let version = self.version(work).await?;
        let began = Instant::now();
        let mut has_told = false;
        loop {
            let ended = match begun.take() {
                Some(running) => running.watch(work, on_line).await?,
                None => self.run(work, call.clone(), on_line).await?,
            };
            if ended.is_success() || ended.trouble(version) != Trouble::Locked {
                return Ok(ended);
            }
            let (removed, left) = self.clear_dead_locks(work).await?;
            if removed > 0 && left.is_empty() {
                continue;
            }
            if began.elapsed() >= patience {
                return Err(self.locked(&left, &ended));
            }
            if !std::mem::replace(&mut has_told, true) {
                let owners = owners_of(&left);
                work.report.log(Level::Info, None, format!("waiting for a lock of the repository: {owners}"));
            }
            tokio::select! {
                () = tokio::time::sleep(TRY_EVERY) => {}
                () = work.cancel.cancelled() => return Err(BackendError::Cancelled),
            }
        }
    }

    /// The sentence for a repository that somebody else holds.
    pub(super) fn locked(&self, locks: &[Lock], ended: &Ended) -> BackendError {
        let at = &self.settings.repository;
        let by = if locks.is_empty() { self.redactor.clean(&ended.last_words()) } else { owners_of(locks) };
        BackendError::NotReady(format!(
            "the repository at {at} is locked by {by}; when that process is dead, run `restic unlock` on that host"
        ))
    }
}

fn owners_of(locks: &[Lock]) -> String {
    locks.iter().map(|lock| lock.body.owner()).collect::<Vec<_>>().join("; ")
}

/// Whether it is an id as restic writes it, and so also the name of a file.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn remove_file(repository: &std::path::Path, id: &str) -> bool {
    is_id(id) && std::fs::remove_file(repository.join("locks").join(id)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_read_and_says_whose_it_is() {
        let text = r#"{"time":"2026-11-27T13:48:25.245816244Z","exclusive":false,"hostname":"vm","username":"root","pid":13462}"#;
        let body: Body = serde_json::from_str(text).expect("a lock");
        assert_eq!(body.owner(), "host vm, user root, process 13462, since 2026-11-27 13:48:25 UTC");
        let foreign = Body { hostname: "certainly-elsewhere".to_owned(), ..body.clone() };
        assert!(foreign.survives_unlock(body.time + TimeDelta::minutes(5)));
        assert!(!foreign.survives_unlock(body.time + TimeDelta::minutes(31)), "restic takes it for dead");
        let neighbour = Body { hostname: host_name(), ..body.clone() };
        assert!(!neighbour.survives_unlock(body.time), "a container with our host name");
    }

    #[test]
    fn only_ids_name_files() {
        assert!(is_id(&"0a".repeat(32)));
        for text in ["", "../../etc/passwd", &"0A".repeat(32), &"0".repeat(63)] {
            assert!(!is_id(text), "{text}");
        }
    }
}
