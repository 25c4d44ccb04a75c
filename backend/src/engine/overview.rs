//! What the host runs together with what is known of its backups.
//!
//! Dashboards ask for it all the time, and the answer seldom changes, so what the store says is kept until a job or a
//! snapshot is written ([`Store::revision`]). What discovery and the jobs at work say is never kept: both are in memory.
//! Keep nothing else here without something that says when it is no longer true.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::discovery::View;
use crate::domain::job::Job;
use crate::domain::names::StackName;
use crate::domain::stack::{Stack, StackState};
use crate::store::{BackupSummary, Revision, Store, StoreError};

use super::JobEngine;
use super::free_space::FreeSpace;

/// For how long an answer is kept at most: a write whose caller gave up may be counted before it is committed.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// A stack and its backups.
#[derive(Debug, Clone)]
pub struct StackOverview {
    /// The stack.
    pub stack: Stack,
    /// Its newest backup, at work or ended.
    pub last_job: Option<Job>,
    /// When its last good backup ended.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Whether there is a complete snapshot of it.
    pub is_protected: bool,
}

/// The whole host at a glance.
#[derive(Debug, Clone)]
pub struct Overview {
    /// What discovery sees: every stack, and its warnings.
    pub view: Arc<View>,
    /// Jobs that are queued or at work.
    pub running_jobs: Vec<Job>,
    /// What there is in backups. A job that has just ended may be among the last jobs and the running ones.
    pub backups: Arc<BackupSummary>,
    /// Bytes that are free where archives land; absent when that cannot be told.
    pub free_bytes: Option<u64>,
}

impl Overview {
    /// How many stacks have at least one running container.
    #[must_use]
    pub fn running_stacks(&self) -> usize {
        let is_running = |stack: &&Stack| matches!(stack.state, StackState::Running | StackState::Partial);
        self.view.stacks.iter().filter(is_running).count()
    }

    /// How many stacks have a complete snapshot.
    #[must_use]
    pub fn protected_stacks(&self) -> usize {
        self.view.stacks.iter().filter(|stack| self.backups.protected.contains(&stack.name)).count()
    }

    /// When the last good backup of any stack ended.
    #[must_use]
    pub fn last_success_at(&self) -> Option<DateTime<Utc>> {
        self.view.stacks.iter().filter_map(|stack| self.backups.last_success_at.get(&stack.name)).max().copied()
    }

    /// The last jobs that ended, newest first.
    pub fn last_jobs(&self) -> impl Iterator<Item = &Job> {
        self.backups.last_jobs.iter().filter(|job| self.running_jobs.iter().all(|running| running.id != job.id))
    }
}

impl JobEngine {
    /// Every stack with its backups, sorted by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list_stacks(&self) -> Result<Vec<StackOverview>, StoreError> {
        // Taken before the store is asked: a job that ends meanwhile is known here or there.
        let live = self.list_live();
        let mut last = self.0.parts.store.list_last_backups().await?;
        last.extend(live.iter().map(|live| live.now()).filter_map(|job| Some((job.stack.clone()?, job))));
        let backups = self.0.kept.backups(&self.0.parts.store).await?;
        let view = self.0.parts.discovery.view();
        let overview = |stack: &Stack| overview_of(stack.clone(), last.remove(&stack.name), &backups);
        Ok(view.stacks.iter().map(overview).collect())
    }

    /// One stack with its backups, by its name or by that of its directory.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find_stack(&self, name: &StackName) -> Result<Option<StackOverview>, StoreError> {
        let Some(stack) = self.0.parts.discovery.find_stack(name) else { return Ok(None) };
        let live = self.list_live().iter().map(|live| live.now()).find(|job| job.stack.as_ref() == Some(&stack.name));
        let last = match live {
            Some(job) => Some(job),
            None => self.0.parts.store.find_last_backup(&stack.name).await?,
        };
        let backups = self.0.kept.backups(&self.0.parts.store).await?;
        Ok(Some(overview_of(stack, last, &backups)))
    }

    /// The whole host at a glance.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn overview(&self) -> Result<Overview, StoreError> {
        // In this order, so that a job that ends meanwhile is told at least once.
        let running_jobs = self.list_live().iter().map(|live| live.now()).collect();
        let backups = self.0.kept.backups(&self.0.parts.store).await?;
        let free_bytes = self.0.kept.free_space.ask(&self.0.parts.runtime).await;
        Ok(Overview { view: self.0.parts.discovery.view(), running_jobs, backups, free_bytes })
    }
}

fn overview_of(stack: Stack, last_job: Option<Job>, backups: &BackupSummary) -> StackOverview {
    let last_success_at = backups.last_success_at.get(&stack.name).copied();
    let is_protected = backups.protected.contains(&stack.name);
    StackOverview { stack, last_job, last_success_at, is_protected }
}

/// What is kept between requests.
pub(super) struct Kept {
    answer: Mutex<Option<Answer>>,
    /// One asks the store, the others wait for the answer.
    asking: tokio::sync::Mutex<()>,
    free_space: FreeSpace,
}

struct Answer {
    revision: Revision,
    asked_at: Instant,
    backups: Arc<BackupSummary>,
}

impl Kept {
    pub(super) fn new(backup_dir: PathBuf) -> Self {
        Self { answer: Mutex::default(), asking: tokio::sync::Mutex::default(), free_space: FreeSpace::new(backup_dir) }
    }

    async fn backups(&self, store: &Store) -> Result<Arc<BackupSummary>, StoreError> {
        if let Some(known) = self.find_fresh(store) {
            return Ok(known);
        }
        let _turn = self.asking.lock().await;
        if let Some(known) = self.find_fresh(store) {
            return Ok(known);
        }
        // The revision first: what is written while the store is read makes the answer an old one.
        let (revision, asked_at) = (store.revision(), Instant::now());
        let backups = Arc::new(store.summarise().await?);
        *self.lock() = Some(Answer { revision, asked_at, backups: backups.clone() });
        Ok(backups)
    }

    fn find_fresh(&self, store: &Store) -> Option<Arc<BackupSummary>> {
        let answer = self.lock();
        let is_fresh = |a: &&Answer| a.revision == store.revision() && a.asked_at.elapsed() < KEPT_FOR;
        answer.as_ref().filter(is_fresh).map(|a| Arc::clone(&a.backups))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Answer>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
