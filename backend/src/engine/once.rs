//! Requests that a client repeats because it did not hear the answer: the work is done once.

use crate::domain::ids::{JobId, SnapshotId};
use crate::domain::job::{Job, Trigger};
use crate::domain::log::Level;
use crate::domain::names::InstanceId;
use crate::store::{RememberedRequest, StoreError};

use super::{BackupRequest, ImportRequest, JobEngine, PlanRequest, RestoreRequest, SubmitError};

/// What a client calls its request by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// The client's word for it.
    pub key: String,
    /// What it asks for, in a form that can be compared.
    pub fingerprint: String,
}

impl JobEngine {
    /// Queues one backup per request, all or none; a request whose key was used within the last day gets the jobs of
    /// that time instead.
    ///
    /// # Errors
    /// Those of [`JobEngine::submit_backups`], and when the key was used for something else.
    pub async fn submit_backups_once(
        &self,
        key: Option<RequestKey>,
        requests: Vec<BackupRequest>,
    ) -> Result<Vec<Job>, SubmitError> {
        self.once(key, self.submit_backups(requests)).await
    }

    /// The same for backups by plan.
    ///
    /// # Errors
    /// Those of [`JobEngine::submit_plans`], and when the key was used for something else.
    pub async fn submit_plans_once(
        &self,
        key: Option<RequestKey>,
        requests: Vec<PlanRequest>,
    ) -> Result<Vec<Job>, SubmitError> {
        self.once(key, self.submit_plans(requests)).await
    }

    /// The same for the check of an instance.
    ///
    /// # Errors
    /// Those of [`JobEngine::submit_check`], and when the key was used for something else.
    pub async fn submit_check_once(
        &self,
        key: Option<RequestKey>,
        id: &InstanceId,
        trigger: Trigger,
    ) -> Result<Vec<Job>, SubmitError> {
        self.once(key, async { Ok(vec![self.submit_check(id, trigger).await?]) }).await
    }

    /// The same for the verification of a snapshot.
    ///
    /// # Errors
    /// Those of [`JobEngine::submit_verify`], and when the key was used for something else.
    pub async fn submit_verify_once(
        &self,
        key: Option<RequestKey>,
        id: &SnapshotId,
        trigger: Trigger,
    ) -> Result<Vec<Job>, SubmitError> {
        self.once(key, async { Ok(vec![self.submit_verify(id, trigger).await?]) }).await
    }

    /// The same for a restore.
    ///
    /// # Errors
    /// Those of [`JobEngine::submit_restore`], and when the key was used for something else.
    pub async fn submit_restore_once(
        &self,
        key: Option<RequestKey>,
        request: RestoreRequest,
    ) -> Result<Vec<Job>, SubmitError> {
        self.once(key, async { Ok(vec![self.submit_restore(request).await?]) }).await
    }

    /// The same for any one job.
    ///
    /// # Errors
    /// Those of `submit`, and when the key was used for something else.
    pub async fn submit_one_once(
        &self,
        key: Option<RequestKey>,
        submit: impl Future<Output = Result<Job, SubmitError>>,
    ) -> Result<Vec<Job>, SubmitError> {
        self.once(key, async { Ok(vec![submit.await?]) }).await
    }

    /// Queues an import, or finds the job that the same key queued.
    ///
    /// # Errors
    /// Those of [`JobEngine::submit_import`], and when the key was used for something else.
    pub async fn submit_import_once(
        &self,
        key: Option<RequestKey>,
        request: ImportRequest,
    ) -> Result<Vec<Job>, SubmitError> {
        self.once(key, async { Ok(vec![self.submit_import(request).await?]) }).await
    }

    /// Carries `submit` out unless `key` was used within the last day.
    pub(super) async fn once(
        &self,
        key: Option<RequestKey>,
        submit: impl Future<Output = Result<Vec<Job>, SubmitError>>,
    ) -> Result<Vec<Job>, SubmitError> {
        let Some(RequestKey { key, fingerprint }) = key else { return submit.await };
        // One at a time, so that a repetition that comes while the first is still being answered waits for it.
        let _turn = self.0.keyed.lock().await;
        let store = &self.0.parts.store;
        if let Some(known) = store.find_request(&key).await? {
            if known.fingerprint != fingerprint {
                return Err(SubmitError::KeyReused);
            }
            return Ok(self.find_jobs(&known.job_ids).await?);
        }
        let jobs = submit.await?;
        let request = RememberedRequest { fingerprint, job_ids: jobs.iter().map(|job| job.id.clone()).collect() };
        if let Err(error) = store.remember_request(&key, &request).await {
            // The jobs run already; a repetition will be told that the stack is busy.
            let message = format!("a request could not be remembered by its key: {}", super::chain(&error));
            self.system_log().write(Level::Warning, None, message);
        }
        Ok(jobs)
    }

    async fn find_jobs(&self, ids: &[JobId]) -> Result<Vec<Job>, StoreError> {
        let mut jobs = Vec::with_capacity(ids.len());
        for id in ids {
            jobs.extend(self.find_job(id).await?);
        }
        Ok(jobs)
    }
}
