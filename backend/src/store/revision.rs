//! Tells whether jobs or snapshots were written since, so that what was summed up need not be summed up again.
//!
//! Every function that writes one of them holds a [`Change`] while it does. A write whose caller gave up may be
//! committed after its change was counted, so whoever keeps an answer keeps it for a short time only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Store;

/// How many changes there were; equal revisions mean the same jobs and snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision(u64);

/// Counts the changes. Clones count together.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes(Arc<AtomicU64>);

impl Changes {
    /// A change that counts when it is over, well or not.
    pub(super) fn begin(&self) -> Change<'_> {
        Change(&self.0)
    }
}

/// A write that is going on.
pub(super) struct Change<'a>(&'a AtomicU64);

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

impl Store {
    /// The present revision. Ask for it before reading what it is to stand for.
    #[must_use]
    pub fn revision(&self) -> Revision {
        Revision(self.changes.0.load(Ordering::Acquire))
    }
}
