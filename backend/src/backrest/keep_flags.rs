//! A retention in the flags of `restic forget`.

use crate::domain::keep::{KeepPolicy, UNLIMITED};

/// The flags. A floor of several is the newest ones; a policy that keeps everything has none.
#[must_use]
pub fn keep_flags(policy: &KeepPolicy) -> Vec<String> {
    let last = if policy.min_keep > 1 { policy.last.max(policy.min_keep) } else { policy.last };
    let counts = [
        ("last", last),
        ("hourly", policy.hourly),
        ("daily", policy.daily),
        ("weekly", policy.weekly),
        ("monthly", policy.monthly),
        ("yearly", policy.yearly),
    ];
    let withins = [
        ("within", policy.within),
        ("within-hourly", policy.within_hourly),
        ("within-daily", policy.within_daily),
        ("within-weekly", policy.within_weekly),
        ("within-monthly", policy.within_monthly),
        ("within-yearly", policy.within_yearly),
    ];
    let number = |count: u32| if count == UNLIMITED { "unlimited".to_owned() } else { count.to_string() };
    let counts = counts.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| (name, number(count)));
    let withins = withins.into_iter().filter_map(|(name, within)| Some((name, within?.to_string())));
    counts.chain(withins).flat_map(|(name, value)| [format!("--keep-{name}"), value]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_becomes_the_flags_of_restic() {
        let flags = |text: &str| keep_flags(&text.parse().expect("a policy")).join(" ");
        let expected = "--keep-last 7 --keep-daily 7 --keep-weekly 4 --keep-within 90d";
        assert_eq!(flags("last=7,daily=7,weekly=4,within=90d"), expected);
        assert_eq!(flags("daily=2,min_keep=3"), "--keep-last 3 --keep-daily 2");
        assert_eq!(flags("within-weekly=1y5m7d"), "--keep-within-weekly 1y5m7d");
        assert_eq!(flags("all"), "");
    }
}
