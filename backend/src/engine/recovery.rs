//! What a start does about an end that was not planned.
//!
//! First the stop journal: whatever a former process brought to rest is brought back. Then the jobs it left behind
//! become `interrupted`, and the unfinished files they recorded are removed, or completed where only the last rename
//! was missing. Nothing is started or removed that is not recorded.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::domain::job::{Job, JobState, StepState};
use crate::domain::log::{Level, LogLine};
use crate::domain::snapshot::Snapshot;
use crate::store::{JournalRow, PageRequest, SnapshotFilter, StoreError};

use super::{JobEngine, chain, logbook, quiesce};

/// How often rows that are left in the journal are tried again.
const REPLAY_EVERY: Duration = Duration::from_secs(15);

/// What a start found and did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Jobs that became `interrupted`.
    pub interrupted_jobs: usize,
    /// Unfinished files that were removed.
    pub removed_files: usize,
    /// Containers that are still held, because the Docker Engine could not bring them back yet.
    pub still_held: usize,
}

impl JobEngine {
    /// Brings back what a former process left behind. Call it before the first request.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn recover(&self) -> Result<RecoveryReport, StoreError> {
        let still_held = self.replay_journal().await?;
        let mut report = RecoveryReport { still_held, ..RecoveryReport::default() };
        for (job, files) in self.0.parts.store.list_unfinished_jobs().await? {
            report.removed_files += self.tidy_files(&job, &files).await?;
            self.interrupt(job).await?;
            report.interrupted_jobs += 1;
        }
        report.removed_files += self.remove_spools();
        Ok(report)
    }

    /// Brings back every container of the journal whose job is not at work; returns how many are still held.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn replay_journal(&self) -> Result<usize, StoreError> {
        let _alone = self.0.replay.lock().await;
        let rows = self.0.parts.store.list_journal().await?;
        let abandoned: Vec<JournalRow> = rows.into_iter().filter(|row| self.find_live(&row.job_id).is_none()).collect();
        if abandoned.is_empty() {
            return Ok(0);
        }
        let docker = self.0.parts.docker.as_ref();
        if let Err(error) = docker.info().await {
            let held: Vec<&str> = abandoned.iter().map(|row| row.held.name.as_str()).collect();
            let message = format!("{} cannot be brought back yet: {}; trying again", held.join(", "), chain(&error));
            self.say(Level::Error, None, message);
            return Ok(abandoned.len());
        }
        let mut still_held = 0;
        for row in abandoned {
            let stack = row.held.stack.to_string();
            let message = format!("container {} was at rest when job {} ended without bringing it back", row.held.name, row.job_id);
            self.say(Level::Warning, Some(&stack), message);
            let say = |level, _: &str, message: String| self.say(level, Some(&stack), message);
            let held = std::slice::from_ref(&row.held);
            still_held += quiesce::bring_back(docker, &self.0.parts.store, &row.job_id, held, &say).await.len();
        }
        Ok(still_held)
    }

    /// Tries the journal again from time to time, and whenever the Docker Engine comes back. Ends with `cancel`.
    pub async fn watch_journal(&self, cancel: CancellationToken) {
        let mut changes = self.0.parts.discovery.subscribe();
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(REPLAY_EVERY) => {},
                _ = changes.recv() => {},
            }
            if let Err(error) = self.replay_journal().await {
                self.say(Level::Error, None, format!("the stop journal cannot be read: {}", chain(&error)));
            }
        }
    }

    async fn interrupt(&self, mut job: Job) -> Result<(), StoreError> {
        let now = self.0.parts.clock.now();
        for step in job.steps.iter_mut().filter(|s| !matches!(s.state, StepState::Succeeded | StepState::Failed)) {
            step.state = if step.state == StepState::Running { StepState::Failed } else { StepState::Skipped };
            step.finished_at = step.started_at.map(|_| now);
        }
        job.state = JobState::Interrupted;
        job.finished_at = Some(now);
        job.error = Some("the service ended while the job was at work".into());
        self.0.parts.store.save_job(&job).await?;
        let message = format!("job {} was at work when the service ended: interrupted", job.id);
        append_to_log(&self.0.settings.log_dir.join(&job.log_file), now, &message);
        self.say(Level::Warning, job.stack.as_ref().map(|s| s.as_str()), message);
        Ok(())
    }

    /// Removes the unfinished files of a job. An archive that was verified and recorded, and only lacked its final
    /// name, gets it.
    async fn tidy_files(&self, job: &Job, files: &[PathBuf]) -> Result<usize, StoreError> {
        let recorded = self.snapshot_of(job).await?;
        let mut removed = 0;
        for file in files.iter().filter(|f| f.exists()) {
            let finished = recorded.as_ref().filter(|s| !s.archive.exists() && is_partial_of(file, &s.archive));
            match finished {
                Some(snapshot) => self.say_result(
                    std::fs::rename(file, &snapshot.archive),
                    job,
                    format!("archive {} was verified before the service ended; it has its name now", snapshot.archive.display()),
                ),
                None => {
                    self.say_result(std::fs::remove_file(file), job, format!("removed the unfinished file {}", file.display()));
                    removed += 1;
                }
            }
        }
        if let Some(lost) = recorded.filter(|s| !s.archive.exists()) {
            self.0.parts.store.mark_snapshot_removed(&lost.id, self.0.parts.clock.now()).await?;
        }
        Ok(removed)
    }

    /// Removes the scratch files of archives that a kill left beside them. They carry a name that only Mainstay gives.
    fn remove_spools(&self) -> usize {
        let Ok(entries) = std::fs::read_dir(&self.0.settings.backup_dir) else { return 0 };
        let spools = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_spool));
        spools.filter(|entry| std::fs::remove_file(entry.path()).is_ok()).count()
    }

    async fn snapshot_of(&self, job: &Job) -> Result<Option<Snapshot>, StoreError> {
        let filter = SnapshotFilter { job: Some(job.id.clone()), ..SnapshotFilter::default() };
        let page = self.0.parts.store.list_snapshots(&filter, &PageRequest::first(1)).await?;
        Ok(page.items.into_iter().next())
    }

    fn say_result(&self, result: std::io::Result<()>, job: &Job, message: String) {
        let stack = job.stack.as_ref().map(|s| s.as_str());
        match result {
            Ok(()) => self.say(Level::Warning, stack, message),
            Err(error) => self.say(Level::Error, stack, format!("not done: {message}: {error}")),
        }
    }

    pub(super) fn say(&self, level: Level, target: Option<&str>, message: String) {
        self.0.parts.system_log.write(level, target.map(str::to_owned), message);
    }
}

/// `.<process>-<number>.spool.partial`
fn is_spool(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let inner = name.strip_prefix('.').and_then(|n| n.strip_suffix(".spool.partial"));
    inner.and_then(|n| n.split_once('-')).is_some_and(|(process, number)| is_number(process) && is_number(number))
}

fn is_partial_of(file: &Path, archive: &Path) -> bool {
    file.as_os_str().to_str() == archive.to_str().map(|a| format!("{a}.partial")).as_deref()
}

fn append_to_log(path: &Path, at: chrono::DateTime<chrono::Utc>, message: &str) {
    let line = LogLine { n: 0, at, level: Level::Warning, target: None, message: message.to_owned() };
    let file = std::fs::OpenOptions::new().append(true).open(path);
    // The line that the kill may have cut short is ended first.
    let written = file.and_then(|mut f| {
        let is_cut = !std::fs::read(path)?.ends_with(b"\n");
        writeln!(f, "{}{}", if is_cut { "\n" } else { "" }, logbook::format_line(&line))
    });
    if let Err(error) = written {
        tracing::debug!(%error, "the log of an interrupted job was not completed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_spools_of_ours_are_spools() {
        assert!(is_spool(".412-7.spool.partial"));
        for name in ["412-7.spool.partial", ".412-.spool.partial", ".a-7.spool.partial", "blog.tar.gz.partial", ".x"] {
            assert!(!is_spool(name), "{name}");
        }
    }
}
