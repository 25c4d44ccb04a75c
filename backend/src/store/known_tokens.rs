//! Tokens that were found a moment ago, so that a dashboard's every request does not ask the database who asks.
//!
//! A token that is removed must be refused at once. So each removal forgets everything, and a token that was read
//! before a removal is not remembered after it. What another process might do to the database is noticed within
//! [`KEPT_FOR`].

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::access::Token;

/// For how long a token is taken to be there.
const KEPT_FOR: Duration = Duration::from_secs(1);
/// More than so many callers at once are no dashboard.
const MOST: usize = 64;

#[derive(Debug, Default)]
pub(super) struct KnownTokens(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    by_hash: HashMap<String, (Instant, Token)>,
    removals: u64,
}

/// How many removals there were when the database was asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(u64);

impl KnownTokens {
    /// Take it before asking the database.
    pub(super) fn now(&self) -> Moment {
        Moment(self.lock().removals)
    }

    /// The token of this hash, when it was found a moment ago. Whether it has expired is for the caller to say.
    pub(super) fn find(&self, hash: &str) -> Option<Token> {
        let known = self.lock();
        known.by_hash.get(hash).filter(|(at, _)| at.elapsed() < KEPT_FOR).map(|(_, token)| token.clone())
    }

    /// Remembers what the database said, unless something was removed since `asked`.
    pub(super) fn remember(&self, asked: Moment, hash: String, token: &Token) {
        let mut known = self.lock();
        if known.removals == asked.0 {
            if known.by_hash.len() >= MOST {
                known.by_hash.clear();
            }
            known.by_hash.insert(hash, (Instant::now(), token.clone()));
        }
    }

    /// Call it when a token was removed.
    pub(super) fn forget(&self) {
        let mut known = self.lock();
        known.removals += 1;
        known.by_hash.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::access::Scope;
    use crate::domain::ids::TokenId;

    fn token() -> Token {
        let at = DateTime::UNIX_EPOCH;
        let (id, name, scope) = (TokenId::new(at), "t".to_owned(), Scope::Read);
        Token { id, name, scope, is_session: false, created_at: at, expires_at: None, last_used_at: None }
    }

    #[test]
    fn what_was_removed_is_forgotten_also_by_those_who_had_just_asked() {
        let known = KnownTokens::default();
        let asked = known.now();
        known.remember(asked, "h".into(), &token());
        assert!(known.find("h").is_some() && known.find("other").is_none());
        known.forget();
        assert!(known.find("h").is_none());
        known.remember(asked, "h".into(), &token());
        assert!(known.find("h").is_none(), "the database was asked before the removal");
        known.remember(known.now(), "h".into(), &token());
        assert!(known.find("h").is_some());
    }

    #[test]
    fn many_callers_do_not_fill_the_memory() {
        let known = KnownTokens::default();
        for number in 0..1000 {
            known.remember(known.now(), number.to_string(), &token());
        }
        assert!(known.find("999").is_some() && known.lock().by_hash.len() <= MOST);
    }
}
