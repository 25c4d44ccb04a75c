use proptest::prelude::*;

use super::*;

fn schedule(text: &str) -> Schedule {
    Schedule::parse(text, "nightly").unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(text: &str) -> String {
    Schedule::parse(text, "nightly").err().unwrap_or_else(|| panic!("'{text}' was accepted")).to_string()
}

/// The next runs, as the clock of the zone shows them.
fn runs(text: &str, after: &str, zone: Tz, count: usize) -> Vec<String> {
    let after = after.parse().expect("a time");
    let show = |at: DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%d %H:%M %z").to_string();
    schedule(text).next_runs(after, zone, count).into_iter().map(show).collect()
}

#[test]
fn fields_names_and_short_names_are_read() {
    let after = "2026-11-27T13:40:00Z";
    for (text, expected) in [
        ("0 2 * * *", "2026-11-28 02:00 +0000"),
        ("*/15 * * * *", "2026-11-27 13:45 +0000"),
        ("30 4 * * SUN", "2026-11-29 04:30 +0000"),
        ("30 4 * * 7", "2026-11-29 04:30 +0000"),
        ("30 4 * * 0", "2026-11-29 04:30 +0000"),
        ("0 6 * * mon-fri", "2026-11-30 06:00 +0000"),
        ("0 6 * * SAT-SUN", "2026-11-28 06:00 +0000"),
        ("0 6 1 jan,jul *", "2027-01-01 06:00 +0000"),
        ("0 6 ? * MON#1", "2026-12-07 06:00 +0000"),
        ("0 6 L * ?", "2026-11-30 06:00 +0000"),
        ("0 6 * * 5L", "2026-12-25 06:00 +0000"),
        ("0 6 13 * FRI", "2026-12-04 06:00 +0000"),
        ("0 0 29 2 *", "2028-02-29 00:00 +0000"),
        ("@hourly", "2026-11-27 14:00 +0000"),
        ("@daily", "2026-11-28 00:00 +0000"),
        ("@midnight", "2026-11-28 00:00 +0000"),
        ("@Weekly", "2026-11-29 00:00 +0000"),
        ("@monthly", "2026-12-01 00:00 +0000"),
        ("@yearly", "2027-01-01 00:00 +0000"),
        ("@annually", "2027-01-01 00:00 +0000"),
        ("  0   2 * * * ", "2026-11-28 02:00 +0000"),
    ] {
        assert_eq!(runs(text, after, Tz::UTC, 1), [expected], "{text}");
    }
}

#[test]
fn a_run_is_after_the_time_that_is_asked_for() {
    let expected = ["2026-11-28 02:00 +0000", "2026-11-29 02:00 +0000"];
    assert_eq!(runs("0 2 * * *", "2026-11-27T02:00:00Z", Tz::UTC, 2), expected);
    assert_eq!(runs("0 2 * * *", "2026-11-27T02:00:59.999Z", Tz::UTC, 2), expected);
}

/// The end of March and of October in Berlin: 02:30 is left out once, and is there twice.
#[test]
fn a_change_of_the_clocks_neither_skips_nor_repeats_a_run() {
    let berlin = Tz::Europe__Berlin;
    assert_eq!(
        runs("30 2 * * *", "2026-03-28T00:00:00Z", berlin, 3),
        ["2026-03-28 02:30 +0100", "2026-03-29 03:00 +0200", "2026-03-30 02:30 +0200"]
    );
    assert_eq!(
        runs("30 2 * * *", "2026-10-24T00:00:00Z", berlin, 3),
        ["2026-10-24 02:30 +0200", "2026-10-25 02:30 +0200", "2026-10-26 02:30 +0100"]
    );
    // What runs by the hour runs in every hour that passes.
    assert_eq!(
        runs("0 * * * *", "2026-10-24T23:30:00Z", berlin, 4),
        ["2026-10-25 02:00 +0200", "2026-10-25 02:00 +0100", "2026-10-25 03:00 +0100", "2026-10-25 04:00 +0100"]
    );
    assert_eq!(
        runs("0 * * * *", "2026-03-28T23:30:00Z", berlin, 3),
        ["2026-03-29 01:00 +0100", "2026-03-29 03:00 +0200", "2026-03-29 04:00 +0200"]
    );
}

/// Lord Howe Island moves its clocks by half an hour.
#[test]
fn a_change_by_half_an_hour_is_known() {
    let zone = Tz::Australia__Lord_Howe;
    assert_eq!(
        runs("15 2 * * *", "2026-10-02T15:00:00Z", zone, 3),
        ["2026-10-03 02:15 +1030", "2026-10-04 02:30 +1100", "2026-10-05 02:15 +1100"]
    );
    assert_eq!(
        runs("45 1 * * *", "2026-04-03T16:00:00Z", zone, 3),
        ["2026-04-05 01:45 +1100", "2026-04-06 01:45 +1030", "2026-04-07 01:45 +1030"]
    );
}

#[test]
fn a_schedule_may_name_its_zone() {
    for text in ["CRON_TZ=Europe/Berlin 0 2 * * *", "TZ=Europe/Berlin @daily"] {
        let schedule = schedule(text);
        assert_eq!(schedule.own_zone(), Some(Tz::Europe__Berlin));
        let next = |zone| schedule.next_after("2026-07-01T12:00:00Z".parse().expect("a time"), zone);
        assert_eq!(next(Tz::UTC), next(Tz::Asia__Tokyo), "{text}");
    }
    assert_eq!(runs("TZ=Europe/Berlin 0 2 * * *", "2026-07-01T12:00:00Z", Tz::UTC, 1), ["2026-07-02 00:00 +0000"]);
}

/// FNV-1a of 32 bits, from its authors' test values.
#[test]
fn the_minute_of_a_plan_is_its_own_and_stays() {
    for (seed, hash) in [("", 0x811c_9dc5_u32), ("a", 0xe40c_292c), ("foobar", 0xbf9c_f968)] {
        assert_eq!(minute_of(seed), hash % 60, "{seed}");
        let minute = format!("{} 3 * * *", hash % 60);
        for text in ["T 3 * * *", "t 3 * * *", "H 3 * * *"] {
            let own = Schedule::parse(text, seed).expect("a schedule");
            let plain = Schedule::parse(&minute, seed).expect("a schedule");
            assert_eq!(own.cron, plain.cron);
            assert_eq!(own.as_str(), text, "the text stays");
        }
    }
}

#[test]
fn what_is_no_schedule_is_told_why() {
    for (text, part) in [
        (
            "",
            "it has 0 fields and needs five (minute, hour, day of the month, month, day of the week), such as '0 2 * * *'",
        ),
        ("0 0 2 * * *", "it has 6 fields and needs five"),
        ("0 0 2 * * *", "there is no field for seconds"),
        ("0 2 * *", "it has 4 fields"),
        ("0 2 30 2 *", "it never comes true, because no such day exists"),
        ("0 2 31 4,6,9,11 *", "it never comes true"),
        ("60 2 * * *", "the minute is '60', which is not from 0 to 59"),
        ("0 24 * * *", "the hour is '24', which is not from 0 to 23"),
        ("0 2 0 * *", "the day of the month is '0', which is not from 1 to 31"),
        ("0 2 32 * *", "the day of the month is '32'"),
        ("0 2 * 13 *", "the month is '13', which is not from 1 to 12"),
        ("0 2 * * 8", "the day of the week is '8', which is not from 0 to 7"),
        ("0 2 * * MONDAY", "the day of the week is 'MONDAY', which is no value from 0 to 7 or SUN to SAT"),
        ("0 T * * *", "the hour is 'T', which is no value from 0 to 23"),
        ("H/15 * * * *", "the minute 'H/15': a step needs a range"),
        ("5/15 * * * *", "the minute '5/15': a step needs a range"),
        ("*/0 * * * *", "the minute '*' has the step '0', which is not from 1 to 59"),
        ("*/60 * * * *", "has the step '60'"),
        ("1,,2 * * * *", "the minute is '', which is no value"),
        ("30-10 * * * *", "the minute '30-10' runs backwards"),
        ("0 2 * * MON#6", "the day of the week is 'MON#6'"),
        ("+5 2 * * *", "the minute is '+5'"),
        ("0 2 * * +1", "the day of the week is '+1'"),
        ("0 2 L/2 * *", "the day of the month is 'L/2'"),
        ("@every 6h", "'@every' depends on when the service was started; write '0 */6 * * *'"),
        ("@reboot", "'@reboot' is unknown; there are @hourly, @daily"),
        ("@daily 5", "'@daily 5' is unknown"),
        ("CRON_TZ=Europe/Berlim 0 2 * * *", "'Europe/Berlim' is no IANA time zone; did you mean 'Europe/Berlin'?"),
        ("TZ=Nowhere", "'Nowhere' is no IANA time zone"),
        ("TZ=UTC", "it has 0 fields"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.contains(part), "{refusal}");
    }
}

#[test]
fn common_schedules_are_told_in_words() {
    for (text, words) in [
        ("0 2 * * *", "every day at 02:00"),
        ("0 2,14 * * *", "every day at 02:00 and 14:00"),
        ("0 0,6,20 * * *", "every day at 00:00, 06:00 and 20:00"),
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("5 * * * *", "every hour at minute 5"),
        ("0 */6 * * *", "every 6 hours"),
        ("17 */6 * * *", "every 6 hours at minute 17"),
        ("30 4 * * SUN", "every Sunday at 04:30"),
        ("30 4 * * 1-5", "Monday to Friday at 04:30"),
        ("30 4 * * 6,7", "every Saturday and Sunday at 04:30"),
        ("30 4 * * MON,WED,FRI", "every Monday, Wednesday and Friday at 04:30"),
        ("0 3 1 * *", "on day 1 of every month at 03:00"),
        ("0 3 1,15 * *", "on day 1 and 15 of every month at 03:00"),
        ("@yearly", "every 1 January at 00:00"),
        ("@daily", "every day at 00:00"),
        ("CRON_TZ=Europe/Berlin 0 2 * * *", "every day at 02:00 (Europe/Berlin)"),
        // Easier to read as they are.
        ("0 3 13 * FRI", "0 3 13 * FRI"),
        ("0 3 L * *", "0 3 L * *"),
        ("0 3 * 2-5 *", "0 3 * 2-5 *"),
        ("1,3,7,50 2-9 * * *", "1,3,7,50 2-9 * * *"),
        ("TZ=UTC 0 3 L * *", "TZ=UTC 0 3 L * *"),
    ] {
        assert_eq!(schedule(text).describe(), words, "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "[ -~]{0,30}|[0-9*/,LW#? -]{5,30}") {
        let _ = Schedule::parse(&text, "seed").map(|schedule| schedule.describe());
    }

    /// What our own check lets through is what croner takes: nothing is refused in its words.
    #[test]
    fn each_field_is_checked_before_croner(
        minute in "[0-5]?[0-9]|\\*/[1-9]|[0-9]-[1-5][0-9]",
        day in "[1-9]|[12][0-9]|L|LW|1?[1-9]W|\\?|[1-9]-2[0-9]/[1-9]",
        weekday in "[0-7]|[0-6]L|MON#[1-5]|TUE-FRI|\\*|FRI-SUN",
    ) {
        let text = format!("{minute} 3 {day} * {weekday}");
        let schedule = Schedule::parse(&text, "seed");
        prop_assert!(schedule.is_ok(), "{schedule:?}");
    }
}
