//! When a file that looks unchanged is unchanged.
//!
//! A copy that was made while the stack ran may stand for the file later only if nothing can have changed the file
//! without showing in its `ctime`, which no program can set. Size and mtime are not enough: a write of the same size
//! and `touch -r` hide from them. `ctime` alone is not enough either, because a store through `mmap` into a page that
//! is dirty already changes no stamp at all. Hence, in this order:
//!
//! 1. the clock is read (t0);
//! 2. `syncfs` on every file system of the tree: dirty pages are written and write-protected, so that from now on the
//!    first store into any page faults and sets `ctime` to t0 or later;
//! 3. the file is looked at, then a lock of the kernel's is waited for that a `write` in flight holds (`barrier`),
//!    then the file is read, then looked at again.
//!
//! A file whose `ctime` lies before t0 by [`MARGIN`] and that looks the same after the reading is *trusted*: what was
//! read is its content for as long as its identity (`Stat`, file system, path) stays as it is. The margin covers the
//! tick of the stamps, 2 s on the coarsest file systems, and asynchronous direct writes, which set the stamp when they
//! are submitted. The same holds for metadata and attributes of all else; only pages need the `syncfs`.
//!
//! Only file systems whose stamps and write faults are known to behave are trusted: ext2/3/4, xfs, btrfs, overlay. On
//! tmpfs a store is missed whatever one does; network and FUSE file systems have clocks and caches of their own. To
//! trust one more, prove it with the test of the mmap writer first. Do not widen a rule here for speed: an archive
//! with yesterday's page in today's table is the worst thing that this program could make.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, SeekFrom, fstatfs, seek, syncfs};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::node::Mtime;
use super::stat::Stat;

/// How much older than t0 a stamp must be.
const MARGIN: Duration = Duration::from_secs(2);
/// By how much the clock may have been corrected between two passes; adjusting it slowly stays far below.
const MAX_STEP_MS: i64 = 1000;
/// `f_type` of ext2/3/4, xfs, btrfs and overlay; linux/magic.h.
const TRUSTED_TYPES: [u64; 4] = [0xef53, 0x5846_5342, 0x9123_683e, 0x794c_7630];
/// The same as `/proc/self/mountinfo` names them.
const TRUSTED_NAMES: [&str; 6] = ["ext2", "ext3", "ext4", "xfs", "btrfs", "overlay"];

/// A moment before which stamps can be relied on: the clock, then `syncfs` of the file systems named in it.
///
/// Taken with [`take_trust`] before a pass over a running stack, and handed to the pass over the stack at rest too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    pub(super) moment: Moment,
    /// `st_dev` of what was synced.
    pub(super) devices: Vec<u64>,
    pub(super) margin: Duration,
}

/// Reads the clock, then writes out every file system that `roots` lie on or that is mounted below them. What cannot be
/// synced, or is of a kind whose stamps prove nothing, is simply not trusted. Takes as long as the disks need: call it
/// while the stack runs, never while it is at rest.
#[must_use]
pub fn take_trust(roots: &[PathBuf]) -> Trust {
    let moment = Moment::now();
    let roots: Vec<PathBuf> = roots.iter().filter_map(|root| root.canonicalize().ok()).collect();
    let mut devices = Vec::new();
    let below = mounts_below(&roots).into_iter().filter_map(|(mount, is_trusted)| is_trusted.then_some(mount));
    for path in roots.iter().cloned().chain(below) {
        if let Ok(Some(device)) = sync(&path, &devices) {
            devices.push(device);
        }
    }
    Trust { moment, devices, margin: MARGIN }
}

/// The device that was synced, unless that was done already or is of no use.
fn sync(path: &Path, done: &[u64]) -> io::Result<Option<u64>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let handle = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let stat = Stat::of(&handle)?;
    let is_of_use = (stat.is_dir() || stat.is_file()) && is_trusted_type(&handle)?;
    if done.contains(&stat.dev) || !is_of_use {
        return Ok(None);
    }
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    syncfs(&file)?;
    Ok((Stat::of(&file)?.dev == stat.dev).then_some(stat.dev))
}

fn is_trusted_type(file: impl AsFd) -> io::Result<bool> {
    #[expect(clippy::cast_sign_loss, reason = "its type differs between architectures")]
    let kind = fstatfs(file)?.f_type as u64;
    Ok(TRUSTED_TYPES.contains(&(kind & 0xffff_ffff)))
}

/// What is mounted below the roots, each with whether it is of a kind that is trusted.
fn mounts_below(roots: &[PathBuf]) -> Vec<(PathBuf, bool)> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mounts = table.lines().filter_map(|line| {
        // 36 35 98:0 /root /mount\040point options … - type source options
        let (before, after) = line.split_once(" - ")?;
        let is_trusted = TRUSTED_NAMES.contains(&after.split(' ').next()?);
        Some((unescape(before.split(' ').nth(4)?), is_trusted))
    });
    mounts.filter(|(mount, _)| roots.iter().any(|root| mount.starts_with(root))).collect()
}

/// `\040` and its like are octal.
fn unescape(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()).filter(|_| first == b'\\') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    std::ffi::OsString::from_vec(bytes).into()
}

impl Trust {
    /// Whether stamps can be relied on in everything below the roots, other file systems that are mounted there included.
    #[must_use]
    pub fn covers_roots(&self, roots: &[PathBuf]) -> bool {
        let roots: Vec<PathBuf> = roots.iter().filter_map(|root| root.canonicalize().ok()).collect();
        let is_synced = |path: &PathBuf| {
            let handle = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
            handle.is_ok_and(|handle| Stat::of(&handle).is_ok_and(|stat| self.devices.contains(&stat.dev)))
        };
        roots.iter().all(is_synced) && mounts_below(&roots).iter().all(|(mount, _)| is_synced(mount))
    }

    /// Whether a regular file that was looked at after this moment, then read, cannot change any more without its
    /// `ctime` changing.
    pub(super) fn covers(&self, stat: &Stat) -> bool {
        self.devices.contains(&stat.dev) && is_before(stat.ctime, self.moment.at(), self.margin)
    }

    /// The same for what has no pages: directories, links, devices; `seen_at` is a moment before it was looked at.
    pub(super) fn covers_metadata(&self, stat: &Stat, seen_at: Mtime) -> bool {
        self.devices.contains(&stat.dev) && is_before(stat.ctime, seen_at, self.margin)
    }
}

fn is_before(stamp: Mtime, moment: Mtime, margin: Duration) -> bool {
    let nanos = |time: Mtime| i128::from(time.secs) * 1_000_000_000 + i128::from(time.nanos);
    nanos(stamp) < nanos(moment) - margin.as_nanos() as i128
}

/// Waits until no `write` that began before is still at work in `file`: such a one has set the stamps already but
/// not yet all of the bytes. Looking for data takes the lock that a writer holds.
pub(super) fn barrier(file: &File) {
    // The answer does not matter.
    let _ = seek(file, SeekFrom::Data(0));
}

/// A point in time, with what tells whether the clock was set since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Moment {
    secs: i64,
    nanos: u32,
    /// Realtime less the time since the machine was started, in milliseconds; it jumps when the clock is set.
    pub(super) offset_ms: i64,
    boot_id: String,
}

/// The kernel's clock, as file systems stamp with it.
pub(super) fn clock() -> Mtime {
    let now = clock_gettime(ClockId::Realtime);
    Mtime { secs: now.tv_sec, nanos: u32::try_from(now.tv_nsec).unwrap_or(0) }
}

impl Moment {
    /// The kernel's own clock and not the one that tests can move: it is compared with stamps of the kernel's.
    pub(super) fn now() -> Self {
        let (real, boot) = (clock_gettime(ClockId::Realtime), clock_gettime(ClockId::Boottime));
        let millis = |time: rustix::time::Timespec| time.tv_sec * 1000 + time.tv_nsec / 1_000_000;
        Self {
            secs: real.tv_sec,
            nanos: u32::try_from(real.tv_nsec).unwrap_or(0),
            offset_ms: millis(real) - millis(boot),
            boot_id: fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned(),
        }
    }

    pub(super) fn at(&self) -> Mtime {
        Mtime { secs: self.secs, nanos: self.nanos }
    }

    /// Why stamps from the time of `base` must not be compared with those of now, if so.
    pub(super) fn find_step(&self, base: &Self) -> Option<String> {
        let step = self.offset_ms - base.offset_ms;
        if self.at() < base.at() {
            return Some("the clock is behind the one of the earlier pass".to_owned());
        }
        let is_stepped = self.boot_id == base.boot_id && step.abs() > MAX_STEP_MS;
        is_stepped.then(|| format!("the clock was set by {step} ms since the earlier pass"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_noticed() {
        let then = Moment { secs: 1000, nanos: 0, offset_ms: 5_000, boot_id: "a".to_owned() };
        let later = Moment { secs: 1060, ..then.clone() };
        assert_eq!(later.find_step(&then), None);
        assert!(then.find_step(&later).is_some(), "the earlier pass lies in the future");
        assert!(Moment { offset_ms: 7_000, ..later.clone() }.find_step(&then).is_some());
        assert!(Moment { offset_ms: 3_000, ..later.clone() }.find_step(&then).is_some());
        assert_eq!(Moment { offset_ms: 5_900, ..later.clone() }.find_step(&then), None, "slewed by a little");
        let restarted = Moment { offset_ms: 900_000, boot_id: "b".to_owned(), ..later };
        assert_eq!(restarted.find_step(&then), None, "after a restart the offsets cannot be compared");
    }

    #[test]
    fn octal_escapes_are_understood() {
        assert_eq!(unescape("/a\\040b\\134c"), PathBuf::from("/a b\\c"));
    }
}
