//! What the host runs together with what is known of its backups.
//!
//! A stack is protected by snapshots of its own, or by plans that capture all of its data (`protection`).
//!
//! Dashboards ask for it all the time, and the answer seldom changes, so what the store says is kept until a job or a
//! snapshot is written ([`Store::revision`]). What discovery and the jobs at work say is never kept: both are in memory.
//! Keep nothing else here without something that says when it is no longer true.

use std::collections::BTreeMap;
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
use super::protection::{GoodRuns, find_good_runs, protected_by_plans};

/// For how long an answer is kept at most: a write whose caller gave up may be counted before it is committed.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// A stack and its backups.
#[derive(Debug, Clone)]
pub struct StackOverview {
    /// The stack.
    pub stack: Stack,
    /// Its newest backup, at work or ended.
    pub last_job: Option<Job>,
    /// When its last good backup ended; where plans protect it, the time since which nothing of it is older, if later.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Whether there is a complete snapshot of it, or plans protect it.
    pub is_protected: bool,
    /// The newest drill of its plain archives that ended.
    pub last_drill: Option<Job>,
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
    /// Stacks that plans protect, each with the time since which nothing of it is older.
    pub protected_by_plans: BTreeMap<StackName, DateTime<Utc>>,
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

    /// How many stacks have a complete snapshot, or are protected by plans.
    #[must_use]
    pub fn protected_stacks(&self) -> usize {
        let is_protected =
            |name: &StackName| self.backups.protected.contains(name) || self.protected_by_plans.contains_key(name);
        self.view.stacks.iter().filter(|stack| is_protected(&stack.name)).count()
    }

    /// When the last good backup of any stack ended.
    #[must_use]
    pub fn last_success_at(&self) -> Option<DateTime<Utc>> {
        let of_stacks = self.view.stacks.iter().filter_map(|stack| self.backups.last_success_at.get(&stack.name));
        of_stacks.chain(self.protected_by_plans.values()).max().copied()
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
        let at_work = live.iter().map(|live| live.now()).filter(|job| !job.kind.only_reads());
        last.extend(at_work.filter_map(|job| Some((job.stack.clone()?, job))));
        let known = self.0.kept.known(self).await?;
        let view = self.0.parts.discovery.view();
        let by_plans = self.protected_by_plans(&view.stacks, &known);
        let overview = |stack: &Stack| overview_of(stack.clone(), last.remove(&stack.name), &known.backups, &by_plans);
        Ok(view.stacks.iter().map(overview).collect())
    }

    /// One stack with its backups, by its name or by that of its directory.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find_stack(&self, name: &StackName) -> Result<Option<StackOverview>, StoreError> {
        let Some(stack) = self.0.parts.discovery.find_stack(name) else { return Ok(None) };
        let is_it = |job: &Job| job.stack.as_ref() == Some(&stack.name) && !job.kind.only_reads();
        let live = self.list_live().iter().map(|live| live.now()).find(is_it);
        let last = match live {
            Some(job) => Some(job),
            None => self.0.parts.store.find_last_backup(&stack.name).await?,
        };
        let known = self.0.kept.known(self).await?;
        let by_plans = self.protected_by_plans(std::slice::from_ref(&stack), &known);
        Ok(Some(overview_of(stack, last, &known.backups, &by_plans)))
    }

    /// The whole host at a glance.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn overview(&self) -> Result<Overview, StoreError> {
        // In this order, so that a job that ends meanwhile is told at least once.
        let running_jobs = self.list_live().iter().map(|live| live.now()).collect();
        let known = self.0.kept.known(self).await?;
        let free_bytes = self.0.kept.free_space.ask(&self.0.parts.runtime).await;
        let view = self.0.parts.discovery.view();
        let protected_by_plans = self.protected_by_plans(&view.stacks, &known);
        Ok(Overview { view, running_jobs, backups: Arc::clone(&known.backups), protected_by_plans, free_bytes })
    }

    fn protected_by_plans(&self, stacks: &[Stack], known: &Known) -> BTreeMap<StackName, DateTime<Utc>> {
        let parts = &self.0.parts;
        protected_by_plans(stacks, &parts.registry.list_plans(), &known.good_runs, parts.clock.now())
    }
}

fn overview_of(
    stack: Stack,
    last_job: Option<Job>,
    backups: &BackupSummary,
    by_plans: &BTreeMap<StackName, DateTime<Utc>>,
) -> StackOverview {
    let by_plans = by_plans.get(&stack.name).copied();
    let last_success_at = backups.last_success_at.get(&stack.name).copied().max(by_plans);
    let is_protected = backups.protected.contains(&stack.name) || by_plans.is_some();
    let last_drill = backups.last_drills.get(&stack.name).cloned();
    StackOverview { stack, last_job, last_success_at, is_protected, last_drill }
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
    known: Arc<Known>,
}

/// What the store says.
struct Known {
    backups: Arc<BackupSummary>,
    good_runs: GoodRuns,
}

impl Kept {
    pub(super) fn new(backup_dir: PathBuf) -> Self {
        Self { answer: Mutex::default(), asking: tokio::sync::Mutex::default(), free_space: FreeSpace::new(backup_dir) }
    }

    async fn known(&self, engine: &JobEngine) -> Result<Arc<Known>, StoreError> {
        let (store, registry) = (&engine.0.parts.store, &engine.0.parts.registry);
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
        let known = Arc::new(Known { backups, good_runs: find_good_runs(store, registry).await? });
        *self.lock() = Some(Answer { revision, asked_at, known: Arc::clone(&known) });
        Ok(known)
    }

    fn find_fresh(&self, store: &Store) -> Option<Arc<Known>> {
        let answer = self.lock();
        let is_fresh = |a: &&Answer| a.revision == store.revision() && a.asked_at.elapsed() < KEPT_FOR;
        answer.as_ref().filter(is_fresh).map(|a| Arc::clone(&a.known))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Answer>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
