//! Brings back what the stop journal still holds.
//!
//! A row is left behind by a killed process, and by a job that could not bring a container back in time. Rows of a
//! stack that a job holds at rest are that job's own business; the lock of the stack is taken for each row anew, and by
//! a job before it takes the stack to rest, so that nothing is started under a capture. Stacks are worked on beside each
//! other. Rows that do not come back are tried again with growing pauses, and only a new reason is told.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::discovery::Change;
use crate::domain::ids::JobId;
use crate::domain::log::Level;
use crate::domain::names::StackName;
use crate::store::{JournalRow, StoreError};

use super::quiesce::{NotBack, Standing};
use super::{JobEngine, chain};

mod by_hand;
mod watch;

pub use by_hand::{AtRest, RestState};

pub(super) use watch::Watch;
use watch::{LOOK_EVERY, Left, Rows, SOON, Watched};

impl JobEngine {
    /// Tries to bring back every container of the journal whose stack no job holds at rest; returns how many are left.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn replay_journal(&self) -> Result<usize, StoreError> {
        Ok(self.replay(None, false).await?.count())
    }

    /// Tries the journal again from time to time, and whenever the Docker Engine comes back. Ends with `cancel`.
    pub async fn watch_journal(&self, cancel: CancellationToken) {
        let mut changes = self.0.parts.discovery.subscribe();
        // Dropped with this: a start that is under way goes on in the engine, and its row stays.
        let mut at_work = JoinSet::new();
        // What recovery left open is due at once.
        let mut pause = SOON;
        loop {
            let is_engine_back = tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(pause) => false,
                change = changes.recv() => matches!(change, Ok(Change::Engine { reachable: true, .. })),
            };
            while at_work.try_join_next().is_some() {}
            tokio::select! {
                () = cancel.cancelled() => return,
                () = self.set_replays_going(!is_engine_back, &mut at_work) => {}
            }
            pause = self.0.replay.until_due().unwrap_or(LOOK_EVERY).clamp(SOON / 2, LOOK_EVERY);
        }
    }

    /// Begins to replay every stack that is not being replayed; waits for none.
    async fn set_replays_going(&self, only_due: bool, at_work: &mut JoinSet<()>) {
        let rows = match self.rows_left(None).await {
            Ok(rows) => rows,
            Err(error) => {
                let trouble = format!("the stop journal cannot be read: {}", chain(&error));
                if self.0.replay.note_trouble(Some(&trouble)) {
                    self.say(Level::Error, None, trouble);
                }
                return;
            }
        };
        if rows.is_empty() || !self.is_engine_there(&rows, &mut Left::default()).await {
            return;
        }
        for (stack, rows) in by_stack(rows) {
            if self.0.replay.of(&stack).try_lock().is_ok() {
                let engine = self.clone();
                at_work.spawn(async move {
                    engine.replay_stack(&stack, rows, only_due).await;
                });
            }
        }
    }

    /// Replays the rows of `stack`, or all; with `only_due` those whose pause is over. What was started is looked at
    /// again after a moment.
    pub(super) async fn replay(&self, stack: Option<&StackName>, only_due: bool) -> Result<Left, StoreError> {
        let left = self.replay_once(stack, only_due).await?;
        if left.open.is_empty() || only_due {
            return Ok(left);
        }
        tokio::time::sleep(SOON / 2).await;
        self.replay_once(stack, true).await
    }

    /// Waits until what `jobs` brought to rest is back; does not wait for what cannot be brought back now. Returns
    /// whether nothing of it is left.
    pub(super) async fn settle_journal(&self, jobs: &[JobId]) -> bool {
        loop {
            let rows = self.rows_left(None).await.unwrap_or_default();
            let stacks: BTreeSet<StackName> =
                rows.into_iter().filter(|row| jobs.contains(&row.job_id)).map(|row| row.held.stack).collect();
            if stacks.is_empty() {
                return true;
            }
            let replays = join_all(stacks.iter().map(|stack| self.replay(Some(stack), false))).await;
            if replays.iter().all(|left| left.as_ref().map_or(true, |left| left.open.is_empty())) {
                return replays.iter().all(|left| left.as_ref().is_ok_and(|left| left.failed.is_empty()));
            }
            tokio::time::sleep(SOON / 4).await;
        }
    }

    async fn replay_once(&self, stack: Option<&StackName>, only_due: bool) -> Result<Left, StoreError> {
        let rows = self.rows_left(stack).await?;
        let mut left = Left::default();
        if rows.is_empty() || !self.is_engine_there(&rows, &mut left).await {
            return Ok(left);
        }
        let stacks = by_stack(rows);
        let all =
            stacks.into_iter().map(|(stack, rows)| async move { self.replay_stack(&stack, rows, only_due).await });
        Ok(join_all(all).await.into_iter().fold(left, Left::merge))
    }

    /// The rows of `stack`, or all, that no job holds at rest.
    async fn rows_left(&self, stack: Option<&StackName>) -> Result<Vec<JournalRow>, StoreError> {
        let mut rows = self.0.parts.store.list_journal().await?;
        self.0.replay.keep_only(&rows);
        // Which data a container finds is decided before it is started.
        let undecided = self.settle_restores().await?;
        rows.retain(|row| !undecided.contains(&row.job_id));
        rows.retain(|row| stack.is_none_or(|stack| row.held.stack == *stack) && !self.is_at_rest(&row.held.stack));
        Ok(rows)
    }

    async fn replay_stack(&self, stack: &StackName, rows: Vec<JournalRow>, only_due: bool) -> Left {
        let mut left = Left::default();
        let watch = self.0.replay.of(stack);
        for row in rows {
            // Each row for itself: a job may have taken the stack meanwhile.
            let mut known = watch.lock().await;
            if self.is_at_rest(stack) {
                break;
            }
            self.replay_row(&row, &mut known, only_due, &mut left).await;
        }
        left
    }

    async fn replay_row(&self, row: &JournalRow, known: &mut Rows, only_due: bool, left: &mut Left) {
        let watched = known.entry(row.row).or_insert_with(|| self.begin_to_watch(row));
        let is_due = !only_due || watched.next_look <= tokio::time::Instant::now();
        if is_due && self.try_row(row, watched).await {
            known.remove(&row.row);
        } else {
            left.add(watched);
        }
    }

    fn begin_to_watch(&self, row: &JournalRow) -> Watched {
        let message =
            format!("container {} was at rest when job {} left it; it is brought back", row.held.name, row.job_id);
        self.say(Level::Warning, Some(row.held.stack.as_str()), message);
        Watched::new(row)
    }

    /// Does the next thing for a row; returns whether it is done with.
    async fn try_row(&self, row: &JournalRow, watched: &mut Watched) -> bool {
        let stack = Some(row.held.stack.as_str());
        let say = |level, _: &str, message: String| self.say(level, stack, message);
        watched.case.look(self.0.parts.docker.as_ref(), &say).await;
        let may_go = watched.conclude();
        let reason = watched.case.reason();
        if let Some(reason) = reason.clone().filter(|_| reason != watched.told) {
            let is_failed = matches!(watched.case.standing, Standing::Failed(..));
            let (level, end) = match (may_go, is_failed) {
                (true, _) => (Level::Error, "it is left alone now"),
                (false, true) => (Level::Error, "it is tried again"),
                (false, false) => (Level::Info, "it is looked at again"),
            };
            self.say(level, stack, format!("container {} is not back: {reason}; {end}", row.held.name));
        }
        watched.told = reason;
        if may_go && watched.case.standing == Standing::Gone {
            let message =
                format!("container {} was removed for good; it is taken out of the stop journal", row.held.name);
            self.say(Level::Warning, stack, message);
        }
        may_go && self.clear_row(row).await
    }

    /// A row that stays brings a container back that runs already, which is harmless.
    async fn clear_row(&self, row: &JournalRow) -> bool {
        match self.0.parts.store.clear_journal(&row.job_id, &[&row.held.id]).await {
            Ok(()) => true,
            Err(error) => {
                let message = format!("the stop journal was not cleared: {}", chain(&error));
                self.say(Level::Warning, Some(row.held.stack.as_str()), message);
                false
            }
        }
    }

    /// Whether the engine answers; why not is told once.
    async fn is_engine_there(&self, rows: &[JournalRow], left: &mut Left) -> bool {
        let trouble = self.0.parts.docker.info().await.err().map(|error| chain(&error));
        let is_news = self.0.replay.note_trouble(trouble.as_deref());
        let Some(reason) = trouble else { return true };
        let names: Vec<&str> = rows.iter().map(|row| row.held.name.as_str()).collect();
        if is_news {
            let message = format!("{} cannot be brought back yet: {reason}; it is tried again", names.join(", "));
            self.say(Level::Error, None, message);
        }
        left.failed.extend(names.iter().map(|&name| NotBack { name: name.to_owned(), reason: reason.clone() }));
        false
    }

    /// Whether a job holds the stack at rest now.
    fn is_at_rest(&self, stack: &StackName) -> bool {
        let live = self.live();
        let job = live.stacks.get(stack).and_then(|id| live.jobs.get(id));
        job.is_some_and(|job| job.is_holding())
    }
}

fn by_stack(rows: Vec<JournalRow>) -> BTreeMap<StackName, Vec<JournalRow>> {
    let mut stacks = BTreeMap::<_, Vec<_>>::new();
    for row in rows {
        stacks.entry(row.held.stack.clone()).or_default().push(row);
    }
    stacks
}
