//! What the API asks for: first the store, then memory, so that nothing is answered that would be gone after a restart.

use std::sync::Arc;

use super::{Registry, RegistryError};
use crate::domain::names::{InstanceId, PlanId};
use crate::domain::plan::{Instance, Origin, Plan, Target};

impl Registry {
    /// Records a new instance of origin `api`.
    ///
    /// # Errors
    /// When its id is taken or it cannot be recorded.
    pub async fn create_instance(&self, instance: Instance) -> Result<Arc<Instance>, RegistryError> {
        let _one = self.0.changing.lock().await;
        let as_plan = PlanId::from(&instance.id);
        let is_plan = self.state().recorded.plans.contains_key(&as_plan);
        if is_plan || self.has_instance(&instance.id) {
            return Err(RegistryError::Taken(instance.id.to_string()));
        }
        self.record_instance(instance).await
    }

    /// Puts another instance in the place of the one with its id.
    ///
    /// # Errors
    /// When there is none, it is read-only, or it cannot be recorded.
    pub async fn replace_instance(&self, instance: Instance) -> Result<Arc<Instance>, RegistryError> {
        let _one = self.0.changing.lock().await;
        let Some(present) = self.find_instance(&instance.id) else {
            return Err(RegistryError::UnknownInstance(instance.id));
        };
        check_changeable(present.origin, present.id.as_str())?;
        self.record_instance(instance).await
    }

    /// Removes an instance and its own plan. What it stored stays where it is.
    ///
    /// # Errors
    /// When there is none, it is read-only, other plans use it, or it cannot be removed.
    pub async fn delete_instance(&self, id: &InstanceId) -> Result<(), RegistryError> {
        let _one = self.0.changing.lock().await;
        match self.find_instance(id) {
            Some(present) => check_changeable(present.origin, id.as_str())?,
            None if self.has_instance(id) => {}
            None => return Err(RegistryError::UnknownInstance(id.clone())),
        }
        if let Some(plan) = self.list_plans().iter().find(|plan| plan.instance == *id && plan.id != PlanId::from(id)) {
            return Err(RegistryError::InUse(plan.id.clone()));
        }
        self.0.store.delete_instance(id).await?;
        self.update(|recorded| drop(recorded.instances.remove(id)));
        Ok(())
    }

    /// Records a new plan of origin `api`.
    ///
    /// # Errors
    /// When its id is taken, its instance is unknown, or it cannot be recorded.
    pub async fn create_plan(&self, plan: Plan) -> Result<Arc<Plan>, RegistryError> {
        let _one = self.0.changing.lock().await;
        let is_recorded = self.state().recorded.plans.contains_key(&plan.id);
        if is_recorded || self.is_own_plan(&plan.id) {
            return Err(RegistryError::Taken(plan.id.to_string()));
        }
        self.record_plan(plan).await
    }

    /// Puts another plan in the place of the one with its id.
    ///
    /// # Errors
    /// When there is none, it is read-only, its instance is unknown, or it cannot be recorded.
    pub async fn replace_plan(&self, plan: Plan) -> Result<Arc<Plan>, RegistryError> {
        let _one = self.0.changing.lock().await;
        if self.is_own_plan(&plan.id) {
            return Err(RegistryError::ReadOnly(plan.id.to_string()));
        }
        if self.find_plan(&plan.id).is_none() {
            return Err(RegistryError::UnknownPlan(plan.id));
        }
        self.record_plan(plan).await
    }

    /// Removes a plan.
    ///
    /// # Errors
    /// When there is none, it is read-only, or it cannot be removed.
    pub async fn delete_plan(&self, id: &PlanId) -> Result<(), RegistryError> {
        let _one = self.0.changing.lock().await;
        if self.is_own_plan(id) {
            return Err(RegistryError::ReadOnly(id.to_string()));
        }
        if !self.state().recorded.plans.contains_key(id) {
            return Err(RegistryError::UnknownPlan(id.clone()));
        }
        self.0.store.delete_plan(id).await?;
        self.update(|recorded| drop(recorded.plans.remove(id)));
        Ok(())
    }

    /// Whether there is such an instance, also one that cannot be used.
    fn has_instance(&self, id: &InstanceId) -> bool {
        self.find_instance(id).is_some() || self.state().recorded.instances.contains_key(id)
    }

    /// Whether a plan is, or would be, the own plan of an instance.
    fn is_own_plan(&self, id: &PlanId) -> bool {
        id.as_str().parse().is_ok_and(|id| self.has_instance(&id))
    }

    async fn record_instance(&self, mut instance: Instance) -> Result<Arc<Instance>, RegistryError> {
        instance.origin = Origin::Api;
        instance.targets = made_through_the_api(instance.targets);
        self.0.store.save_instance(&instance).await?;
        let instance = Arc::new(instance);
        let content = Ok(Arc::clone(&instance));
        self.update(|recorded| drop(recorded.instances.insert(instance.id.clone(), content)));
        Ok(instance)
    }

    async fn record_plan(&self, mut plan: Plan) -> Result<Arc<Plan>, RegistryError> {
        if self.find_instance(&plan.instance).is_none() {
            return Err(RegistryError::UnknownInstance(plan.instance));
        }
        plan.origin = Origin::Api;
        plan.warnings.clear();
        plan.targets = made_through_the_api(plan.targets);
        self.0.store.save_plan(&plan).await?;
        let plan = Arc::new(plan);
        let content = Ok(Arc::clone(&plan));
        self.update(|recorded| drop(recorded.plans.insert(plan.id.clone(), content)));
        Ok(plan)
    }
}

fn check_changeable(origin: Origin, id: &str) -> Result<(), RegistryError> {
    if origin == Origin::Api { Ok(()) } else { Err(RegistryError::ReadOnly(id.to_owned())) }
}

/// The targets that are recorded; those of labels stay with the labels.
fn made_through_the_api(mut targets: Vec<Target>) -> Vec<Target> {
    targets.retain(|target| target.origin != Origin::Label);
    targets.iter_mut().for_each(|target| target.origin = Origin::Api);
    targets
}
