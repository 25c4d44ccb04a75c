//! Which instances and plans there are: those of the configuration, those that labels ask for, and those made through
//! the API.
//!
//! `resolve` puts them together, a pure function of the configuration, of what was recorded and of the labels that
//! discovery sees now; `own_plan` makes the plan that an instance has of itself; `change` records what the API asks for.
//! Every answer follows discovery's view, so a label counts as soon as it is seen. One more source of plans is one more
//! input of `resolve`.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chrono_tz::Tz;
use tokio::sync::watch;

use crate::discovery::{Discovery, View};
use crate::domain::job::Quiesce;
use crate::domain::names::{InstanceId, PlanId};
use crate::domain::plan::{Instance, Plan};
use crate::store::{Store, StoreError};

mod change;
mod own_plan;
mod recorded;
mod resolve;

#[cfg(test)]
mod tests;

use recorded::RecordedAll;
pub use resolve::{Instances, Plans};
use resolve::{Resolved, resolve};

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

/// Who is told which instances and plans there are.
pub type Observer = Box<dyn Fn(&Instances, &Plans) + Send + Sync>;

/// The instances and plans. Cloning shares them.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    /// Those of the configuration.
    configured: Vec<Arc<Instance>>,
    defaults: PlanDefaults,
    store: Store,
    discovery: Discovery,
    state: Mutex<State>,
    /// One change through the API at a time.
    changing: tokio::sync::Mutex<()>,
    changes: watch::Sender<u64>,
    observer: OnceLock<Observer>,
}

/// What is made of what; never locked while something is awaited.
struct State {
    recorded: RecordedAll,
    view: Arc<View>,
    resolved: Arc<Resolved>,
}

impl Registry {
    /// The instances of the configuration, with what labels ask of them. [`Self::load`] adds those of the store.
    #[must_use]
    pub fn new(instances: Vec<Instance>, defaults: PlanDefaults, store: Store, discovery: Discovery) -> Self {
        let configured: Vec<_> = instances.into_iter().map(Arc::new).collect();
        let (recorded, view) = (RecordedAll::default(), discovery.view());
        let resolved = Arc::new(resolve(&configured, &recorded, &view.labelled, defaults));
        let state = Mutex::new(State { recorded, view, resolved });
        let (changing, changes) = (tokio::sync::Mutex::default(), watch::Sender::new(0));
        let observer = OnceLock::new();
        Self(Arc::new(Inner { configured, defaults, store, discovery, state, changing, changes, observer }))
    }

    /// Reads what was made through the API. What cannot be read is a warning, and stays in the store.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn load(&self) -> Result<(), StoreError> {
        let recorded = RecordedAll::read(&self.0.store).await?;
        self.update(|present| *present = recorded);
        Ok(())
    }

    /// Tells `observer` of all instances and plans: now, and of later ones before anything is done with them. There is one
    /// observer; it must not ask the registry.
    pub fn observe(&self, observer: Observer) {
        let state = self.state();
        observer(&state.resolved.instances, &state.resolved.plans);
        if self.0.observer.set(observer).is_err() {
            tracing::error!("a second observer of the instances and plans is not heard");
        }
    }

    /// Every instance, by id.
    #[must_use]
    pub fn list_instances(&self) -> Vec<Arc<Instance>> {
        self.resolved().instances.values().cloned().collect()
    }

    /// The instance called `id`.
    #[must_use]
    pub fn find_instance(&self, id: &InstanceId) -> Option<Arc<Instance>> {
        self.resolved().instances.get(id).cloned()
    }

    /// Every plan, by id: the own plans of the instances, with what labels add to them, and those made through the API.
    #[must_use]
    pub fn list_plans(&self) -> Vec<Arc<Plan>> {
        self.resolved().plans.values().cloned().collect()
    }

    /// The plan called `id`.
    #[must_use]
    pub fn find_plan(&self, id: &PlanId) -> Option<Arc<Plan>> {
        self.resolved().plans.get(id).cloned()
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
        self.resolved().warnings.clone()
    }

    /// Instances made through the API that cannot be used: their secrets cannot be read with the present key.
    #[must_use]
    pub fn list_unusable(&self) -> Vec<UnusableInstance> {
        self.resolved().unusable.clone()
    }

    /// Looks whether labels changed, so that whoever subscribed hears of it; every answer looks by itself.
    pub fn follow_labels(&self) {
        self.resolved();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What there is by the labels that are seen now.
    fn resolved(&self) -> Arc<Resolved> {
        let mut state = self.state();
        let view = self.0.discovery.view();
        if Arc::ptr_eq(&state.view, &view) {
            return Arc::clone(&state.resolved);
        }
        let is_same = state.view.labelled == view.labelled;
        state.view = view;
        if is_same { Arc::clone(&state.resolved) } else { self.resolve_again(&mut state) }
    }

    /// Changes what is recorded, and all that follows from it.
    fn update(&self, change: impl FnOnce(&mut RecordedAll)) {
        let mut state = self.state();
        change(&mut state.recorded);
        self.resolve_again(&mut state);
    }

    fn resolve_again(&self, state: &mut State) -> Arc<Resolved> {
        let Inner { configured, defaults, changes, observer, .. } = &*self.0;
        let resolved = resolve(configured, &state.recorded, &state.view.labelled, *defaults);
        for warning in resolved.warnings.iter().filter(|warning| !state.resolved.warnings.contains(warning)) {
            tracing::warn!("{warning}");
        }
        if let Some(observer) = observer.get() {
            observer(&resolved.instances, &resolved.plans);
        }
        state.resolved = Arc::new(resolved);
        changes.send_modify(|count| *count += 1);
        Arc::clone(&state.resolved)
    }
}
