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
/// The rule of `retention_days`: what is older than that may go. The newest complete snapshot of which nothing is known to
/// be wrong always stays, however old it is, and so does everything newer than it: a partial snapshot never pushes a good one out. A `days` of zero
/// keeps everything.
#[must_use]
pub fn judge_by_age(snapshots: &[Snapshot], days: u32, now: DateTime<Utc>) -> Vec<Verdict> {
    let newest_good = snapshots.iter().filter(|s| s.is_good() && s.removed_at.is_none()).map(|s| s.created_at).max();
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

/// A pause between two records that is too long to be one: more likely the clock jumped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jump {
    /// The last record before it.
    pub from: DateTime<Utc>,
    /// The first one after it.
    pub to: DateTime<Utc>,
}

/// A shorter pause is never taken for a jump.
const LONGEST_PAUSE: Duration = Duration::days(30);
/// After so many records in the new time it is believed.
const BELIEVED_AFTER: usize = 3;

/// Looks for a jump of the clock among the times of records, of which `now` is the newest. A clock that jumps ahead
/// makes everything look old, and must not be believed at once: a pause of more than 30 days and of more than twice
/// every other one is a jump, until three records have followed it.
#[must_use]
pub fn find_jump(now: DateTime<Utc>, records: impl IntoIterator<Item = DateTime<Utc>>) -> Option<Jump> {
    let mut times: Vec<_> = records.into_iter().filter(|at| *at <= now).collect();
    times.push(now);
    times.sort_unstable_by(|a, b| b.cmp(a));
    times.dedup();
    let pauses: Vec<Jump> = times.windows(2).map(|pair| Jump { from: pair[1], to: pair[0] }).collect();
    let is_jump = |(n, pause): &(usize, &Jump)| {
        let others = pauses.iter().enumerate().filter(|(other, _)| other != n).map(|(_, pause)| pause.length());
        pause.length() > LONGEST_PAUSE.max(others.max().unwrap_or_default() * 2)
    };
    pauses.iter().enumerate().take(BELIEVED_AFTER).find(is_jump).map(|(_, jump)| *jump)
}

impl Jump {
    fn length(&self) -> Duration {
        self.to - self.from
    }
}

impl std::fmt::Display for Jump {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (from, to) = (self.from.format("%Y-%m-%d %H:%M"), self.to.format("%Y-%m-%d %H:%M"));
        write!(f, "the clock may have jumped from {from} to {to} UTC, {} days", self.length().num_days())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::JobId;
    use crate::domain::plan::BackendKind;

    const NOW: i64 = 1_700_000_000;

    fn snapshot(age_days: i64, is_complete: bool) -> Snapshot {
        let created_at = DateTime::from_timestamp(NOW, 0).expect("a valid time") - Duration::days(age_days);
        Snapshot {
            id: SnapshotId::new(created_at),
            job_id: JobId::new(created_at),
            backend: BackendKind::Archive,
            reference: "/b/a.tar.gz".into(),
            stack: Some("blog".parse().expect("a valid name")),
            host: "local".into(),
            instance: None,
            plan: None,
            created_at,
            size_bytes: 1,
            content_bytes: 1,
            entry_count: 1,
            blake3: None,
            is_complete,
            verified_at: None,
            damage: None,
            removed_at: None,
            targets: Vec::new(),
            imported: None,
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
    fn a_pause_that_is_out_of_all_proportion_is_a_jump_until_three_records_follow() {
        let now = DateTime::from_timestamp(NOW, 0).expect("a valid time");
        let is_jump = |ages: &[i64]| find_jump(now, ages.iter().map(|&age| now - Duration::days(age))).is_some();
        let rows: [(&[i64], bool, &str); 11] = [
            (&[], false, "nothing to compare with"),
            (&[0, 1, 2, 3], false, "every day"),
            (&[0, 8], false, "a short pause"),
            (&[0, 365, 366, 367], true, "a year ahead"),
            (&[365, 366, 367], true, "before the first record in the new time"),
            (&[0, 1, 366, 367], true, "one more record in the new time"),
            (&[0, 1, 2, 367, 368], true, "two more"),
            (&[0, 1, 2, 3, 368], false, "three more: it is believed"),
            (&[0, 31, 62, 93], false, "every month"),
            (&[0, 31], true, "nothing says that it is every month"),
            (&[-400, 0, 1, 2], false, "records of the future do not count"),
        ];
        for (ages, expected, what) in rows {
            assert_eq!(is_jump(ages), expected, "{what}");
        }
    }

    #[test]
    fn zero_days_keep_everything() {
        assert_eq!(kept(&[(0, true), (4000, true)], 0), [true, true]);
    }
}
