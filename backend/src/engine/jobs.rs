//! Looking at jobs: a job at work as it is this moment, one that has ended as it was recorded.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::ids::JobId;
use crate::domain::job::Job;
use crate::store::{JobFilter, Page, PageRequest, StoreError};

use super::JobEngine;
use super::live::LiveJob;
use super::logbook::OpenLog;

impl JobEngine {
    /// The job called `id`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find_job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        match self.find_live(id) {
            Some(live) => Ok(Some(live.now())),
            None => self.0.parts.store.find_job(id).await,
        }
    }

    /// Jobs, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list_jobs(&self, filter: &JobFilter, page: &PageRequest) -> Result<Page<Job>, StoreError> {
        // Taken before the store is asked: a job that ends meanwhile is still known here, with its end.
        let live: HashMap<JobId, Arc<LiveJob>> = self.list_live().into_iter().map(|l| (l.id().clone(), l)).collect();
        let mut jobs = self.0.parts.store.list_jobs(filter, page).await?;
        for job in &mut jobs.items {
            if let Some(live) = live.get(&job.id) {
                *job = live.now();
            }
        }
        // What it is now may not be what was asked for.
        jobs.items.retain(|job| filter.state.is_none_or(|state| job.state == state));
        Ok(jobs)
    }

    /// The log of the job called `id`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open_log(&self, id: &JobId) -> Result<Option<OpenLog>, StoreError> {
        let live = self.find_live(id);
        let job = match &live {
            Some(live) => Some(live.now()),
            None => self.0.parts.store.find_job(id).await?,
        };
        Ok(job.map(|job| {
            let path = self.0.settings.log_dir.join(&job.log_file);
            OpenLog::new(job, live, path)
        }))
    }
}
