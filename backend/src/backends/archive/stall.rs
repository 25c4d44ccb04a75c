//! Tells a thing that hangs from one that is slow: by whether anything moves, never by how long it takes in all.

use std::time::Duration;

use tokio::time::Instant;

use super::meter::Reading;

/// Watches the progress of one capture or verification.
#[derive(Debug)]
pub(super) struct Stall {
    limit: Duration,
    seen: Reading,
    since: Instant,
}

impl Stall {
    /// Nothing may stand still for longer than `limit`.
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, seen: Reading::default(), since: Instant::now() }
    }

    /// Why it is given up, once nothing has moved for too long.
    pub(super) fn look(&mut self, reading: Reading) -> Option<String> {
        if reading != self.seen {
            self.since = Instant::now();
        }
        let place = if reading.current.is_empty() { String::new() } else { format!(", last at {}", reading.current) };
        let limit = self.limit;
        self.seen = reading;
        (self.since.elapsed() >= limit).then(|| format!("nothing has moved for {} s{place}", limit.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_is_never_given_up_and_what_stands_still_is() {
        let mut stall = Stall::new(Duration::from_secs(60));
        let ago = |by: u64| Instant::now().checked_sub(Duration::from_secs(by)).expect("a time");
        stall.since = ago(59);
        assert_eq!(stall.look(Reading::default()), None);
        stall.since = ago(600);
        let moved = Reading { bytes_done: 1, ..Reading::default() };
        assert_eq!(stall.look(moved.clone()), None, "it has moved since");
        assert!(stall.since.elapsed() < Duration::from_secs(10));
        stall.since = ago(60);
        assert_eq!(stall.look(moved).as_deref(), Some("nothing has moved for 60 s"));
    }
}
