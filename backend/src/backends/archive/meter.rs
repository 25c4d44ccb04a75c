//! The one thing that the threads of a capture share with its onlookers: progress out, the wish to stop in.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Counts what was done and carries the request to stop. Shared through an `Arc`; one a run.
#[derive(Debug, Default)]
pub struct Meter {
    is_cancelled: AtomicBool,
    bytes_done: AtomicU64,
    files_done: AtomicU64,
    current: Mutex<String>,
}

/// What a [`Meter`] showed at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Bytes of content read so far; when verifying, bytes of the archive.
    pub bytes_done: u64,
    /// Entries done so far.
    pub files_done: u64,
    /// The entry at work, as its path within the archive.
    pub current: String,
}

/// The meter was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cancelled;

impl Meter {
    /// A meter at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks whoever feeds this meter to stop; it does so within about a mebibyte of work.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    /// What it shows now.
    #[must_use]
    pub fn read(&self) -> Reading {
        Reading {
            bytes_done: self.bytes_done.load(Ordering::Relaxed),
            files_done: self.files_done.load(Ordering::Relaxed),
            current: self.current.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    pub(super) fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// Tells what is read now.
    pub fn begin_entry(&self, path: &[u8]) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.clear();
        current.push_str(&String::from_utf8_lossy(path));
    }

    /// Tells that it was read.
    pub fn end_entry(&self) {
        self.files_done.fetch_add(1, Ordering::Relaxed);
    }

    /// Entries that need not be looked into.
    pub(super) fn skip(&self, entries: u64, bytes: u64) {
        self.files_done.fetch_add(entries, Ordering::Relaxed);
        self.bytes_done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Tells of bytes that were read.
    pub fn add_bytes(&self, count: u64) {
        self.bytes_done.fetch_add(count, Ordering::Relaxed);
    }
}
