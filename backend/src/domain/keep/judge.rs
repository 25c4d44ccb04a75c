//! What becomes of each snapshot: restic's rule.
//!
//! From the newest to the oldest, a complete snapshot is kept when it is the first in a period of which some are still to
//! be kept; the oldest of all also stands for a period that has begun, as long as some are left. What differs from
//! restic: the periods are those of the plan's zone, incomplete snapshots are no candidates for a period, and the newest
//! complete ones are always kept.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use chrono_tz::Tz;

use super::{Candidate, KeepPolicy, KeepVerdict, UNLIMITED, Within};

/// A period that a snapshot stands for, in words that name it once.
type Bucket = fn(DateTime<Tz>) -> String;

const HOUR: Bucket = |at| format!("{} {:02}h {}", DAY(at), at.hour(), at.format("%z"));
const DAY: Bucket = |at| at.date_naive().to_string();
const WEEK: Bucket = |at| format!("week {} of {}", at.iso_week().week(), at.iso_week().year());
const MONTH: Bucket = |at| at.format("%Y-%m").to_string();
const YEAR: Bucket = |at| at.year().to_string();

/// One rule of the policy while it goes through the snapshots.
struct Rule {
    name: &'static str,
    /// None for those that are counted one by one.
    bucket: Option<Bucket>,
    limit: Limit,
    used: u32,
    last: Option<String>,
}

enum Limit {
    Count(u32),
    /// After this time; with none, of any age.
    After(Option<DateTime<Utc>>, Within),
}

/// Judges the snapshots of one plan, newest first. They may come in any order; days, weeks and years are those of `zone`.
///
/// Spans of time are counted from the newest complete snapshot. A candidate from the future would move them: leave out
/// what is younger than the present.
#[must_use]
pub fn judge(policy: &KeepPolicy, candidates: &[Candidate], zone: Tz) -> Vec<KeepVerdict> {
    let mut sorted: Vec<&Candidate> = candidates.iter().collect();
    sorted.sort_by(|one, other| other.at.cmp(&one.at).then_with(|| other.id.cmp(&one.id)));
    let complete: Vec<&Candidate> = sorted.iter().copied().filter(|candidate| candidate.is_complete).collect();
    let reasons = judge_complete(policy, &complete, zone);
    let mut reasons = reasons.into_iter();
    let newest = complete.first().map(|candidate| candidate.at);
    let verdict = |candidate: &Candidate| {
        let reason = if candidate.is_complete {
            reasons.next().unwrap_or_else(|| Ok("not judged".to_owned()))
        } else {
            judge_incomplete(policy, candidate, newest, zone)
        };
        let (is_kept, reason) = reason.map_or_else(|reason| (false, reason), |reason| (true, reason));
        KeepVerdict { id: candidate.id.clone(), at: candidate.at, is_kept, reason }
    };
    sorted.into_iter().map(verdict).collect()
}

/// Why each is kept (`Ok`) or dropped (`Err`).
type Reason = Result<String, String>;

fn judge_complete(policy: &KeepPolicy, newest_first: &[&Candidate], zone: Tz) -> Vec<Reason> {
    let Some(newest) = newest_first.first() else { return Vec::new() };
    let mut rules = rules_of(policy, newest.at, zone);
    let oldest = newest_first.len() - 1;
    let floor = usize::try_from(policy.min_keep.max(1)).unwrap_or(usize::MAX);
    let judge_one = |(place, candidate): (usize, &&Candidate)| {
        let matches: Vec<String> =
            rules.iter_mut().filter_map(|rule| rule.take(candidate.at, zone, place == oldest)).collect();
        match (policy.keeps_all(), matches.is_empty()) {
            (true, _) => Ok("everything is kept".to_owned()),
            (false, false) => Ok(matches.join(", ")),
            (false, true) if place == 0 => Ok("the newest complete one".to_owned()),
            (false, true) if place < floor => Ok(format!("one of the newest {floor} (min_keep)")),
            (false, true) => Err(drop_reason(candidate.at, zone)),
        }
    };
    newest_first.iter().enumerate().map(judge_one).collect()
}

fn drop_reason(at: DateTime<Utc>, zone: Tz) -> String {
    format!("not needed for any period; made {}", at.with_timezone(&zone).format("%Y-%m-%d %H:%M"))
}

/// An incomplete one is kept while nothing newer is complete, and within the time in which all are kept.
fn judge_incomplete(policy: &KeepPolicy, candidate: &Candidate, newest: Option<DateTime<Utc>>, zone: Tz) -> Reason {
    let Some(newest) = newest.filter(|newest| *newest >= candidate.at) else {
        return Ok("incomplete, and no newer one is complete".to_owned());
    };
    if policy.keeps_all() {
        return Ok("everything is kept".to_owned());
    }
    match policy.within {
        Some(span) if is_after(candidate.at, span.before(newest, zone)) => Ok(format!("within {span}")),
        _ => Err("incomplete, and a newer one is complete".to_owned()),
    }
}

fn is_after(at: DateTime<Utc>, start: Option<DateTime<Utc>>) -> bool {
    start.is_none_or(|start| at > start)
}

fn rules_of(policy: &KeepPolicy, newest: DateTime<Utc>, zone: Tz) -> Vec<Rule> {
    let counts: [(&'static str, Option<Bucket>, u32); 6] = [
        ("last", None, policy.last),
        ("hourly", Some(HOUR), policy.hourly),
        ("daily", Some(DAY), policy.daily),
        ("weekly", Some(WEEK), policy.weekly),
        ("monthly", Some(MONTH), policy.monthly),
        ("yearly", Some(YEAR), policy.yearly),
    ];
    let spans: [(&'static str, Option<Bucket>, Option<Within>); 6] = [
        ("within", None, policy.within),
        ("hourly", Some(HOUR), policy.within_hourly),
        ("daily", Some(DAY), policy.within_daily),
        ("weekly", Some(WEEK), policy.within_weekly),
        ("monthly", Some(MONTH), policy.within_monthly),
        ("yearly", Some(YEAR), policy.within_yearly),
    ];
    let by_count = counts.into_iter().map(|(name, bucket, count)| (name, bucket, Limit::Count(count)));
    let by_span = spans.into_iter().filter_map(|(name, bucket, span)| {
        let span = span.filter(|span| !span.is_zero())?;
        Some((name, bucket, Limit::After(span.before(newest, zone), span)))
    });
    let to_rule = |(name, bucket, limit)| Rule { name, bucket, limit, used: 0, last: None };
    by_count.chain(by_span).map(to_rule).collect()
}

impl Rule {
    /// The reason to keep the next older snapshot, when the rule has one.
    fn take(&mut self, at: DateTime<Utc>, zone: Tz, is_oldest: bool) -> Option<String> {
        let has_room = match self.limit {
            Limit::Count(count) => count == UNLIMITED || self.used < count,
            Limit::After(start, _) => is_after(at, start),
        };
        if !has_room {
            return None;
        }
        let Some(bucket) = self.bucket else {
            self.used += 1;
            return Some(self.word());
        };
        let bucket = bucket(at.with_timezone(&zone));
        let is_new = self.last.as_ref() != Some(&bucket);
        if !is_new && !is_oldest {
            return None;
        }
        self.used += 1;
        let place = if is_new { "newest" } else { "oldest of all, from" };
        let of = if is_new { " of" } else { "" };
        let reason = format!("{place}{of} {bucket} ({})", self.word());
        self.last = Some(bucket);
        Some(reason)
    }

    fn word(&self) -> String {
        let Self { name, used, .. } = self;
        match self.limit {
            Limit::Count(UNLIMITED) => format!("{name} {used}"),
            Limit::Count(count) => format!("{name} {used} of {count}"),
            Limit::After(_, span) if self.bucket.is_none() => format!("{name} {span}"),
            Limit::After(_, span) => format!("{name} within {span}"),
        }
    }
}
