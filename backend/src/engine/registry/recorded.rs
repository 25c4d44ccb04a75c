//! What was made through the API, as the store has it.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use crate::domain::names::{InstanceId, PlanId};
use crate::domain::plan::{Instance, Plan};
use crate::store::{Recorded, Store, StoreError};

/// Instances and plans, or why one cannot be read, in a sentence for people.
#[derive(Default)]
pub(super) struct RecordedAll {
    pub(super) instances: BTreeMap<InstanceId, Result<Arc<Instance>, String>>,
    pub(super) plans: BTreeMap<PlanId, Result<Arc<Plan>, String>>,
}

impl RecordedAll {
    pub(super) async fn read(store: &Store) -> Result<Self, StoreError> {
        let instances = store.list_instances().await?.into_iter().map(|row| judge("instance", row)).collect();
        let plans = store.list_plans().await?.into_iter().map(|row| judge("plan", row)).collect();
        Ok(Self { instances, plans })
    }
}

fn judge<I: Display, T>(what: &str, row: Recorded<I, T>) -> (I, Result<Arc<T>, String>) {
    let content = row.content.map(Arc::new).map_err(|error| {
        let reason = crate::engine::chain(&error);
        tracing::warn!("the {what} '{}' cannot be used: {reason}", row.id);
        reason
    });
    (row.id, content)
}
