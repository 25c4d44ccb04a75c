//! Has glibc's allocator give memory back to the system.
//!
//! Left alone it learns from the first large block that is freed (a check of a password takes 19 MiB) that blocks of
//! that size had better stay, in each of up to eight heaps a processor: a service that four people have signed in to
//! holds 80 MiB for nothing. Fixed thresholds switch that learning off.
//!
//! A crate of its own because the service forbids `unsafe`. Do not add anything else here; other C libraries have no
//! such habit and are left alone.

/// Blocks of this size and more come straight from the system and go back to it. The buffers that an archive is
/// written through are smaller and are used again and again.
pub const MAPPED_BYTES: i32 = 4 << 20;
/// Freed memory at the end of the heap beyond this goes back.
pub const KEPT_BYTES: i32 = 256 << 10;
/// Threads share one heap, instead of having one each: what one has freed another can use. Small blocks are kept by
/// each thread as before, so they seldom meet.
pub const HEAPS: i32 = 1;

/// Sets the limits of the process. Call it first in `main`, before there is a second thread. Returns whether the
/// allocator took them all; when not, the service only takes more memory.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn limit() -> bool {
    let limits =
        [(libc::M_MMAP_THRESHOLD, MAPPED_BYTES), (libc::M_TRIM_THRESHOLD, KEPT_BYTES), (libc::M_ARENA_MAX, HEAPS)];
    limits.map(|(what, value)| set(what, value)).iter().all(|is_set| *is_set)
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the C library has no safe way to say it")]
fn set(what: i32, value: i32) -> bool {
    // SAFETY: mallopt takes two numbers, refuses those that it does not know, and takes the allocator's own lock.
    unsafe { libc::mallopt(what, value) == 1 }
}

/// Nothing to set with another C library.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub const fn limit() -> bool {
    true
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    fn resident_kib() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").expect("a status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// What a check of a password does.
    fn take_and_free() {
        let block = vec![1_u8; 19 << 20];
        assert_eq!(block.iter().map(|byte| usize::from(*byte)).sum::<usize>(), 19 << 20);
    }

    #[test]
    fn large_blocks_go_back_from_every_thread() {
        assert!(super::limit());
        let before = resident_kib();
        for _ in 0..4 {
            std::thread::scope(|scope| {
                scope.spawn(|| (0..3).for_each(|_| take_and_free()));
            });
            take_and_free();
        }
        let after = resident_kib();
        assert!(after < before + 8192, "{before} KiB before, {after} KiB after");
    }
}
