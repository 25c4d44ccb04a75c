//! Which snapshots may go.

use chrono::{DateTime, Duration, Utc};

use super::ids::SnapshotId;
use super::snapshot::Snapshot;

/// Why a snapshot stays or goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Which snapshot.
    pub id: SnapshotId,
    /// Whether it is kept.
    pub is_kept: bool,
    /// The reason, in words for people.
    pub reason: String,
}

/// Judges the snapshots of *one* stack by age.
///
/// The rule of `retention_days`: what is older than that may go. The newest complete snapshot always stays, however
/// old it is, and so does everything newer than it: a partial snapshot never pushes a good one out. A `days` of zero
/// keeps everything.
#[must_use]
pub fn judge_by_age(snapshots: &[Snapshot], days: u32, now: DateTime<Utc>) -> Vec<Verdict> {
    let newest_good = snapshots.iter().filter(|s| s.is_complete && s.removed_at.is_none()).map(|s| s.created_at).max();
    let oldest_kept = now - Duration::days(i64::from(days));
    let judge = |s: &Snapshot| {
        let (is_kept, reason) = match newest_good {
            _ if days == 0 => (true, "retention is off".to_owned()),
            None => (true, "there is no complete snapshot that could stand for it".to_owned()),
            Some(good) if s.created_at >= good => (true, "it is the newest complete snapshot, or newer".to_owned()),
            Some(_) if s.created_at > oldest_kept => (true, format!("it is not older than {days} days")),
            Some(_) => (false, format!("it is older than {days} days")),
        };
        Verdict { id: s.id.clone(), is_kept, reason }
    };
    snapshots.iter().filter(|s| s.removed_at.is_none()).map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::JobId;

    const NOW: i64 = 1_700_000_000;

    fn snapshot(age_days: i64, is_complete: bool) -> Snapshot {
        let created_at = DateTime::from_timestamp(NOW, 0).expect("a valid time") - Duration::days(age_days);
        Snapshot {
            id: SnapshotId::new(created_at),
            job_id: JobId::new(created_at),
            stack: "blog".parse().expect("a valid name"),
            host: "local".into(),
            instance: None,
            created_at,
            archive: "/b/a.tar.gz".into(),
            size_bytes: 1,
            content_bytes: 1,
            entry_count: 1,
            blake3: String::new(),
            is_complete,
            verified_at: None,
            removed_at: None,
            targets: Vec::new(),
        }
    }

    fn kept(ages: &[(i64, bool)], days: u32) -> Vec<bool> {
        let snapshots: Vec<_> = ages.iter().map(|&(age, complete)| snapshot(age, complete)).collect();
        judge_by_age(&snapshots, days, DateTime::from_timestamp(NOW, 0).expect("a valid time"))
            .iter()
            .map(|v| v.is_kept)
            .collect()
    }

    #[test]
    fn what_is_older_than_the_days_goes() {
        assert_eq!(kept(&[(0, true), (6, true), (7, true), (30, true)], 7), [true, true, false, false]);
    }

    #[test]
    fn the_newest_complete_snapshot_stays_however_old() {
        assert_eq!(kept(&[(400, true), (500, true)], 7), [true, false]);
    }

    #[test]
    fn partial_snapshots_never_push_a_good_one_out() {
        assert_eq!(kept(&[(0, false), (1, false), (40, true), (50, true)], 7), [true, true, true, false]);
        assert_eq!(kept(&[(40, false), (50, false)], 7), [true, true], "nothing complete stands for them");
    }

    #[test]
    fn zero_days_keep_everything() {
        assert_eq!(kept(&[(0, true), (4000, true)], 0), [true, true]);
    }
}
