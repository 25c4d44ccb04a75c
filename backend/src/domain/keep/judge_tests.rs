use std::collections::BTreeSet;

use chrono::{DateTime, Datelike as _, Days, TimeDelta, Timelike as _, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::{Candidate, KeepPolicy, UNLIMITED, judge};

fn at(text: &str) -> DateTime<Utc> {
    format!("{}Z", text.replace(' ', "T")).parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn policy(text: &str) -> KeepPolicy {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// Complete ones, called by their place.
fn complete(times: &[DateTime<Utc>]) -> Vec<Candidate> {
    let candidate =
        |(place, at): (usize, &DateTime<Utc>)| Candidate { id: place.to_string(), at: *at, is_complete: true };
    times.iter().enumerate().map(candidate).collect()
}

fn kept(policy: &KeepPolicy, candidates: &[Candidate], zone: Tz) -> BTreeSet<usize> {
    let verdicts = judge(policy, candidates, zone);
    verdicts.iter().filter(|verdict| verdict.is_kept).map(|verdict| verdict.id.parse().expect("a place")).collect()
}

/// Snapshots that were put into a repository by `restic backup --time`.
const MEASURED: [&str; 36] = [
    "2024-12-20 05:17:03",
    "2024-12-20 10:17:03",
    "2024-12-21 10:17:03",
    "2024-12-21 10:42:03",
    "2025-01-21 10:42:03",
    "2025-01-24 12:42:03",
    "2025-01-27 14:42:03",
    "2025-01-27 19:42:03",
    "2025-01-27 20:07:03",
    "2025-01-27 20:32:03",
    "2025-01-27 20:57:03",
    "2025-01-30 22:57:03",
    "2025-02-08 22:57:03",
    "2025-02-09 22:57:03",
    "2025-02-09 23:22:03",
    "2025-02-10 04:22:03",
    "2025-02-19 04:22:03",
    "2025-02-28 04:22:03",
    "2025-03-01 04:22:03",
    "2025-03-02 04:22:03",
    "2025-03-02 09:22:03",
    "2025-03-02 09:47:03",
    "2025-03-03 09:47:03",
    "2025-03-03 14:47:03",
    "2025-03-03 15:12:03",
    "2025-04-03 15:12:03",
    "2025-04-04 15:12:03",
    "2025-04-05 15:12:03",
    "2025-04-05 20:12:03",
    "2025-04-06 01:12:03",
    "2025-04-07 01:12:03",
    "2025-04-08 01:12:03",
    "2025-05-09 01:12:03",
    "2025-06-09 01:12:03",
    "2025-06-10 01:12:03",
    "2025-06-10 01:37:03",
];

/// What restic 0.18.0 kept of them: `TZ=UTC restic forget --dry-run --json --group-by host --keep-…`. restic 0.14.0 says
/// the same, but for the oldest one, which it does not keep where a count is not used up.
const KEPT_BY_RESTIC: &[(&str, &[usize])] = &[
    ("last=3", &[33, 34, 35]),
    ("hourly=4", &[31, 32, 33, 35]),
    ("daily=2,weekly=1,monthly=1", &[33, 35]),
    ("daily=7,weekly=4,monthly=6", &[11, 17, 24, 28, 29, 30, 31, 32, 33, 35]),
    ("yearly=9", &[0, 3, 35]),
    ("weekly=50", &[0, 3, 5, 11, 14, 15, 16, 21, 24, 29, 31, 32, 35]),
    ("monthly=100,last=1", &[0, 3, 11, 17, 24, 31, 32, 35]),
    ("within=1m", &[33, 34, 35]),
    ("within=2m5d3h", &[27, 28, 29, 30, 31, 32, 33, 34, 35]),
    ("within-daily=2m", &[32, 33, 35]),
    ("within-weekly=1y,last=2", &[0, 3, 5, 11, 14, 15, 16, 21, 24, 29, 31, 32, 34, 35]),
    ("within-hourly=10d", &[33, 35]),
    ("within-monthly=9m", &[0, 3, 11, 17, 24, 31, 32, 35]),
    ("within-yearly=5y", &[0, 3, 35]),
    (
        "hourly=30,within=3d,yearly=1",
        &[
            1, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
            33, 34, 35,
        ],
    ),
];

#[test]
fn restic_and_we_keep_the_same() {
    let candidates = complete(&MEASURED.map(at));
    for (text, expected) in KEPT_BY_RESTIC {
        let expected: BTreeSet<usize> = expected.iter().copied().collect();
        assert_eq!(kept(&policy(text), &candidates, Tz::UTC), expected, "{text}");
    }
}

/// Each day a backup, and after it what retention leaves. restic 0.14.0, 0.18.0: of 2026-03-25 to 2026-04-03, the last two.
#[test]
fn ten_days_with_two_one_one_leave_what_restic_leaves() {
    let mut left: Vec<Candidate> = Vec::new();
    for day in 0..10 {
        let at = at("2026-03-25 02:00:00") + Days::new(day);
        left.push(Candidate { id: day.to_string(), at, is_complete: true });
        let keep = kept(&policy("2:1:1"), &left, Tz::UTC);
        left.retain(|candidate| keep.contains(&candidate.id.parse().expect("a place")));
    }
    let left: Vec<String> = left.iter().map(|candidate| candidate.at.date_naive().to_string()).collect();
    assert_eq!(left, ["2026-04-02", "2026-04-03"]);
}

#[test]
fn days_are_those_of_the_zone() {
    let candidates = complete(&["2026-06-01 21:30:00", "2026-06-01 22:30:00"].map(at));
    let daily = policy("daily=1");
    assert_eq!(kept(&daily, &candidates, Tz::UTC), BTreeSet::from([1]));
    assert_eq!(
        kept(
            &policy("daily=2"),
            &complete(&["2026-06-01 10:00:00", "2026-06-01 21:30:00", "2026-06-01 22:30:00"].map(at)),
            Tz::Europe__Berlin
        ),
        BTreeSet::from([1, 2])
    );
}

/// The week of New Year belongs to one year, whose number is not the calendar's.
#[test]
fn weeks_are_iso_weeks() {
    let candidates =
        complete(&["2024-12-29 12:00:00", "2024-12-30 12:00:00", "2025-01-05 12:00:00", "2025-01-06 12:00:00"].map(at));
    assert_eq!(kept(&policy("weekly=3"), &candidates, Tz::UTC), BTreeSet::from([0, 2, 3]));
}

/// Twenty-five hours, of which one is there twice.
#[test]
fn the_repeated_hour_is_two_hours() {
    let candidates = complete(&["2026-10-25 00:30:00", "2026-10-25 01:30:00"].map(at));
    assert_eq!(kept(&policy("hourly=2"), &candidates, Tz::Europe__Berlin), BTreeSet::from([0, 1]));
}

#[test]
fn an_incomplete_one_neither_stands_for_a_day_nor_pushes_one_out() {
    let times = ["2026-06-01 02:00:00", "2026-06-02 02:00:00", "2026-06-02 05:00:00", "2026-06-03 02:00:00"];
    let mut candidates = complete(&times.map(at));
    candidates[2].is_complete = false;
    candidates[3].is_complete = false;
    let verdicts = judge(&policy("daily=2"), &candidates, Tz::UTC);
    let told: Vec<(&str, bool, &str)> =
        verdicts.iter().map(|verdict| (verdict.id.as_str(), verdict.is_kept, verdict.reason.as_str())).collect();
    let expected = [
        ("3", true, "incomplete, and no newer one is complete"),
        ("2", true, "incomplete, and no newer one is complete"),
        ("1", true, "newest of 2026-06-02 (daily 1 of 2)"),
        ("0", true, "newest of 2026-06-01 (daily 2 of 2)"),
    ];
    assert_eq!(told, expected, "newest first, with the reason");
    candidates.push(Candidate { id: "4".to_owned(), at: at("2026-06-04 02:00:00"), is_complete: true });
    assert_eq!(kept(&policy("daily=2"), &candidates, Tz::UTC), BTreeSet::from([1, 4]));
    assert_eq!(kept(&policy("daily=2,within=2d"), &candidates, Tz::UTC), BTreeSet::from([1, 2, 3, 4]));
    let newer = Candidate { id: "5".to_owned(), at: at("2026-07-04 02:00:00"), is_complete: false };
    candidates.push(newer);
    assert_eq!(
        kept(&policy("within=1d"), &candidates, Tz::UTC),
        BTreeSet::from([4, 5]),
        "time counts from a whole one"
    );
}

#[test]
fn incomplete_ones_alone_all_stay() {
    let mut candidates = complete(&MEASURED.map(at));
    candidates.iter_mut().for_each(|candidate| candidate.is_complete = false);
    assert_eq!(kept(&policy("last=1"), &candidates, Tz::UTC).len(), MEASURED.len());
}

#[test]
fn the_floor_holds() {
    let candidates = complete(&MEASURED.map(at));
    let verdicts = judge(&policy("yearly=1,min_keep=3"), &candidates, Tz::UTC);
    let reasons: Vec<&str> = verdicts.iter().filter(|v| v.is_kept).map(|verdict| verdict.reason.as_str()).collect();
    let floor = "one of the newest 3 (min_keep)";
    assert_eq!(reasons, ["newest of 2025 (yearly 1 of 1)", floor, floor]);
    let all = KeepPolicy { min_keep: UNLIMITED, ..policy("last=1") };
    assert_eq!(kept(&all, &candidates, Tz::UTC).len(), MEASURED.len());
}

#[test]
fn the_oldest_stands_for_a_period_that_has_begun() {
    let verdicts = judge(&policy("yearly=9"), &complete(&MEASURED.map(at)), Tz::UTC);
    assert_eq!(verdicts.last().expect("the oldest").reason, "oldest of all, from 2024 (yearly 3 of 9)");
}

#[test]
fn a_policy_that_keeps_all_keeps_all() {
    assert_eq!(kept(&KeepPolicy::ALL, &complete(&MEASURED.map(at)), Tz::UTC).len(), MEASURED.len());
    assert!(judge(&policy("last=1"), &[], Tz::UTC).is_empty());
}

/// The rule once more, told the other way around: one set of kept places per rule, each found by looking at all of them.
fn naive(policy: &KeepPolicy, candidates: &[Candidate]) -> BTreeSet<usize> {
    let mut order: Vec<usize> = (0..candidates.len()).filter(|place| candidates[*place].is_complete).collect();
    order.sort_by_key(|place| {
        (std::cmp::Reverse(candidates[*place].at), std::cmp::Reverse(candidates[*place].id.clone()))
    });
    let mut keep: BTreeSet<usize> = order.iter().take(policy.min_keep as usize).copied().collect();
    let keys: [fn(DateTime<Utc>) -> i64; 5] = [
        |at| at.timestamp().div_euclid(3600),
        |at| at.timestamp().div_euclid(86400),
        |at| i64::from(at.iso_week().year()) * 100 + i64::from(at.iso_week().week()),
        |at| i64::from(at.year()) * 100 + i64::from(at.month()),
        |at| i64::from(at.year()),
    ];
    let counts = [policy.hourly, policy.daily, policy.weekly, policy.monthly, policy.yearly];
    for (key, count) in keys.into_iter().zip(counts) {
        let mut firsts: Vec<usize> = Vec::new();
        for place in &order {
            if !firsts.iter().any(|first| key(candidates[*first].at) == key(candidates[*place].at)) {
                firsts.push(*place);
            }
        }
        if firsts.len() < count as usize {
            keep.extend(order.last());
        }
        keep.extend(firsts.into_iter().take(count as usize));
    }
    keep.extend(order.iter().take(policy.last as usize));
    let newest = order.first().map(|place| candidates[*place].at);
    let hours = policy.within.map(|within| TimeDelta::hours(within.hours.into()));
    let is_within = |at| matches!((newest, hours), (Some(newest), Some(hours)) if at > newest - hours);
    for (place, candidate) in candidates.iter().enumerate() {
        let is_newer = !candidate.is_complete && newest.is_none_or(|newest| candidate.at > newest);
        if is_newer || is_within(candidate.at) || policy.keeps_all() {
            keep.insert(place);
        }
    }
    keep
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0_i64..40_000, prop::bool::weighted(0.8));
    prop::collection::vec(one, 0..40).prop_map(|ones| {
        let start = at("2024-11-20 00:00:00");
        let candidate = |(place, (quarters, is_complete)): (usize, (i64, bool))| Candidate {
            id: place.to_string(),
            at: start + TimeDelta::minutes(15 * quarters),
            is_complete,
        };
        ones.into_iter().enumerate().map(candidate).collect()
    })
}

proptest! {
    #[test]
    fn an_independent_rule_agrees(
        candidates in candidates(),
        counts in prop::array::uniform6(0_u32..5),
        hours in prop::option::of(1_u32..500),
        min_keep in 1_u32..4,
    ) {
        let [last, hourly, daily, weekly, monthly, yearly] = counts;
        let within = hours.map(|hours| super::Within { hours, ..super::Within::default() });
        let policy = KeepPolicy { last, hourly, daily, weekly, monthly, yearly, within, min_keep, ..KeepPolicy::ALL };
        prop_assert_eq!(kept(&policy, &candidates, Tz::UTC), naive(&policy, &candidates));
    }

    /// Whatever the policy: the newest complete one stays, and everything is judged once, newest first.
    #[test]
    fn the_newest_complete_one_always_stays(policy in super::grammar::tests::policies(), candidates in candidates()) {
        let verdicts = judge(&policy, &candidates, Tz::Australia__Lord_Howe);
        let times: Vec<_> = verdicts.iter().map(|v| candidates[v.id.parse::<usize>().expect("a place")].at).collect();
        prop_assert!(times.is_sorted_by(|one, other| one >= other));
        prop_assert_eq!(verdicts.iter().map(|v| &v.id).collect::<BTreeSet<_>>().len(), candidates.len());
        let is_complete = |id: &str| candidates[id.parse::<usize>().expect("a place")].is_complete;
        prop_assert!(verdicts.iter().find(|v| is_complete(&v.id)).is_none_or(|newest| newest.is_kept));
    }
}

#[test]
fn the_hour_is_named_once() {
    let verdicts = judge(&policy("hourly=1"), &complete(&[at("2026-10-25 00:30:00")]), Tz::Europe__Berlin);
    assert_eq!(at("2026-10-25 00:30:00").hour(), 0);
    assert_eq!(verdicts[0].reason, "newest of 2026-10-25 02h +0200 (hourly 1 of 1)");
}
