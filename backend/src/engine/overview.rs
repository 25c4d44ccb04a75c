//! What the host runs together with what is known of its backups.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::discovery::View;
use crate::domain::job::{Job, JobState};
use crate::domain::names::StackName;
use crate::domain::stack::{Stack, StackState};
use crate::store::{JobFilter, PageRequest, SnapshotFilter, StoreError};

use super::JobEngine;

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
    /// Every stack.
    pub stacks: Vec<StackOverview>,
    /// What discovery sees, its warnings included.
    pub view: std::sync::Arc<View>,
    /// Jobs that are queued or at work.
    pub running_jobs: Vec<Job>,
    /// The last jobs that ended, newest first.
    pub last_jobs: Vec<Job>,
    /// Bytes of all archives.
    pub stored_bytes: u64,
    /// Bytes that are free where archives land; absent when that cannot be told.
    pub free_bytes: Option<u64>,
}

impl Overview {
    /// How many stacks have at least one running container.
    #[must_use]
    pub fn running_stacks(&self) -> usize {
        self.stacks.iter().filter(|s| matches!(s.stack.state, StackState::Running | StackState::Partial)).count()
    }

    /// How many stacks have a complete snapshot.
    #[must_use]
    pub fn protected_stacks(&self) -> usize {
        self.stacks.iter().filter(|s| s.is_protected).count()
    }

    /// When the last good backup of any stack ended.
    #[must_use]
    pub fn last_success_at(&self) -> Option<DateTime<Utc>> {
        self.stacks.iter().filter_map(|s| s.last_success_at).max()
    }
}

impl JobEngine {
    /// Every stack with its backups, sorted by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list_stacks(&self) -> Result<Vec<StackOverview>, StoreError> {
        let store = &self.0.parts.store;
        let mut last = store.list_last_backups(None).await?;
        let successes = store.list_last_backups(Some(JobState::Succeeded)).await?;
        last.extend(self.list_live().iter().map(|live| live.now()).filter_map(|job| Some((job.stack.clone()?, job))));
        let view = self.0.parts.discovery.view();
        let mut stacks = Vec::with_capacity(view.stacks.len());
        for stack in &view.stacks {
            stacks.push(self.overview_of(stack, &last, &successes).await?);
        }
        Ok(stacks)
    }

    /// One stack with its backups, by its name or by that of its directory.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find_stack(&self, name: &StackName) -> Result<Option<StackOverview>, StoreError> {
        let Some(stack) = self.0.parts.discovery.find_stack(name) else { return Ok(None) };
        Ok(self.list_stacks().await?.into_iter().find(|s| s.stack.name == stack.name))
    }

    /// The whole host at a glance.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn overview(&self) -> Result<Overview, StoreError> {
        let store = &self.0.parts.store;
        let running_jobs: Vec<Job> = self.list_live().iter().map(|live| live.now()).collect();
        let mut last_jobs = store.list_jobs(&JobFilter::default(), &PageRequest::first(20)).await?.items;
        last_jobs.retain(|job| job.state.is_final());
        last_jobs.truncate(10);
        Ok(Overview {
            stacks: self.list_stacks().await?,
            view: self.0.parts.discovery.view(),
            running_jobs,
            last_jobs,
            stored_bytes: store.sum_stored_bytes().await?,
            free_bytes: crate::backends::archive::free_bytes(&self.0.settings.backup_dir).ok(),
        })
    }

    async fn overview_of(
        &self,
        stack: &Stack,
        last: &HashMap<StackName, Job>,
        successes: &HashMap<StackName, Job>,
    ) -> Result<StackOverview, StoreError> {
        let complete = SnapshotFilter { is_complete: Some(true), ..SnapshotFilter::of_stack(&stack.name) };
        let snapshots = self.0.parts.store.list_snapshots(&complete, &PageRequest::first(1)).await?;
        Ok(StackOverview {
            stack: stack.clone(),
            last_job: last.get(&stack.name).cloned(),
            last_success_at: successes.get(&stack.name).and_then(|job| job.finished_at),
            is_protected: !snapshots.items.is_empty(),
        })
    }
}
