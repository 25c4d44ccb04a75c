//! Which instances and plans there are: those of the configuration, those that labels ask for, and those made through
//! the API.

use std::sync::Arc;

use chrono_tz::Tz;
use tokio::sync::watch;

use crate::discovery::Discovery;
use crate::domain::job::Quiesce;
use crate::domain::names::{InstanceId, PlanId};
use crate::domain::plan::{Instance, Plan};
use crate::store::{Store, StoreError};

/// What holds where an instance says nothing.
#[derive(Debug, Clone, Copy)]
pub struct PlanDefaults {
    /// The zone of schedules and of retention's days.
    pub timezone: Tz,
    /// How containers are brought to rest.
    pub quiesce: Quiesce,
    /// Whether containers that write to a volume are brought to rest.
    pub stop_attached: bool,
}

impl Default for PlanDefaults {
    fn default() -> Self {
        Self { timezone: Tz::UTC, quiesce: Quiesce::Stop, stop_attached: false }
    }
}

/// Why an instance or plan cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is no such instance.
    #[error("there is no instance '{0}'")]
    UnknownInstance(InstanceId),
    /// There is no such plan.
    #[error("there is no plan '{0}'")]
    UnknownPlan(PlanId),
    /// The id is taken.
    #[error("'{0}' is the id of another instance or plan")]
    Taken(String),
    /// It comes from the configuration, from labels, or with its instance.
    #[error("'{0}' is written down in the configuration, in labels or in its instance, and is changed there")]
    ReadOnly(String),
    /// Plans are left that use the instance.
    #[error("the instance is used by the plan '{0}'")]
    InUse(PlanId),
    /// It cannot be recorded.
    #[error("it cannot be recorded")]
    Store(#[from] StoreError),
}

/// An instance that was recorded and cannot be used. It can be removed, and its id is taken until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusableInstance {
    /// Its id.
    pub id: InstanceId,
    /// Why, and what to do, in a sentence for people.
    pub reason: String,
}

/// The instances and plans. Cloning shares them.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    instances: Vec<Arc<Instance>>,
    #[expect(dead_code, reason = "taken by the plans that are made of instances")]
    defaults: PlanDefaults,
    #[expect(dead_code, reason = "taken by what is made through the API")]
    store: Store,
    #[expect(dead_code, reason = "taken by what labels ask for")]
    discovery: Discovery,
    changes: watch::Sender<u64>,
}

impl Registry {
    /// The instances of the configuration.
    #[must_use]
    pub fn new(instances: Vec<Instance>, defaults: PlanDefaults, store: Store, discovery: Discovery) -> Self {
        let instances = instances.into_iter().map(Arc::new).collect();
        Self(Arc::new(Inner { instances, defaults, store, discovery, changes: watch::Sender::new(0) }))
    }

    /// Every instance, by id.
    #[must_use]
    pub fn list_instances(&self) -> Vec<Arc<Instance>> {
        self.0.instances.clone()
    }

    /// The instance called `id`.
    #[must_use]
    pub fn find_instance(&self, id: &InstanceId) -> Option<Arc<Instance>> {
        self.0.instances.iter().find(|instance| instance.id == *id).cloned()
    }

    /// Every plan, by id: the own plans of the instances, with what labels add to them, and those made through the API.
    #[must_use]
    pub fn list_plans(&self) -> Vec<Arc<Plan>> {
        Vec::new()
    }

    /// The plan called `id`.
    #[must_use]
    pub fn find_plan(&self, id: &PlanId) -> Option<Arc<Plan>> {
        self.list_plans().into_iter().find(|plan| plan.id == *id)
    }

    /// Counts up whenever an instance or a plan changed.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// What is doubtful about labels and configuration and belongs to no plan: an instance that does not exist, a label
    /// that nobody knows, a container that is enabled without a database kind.
    #[must_use]
    pub fn list_warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Instances made through the API that cannot be used: their secrets cannot be read with the present key.
    #[must_use]
    pub fn list_unusable(&self) -> Vec<UnusableInstance> {
        Vec::new()
    }

    /// Records a new instance of origin `api`.
    ///
    /// # Errors
    /// When its id is taken or it cannot be recorded.
    pub async fn create_instance(&self, instance: Instance) -> Result<Arc<Instance>, RegistryError> {
        Err(RegistryError::Taken(instance.id.to_string()))
    }

    /// Puts another instance in the place of the one with its id.
    ///
    /// # Errors
    /// When there is none, it is read-only, or it cannot be recorded.
    pub async fn replace_instance(&self, instance: Instance) -> Result<Arc<Instance>, RegistryError> {
        Err(RegistryError::UnknownInstance(instance.id))
    }

    /// Removes an instance and its own plan. What it stored stays where it is.
    ///
    /// # Errors
    /// When there is none, it is read-only, other plans use it, or it cannot be removed.
    pub async fn delete_instance(&self, id: &InstanceId) -> Result<(), RegistryError> {
        Err(RegistryError::UnknownInstance(id.clone()))
    }

    /// Records a new plan of origin `api`.
    ///
    /// # Errors
    /// When its id is taken, its instance is unknown, or it cannot be recorded.
    pub async fn create_plan(&self, plan: Plan) -> Result<Arc<Plan>, RegistryError> {
        Err(RegistryError::Taken(plan.id.to_string()))
    }

    /// Puts another plan in the place of the one with its id.
    ///
    /// # Errors
    /// When there is none, it is read-only, its instance is unknown, or it cannot be recorded.
    pub async fn replace_plan(&self, plan: Plan) -> Result<Arc<Plan>, RegistryError> {
        Err(RegistryError::UnknownPlan(plan.id))
    }

    /// Removes a plan.
    ///
    /// # Errors
    /// When there is none, it is read-only, or it cannot be removed.
    pub async fn delete_plan(&self, id: &PlanId) -> Result<(), RegistryError> {
        Err(RegistryError::UnknownPlan(id.clone()))
    }
}
