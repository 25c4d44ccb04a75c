//! A job that is queued or at work: its present state, shared by the one who does it and those who look.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::backends::archive;
use crate::domain::clock::SharedClock;
use crate::domain::ids::JobId;
use crate::domain::job::{Job, JobState, Progress, Step, StepName, StepState};
use crate::domain::log::Level;
use crate::store::{Store, StoreError};

use super::events::{Event, EventHub};
use super::logbook::{JobLog, JobSignal};

/// A job that is queued or at work.
pub struct LiveJob {
    id: JobId,
    job: Mutex<Job>,
    partial_files: Mutex<Vec<PathBuf>>,
    is_holding: AtomicBool,
    keeps_files: AtomicBool,
    /// Set when someone asked for an end.
    pub(super) cancel: CancellationToken,
    /// Where its lines go.
    pub(super) log: Arc<JobLog>,
    events: Arc<EventHub>,
    store: Store,
    clock: SharedClock,
}

impl LiveJob {
    pub(super) fn new(
        job: Job,
        log: Arc<JobLog>,
        events: Arc<EventHub>,
        store: Store,
        clock: SharedClock,
    ) -> Arc<Self> {
        Arc::new(Self {
            id: job.id.clone(),
            job: Mutex::new(job),
            partial_files: Mutex::new(Vec::new()),
            is_holding: AtomicBool::new(false),
            keeps_files: AtomicBool::new(false),
            cancel: CancellationToken::new(),
            log,
            events,
            store,
            clock,
        })
    }

    /// The job as it is now.
    #[must_use]
    pub fn now(&self) -> Job {
        self.lock().clone()
    }

    /// The step at work.
    pub(super) fn phase(&self) -> Option<StepName> {
        self.lock().progress.phase
    }

    pub(super) const fn id(&self) -> &JobId {
        &self.id
    }

    /// Whether the job holds its stack at rest: from before the stop journal is written until the stack was started.
    pub(super) fn is_holding(&self) -> bool {
        self.is_holding.load(Ordering::Acquire)
    }

    pub(super) fn set_holding(&self, is_holding: bool) {
        self.is_holding.store(is_holding, Ordering::Release);
    }

    /// Changes the job and tells everyone. What it says of targets and steps is kept free of secrets here.
    pub(super) fn change(&self, change: impl FnOnce(&mut Job)) {
        let mut job = self.lock();
        change(&mut job);
        let said = job.targets.iter_mut().filter_map(|target| target.message.as_mut());
        said.for_each(|text| *text = self.log.redact(text));
        let said = job.steps.iter_mut().filter_map(|step| step.detail.as_mut());
        said.for_each(|text| *text = self.log.redact(text));
        let job = Box::new(job.clone());
        self.events.publish(Event::Job(job.clone()));
        self.log.signal(JobSignal::State(job));
    }

    /// Notes how far the job is, and tells everyone.
    pub(super) fn set_progress(&self, progress: Progress) {
        self.lock().progress = progress.clone();
        self.events.publish(Event::Progress { job: self.id.clone(), progress: progress.clone() });
        self.log.signal(JobSignal::Progress(progress));
    }

    /// Records unfinished files, so that a restart can remove them; committed before they are made.
    pub(super) async fn note_partial_files(&self, files: Vec<PathBuf>) -> Result<(), StoreError> {
        *self.partial_files.lock().unwrap_or_else(PoisonError::into_inner) = files;
        self.save().await
    }

    /// Leaves the unfinished files to the next start.
    pub(super) fn keep_partial_files(&self) {
        self.keeps_files.store(true, Ordering::Release);
    }

    /// Removes the unfinished files that are left; there are none after a job that published its archive.
    pub(super) fn remove_partial_files(&self) {
        if self.keeps_files.load(Ordering::Acquire) {
            return;
        }
        let files = std::mem::take(&mut *self.partial_files.lock().unwrap_or_else(PoisonError::into_inner));
        for file in files.iter().filter(|file| file.exists()) {
            match archive::remove_archive(file) {
                Ok(()) => self.log.write(Level::Info, format!("removed the unfinished file {}", file.display())),
                Err(error) => {
                    self.log.write(Level::Warning, format!("{} could not be removed: {error}", file.display()));
                }
            }
        }
    }

    /// Writes the job to the store.
    pub(super) async fn save(&self) -> Result<(), StoreError> {
        let files = self.partial_files.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.store.save_job_with_partials(&self.now(), &files).await
    }

    /// Writes the job to the store; a failure is a warning in the log, because the work matters more than the record.
    pub(super) async fn save_or_warn(&self) {
        if let Err(error) = self.save().await {
            self.log.write(Level::Warning, format!("the job's state could not be recorded: {}", super::chain(&error)));
        }
    }

    pub(super) async fn begin(&self) {
        let now = self.clock.now();
        self.change(|job| {
            job.state = JobState::Running;
            job.started_at = Some(now);
        });
        self.save_or_warn().await;
    }

    pub(super) async fn begin_step(&self, name: StepName) {
        let now = self.clock.now();
        self.change(|job| {
            // The total is what preflight sized up; a step that knows better says so.
            let bytes_total = job.progress.bytes_total;
            job.progress = Progress { phase: Some(name), bytes_total, ..Progress::default() };
            with_step(job, name, |step| {
                step.state = StepState::Running;
                step.started_at = Some(now);
            });
        });
        self.save_or_warn().await;
    }

    pub(super) async fn end_step(&self, name: StepName, state: StepState, detail: Option<String>) {
        let now = self.clock.now();
        self.change(|job| {
            with_step(job, name, |step| {
                step.state = state;
                step.detail = detail;
                if step.started_at.is_some() {
                    step.finished_at = Some(now);
                }
            });
        });
        self.save_or_warn().await;
    }

    /// Records the end of the job, and tells nobody yet: what was not begun is skipped.
    pub(super) async fn record_end(&self, state: JobState, error: Option<String>) {
        let now = self.clock.now();
        {
            let mut job = self.lock();
            job.state = state;
            if job.bytes_read > 0 {
                job.progress.bytes_done = job.bytes_read;
                job.progress.bytes_total = Some(job.bytes_read);
                job.progress.fraction = matches!(state, JobState::Succeeded | JobState::Partial).then_some(1.0);
            }
            job.error = error.map(|text| self.log.redact(&text));
            job.finished_at = Some(now);
            for step in job.steps.iter_mut().filter(|s| matches!(s.state, StepState::Pending | StepState::Running)) {
                step.state = StepState::Skipped;
            }
        }
        if let Err(error) = insist(|| self.save()).await {
            self.log.write(Level::Error, format!("the job's end could not be recorded: {}", super::chain(&error)));
        }
        self.log.sync();
    }

    /// Tells everyone that the job has ended.
    pub(super) fn tell_end(&self) {
        self.change(|_| {});
        self.log.close();
    }

    fn lock(&self) -> MutexGuard<'_, Job> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tries again for about a minute: a store that is locked for a while must not cost a record that nothing can make
/// again.
pub(super) async fn insist<F: Future<Output = Result<(), StoreError>>>(
    write: impl Fn() -> F,
) -> Result<(), StoreError> {
    for pause in [1, 3, 10, 20] {
        match write().await {
            Ok(()) => return Ok(()),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "a record could not be written yet"),
        }
        tokio::time::sleep(std::time::Duration::from_secs(pause)).await;
    }
    write().await
}

fn with_step(job: &mut Job, name: StepName, change: impl FnOnce(&mut Step)) {
    if let Some(step) = job.steps.iter_mut().find(|step| step.name == name) {
        change(step);
    }
}
