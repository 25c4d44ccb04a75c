//! What is remembered of the rows of the stop journal between two looks.
//!
//! Each stack has a lock of its own: a container whose engine calls hang holds up its own stack, never another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::names::StackName;
use crate::engine::quiesce::{Case, NotBack, Standing, Trouble};
use crate::store::JournalRow;

/// How often the journal is looked at when nothing is known to be left in it.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(15);
/// How often a container is looked at that a stop may still end, or that was only just started.
pub(super) const SOON: Duration = Duration::from_secs(2);
/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// How long a container stays away before it is taken for removed.
const GONE_FOR: Duration = Duration::from_mins(10);
/// Starts after which a container that always ends by itself is left alone.
const MOST_STARTS: u32 = 12;

/// The rows of one stack, by their number.
pub(in crate::engine) type Rows = HashMap<i32, Watched>;

/// What is remembered of abandoned rows. The lock of a stack keeps its replays and the stops of its jobs apart.
#[derive(Debug, Default)]
pub(in crate::engine) struct Watch {
    stacks: Mutex<HashMap<StackName, Arc<tokio::sync::Mutex<Rows>>>>,
    /// Why the journal could not be worked on the last time, so that it is told once.
    trouble: Mutex<Option<String>>,
}

impl Watch {
    /// The lock of a stack.
    pub(in crate::engine) fn of(&self, stack: &StackName) -> Arc<tokio::sync::Mutex<Rows>> {
        let mut stacks = self.stacks.lock().unwrap_or_else(PoisonError::into_inner);
        stacks.entry(stack.clone()).or_default().clone()
    }

    /// Forgets rows that are in the journal no more. A stack at work is left for the next time.
    pub(super) fn keep_only(&self, rows: &[JournalRow]) {
        let mut stacks = self.stacks.lock().unwrap_or_else(PoisonError::into_inner);
        for known in stacks.values() {
            if let Ok(mut known) = known.try_lock() {
                known.retain(|id, _| rows.iter().any(|row| row.row == *id));
            }
        }
        // One that someone else has a hand on may be locked at any moment, so it stays.
        let is_needed = |known: &Arc<tokio::sync::Mutex<Rows>>| {
            Arc::strong_count(known) > 1 || known.try_lock().map_or(true, |rows| !rows.is_empty())
        };
        stacks.retain(|_, known| is_needed(known));
    }

    /// How long until a row is due, if any is known.
    pub(super) fn until_due(&self) -> Option<Duration> {
        let stacks = self.stacks.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let due = |known: &Arc<tokio::sync::Mutex<Rows>>| match known.try_lock() {
            Ok(rows) => rows.values().map(|row| row.next_look.saturating_duration_since(now)).min(),
            Err(_) => Some(SOON),
        };
        stacks.values().filter_map(due).min()
    }

    /// Notes what is in the way, or that nothing is; returns whether that is news.
    pub(super) fn note_trouble(&self, trouble: Option<&str>) -> bool {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = known.as_deref() != trouble;
        *known = trouble.map(str::to_owned);
        is_news
    }
}

/// A row that no job looks after.
#[derive(Debug)]
pub(in crate::engine) struct Watched {
    pub(super) case: Case,
    pub(super) next_look: Instant,
    tries: u32,
    gone_since: Option<Instant>,
    pub(super) told: Option<String>,
}

impl Watched {
    pub(super) fn new(row: &JournalRow) -> Self {
        Self { case: Case::new(row.held.clone()), next_look: Instant::now(), tries: 0, gone_since: None, told: None }
    }

    /// Plans the next look; returns whether the row may go.
    pub(super) fn conclude(&mut self) -> bool {
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
pub(in crate::engine) struct Left {
    /// Containers that a stop may still end, or that were only just started.
    pub(in crate::engine) open: Vec<NotBack>,
    /// Containers that could not be brought back.
    pub(in crate::engine) failed: Vec<NotBack>,
    /// How many containers are away, and may come back under another id.
    gone: usize,
}

impl Left {
    pub(super) const fn count(&self) -> usize {
        self.open.len() + self.failed.len() + self.gone
    }

    pub(super) fn add(&mut self, watched: &Watched) {
        let name = watched.case.held.name.clone();
        match (watched.case.reason(), &watched.case.standing) {
            (None, _) => self.gone += 1,
            (Some(reason), Standing::Failed(..)) => self.failed.push(NotBack { name, reason }),
            (Some(reason), _) => self.open.push(NotBack { name, reason }),
        }
    }

    pub(super) fn merge(mut self, other: Self) -> Self {
        self.open.extend(other.open);
        self.failed.extend(other.failed);
        self.gone += other.gone;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::{Clock as _, ManualClock};
    use crate::domain::ids::JobId;
    use crate::store::{HeldContainer, HoldAction};

    fn row(stack: &str, number: i32) -> JournalRow {
        let now = ManualClock::new(chrono::DateTime::UNIX_EPOCH).now();
        let held = HeldContainer {
            stack: stack.parse().expect("a name"),
            service: "db".into(),
            number: 1,
            id: format!("{stack}-{number}"),
            name: format!("{stack}-{number}"),
            action: HoldAction::Stop,
            started_at: None,
            stop_timeout_secs: 10,
        };
        JournalRow { row: number, job_id: JobId::new(now), held, written_at: now }
    }

    #[test]
    fn a_container_that_stays_away_is_given_up_after_a_while() {
        let mut watched = Watched::new(&row("blog", 1));
        watched.case.standing = Standing::Gone;
        assert!(!watched.conclude());
        assert!(watched.gone_since.is_some());
        let ago = |by: Duration| Instant::now().checked_sub(by);
        watched.gone_since = ago(GONE_FOR - Duration::from_secs(60));
        assert!(!watched.conclude());
        watched.gone_since = ago(GONE_FOR);
        assert!(watched.conclude());
        watched.case.standing = Standing::InDoubt;
        assert!(!watched.conclude());
        assert_eq!(watched.gone_since, None, "it came back under another id");
    }

    #[test]
    fn one_that_cannot_be_started_is_tried_for_ever_with_growing_pauses() {
        let mut watched = Watched::new(&row("blog", 1));
        watched.case.standing = Standing::Failed(Trouble::Refused, "no".into());
        let mut pauses = Vec::new();
        for _ in 0..10 {
            assert!(!watched.conclude());
            pauses.push((watched.next_look - Instant::now()).as_secs_f32().round());
        }
        assert_eq!(pauses, [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0, 300.0]);
    }

    #[tokio::test]
    async fn a_stack_at_work_is_neither_waited_for_nor_forgotten() {
        let watch = Watch::default();
        let (blog, wiki) = (row("blog", 1), row("wiki", 2));
        for row in [&blog, &wiki] {
            watch.of(&row.held.stack).lock().await.insert(row.row, Watched::new(row));
        }
        let at_work = watch.of(&blog.held.stack);
        let guard = at_work.lock().await;
        watch.keep_only(&[]);
        assert_eq!(watch.until_due(), Some(SOON), "the one at work");
        drop(guard);
        assert_eq!(at_work.lock().await.len(), 1);
        assert!(watch.of(&wiki.held.stack).lock().await.is_empty());
    }
}
