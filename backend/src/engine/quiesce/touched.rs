//! What the engine was asked to do to which container, as far as this process knows.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

/// How far the engine got with a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// It was asked, and has not answered, or not well: what it was asked for may still happen.
    Open,
    /// It answered, and the container is at rest.
    Done,
}

/// Which containers the engine was asked to bring to rest; outlives a panic and a cancel of the asking.
#[derive(Debug, Default)]
pub(in crate::engine) struct Touched {
    since: OnceLock<Instant>,
    asked: Mutex<BTreeMap<String, Asked>>,
}

impl Touched {
    /// Notes that the engine is asked now.
    pub(super) fn ask(&self, id: &str) {
        self.since.get_or_init(Instant::now);
        self.asked().insert(id.to_owned(), Asked::Open);
    }

    /// Notes that the container is at rest.
    pub(super) fn settle(&self, id: &str) {
        self.asked().insert(id.to_owned(), Asked::Done);
    }

    /// When the engine was asked for the first time: the time at rest begins then.
    pub(in crate::engine) fn since(&self) -> Option<Instant> {
        self.since.get().copied()
    }

    /// Whether the engine was asked about a container at all.
    pub(in crate::engine) fn was_asked(&self, id: &str) -> bool {
        self.asked().contains_key(id)
    }

    /// Whether something that was asked for may still happen to a container.
    pub(in crate::engine) fn is_open(&self, id: &str) -> bool {
        self.asked().get(id) == Some(&Asked::Open)
    }

    fn asked(&self) -> MutexGuard<'_, BTreeMap<String, Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
