//! What was lately seen of directories that only a tool of its own can list.
//!
//! To ask such a tool costs the time of its key, and what a snapshot holds never changes. So the beginning of each
//! directory is kept for a while, in memory: a file would have to be kept from others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::backends::Look;
use crate::domain::entry::EntryPath;
use crate::domain::ids::SnapshotId;

use super::Listing;

/// As much of one directory is asked for, and kept. What is behind it is asked for page by page.
pub(super) const MOST: usize = 20_000;
/// As many entries are kept in all: some 30 MB.
const ALL: usize = 100_000;
/// How long they are kept.
const AGE: Duration = Duration::from_mins(10);

type Key = (SnapshotId, EntryPath);

#[derive(Debug, Default)]
pub(super) struct Listings(Mutex<HashMap<Key, Kept>>);

#[derive(Debug)]
struct Kept {
    look: Arc<Look>,
    seen_at: Instant,
    used_at: Instant,
}

impl Listings {
    /// What was seen of the directory.
    pub(super) fn find(&self, snapshot: &SnapshotId, directory: &EntryPath) -> Option<Arc<Look>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.get_mut(&(snapshot.clone(), directory.clone()))?;
        kept.used_at = Instant::now();
        (kept.seen_at.elapsed() < AGE).then(|| Arc::clone(&kept.look))
    }

    /// Keeps what was seen of the directory; what was used longest ago goes.
    pub(super) fn keep(&self, snapshot: &SnapshotId, directory: &EntryPath, look: &Arc<Look>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        all.retain(|_, kept| kept.seen_at.elapsed() < AGE);
        let kept = Kept { look: Arc::clone(look), seen_at: now, used_at: now };
        all.insert((snapshot.clone(), directory.clone()), kept);
        while all.values().map(|kept| 1 + kept.look.entries.len()).sum::<usize>() > ALL {
            let oldest = all.iter().min_by_key(|(_, kept)| kept.used_at).map(|(key, _)| key.clone());
            oldest.map(|key| all.remove(&key));
        }
    }
}

/// The page behind `after`, when the look reaches to its end.
pub(super) fn cut(look: &Look, after: Option<&EntryPath>, limit: usize) -> Option<Listing> {
    let is_before = |path: &EntryPath| after.is_some_and(|after| path.cmp_in_walk(after).is_le());
    let rest = &look.entries[look.entries.partition_point(|entry| is_before(&entry.path))..];
    if rest.len() <= limit && look.has_more {
        return None;
    }
    Some(Listing { entries: rest.iter().take(limit).cloned().collect(), has_more: rest.len() > limit })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::entry::{ArchiveEntry, EntryKind};

    fn path(text: &str) -> EntryPath {
        EntryPath::new(text.as_bytes()).expect(text)
    }

    fn look(names: impl IntoIterator<Item = String>, has_more: bool) -> Look {
        let entry = |name: String| ArchiveEntry {
            path: path(&name),
            kind: EntryKind::File,
            size_bytes: 0,
            modified_at: None,
            mode: None,
            target: None,
        };
        Look { entries: names.into_iter().map(entry).collect(), has_more, ..Look::default() }
    }

    #[test]
    fn pages_are_cut_as_far_as_is_known() {
        let all = look(["d/a", "d/b", "d/c"].map(str::to_owned), false);
        let names = |listing: Option<Listing>| {
            let listing = listing.expect("known");
            (listing.entries.iter().map(|entry| entry.path.to_string()).collect::<Vec<_>>().join(" "), listing.has_more)
        };
        assert_eq!(names(cut(&all, None, 2)), ("d/a d/b".to_owned(), true));
        assert_eq!(names(cut(&all, Some(&path("d/b")), 2)), ("d/c".to_owned(), false));
        let begun = Look { has_more: true, ..all };
        assert_eq!(names(cut(&begun, Some(&path("d/a")), 1)), ("d/b".to_owned(), true));
        assert_eq!(cut(&begun, Some(&path("d/b")), 1), None, "whether more comes is not known");
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let (listings, snapshot) = (Listings::default(), SnapshotId::new(DateTime::UNIX_EPOCH));
        let many = Arc::new(look((0..MOST).map(|n| format!("{n:06}")), true));
        for n in 0..4 {
            listings.keep(&snapshot, &path(&n.to_string()), &many);
        }
        assert!(listings.find(&snapshot, &path("0")).is_some());
        listings.keep(&snapshot, &path("4"), &many);
        let there: Vec<bool> = (0..5).map(|n| listings.find(&snapshot, &path(&n.to_string())).is_some()).collect();
        assert_eq!(there, [true, false, true, true, true]);
    }
}
