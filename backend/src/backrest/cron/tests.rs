//! What Backrest is told, and what it would be told in vain.

use proptest::prelude::*;

use super::*;
use crate::backrest::plan::{Note, NoteLevel};

fn told(text: &str) -> (Result<String, String>, Vec<Note>) {
    let mut notes = Notes::default();
    let fields = translate(text, "backrest_sidecar_shop_db", None, &mut notes);
    (fields, notes.into_vec())
}

#[test]
fn what_people_write_becomes_what_backrest_reads() {
    for (text, expected) in [
        ("15 3 * * *", "15 3 * * *"),
        ("  0   2 * *  * ", "0 2 * * *"),
        ("@daily", "0 0 * * *"),
        ("@Weekly", "0 0 * * 0"),
        ("0 2 * * 7", "0 2 * * 0"),
        ("0 2 * * 0,7", "0 2 * * 0"),
        ("0 2 * * 5-7", "0 2 * * 0,5,6"),
        ("0 2 * * 0-7", "0 2 * * *"),
        ("0 2 * * 1-7/2", "0 2 * * 0,1,3,5"),
        ("0 2 * * fri-sun", "0 2 * * 0,5,6"),
        ("0 2 * * sun", "0 2 * * SUN"),
        ("*/15 8-18 1,15 jan-jun *", "*/15 8-18 1,15 JAN-JUN *"),
        ("5/20 * * * *", "5/20 * * * *"),
        ("0 30 4 * * *", "30 4 * * *"),
        ("0 0 29 2 *", "0 0 29 2 *"),
    ] {
        assert_eq!(told(text).0.as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_backrest_would_refuse_or_never_run_is_refused() {
    for (text, why) in [
        ("", "it has 0 fields"),
        ("1 2 3", "it has 3 fields"),
        ("30 0 4 * * *", "it has 6 fields"),
        ("CRON_TZ=Europe/Berlin 0 2 * * *", "set TZ there"),
        ("@reboot", "'@reboot' is unknown"),
        ("*/0 * * * *", "the minute has the step 0 in '*/0', with which Backrest hangs"),
        ("60 * * * *", "the minute has '60' in it, and its values are from 0 to 59"),
        ("0 24 * * *", "the hour has '24' in it"),
        ("0 0 0 * *", "the day of the month has '0' in it"),
        ("0 0 L * *", "the day of the month has 'L' in it, which Backrest does not understand"),
        ("0 0 15W * *", "'15W'"),
        ("0 0 * * MON#1", "'MON#1'"),
        ("0 0 ? * *", "'?'"),
        ("0 0 * * 8", "the day of the week has '8' in it"),
        ("0 22-2 * * *", "runs backwards"),
        ("0 1-2-3 * * *", "does not understand"),
        ("0 */-1 * * *", "does not understand"),
        ("0 0 30 2 *", "five years without such a day"),
        ("0 0 13 6 FRI", "five years without such a day"),
        ("0 0 29 2 1", "five years without such a day"),
    ] {
        let error = told(text).0.expect_err(text);
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn days_that_must_fit_twice_are_told() {
    let (fields, notes) = told("0 2 1 * MON");
    assert_eq!(fields.as_deref(), Ok("0 2 1 * MON"));
    assert!(notes[0].level == NoteLevel::Warning && notes[0].message.contains("both"), "{notes:?}");
    assert_eq!(told("0 2 1-31 * MON").1, []);
}

#[test]
fn the_minute_of_a_plan_is_that_of_its_id() {
    let (fields, notes) = told("T 3 * * *");
    let minute = minute_of("backrest_sidecar_shop_db");
    assert_eq!(fields, Ok(format!("{minute} 3 * * *")));
    assert_eq!(notes[0].message, format!("the minute that belongs to this plan is {minute}"));
    assert_eq!(told("t 3 * * *").0, fields);
    assert!(told("0 T * * *").0.is_err());
}

#[test]
fn fields_that_are_there_are_judged_as_backrest_judges_them() {
    for text in ["0 2 * * 0,7", "0 0-24 * * *", "61,5 * * * *", "0 0 * JAN mon", "5/5 * * * *", "0 0 31 * MON"] {
        assert_eq!(check(text), Ok(()), "{text}");
    }
    for text in
        ["0 2 * * 7", "61 * * * *", "0 24 * * *", "*/0 * * * *", "0 0 30 2 *", "@daily", "0 0 * *", "5-1 * * * *"]
    {
        assert!(check(text).is_err(), "{text}");
    }
    assert!(check("0 2 * * 7").expect_err("no Sunday").contains("from 0 to 6"));
}

/// A field with a list of members of every kind, also some that are out of range.
fn field(most: u32) -> impl Strategy<Value = String> {
    let member = prop_oneof![
        4 => Just("*".to_owned()),
        3 => (0..=most).prop_map(|n| n.to_string()),
        2 => (0..=most, 0..=most).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        1 => (1..=most).prop_map(|n| format!("*/{n}")),
        1 => (0..=most, 0..=3_u32).prop_map(|(n, step)| format!("{n}/{step}")),
        1 => prop::sample::select(vec!["MON", "SUN", "FRI-SUN", "JAN", "L", "?", "T"]).prop_map(str::to_owned),
    ];
    prop::collection::vec(member, 1..3).prop_map(|members| members.join(","))
}

proptest! {
    #[test]
    fn what_is_translated_passes_the_check(
        text in (field(60), field(24), field(32), field(12), field(8)).prop_map(|(m, h, d, o, w)| format!("{m} {h} {d} {o} {w}")),
    ) {
        if let Ok(fields) = told(&text).0 {
            prop_assert_eq!(check(&fields), Ok(()), "{} of {}", fields, text);
        }
    }

    #[test]
    fn nothing_that_is_written_makes_it_hang(text in "[0-9*/,@A-Z#? -]{0,24}") {
        let _ = (told(&text), check(&text));
    }

    /// Where days need not fit twice, the fields mean to a common cron what they mean to Backrest.
    #[test]
    fn the_translation_means_the_same(minute in field(59), hour in field(23), weekday in field(7)) {
        use crate::domain::schedule::Schedule;
        let text = format!("{minute} {hour} * * {weekday}");
        if let (Ok(fields), Ok(meant)) = (told(&text).0, Schedule::parse(&text, "backrest_sidecar_shop_db")) {
            let told = Schedule::parse(&fields, "x").expect("fields that are common");
            let runs = |schedule: &Schedule| schedule.next_runs(chrono::DateTime::UNIX_EPOCH, chrono_tz::Tz::UTC, 20);
            prop_assert_eq!(runs(&told), runs(&meant), "{} of {}", fields, text);
        }
    }
}
