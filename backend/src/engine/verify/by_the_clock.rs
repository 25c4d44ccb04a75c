//! Those that nobody looked at for longest are read again, a few at a time.

use std::collections::BTreeMap;

use crate::domain::job::Trigger;
use crate::domain::plan::BackendKind;
use crate::domain::share::Share;
use crate::domain::snapshot::Snapshot;

use super::super::{JobEngine, SubmitError};

/// Whose snapshots can be read again from here.
const READABLE: [BackendKind; 2] = [BackendKind::Archive, BackendKind::Restic];

impl JobEngine {
    /// Queues verifications of a share of all snapshots, the longest unseen first. Instances that a job works for are
    /// left to the next time, when there are others.
    ///
    /// # Errors
    /// When the store fails, and when jobs work for all instances that are concerned.
    pub async fn submit_verifications(&self, share: Share) -> Result<usize, SubmitError> {
        let engine = self.clone();
        let submit = async move { engine.submit_longest_unseen(share).await };
        self.0.parts.runtime.spawn(submit).await.unwrap_or(Err(SubmitError::ShuttingDown))
    }

    async fn submit_longest_unseen(&self, share: Share) -> Result<usize, SubmitError> {
        if self.0.shutdown.is_cancelled() {
            return Err(SubmitError::ShuttingDown);
        }
        let store = &self.0.parts.store;
        let count = share.count(store.count_snapshots_of(&READABLE).await?);
        let mut by_instance: BTreeMap<Option<String>, Vec<Snapshot>> = BTreeMap::new();
        for snapshot in store.list_longest_unseen(&READABLE, count).await? {
            if !self.is_at_work_on(&snapshot) {
                by_instance.entry(snapshot.instance.clone()).or_default().push(snapshot);
            }
        }
        let (mut queued, mut refused) = (0, None);
        for snapshots in by_instance.into_values() {
            let wanted = snapshots.iter().map(|snapshot| self.verification_of(snapshot, Trigger::Schedule));
            match self.queue(wanted.collect()).await {
                Ok(jobs) => queued += jobs.len(),
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(error) if queued == 0 => Err(error),
            _ => Ok(queued),
        }
    }

    fn is_at_work_on(&self, snapshot: &Snapshot) -> bool {
        self.list_live().iter().any(|live| live.now().snapshot_id.as_ref() == Some(&snapshot.id))
    }
}
