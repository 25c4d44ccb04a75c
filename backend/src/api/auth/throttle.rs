//! Slows down whoever guesses passwords: a bucket of attempts per address that fills slowly.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};

use super::super::problem::ApiError;

/// Attempts that are free.
const CAPACITY: i64 = 5;
/// How long one attempt takes to come back.
const REFILL: Duration = Duration::seconds(10);
/// Addresses that are remembered; more would let a flood of them fill the memory.
const MAX_ADDRESSES: usize = 10_000;

/// Attempts by address. An entry is the time at which the address has all of its attempts again.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<IpAddr, DateTime<Utc>>>);

impl Throttle {
    /// Takes one attempt of `peer`.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`] when it has none left.
    pub fn take(&self, peer: Option<IpAddr>, now: DateTime<Utc>) -> Result<(), ApiError> {
        let mut peer = normalise(peer);
        let mut full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= MAX_ADDRESSES {
            full_at.retain(|_, at| *at > now);
            if full_at.len() >= MAX_ADDRESSES && !full_at.contains_key(&peer) {
                peer = normalise(None);
            }
        }
        let next = full_at.get(&peer).copied().unwrap_or(now).max(now) + REFILL;
        let wait = next - now - REFILL * i32::try_from(CAPACITY).unwrap_or(i32::MAX);
        if wait > Duration::zero() {
            let retry_after_secs = u64::try_from((wait.num_milliseconds() + 999) / 1000).unwrap_or(1);
            return Err(ApiError::TooManyRequests { retry_after_secs });
        }
        full_at.insert(peer, next);
        Ok(())
    }

    /// Gives `peer` its attempts back: it knew the password.
    pub fn forgive(&self, peer: Option<IpAddr>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&normalise(peer));
    }
}

/// One bucket for all that cannot be told apart, and one for the 2^64 addresses that one IPv6 customer has.
fn normalise(peer: Option<IpAddr>) -> IpAddr {
    match peer.map(|ip| ip.to_canonical()) {
        None => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        Some(IpAddr::V6(ip)) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
        Some(v4) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    #[test]
    fn attempts_run_out_and_come_back() {
        let (throttle, now) = (Throttle::default(), DateTime::UNIX_EPOCH);
        for _ in 0..CAPACITY {
            assert!(throttle.take(ip("10.0.0.1"), now).is_ok());
        }
        let error = throttle.take(ip("10.0.0.1"), now).expect_err("none left");
        assert!(matches!(error, ApiError::TooManyRequests { retry_after_secs: 10 }), "{error:?}");
        assert!(throttle.take(ip("10.0.0.2"), now).is_ok(), "another address");
        assert!(throttle.take(ip("10.0.0.1"), now + REFILL).is_ok(), "one came back");
        assert!(throttle.take(ip("10.0.0.1"), now + REFILL).is_err());
        throttle.forgive(ip("10.0.0.1"));
        assert!(throttle.take(ip("10.0.0.1"), now + REFILL).is_ok());
    }

    #[test]
    fn addresses_of_one_network_share() {
        assert_eq!(normalise(ip("2001:db8::1")), normalise(ip("2001:db8::2:3")));
        assert_ne!(normalise(ip("2001:db8::1")), normalise(ip("2001:db8:0:1::1")));
        assert_eq!(normalise(ip("::ffff:10.0.0.1")), normalise(ip("10.0.0.1")));
    }
}
