//! What was made through the API, as the store has it.

use std::collections::BTreeMap;
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
        let instances = store.list_instances().await?.into_iter().map(judge).collect();
        let plans = store.list_plans().await?.into_iter().map(judge).collect();
        Ok(Self { instances, plans })
    }
}

fn judge<I, T>(row: Recorded<I, T>) -> (I, Result<Arc<T>, String>) {
    (row.id, row.content.map(Arc::new).map_err(|error| crate::engine::chain(&error)))
}
