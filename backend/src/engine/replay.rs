//! Brings back what the stop journal still holds.
//!
//! A row is left behind by a killed process, and by a job that could not bring a container back in time. Rows of a
//! stack that a job holds at rest are that job's own business; the lock is taken for each row anew, and by a job
//! before it takes a stack to rest, so that nothing is started under a capture. Rows that do not come back are tried
//! again with growing pauses, and only a new reason is told.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::domain::log::Level;
use crate::domain::names::StackName;
use crate::store::{JournalRow, StoreError};

use super::quiesce::{Case, NotBack, Standing, Trouble};
use super::{JobEngine, chain};

/// How often the journal is looked at when nothing is known to be left in it.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// How often a container is looked at that a stop may still end, or that was only just started.
const SOON: Duration = Duration::from_secs(2);
/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// How long a container stays away before it is taken for removed.
const GONE_FOR: Duration = Duration::from_mins(10);
/// Starts after which a container that always ends by itself is left alone.
const MOST_STARTS: u32 = 12;

/// What is remembered of the rows between two looks.
#[derive(Debug, Default)]
pub(super) struct Watch {
    rows: HashMap<i32, Watched>,
    /// Why the engine could not be asked the last time, so that it is told once.
    trouble: Option<String>,
}

#[derive(Debug)]
struct Watched {
    case: Case,
    next_look: Instant,
    tries: u32,
    gone_since: Option<Instant>,
    told: Option<String>,
}

impl Watched {
    fn new(row: &JournalRow) -> Self {
        Self { case: Case::new(row.held.clone()), next_look: Instant::now(), tries: 0, gone_since: None, told: None }
    }

    /// Plans the next look; returns whether the row may go.
    fn conclude(&mut self) -> bool {
        let now = Instant::now();
        let gone_since = (self.case.standing == Standing::Gone).then(|| self.gone_since.unwrap_or(now));
        self.gone_since = gone_since;
        let pause = match &self.case.standing {
            Standing::Failed(Trouble::Refused | Trouble::Ends, _) => {
                self.tries += 1;
                Duration::from_secs(1 << self.tries.min(10)).min(LONGEST_PAUSE)
            }
            Standing::Gone | Standing::Failed(Trouble::EngineAway, _) => LOOK_EVERY,
            _ => SOON,
        };
        self.next_look = now + pause;
        match &self.case.standing {
            Standing::Back => true,
            Standing::Gone => gone_since.is_some_and(|since| since.elapsed() >= GONE_FOR),
            Standing::Failed(Trouble::Ends, _) => self.case.starts >= MOST_STARTS,
            _ => false,
        }
    }
}

/// What is left in the journal after a replay.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Containers that a stop may still end, or that were only just started.
    pub(super) open: Vec<NotBack>,
    /// Containers that could not be brought back.
    pub(super) failed: Vec<NotBack>,
    /// How many containers are away, and may come back under another id.
    gone: usize,
    /// When the next look is due.
    next_look: Option<Instant>,
}

impl Left {
    pub(super) const fn count(&self) -> usize {
        self.open.len() + self.failed.len() + self.gone
    }

    fn add(&mut self, watched: &Watched) {
        self.next_look = Some(self.next_look.map_or(watched.next_look, |at| at.min(watched.next_look)));
        let name = watched.case.held.name.clone();
        match (watched.case.reason(), &watched.case.standing) {
            (None, _) => self.gone += 1,
            (Some(reason), Standing::Failed(..)) => self.failed.push(NotBack { name, reason }),
            (Some(reason), _) => self.open.push(NotBack { name, reason }),
        }
    }
}

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
        // What recovery left open is due at once.
        let mut pause = SOON;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(pause) => {},
                _ = changes.recv() => {},
            }
            pause = match self.replay(None, true).await {
                Ok(left) => {
                    left.next_look.map_or(LOOK_EVERY, |at| at.saturating_duration_since(Instant::now()).min(LOOK_EVERY))
                }
                Err(error) => {
                    self.say(Level::Error, None, format!("the stop journal cannot be read: {}", chain(&error)));
                    LOOK_EVERY
                }
            };
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

    async fn replay_once(&self, stack: Option<&StackName>, only_due: bool) -> Result<Left, StoreError> {
        let rows = self.0.parts.store.list_journal().await?;
        if stack.is_none() {
            self.0.replay.lock().await.rows.retain(|id, _| rows.iter().any(|row| row.row == *id));
        }
        let is_wanted = |row: &JournalRow| stack.is_none_or(|stack| row.held.stack == *stack);
        let rows: Vec<JournalRow> =
            rows.into_iter().filter(|row| is_wanted(row) && !self.is_at_rest(&row.held.stack)).collect();
        let mut left = Left::default();
        if rows.is_empty() || !self.is_engine_there(&rows, &mut left).await {
            return Ok(left);
        }
        for row in rows {
            // Each row for itself: a job may have taken its stack meanwhile.
            let mut watch = self.0.replay.lock().await;
            if self.is_at_rest(&row.held.stack) {
                continue;
            }
            let watched = watch.rows.entry(row.row).or_insert_with(|| self.begin_to_watch(&row));
            if only_due && Instant::now() < watched.next_look {
                left.add(watched);
                continue;
            }
            if self.try_row(&row, watched).await {
                watch.rows.remove(&row.row);
            } else {
                left.add(watched);
            }
        }
        Ok(left)
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
        let error = self.0.parts.docker.info().await.err();
        let trouble = error.map(|error| chain(&error));
        let mut watch = self.0.replay.lock().await;
        if let Some(reason) = &trouble {
            let names = rows.iter().map(|row| row.held.name.clone());
            left.failed.extend(names.map(|name| NotBack { name, reason: reason.clone() }));
            if watch.trouble != trouble {
                let names: Vec<&str> = rows.iter().map(|row| row.held.name.as_str()).collect();
                let message = format!("{} cannot be brought back yet: {reason}; it is tried again", names.join(", "));
                self.say(Level::Error, None, message);
            }
        }
        watch.trouble = trouble;
        watch.trouble.is_none()
    }

    /// Whether a job holds the stack at rest now.
    fn is_at_rest(&self, stack: &StackName) -> bool {
        let live = self.live();
        let job = live.stacks.get(stack).and_then(|id| live.jobs.get(id));
        job.is_some_and(|job| job.is_holding())
    }
}
