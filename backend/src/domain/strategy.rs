//! How data is made safe so that the stack rests as short as possible, and the rule that chooses.
//!
//! Every way ends in the same archive. They differ in what is done before the stop, and in how much work is left for
//! after the start:
//!
//! | strategy | while the stack runs | while it rests | after the start |
//! |---|---|---|---|
//! | direct | nothing | everything is read, lightly compressed | compressed as configured |
//! | splice | everything is read and compressed | what changed is read | assembled from both |
//! | staging | everything is copied | what changed is copied | compressed, assembled |
//! | snapshot | everything is read and compressed | what changed is cloned by the file system | the clones are read, assembled |

use crate::domain::job::word_enum;
use crate::domain::size::human_bytes;

word_enum!(
    /// What the configuration asks for.
    Precopy, UnknownPrecopy {
        /// What suits the size, the free space and what earlier runs showed.
        Auto => "auto",
        /// Nothing is read beforehand.
        Off => "off",
        /// Files are copied beforehand, uncompressed.
        Staging => "staging",
        /// Files are compressed beforehand, and what changes is spliced in.
        Splice => "splice",
        /// As splice, and the file system clones what changed.
        Snapshot => "snapshot",
    }
);

word_enum!(
    /// How a job made its data safe.
    Strategy, UnknownStrategy {
        /// Everything was read while the stack was at rest.
        Direct => "direct",
        /// Files were copied beforehand, and what changed once more at rest.
        Staging => "staging",
        /// Files were compressed beforehand, and what changed once more at rest.
        Splice => "splice",
        /// As splice, with clones of what changed.
        Snapshot => "snapshot",
    }
);

/// Less than this is read faster than a pass beforehand would be worth.
const SMALL_BYTES: u64 = 8 << 20;
/// Fewer files than this are walked in no time.
const SMALL_FILES: u64 = 1000;
/// A direct capture that took no longer than this is left as it is, in milliseconds.
const SHORT_MS: u64 = 300;
/// What remains free on the disk that holds the copy.
const KEEP_FREE: u64 = 64 << 20;

/// What is known before the stop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Whether anything is brought to rest.
    pub holds: bool,
    /// Bytes to read, as far as they can be sized up.
    pub bytes: u64,
    /// Files to read.
    pub files: u64,
    /// Whether all of it was sized up in time, and nothing comes as a stream.
    pub is_complete: bool,
    /// Bytes that the finished archive is expected to take.
    pub archive_bytes: u64,
    /// Bytes free where the copy goes.
    pub free_bytes: u64,
    /// Whether a file system of the data can clone files.
    pub can_clone: bool,
    /// The last whole run of this stack.
    pub last: Option<LastRun>,
}

/// What the last whole run showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRun {
    /// How it made the data safe.
    pub strategy: Strategy,
    /// How long the capture at rest took, in milliseconds.
    pub capture_ms: u64,
    /// Bytes that it read at rest.
    pub bytes_at_rest: u64,
    /// Bytes that it read in all.
    pub bytes: u64,
}

/// A strategy, and one sentence on why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// How the data is made safe.
    pub strategy: Strategy,
    /// Why, for the log.
    pub reason: String,
    /// Whether it is less than was asked for.
    pub is_fallback: bool,
}

/// Chooses how the data is made safe.
#[must_use]
pub fn choose_strategy(asked: Precopy, outlook: &Outlook) -> Chosen {
    let chosen = |strategy, reason: String| Chosen { strategy, reason, is_fallback: false };
    if !outlook.holds {
        return chosen(Strategy::Direct, "nothing is brought to rest, so there is no stop to make short".to_owned());
    }
    let wanted = match asked {
        Precopy::Off => return chosen(Strategy::Direct, "as configured".to_owned()),
        Precopy::Auto => match auto(outlook) {
            Ok(reason) => return chosen(Strategy::Direct, reason),
            Err(strategy) => strategy,
        },
        Precopy::Staging => Strategy::Staging,
        Precopy::Splice => Strategy::Splice,
        Precopy::Snapshot => Strategy::Snapshot,
    };
    let needed = room_for(wanted, outlook);
    if outlook.free_bytes < needed.saturating_add(KEEP_FREE) {
        let (free, needed) = (human_bytes(outlook.free_bytes), human_bytes(needed));
        let reason = format!("{wanted} would need about {needed} beside the archive, and {free} are free");
        return Chosen { strategy: Strategy::Direct, reason, is_fallback: asked != Precopy::Auto };
    }
    if wanted == Strategy::Snapshot && !outlook.can_clone {
        let reason = "no file system of the data can clone files, so what changed is read at rest".to_owned();
        return Chosen { strategy: Strategy::Splice, reason, is_fallback: true };
    }
    let reason = if asked == Precopy::Auto { why(wanted, outlook) } else { "as configured".to_owned() };
    chosen(wanted, reason)
}

/// Why nothing is read beforehand, or what is done instead.
fn auto(outlook: &Outlook) -> Result<String, Strategy> {
    if outlook.is_complete && outlook.bytes < SMALL_BYTES && outlook.files < SMALL_FILES {
        return Ok(format!("only {} to read: a pass beforehand would gain nothing", human_bytes(outlook.bytes)));
    }
    if let Some(last) = outlook.last {
        if last.strategy == Strategy::Direct && last.capture_ms <= SHORT_MS && outlook.bytes <= last.bytes * 2 {
            return Ok(format!("the last capture took {} ms without a pass beforehand", last.capture_ms));
        }
        if last.strategy == Strategy::Splice && !outlook.can_clone && last.bytes_at_rest > last.bytes / 10 * 9 {
            return Ok("nearly everything changed during the last pass beforehand, so it gained nothing".to_owned());
        }
    }
    Err(if outlook.can_clone { Strategy::Snapshot } else { Strategy::Splice })
}

/// What the copy takes beside the archive itself.
const fn room_for(strategy: Strategy, outlook: &Outlook) -> u64 {
    match strategy {
        Strategy::Direct => 0,
        Strategy::Staging => outlook.bytes,
        Strategy::Splice | Strategy::Snapshot => outlook.archive_bytes,
    }
}

fn why(strategy: Strategy, outlook: &Outlook) -> String {
    let read = format!("{} are read while the stack runs", human_bytes(outlook.bytes));
    match strategy {
        Strategy::Snapshot => format!("{read}, and the file system clones what changes until the stop"),
        _ => format!("{read}, and only what changes until the stop is read again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: Outlook = Outlook {
        holds: true,
        bytes: 2 << 30,
        files: 50_000,
        is_complete: true,
        archive_bytes: 1 << 30,
        free_bytes: 100 << 30,
        can_clone: false,
        last: None,
    };

    fn last(strategy: Strategy, capture_ms: u64, bytes_at_rest: u64) -> Option<LastRun> {
        Some(LastRun { strategy, capture_ms, bytes_at_rest, bytes: 2 << 30 })
    }

    #[test]
    fn the_strategy_suits_what_is_known() {
        use Precopy as P;
        use Strategy as S;
        let table = [
            ("large", P::Auto, LARGE, S::Splice),
            ("large, clones", P::Auto, Outlook { can_clone: true, ..LARGE }, S::Snapshot),
            ("nothing stops", P::Splice, Outlook { holds: false, ..LARGE }, S::Direct),
            ("small", P::Auto, Outlook { bytes: 1 << 20, files: 10, ..LARGE }, S::Direct),
            ("small, asked for", P::Splice, Outlook { bytes: 1 << 20, files: 10, ..LARGE }, S::Splice),
            ("many small files", P::Auto, Outlook { bytes: 1 << 20, ..LARGE }, S::Splice),
            ("unknown size", P::Auto, Outlook { bytes: 0, files: 0, is_complete: false, ..LARGE }, S::Splice),
            ("no space", P::Auto, Outlook { free_bytes: 1 << 30, ..LARGE }, S::Direct),
            ("no space for a copy", P::Staging, Outlook { free_bytes: 2 << 30, ..LARGE }, S::Direct),
            ("off", P::Off, LARGE, S::Direct),
            ("no clones", P::Snapshot, LARGE, S::Splice),
            ("was short", P::Auto, Outlook { last: last(S::Direct, 200, 2 << 30), ..LARGE }, S::Direct),
            ("was long", P::Auto, Outlook { last: last(S::Direct, 9000, 2 << 30), ..LARGE }, S::Splice),
            ("all changes", P::Auto, Outlook { last: last(S::Splice, 9000, 2 << 30), ..LARGE }, S::Direct),
            ("little changes", P::Auto, Outlook { last: last(S::Splice, 900, 1 << 20), ..LARGE }, S::Splice),
        ];
        for (what, asked, outlook, expected) in table {
            let chosen = choose_strategy(asked, &outlook);
            assert_eq!(chosen.strategy, expected, "{what}: {chosen:?}");
            assert!(!chosen.reason.is_empty(), "{what}");
        }
    }

    #[test]
    fn less_than_was_asked_for_is_said() {
        let tight = Outlook { free_bytes: 1 << 30, ..LARGE };
        assert!(choose_strategy(Precopy::Staging, &tight).is_fallback);
        assert!(choose_strategy(Precopy::Snapshot, &LARGE).is_fallback);
        assert!(!choose_strategy(Precopy::Auto, &tight).is_fallback);
    }
}
