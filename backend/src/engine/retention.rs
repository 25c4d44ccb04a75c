//! Dropping what is older than the configuration keeps.
//!
//! Runs only after a success. Touches only archives that are recorded, in the directory where they were recorded, and
//! logs of recorded jobs that have ended. While the clock cannot be believed, nothing is dropped by its age.

use std::io;
use std::path::Path;

use chrono::{DateTime, Duration, NaiveDate, Utc};

use crate::backends::archive;
use crate::domain::ids::JobId;
use crate::domain::job::JobKind;
use crate::domain::log::Level;
use crate::domain::names::StackName;
use crate::domain::retention::{Jump, find_jump, judge_by_age};
use crate::store::{JobFilter, PageRequest, SnapshotFilter, StoreError};

use super::JobEngine;
use super::logbook::JobLog;

/// More archives of one stack than anyone keeps by days.
const MANY: u64 = 10_000;
/// Jobs that tell whether the clock can be believed.
const SOME: u64 = 50;

impl JobEngine {
    /// Drops archives of `stack` that are too old; returns how many and their bytes.
    pub(super) async fn drop_old_archives(&self, stack: &StackName, log: &JobLog) -> Result<(usize, u64), StoreError> {
        let store = &self.0.parts.store;
        let now = self.0.parts.clock.now();
        let snapshots =
            store.list_snapshots(&SnapshotFilter::archives_of(stack), &PageRequest::first(MANY)).await?.items;
        if let Some(jump) = find_jump(now, snapshots.iter().map(|snapshot| snapshot.created_at)) {
            log.write(
                Level::Warning,
                format!("{jump}: nothing is dropped by its age until more backups confirm the time"),
            );
            return Ok((0, 0));
        }
        let (mut count, mut bytes) = (0, 0);
        let verdicts = judge_by_age(&snapshots, self.0.settings.retention_days, now);
        for verdict in verdicts.iter().filter(|v| !v.is_kept) {
            let Some(snapshot) = snapshots.iter().find(|s| s.id == verdict.id) else { continue };
            let Some(archive) = snapshot.find_archive() else { continue };
            let name = archive.display();
            match remove_archive(archive) {
                Ok(()) => log.write(Level::Info, format!("dropped {name}: {}", verdict.reason)),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    log.write(Level::Info, format!("{name} was gone already"));
                }
                Err(error) => {
                    log.write(Level::Warning, format!("{name} could not be dropped: {error}"));
                    continue;
                }
            }
            store.mark_snapshot_removed(&snapshot.id, now).await?;
            count += 1;
            bytes += snapshot.size_bytes;
        }
        Ok((count, bytes))
    }

    /// Drops log files that are too old; returns how many.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn drop_old_logs(&self) -> Result<usize, StoreError> {
        let days = self.0.settings.log_retention_days;
        let Ok(entries) = std::fs::read_dir(&self.0.settings.log_dir) else { return Ok(0) };
        if days == 0 {
            return Ok(0);
        }
        let names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        let now = self.0.parts.clock.now();
        if let Some(jump) = self.find_jump_of_logs(&names, now).await? {
            tracing::debug!(%jump, "no log is dropped by its age");
            return Ok(0);
        }
        let oldest = now - Duration::days(i64::from(days));
        let mut count = 0;
        for name in names {
            let path = self.0.settings.log_dir.join(&name);
            if self.is_old_log(&name, oldest).await? && std::fs::remove_file(path).is_ok() {
                count += 1;
            }
        }
        Ok(count)
    }

    /// Jobs and the days of the service's own logs tell whether the clock can be believed.
    async fn find_jump_of_logs(&self, names: &[String], now: DateTime<Utc>) -> Result<Option<Jump>, StoreError> {
        let jobs = self.0.parts.store.list_jobs(&JobFilter::default(), &PageRequest::first(SOME)).await?.items;
        let days = names.iter().filter_map(|name| day_of_system_log(name)?.and_hms_opt(0, 0, 0)).map(|at| at.and_utc());
        Ok(find_jump(now, jobs.iter().map(|job| job.queued_at).chain(days)))
    }

    async fn is_old_log(&self, name: &str, oldest: DateTime<Utc>) -> Result<bool, StoreError> {
        if let Some(day) = day_of_system_log(name) {
            return Ok(day < oldest.date_naive());
        }
        let Some(id) = job_of_log(name) else { return Ok(false) };
        let job = self.0.parts.store.find_job(&id).await?;
        Ok(job.is_some_and(|job| job.log_file == name && job.finished_at.is_some_and(|at| at < oldest)))
    }
}

/// Removes an archive, if it still is a plain file of that name.
fn remove_archive(path: &Path) -> io::Result<()> {
    if !std::fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    archive::remove_archive(path)
}

fn day_of_system_log(name: &str) -> Option<NaiveDate> {
    name.strip_prefix("mainstay_")?.strip_suffix(".log")?.parse().ok()
}

fn job_of_log(name: &str) -> Option<JobId> {
    let (kind, rest) = name.strip_suffix(".log")?.split_once('_')?;
    kind.parse::<JobKind>().ok()?;
    let (_, id) = rest.rsplit_once("_job_")?;
    format!("job_{id}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_are_logs() {
        let id = JobId::new(DateTime::UNIX_EPOCH);
        for kind in ["backup", "verify", "forget", "import"] {
            assert_eq!(job_of_log(&format!("{kind}_blog_2026-01-01_00-00-00_{id}.log")), Some(id.clone()));
        }
        for name in
            ["backup_blog_2026-01-01.log", "diary_job_1.log", "backup_.log", "notes.log", "backup_a_job_xyz.log"]
        {
            assert_eq!(job_of_log(name), None, "{name}");
        }
        assert_eq!(day_of_system_log("mainstay_2026-11-21.log"), NaiveDate::from_ymd_opt(2026, 11, 21));
        assert_eq!(day_of_system_log("mainstay_old.log"), None);
    }
}
