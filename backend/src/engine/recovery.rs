//! What a start does about an end that was not planned.
//!
//! First the stop journal: whatever a former process brought to rest is brought back (see [`super::replay`]; what takes
//! longer is left to its watch), after it was decided which data a restore leaves it with (see [`super::restore`]). Then what it broke off of runs of plans is made up for, the jobs it left behind become
//! `interrupted`, and the unfinished files they recorded are removed, or completed where only the last rename was missing.
//! Nothing is started or removed that is not recorded, or marked as made by Mainstay.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;

use crate::backends::archive;
use crate::domain::ids::JobId;
use crate::domain::job::{Job, JobKind, JobState, StepState};
use crate::domain::log::{Level, LogLine};
use crate::domain::names::InstanceId;
use crate::domain::snapshot::Snapshot;
use crate::store::{PageRequest, SnapshotFilter, StoreError};

use super::backup::{AT_REST_SUFFIX, HOT_SUFFIX};
use super::claims::instance_of;
use super::live::insist;
use super::plan_run::make_up;
use super::{JobEngine, chain, drill, logbook};

/// How long a start waits for the first replay of the stop journal.
const FIRST_REPLAY: Duration = Duration::from_secs(30);
/// How long a start waits for what is made up for; the rest follows while the service answers.
const MAKE_UP: Duration = Duration::from_secs(20);

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

/// What became of the unfinished files of a job.
#[derive(Debug, Default)]
struct Tidied {
    removed: usize,
    left: Vec<PathBuf>,
}

/// What became of one unfinished file.
enum Outcome {
    /// There is nothing to remove: it was never made, is gone, or has its final name now.
    Nothing,
    Removed,
    /// It could not be looked at, removed or given its name.
    Left,
}

impl JobEngine {
    /// Brings back what a former process left behind. Call it before the first request.
    ///
    /// # Errors
    /// When the jobs cannot be read; what the journal holds was brought back before that.
    pub async fn recover(&self) -> Result<RecoveryReport, StoreError> {
        let mut report = RecoveryReport { still_held: self.replay_first().await, ..RecoveryReport::default() };
        let unfinished = self.0.parts.store.list_unfinished_jobs().await?;
        let is_drill = |(job, _): &&(Job, Vec<PathBuf>)| job.kind == JobKind::Drill && !job.state.is_final();
        let drills: Vec<JobId> = unfinished.iter().filter(is_drill).map(|(job, _)| job.id.clone()).collect();
        drill::sweep(self, &drills).await;
        let mut problems = self.make_up(&unfinished).await;
        problems.extend(self.told_of_restores().await);
        for (job, files) in unfinished {
            let tidied = self.tidy_files(&job, &files).await;
            report.removed_files += tidied.removed;
            report.interrupted_jobs += usize::from(!job.state.is_final());
            let id = job.id.clone();
            if job.kind == JobKind::Restore
                && !problems.contains_key(&id)
                && let Some(sentence) = self.sentence_of_restore(&id).await
            {
                problems.insert(id.clone(), sentence);
            }
            let recorded = if !job.state.is_final() {
                self.interrupt(job, problems.remove(&id), &tidied.left).await
            } else if tidied.left != files {
                insist(|| self.0.parts.store.save_job_with_partials(&job, &tidied.left)).await
            } else {
                Ok(())
            };
            if let Err(error) = recorded {
                self.say(
                    Level::Error,
                    None,
                    format!("what became of job {id} could not be recorded: {}", chain(&error)),
                );
            }
        }
        report.removed_files += self.remove_spools();
        Ok(report)
    }

    /// Makes up for what was broken off of work for instances, beside each other. Until it is done no other job works for
    /// the instance. Returns what went wrong.
    async fn make_up(&self, unfinished: &[(Job, Vec<PathBuf>)]) -> HashMap<JobId, String> {
        let mut broken_off: BTreeMap<InstanceId, Vec<Job>> = BTreeMap::new();
        for (job, _) in unfinished.iter().filter(|(job, _)| !job.state.is_final()) {
            if let Some(instance) = instance_of(job) {
                broken_off.entry(instance).or_default().push(job.clone());
            }
        }
        let tasks = broken_off.into_iter().map(|(instance, jobs)| {
            let engine = self.clone();
            let work = async move {
                let turn = engine.turn_of(&instance);
                let _alone = turn.lock().await;
                Box::pin(make_up(&engine, &instance, &jobs)).await
            };
            self.0.tracker.spawn_on(work, &self.0.parts.runtime)
        });
        if let Ok(done) = tokio::time::timeout(MAKE_UP, join_all(tasks)).await {
            return done.into_iter().flatten().flatten().collect();
        }
        let message = "what was broken off is not made up for yet, which goes on; the service starts";
        self.say(Level::Warning, None, message.to_owned());
        HashMap::new()
    }

    /// The first replay; returns how many containers are left. One that the engine keeps waiting for does not keep the
    /// service from its start: the watch goes on with it.
    async fn replay_first(&self) -> usize {
        match tokio::time::timeout(FIRST_REPLAY, self.replay_journal()).await {
            Ok(Ok(left)) => return left,
            Ok(Err(error)) => {
                self.say(Level::Error, None, format!("the stop journal cannot be read yet: {}", chain(&error)));
            }
            Err(_) => self.say(Level::Error, None, "not every container is back yet; the service starts".to_owned()),
        }
        self.0.parts.store.list_journal().await.map_or(0, |rows| rows.len())
    }

    async fn interrupt(
        &self,
        mut job: Job,
        problem: Option<String>,
        partial_files: &[PathBuf],
    ) -> Result<(), StoreError> {
        let now = self.0.parts.clock.now();
        for step in job.steps.iter_mut().filter(|s| !matches!(s.state, StepState::Succeeded | StepState::Failed)) {
            step.state = if step.state == StepState::Running { StepState::Failed } else { StepState::Skipped };
            step.finished_at = step.started_at.map(|_| now);
        }
        job.state = JobState::Interrupted;
        job.finished_at = Some(now);
        let why = "the service ended while the job was at work".to_owned();
        job.error = Some(problem.map_or_else(|| why.clone(), |problem| format!("{why}; {problem}")));
        insist(|| self.0.parts.store.save_job_with_partials(&job, partial_files)).await?;
        let message = format!("job {} was at work when the service ended: interrupted", job.id);
        self.append_to_log(&job, Level::Warning, &message);
        self.say(Level::Warning, job.stack.as_ref().map(|s| s.as_str()), message);
        Ok(())
    }

    /// Removes the unfinished files of a job. An archive that was verified and recorded, and only lacked its final
    /// name, gets it. What cannot be told now, because the directory looks unmounted, is left for a later start.
    async fn tidy_files(&self, job: &Job, files: &[PathBuf]) -> Tidied {
        let mut tidied = Tidied::default();
        if files.is_empty() {
            return tidied;
        }
        let recorded = match self.snapshot_of(job).await {
            Ok(recorded) => recorded,
            Err(error) => {
                let message = format!("the unfinished files of job {} stay: {}", job.id, chain(&error));
                self.say(Level::Error, job.stack.as_ref().map(|s| s.as_str()), message);
                return Tidied { left: files.to_vec(), ..tidied };
            }
        };
        for file in files {
            match self.tidy_file(job, file, recorded.as_ref()) {
                Outcome::Nothing => {}
                Outcome::Removed => tidied.removed += 1,
                Outcome::Left => tidied.left.push(file.clone()),
            }
        }
        tidied
    }

    fn tidy_file(&self, job: &Job, file: &Path, recorded: Option<&Snapshot>) -> Outcome {
        let recorded = recorded.and_then(Snapshot::find_archive).filter(|archive| is_partial_of(file, archive));
        // It can never become an archive: whether it was made or is gone, nothing depends on it.
        if is_scratch(file) && matches!(file.try_exists(), Ok(false)) {
            return Outcome::Nothing;
        }
        if !file.try_exists().unwrap_or(false) {
            // What was verified and recorded is there under one name or the other.
            let is_known = recorded.map_or_else(|| has_content(file.parent()), Path::exists);
            if is_known {
                recorded.iter().for_each(|archive| archive::adopt_index(file, archive));
                return Outcome::Nothing;
            }
            let message =
                format!("{} is not there, and backup_dir looks unmounted; a later start looks again", file.display());
            self.say(Level::Warning, job.stack.as_ref().map(|s| s.as_str()), message);
            return Outcome::Left;
        }
        if let Some(archive) = recorded.filter(|archive| !archive.exists()) {
            let message =
                format!("archive {} was verified before the service ended; it has its name now", archive.display());
            let published = archive::publish(file, archive).map_err(|error| chain(&error));
            return if self.say_result(&published, job, message) { Outcome::Nothing } else { Outcome::Left };
        }
        let removed = archive::remove_archive(file).map_err(|error| error.to_string());
        if self.say_result(&removed, job, format!("removed the unfinished file {}", file.display())) {
            Outcome::Removed
        } else {
            Outcome::Left
        }
    }

    /// Removes the scratch files of archives that a kill left where they are made. They carry a name that only Mainstay
    /// gives.
    fn remove_spools(&self) -> usize {
        let settings = &self.0.settings;
        let entries =
            [&settings.backup_dir, &settings.staging_dir].into_iter().filter_map(|d| std::fs::read_dir(d).ok());
        let spools = entries.flatten().flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_spool));
        spools.filter(|entry| std::fs::remove_file(entry.path()).is_ok()).count()
    }

    async fn snapshot_of(&self, job: &Job) -> Result<Option<Snapshot>, StoreError> {
        let filter = SnapshotFilter { job: Some(job.id.clone()), ..SnapshotFilter::default() };
        let page = self.0.parts.store.list_snapshots(&filter, &PageRequest::first(1)).await?;
        Ok(page.items.into_iter().next())
    }

    /// Says what was done, or why it was not; returns which.
    fn say_result(&self, result: &Result<(), String>, job: &Job, message: String) -> bool {
        let stack = job.stack.as_ref().map(|s| s.as_str());
        match result {
            Ok(()) => self.say(Level::Warning, stack, message),
            Err(error) => self.say(Level::Error, stack, format!("not done: {message}: {error}")),
        }
        result.is_ok()
    }

    /// Adds a line to the log of a job that a former process had at work.
    pub(super) fn append_to_log(&self, job: &Job, level: Level, message: &str) {
        let at = self.0.parts.clock.now();
        append_to_log(&self.0.settings.log_dir.join(&job.log_file), at, level, message);
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

/// `.<archive>.<job>.precopy.partial` and `.<archive>.<job>.capture.partial`, which never get another name.
fn is_scratch(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with('.') && (name.ends_with(HOT_SUFFIX) || name.ends_with(AT_REST_SUFFIX))
}

/// Whether a directory is there with something in it. An empty one may be where nothing is mounted.
fn has_content(directory: Option<&Path>) -> bool {
    let entries = directory.and_then(|directory| std::fs::read_dir(directory).ok());
    entries.is_some_and(|mut entries| entries.next().is_some())
}

fn is_partial_of(file: &Path, archive: &Path) -> bool {
    file.as_os_str().to_str() == archive.to_str().map(|a| format!("{a}.partial")).as_deref()
}

fn append_to_log(path: &Path, at: chrono::DateTime<chrono::Utc>, level: Level, message: &str) {
    let line = LogLine { n: 0, at, level, target: None, message: message.to_owned() };
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
    fn what_never_becomes_an_archive_is_scratch() {
        for name in [".blog_1.job_1.precopy.partial", ".blog_1.job_1.capture.partial"] {
            assert!(is_scratch(&Path::new("/staging").join(name)), "{name}");
        }
        for name in ["blog_1.tar.gz.partial", "nas.partial", ".blog_1.tar.gz.partial", ".412-7.spool.partial"] {
            assert!(!is_scratch(&Path::new("/backups").join(name)), "{name}");
        }
    }

    #[test]
    fn only_spools_of_ours_are_spools() {
        assert!(is_spool(".412-7.spool.partial"));
        for name in ["412-7.spool.partial", ".412-.spool.partial", ".a-7.spool.partial", "blog.tar.gz.partial", ".x"] {
            assert!(!is_spool(name), "{name}");
        }
    }
}
