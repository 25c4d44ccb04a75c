use super::*;

const PLAN: &str = "nightly";

fn at(text: &str) -> DateTime<Utc> {
    format!("{}Z", text.replace(' ', "T")).parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn entry_of(schedule: &str, zone: Tz, missed_run: MissedRun) -> Entry {
    let work = Work::Plan(PLAN.parse().expect("an id"), "nas".parse().expect("an id"));
    Entry { work, schedule: Schedule::parse(schedule, PLAN).expect("a schedule"), zone, missed_run }
}

fn daily(missed_run: MissedRun) -> Entry {
    entry_of("0 2 * * *", Tz::UTC, missed_run)
}

fn known(entry: &Entry, next: &str, last: Option<&str>) -> PlanRun {
    PlanRun { name: entry.name(), schedule: entry.fingerprint(), next_run_at: at(next), last_due_at: last.map(at) }
}

/// What is decided daily at two, when 2026-06-02 is next and 2026-06-01 was done.
fn on(now: &str, missed_run: MissedRun) -> Decision {
    let entry = daily(missed_run);
    decide(&entry, Some(&known(&entry, "2026-06-02 02:00:00", Some("2026-06-01 02:00:00"))), at(now))
}

fn run(due: &str, next: &str, is_late: bool) -> Decision {
    Decision::Run { due: at(due), next: at(next), is_late }
}

#[test]
fn what_is_new_or_has_another_schedule_or_zone_waits_for_its_time() {
    let entry = daily(MissedRun::Once);
    let expected = Decision::Await(at("2026-06-02 02:00:00"));
    assert_eq!(decide(&entry, None, at("2026-06-01 12:00:00")), expected);
    for other in
        [entry_of("0 3 * * *", Tz::UTC, MissedRun::Once), entry_of("0 2 * * *", Tz::Asia__Tokyo, MissedRun::Once)]
    {
        let overdue = known(&other, "2026-06-01 11:59:00", None);
        assert_eq!(decide(&entry, Some(&overdue), at("2026-06-01 12:00:00")), expected, "{}", overdue.schedule);
    }
}

#[test]
fn a_run_comes_at_its_time_and_not_before() {
    for missed_run in [MissedRun::Skip, MissedRun::Once] {
        assert_eq!(on("2026-06-02 01:59:59", missed_run), Decision::Wait);
        for now in ["2026-06-02 02:00:00", "2026-06-02 02:00:04", "2026-06-02 02:02:00"] {
            assert_eq!(on(now, missed_run), run("2026-06-02 02:00:00", "2026-06-03 02:00:00", false), "{now}");
        }
    }
}

#[test]
fn a_missed_run_is_left_out_or_made_up_for_once() {
    let (due, next) = (at("2026-06-02 02:00:00"), at("2026-06-03 02:00:00"));
    assert_eq!(on("2026-06-02 02:02:01", MissedRun::Skip), Decision::Miss { due, next });
    assert_eq!(on("2026-06-02 02:02:01", MissedRun::Once), Decision::Run { due, next, is_late: true });
    // However many were missed: one run, and the next is in the future.
    let next = at("2026-06-12 02:00:00");
    assert_eq!(on("2026-06-11 12:00:00", MissedRun::Skip), Decision::Miss { due, next });
    assert_eq!(on("2026-06-11 12:00:00", MissedRun::Once), Decision::Run { due, next, is_late: true });
}

/// After some days down, a start just after two is in time for that day.
#[test]
fn earlier_misses_do_not_make_a_run_late() {
    for missed_run in [MissedRun::Skip, MissedRun::Once] {
        let expected = run("2026-06-05 02:00:00", "2026-06-06 02:00:00", false);
        assert_eq!(on("2026-06-05 02:01:00", missed_run), expected);
    }
}

#[test]
fn a_clock_that_is_set_back_repeats_no_run() {
    let entry = daily(MissedRun::Once);
    let done = known(&entry, "2026-06-03 02:00:00", Some("2026-06-02 02:00:00"));
    for now in ["2026-06-02 01:59:58", "2026-06-01 23:00:00", "2026-06-01 02:00:00"] {
        assert_eq!(decide(&entry, Some(&done), at(now)), Decision::Wait, "{now}");
    }
    // The time that was done comes again, as the clock goes on.
    assert_eq!(decide(&entry, Some(&done), at("2026-06-02 02:00:01")), Decision::Wait);
}

/// A wrong date far ahead, then the right one: the plan does not stand still until that date.
#[test]
fn a_next_run_too_far_ahead_is_reckoned_anew() {
    let entry = daily(MissedRun::Skip);
    let wrong = known(&entry, "2031-01-02 02:00:00", Some("2031-01-01 02:00:00"));
    assert_eq!(decide(&entry, Some(&wrong), at("2026-06-01 12:00:00")), Decision::Await(at("2026-06-02 02:00:00")));
    // What runs every hour goes on after some hours are there again.
    let hourly = entry_of("0 * * * *", Tz::UTC, MissedRun::Skip);
    let ahead = known(&hourly, "2026-06-01 21:00:00", Some("2026-06-01 20:00:00"));
    assert_eq!(decide(&hourly, Some(&ahead), at("2026-06-01 12:30:00")), Decision::Await(at("2026-06-01 13:00:00")));
}

/// What waits for the job of another plan has a time that its schedule does not have.
#[test]
fn a_postponed_run_keeps_its_time() {
    let entry = daily(MissedRun::Skip);
    let waiting = known(&entry, "2026-06-02 02:10:00", Some("2026-06-01 02:00:00"));
    assert_eq!(decide(&entry, Some(&waiting), at("2026-06-02 02:09:58")), Decision::Wait);
    let expected = run("2026-06-02 02:10:00", "2026-06-03 02:00:00", false);
    assert_eq!(decide(&entry, Some(&waiting), at("2026-06-02 02:10:03")), expected);
}

/// Minute by minute through a day of 23 and one of 25 hours: each day has its run, and only one.
#[test]
fn each_day_has_one_run_across_a_change_of_the_clocks() {
    let entry = entry_of("30 2 * * *", Tz::Europe__Berlin, MissedRun::Skip);
    for (start, expected) in [
        ("2026-03-27 12:00:00", ["2026-03-28 02:30 CET", "2026-03-29 03:00 CEST", "2026-03-30 02:30 CEST"]),
        ("2026-10-23 12:00:00", ["2026-10-24 02:30 CEST", "2026-10-25 02:30 CEST", "2026-10-26 02:30 CET"]),
    ] {
        let (mut recorded, mut shown) = (None, Vec::new());
        for minute in 0..3 * 24 * 60 {
            let now = at(start) + TimeDelta::minutes(minute);
            let (next, due) = match decide(&entry, recorded.as_ref(), now) {
                Decision::Wait => continue,
                Decision::Await(next) => (next, None),
                Decision::Run { due, next, is_late } => {
                    assert!(!is_late);
                    shown.push(entry.show(due));
                    (next, Some(due))
                }
                Decision::Miss { due, .. } => panic!("missed {due}"),
            };
            let run = known(&entry, "2026-01-01 00:00:00", None);
            recorded = Some(PlanRun { next_run_at: next, last_due_at: due, ..run });
        }
        assert_eq!(shown, expected);
    }
}
