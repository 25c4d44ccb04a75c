use proptest::prelude::*;

use super::*;

fn policy(text: &str) -> KeepPolicy {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(text: &str) -> String {
    text.parse::<KeepPolicy>().err().unwrap_or_else(|| panic!("'{text}' was accepted")).to_string()
}

#[test]
fn what_marina_reads_is_read_alike() {
    for (text, [daily, weekly, monthly]) in [
        ("7d:14w:6m", [7, 14, 6]),
        ("10:5:1", [10, 5, 1]),
        ("5d::", [5, 0, 0]),
        ("5:2", [5, 2, 0]),
        ("0:0:0", [7, 4, 6]),
        ("", [7, 4, 6]),
        ("  ", [7, 4, 6]),
        ("::", [7, 4, 6]),
        ("14d", [14, 0, 0]),
        ("14", [14, 0, 0]),
        (":4w:", [0, 4, 0]),
        (" 7d : 4w : 6m ", [7, 4, 6]),
    ] {
        assert_eq!(policy(text), KeepPolicy { daily, weekly, monthly, ..KeepPolicy::ALL }, "{text}");
    }
}

#[test]
fn a_slip_in_the_short_form_is_told() {
    for (text, part) in [
        (
            "7w:4d:6m",
            "'7w' stands in the place of the days (daily), as in '7d:4w:6m'; a list such as 'weekly=7' has no places",
        ),
        ("4w", "'4w' stands in the place of the days"),
        ("7d:4w:3y", "'3y' stands in the place of the months (monthly), as in '7d:4w:6m'; a list such as 'yearly=3'"),
        ("7x:4w:6m", "'7x' stands for the days and must be a number such as '7' or '7d'"),
        ("7days", "'7days' stands for the days"),
        ("d:4w", "'d' stands for the days"),
        ("7d:4w:6m:1y", "it has 4 parts, at most days:weeks:months"),
        ("7d:4w:6m:", "it has 4 parts"),
        ("-7d", "'-7' is no whole number"),
        ("7.5d", "'7.5' is no whole number"),
        ("99999999999d", "'99999999999' is too large"),
        ("4294967295", "is too large"),
        ("7d 4w", "'7d 4w' stands for the days"),
        ("none", "'none' stands for the days"),
        ("٣d", "is no whole number"),
        ("7d\n", ""),
    ] {
        if part.is_empty() {
            assert!(text.parse::<KeepPolicy>().is_ok(), "{text:?}");
            continue;
        }
        let refusal = refusal(text);
        assert!(refusal.starts_with(&format!("'{}' is no retention: ", text.trim())), "{refusal}");
        assert!(refusal.contains(part), "{refusal}");
    }
}

#[test]
fn lists_are_read() {
    let spans = policy("last=7,hourly=24,daily=7,weekly=4,monthly=12,yearly=3,within=90d,within-daily=1y,min_keep=2");
    let expected = KeepPolicy {
        last: 7,
        hourly: 24,
        daily: 7,
        weekly: 4,
        monthly: 12,
        yearly: 3,
        within: Some(Within { days: 90, ..Within::default() }),
        within_daily: Some(Within { years: 1, ..Within::default() }),
        min_keep: 2,
        ..KeepPolicy::ALL
    };
    assert_eq!(spans, expected);
    assert_eq!(policy(" Daily = 7 , WITHIN_WEEKLY = 2m "), policy("daily=7,within-weekly=2m"));
    assert_eq!(policy("daily=unlimited").daily, UNLIMITED);
    assert_eq!(policy("last=0,daily=7"), policy("daily=7"), "zero is off");
    assert_eq!(policy("all"), KeepPolicy::ALL);
    assert_eq!(KeepPolicy { min_keep: 5, ..KeepPolicy::ALL }.to_string(), "all");
}

#[test]
fn a_slip_in_a_list_is_told() {
    for (text, part) in [
        ("dialy=7", "'dialy' is unknown; did you mean 'daily'?"),
        ("keep-daily=7", "'keep-daily' is unknown; did you mean 'daily'?"),
        ("--keep-within=7d", "did you mean 'within'?"),
        ("nonsense=7", "'nonsense' is unknown; known are last, hourly, daily, weekly, monthly, yearly, within,"),
        ("daily=7,daily=8", "'daily' is said twice"),
        ("within_daily=7d,within-daily=8d", "'within-daily' is said twice"),
        ("daily=", "'' is no whole number"),
        ("daily=-1", "'-1' is no whole number"),
        ("daily=7d", "'7d' is no whole number"),
        ("daily=99999999999", "is too large"),
        ("daily=7,", "'' is no part of such a list"),
        ("daily=7,4w", "'4w' is no part of such a list; its parts are as 'daily=7'"),
        ("within=90", "'within=90': a span of time is written as '90d'"),
        ("within=1w", "'within=1w': a span of time"),
        ("min_keep=0,daily=1", "'min_keep' is at least 1"),
        ("last=0", "it names nothing to keep; write 'all' to keep everything"),
        ("within=0d", "it names nothing to keep"),
        ("min_keep=3", "it names nothing to keep"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.contains(part), "{refusal}");
    }
}

fn counts() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), 1_u32..500, Just(UNLIMITED)]
}

fn spans() -> impl Strategy<Value = Option<Within>> {
    let within = (0_u32..9, 0_u32..30, 0_u32..400, 0_u32..99);
    let within = within.prop_map(|(years, months, days, hours)| Within { years, months, days, hours });
    prop::option::of(within.prop_filter("zero is none", |within| !within.is_zero()))
}

pub(in crate::domain::keep) fn policies() -> impl Strategy<Value = KeepPolicy> {
    let parts = (prop::array::uniform6(counts()), prop::array::uniform6(spans()), 1_u32..5);
    parts.prop_map(|([last, hourly, daily, weekly, monthly, yearly], spans, min_keep)| {
        let [within, within_hourly, within_daily, within_weekly, within_monthly, within_yearly] = spans;
        let policy = KeepPolicy { last, hourly, daily, weekly, monthly, yearly, within, min_keep, ..KeepPolicy::ALL };
        KeepPolicy { within_hourly, within_daily, within_weekly, within_monthly, within_yearly, ..policy }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(policy in policies()) {
        let expected = if policy.keeps_all() { KeepPolicy::ALL } else { policy };
        prop_assert_eq!(policy.to_string().parse::<KeepPolicy>(), Ok(expected));
    }

    #[test]
    fn any_text_is_answered(text in ".{0,40}") {
        let _ = text.parse::<KeepPolicy>();
    }
}
