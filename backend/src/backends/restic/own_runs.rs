//! Which processes restic's locks may belong to: every restic that we begin is written down until it has ended.
//!
//! A lock names a host and a process. Neither proves anything by itself: containers share host names, and every container
//! counts its processes from one. A lock is ours when we wrote down that very process, and dead when that process is gone:
//! after a restart of the machine, or when nothing with its number and its start lives in the same process namespace, or
//! when its namespace was one of a container and we are in another one now, because a container's processes end with it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::group::stat_fields;
use super::program::Restic;

/// `/proc/self/ns/pid` of a process that is in no container: PROC_PID_INIT_INO of linux/proc_ns.h.
const OUTERMOST: &str = "pid:[4026531836]";
/// Where `/proc/<pid>/stat` has the start, counted from the state.
const STARTED: usize = 19;

/// A restic that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) pid: i32,
    /// Its start, in ticks since the machine's.
    started: String,
    boot_id: String,
    namespace: String,
    host: String,
    /// The hash of the repository's address.
    repository: String,
    /// The process that began it, and that one's start.
    keeper: Option<(i32, String)>,
}

/// The record of a restic at work; it goes when this is dropped.
pub(super) struct OwnRun(Option<PathBuf>);

impl OwnRun {
    /// Writes it down. That it cannot be costs nothing but a lock that nobody dares to remove.
    pub(super) fn begin(restic: &Restic, pid: Option<u32>) -> Self {
        let record = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(|pid| Record::of(pid, restic));
        Self(record.and_then(|record| write(&directory(restic), &record).ok()))
    }
}

impl Drop for OwnRun {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

impl Record {
    fn of(pid: i32, restic: &Restic) -> Option<Self> {
        Some(Self {
            pid,
            started: stat_fields(pid)?.get(STARTED)?.clone(),
            boot_id: boot_id(),
            namespace: namespace(),
            host: host_name(),
            repository: restic.repository_hash(),
            keeper: own_process(),
        })
    }

    /// Whether it certainly does not run any more.
    pub(super) fn is_dead(&self) -> bool {
        if self.boot_id != boot_id() {
            return true;
        }
        if self.namespace != namespace() {
            return self.namespace != OUTERMOST;
        }
        !is_alive(self.pid, &self.started)
    }

    /// Whether it runs although who began it certainly does not any more: nobody hears it, or will end it.
    pub(super) fn is_orphaned(&self) -> bool {
        let Some((pid, started)) = &self.keeper else { return false };
        !self.is_dead() && self.namespace == namespace() && !is_alive(*pid, started)
    }

    /// Whether a lock of this host and process may be the one of this restic.
    pub(super) fn made(&self, host: &str, pid: i32) -> bool {
        self.host == host && self.pid == pid
    }
}

/// Whether the process with this number that was started then runs, in our namespace.
fn is_alive(pid: i32, started: &str) -> bool {
    let Some(fields) = stat_fields(pid) else { return false };
    fields.get(STARTED).is_some_and(|found| found == started) && fields.first().is_some_and(|state| state != "Z")
}

fn own_process() -> Option<(i32, String)> {
    let pid = i32::try_from(std::process::id()).ok()?;
    Some((pid, stat_fields(pid)?.get(STARTED)?.clone()))
}

/// What was written down for the repository, with the files.
pub(super) fn records(restic: &Restic) -> Vec<(PathBuf, Record)> {
    let entries = fs::read_dir(directory(restic)).into_iter().flatten().flatten();
    let records = entries.filter_map(|entry| {
        let record: Record = serde_json::from_slice(&fs::read(entry.path()).ok()?).ok()?;
        Some((entry.path(), record))
    });
    records.filter(|(_, record)| record.repository == restic.repository_hash()).collect()
}

/// The name that restic writes into its locks.
pub(super) fn host_name() -> String {
    read_trimmed("/proc/sys/kernel/hostname")
}

fn boot_id() -> String {
    read_trimmed("/proc/sys/kernel/random/boot_id")
}

fn namespace() -> String {
    fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default()
}

fn read_trimmed(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn directory(restic: &Restic) -> PathBuf {
    restic.cache_dir.join("restic-runs")
}

fn write(directory: &Path, record: &Record) -> io::Result<PathBuf> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let path = directory.join(format!("{}-{}.json", record.pid, record.started));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    file.write_all(&serde_json::to_vec(record)?)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Record {
        let pid = i32::try_from(std::process::id()).expect("a pid");
        Record {
            pid,
            started: stat_fields(pid).expect("our own")[STARTED].clone(),
            boot_id: boot_id(),
            namespace: namespace(),
            host: host_name(),
            repository: String::new(),
            keeper: own_process(),
        }
    }

    #[test]
    fn a_process_is_dead_only_when_that_is_certain() {
        assert!(!own().is_dead(), "it is us");
        assert!(Record { started: "1".to_owned(), ..own() }.is_dead(), "another process has the number");
        assert!(Record { pid: i32::MAX, ..own() }.is_dead(), "no process has the number");
        assert!(Record { boot_id: "before".to_owned(), ..own() }.is_dead(), "the machine was started since");
        let elsewhere = Record { namespace: "pid:[4026532999]".to_owned(), pid: i32::MAX, ..own() };
        assert!(elsewhere.is_dead(), "its container is gone");
        if namespace() != OUTERMOST {
            assert!(!Record { namespace: OUTERMOST.to_owned(), pid: i32::MAX, ..own() }.is_dead(), "cannot be seen");
        }
    }

    #[test]
    fn what_runs_without_its_keeper_is_an_orphan() {
        assert!(!own().is_orphaned(), "its keeper lives");
        assert!(Record { keeper: Some((i32::MAX, "1".to_owned())), ..own() }.is_orphaned());
        assert!(!Record { keeper: None, ..own() }.is_orphaned(), "nobody knows");
        let dead = Record { pid: i32::MAX, keeper: Some((i32::MAX, "1".to_owned())), ..own() };
        assert!(!dead.is_orphaned(), "it has ended as well");
        let elsewhere = Record { namespace: "pid:[4026532999]".to_owned(), ..dead };
        assert!(!elsewhere.is_orphaned(), "its number means another process here");
    }

    #[test]
    fn a_lock_is_ours_by_host_and_process() {
        let own = own();
        assert!(own.made(&host_name(), own.pid));
        assert!(!own.made("elsewhere", own.pid) && !own.made(&host_name(), own.pid + 1));
    }
}
