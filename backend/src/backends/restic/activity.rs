//! Tells a restic that hangs from one that is silent, by what the kernel counts of it.
//!
//! `prune` and `check` may print nothing for an hour, and the last packs of a backup are uploaded without any progress.
//! What is read and written (sockets and the pipes to `ssh` and `rclone` included) and the time on the processor show that
//! it works. What it printed to us does not count: a status line comes every second, also when nothing moves.

use std::fs;
use std::time::Duration;

use tokio::time::Instant;

use super::group::stat_fields;

/// Bytes that count as work: more than refreshing a lock or asking a server in vain.
const MOVED_BYTES: u64 = 64 << 10;
/// Hundredths of a second on the processor that count as work.
const MOVED_TICKS: u64 = 200;

/// Watches one process.
pub(super) struct Activity {
    pid: Option<i32>,
    seen: Counters,
    since: Instant,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counters {
    bytes: u64,
    ticks: u64,
}

impl Activity {
    pub(super) fn of(pid: Option<u32>) -> Self {
        let pid = pid.and_then(|pid| i32::try_from(pid).ok());
        Self { pid, seen: Counters::default(), since: Instant::now() }
    }

    /// It said something that shows progress.
    pub(super) fn moved(&mut self) {
        self.since = Instant::now();
    }

    /// How long nothing has moved. `printed` is how many bytes it wrote to us.
    pub(super) fn still_for(&mut self, printed: u64) -> Duration {
        let now = self.pid.and_then(counters).unwrap_or(self.seen);
        let bytes = now.bytes.saturating_sub(printed);
        if bytes >= self.seen.bytes + MOVED_BYTES || now.ticks >= self.seen.ticks + MOVED_TICKS {
            self.seen = Counters { bytes, ticks: now.ticks };
            self.moved();
        }
        self.since.elapsed()
    }
}

/// `rchar` and `wchar` of `/proc/<pid>/io`, `utime` and `stime` of `/proc/<pid>/stat`; see proc(5).
fn counters(pid: i32) -> Option<Counters> {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let value = |name: &str| io.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    let fields = stat_fields(pid)?;
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
    Some(Counters { bytes: value("rchar:")? + value("wchar:")?, ticks: ticks(11)? + ticks(12)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moves the beginning of the stillness back instead of waiting.
    fn stood_for_a_minute(activity: &mut Activity) {
        activity.since -= Duration::from_secs(60);
    }

    #[test]
    fn what_reads_moves_and_what_only_prints_does_not() {
        let mut activity = Activity::of(Some(std::process::id()));
        activity.still_for(0);
        stood_for_a_minute(&mut activity);
        assert!(activity.still_for(u64::MAX) >= Duration::from_secs(60), "what came to us is no work");
        fs::read("/proc/self/exe").expect("a large file");
        assert!(activity.still_for(0) < Duration::from_secs(60), "what was read is work");
    }

    #[test]
    fn a_process_that_is_gone_stands_still() {
        let mut activity = Activity::of(None);
        stood_for_a_minute(&mut activity);
        assert!(activity.still_for(0) >= Duration::from_secs(60));
        activity.moved();
        assert!(activity.still_for(0) < Duration::from_secs(60));
    }
}
