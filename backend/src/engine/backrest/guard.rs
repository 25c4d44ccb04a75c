//! Keeps rounds back that would lead to nothing: the same configuration again that failed a moment ago, and one stop of
//! Backrest after another.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use tokio::time::Instant;

/// The pause after a failure; each one after it is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// Backrest is stopped so many times at most within so long.
const MOST_RESTARTS: usize = 3;
const WITHIN: Duration = Duration::from_mins(10);

/// What was tried, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Guard {
    failed: Option<Failed>,
    restarts: VecDeque<Instant>,
}

#[derive(Debug)]
struct Failed {
    what: u64,
    times: u32,
    until: Instant,
}

/// What tells one configuration from another.
pub(super) fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Guard {
    /// Why a configuration is not to be applied now.
    pub(super) fn hold(&mut self, what: u64, would_restart: bool) -> Option<String> {
        let now = Instant::now();
        if let Some(failed) = self.failed.as_ref().filter(|failed| failed.what == what && now < failed.until) {
            let secs = (failed.until - now).as_secs();
            return Some(format!(
                "the same configuration failed {} times; it is tried again in {secs} s",
                failed.times
            ));
        }
        while self.restarts.front().is_some_and(|at| now.duration_since(*at) > WITHIN) {
            self.restarts.pop_front();
        }
        let is_too_often = would_restart && self.restarts.len() >= MOST_RESTARTS;
        is_too_often.then(|| {
            format!(
                "Backrest was stopped {MOST_RESTARTS} times within {} minutes, because its plans change again and again; it waits",
                WITHIN.as_secs() / 60
            )
        })
    }

    /// Notes that a configuration was not applied.
    pub(super) fn note_failure(&mut self, what: u64) {
        let times = self.failed.as_ref().filter(|failed| failed.what == what).map_or(0, |failed| failed.times) + 1;
        let pause = FIRST_PAUSE.saturating_mul(1 << (times - 1).min(16)).min(LONGEST_PAUSE);
        self.failed = Some(Failed { what, times, until: Instant::now() + pause });
    }

    /// Notes that a configuration was applied.
    pub(super) fn note_success(&mut self, has_restarted: bool) {
        self.failed = None;
        if has_restarted {
            self.restarts.push_back(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_waits_and_another_does_not() {
        let mut guard = Guard::default();
        guard.note_failure(1);
        guard.note_failure(1);
        assert!(guard.hold(1, false).expect("held").contains("failed 2 times"));
        assert_eq!(guard.hold(2, true), None);
        guard.note_success(false);
        assert_eq!(guard.hold(1, false), None);
    }

    #[test]
    fn backrest_is_not_stopped_again_and_again() {
        let mut guard = Guard::default();
        for _ in 0..MOST_RESTARTS {
            assert_eq!(guard.hold(1, true), None);
            guard.note_success(true);
        }
        assert!(guard.hold(1, true).is_some());
        assert_eq!(guard.hold(1, false), None, "without a stop it may go on");
    }
}
