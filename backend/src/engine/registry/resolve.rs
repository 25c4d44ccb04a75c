//! Configuration, store and labels become instances and plans.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::own_plan::make_own_plan;
use super::recorded::RecordedAll;
use super::{PlanDefaults, UnusableInstance};
use crate::domain::hint::did_you_mean;
use crate::domain::labels::{LabelTarget, Labelled, read_target};
use crate::domain::names::{InstanceId, PlanId};
use crate::domain::plan::{Instance, Plan, Target};

/// Instances by id.
pub type Instances = BTreeMap<InstanceId, Arc<Instance>>;
/// Plans by id.
pub type Plans = BTreeMap<PlanId, Arc<Plan>>;

/// What there is.
#[derive(Default)]
pub(super) struct Resolved {
    pub(super) instances: Instances,
    pub(super) plans: Plans,
    pub(super) unusable: Vec<UnusableInstance>,
    pub(super) warnings: Vec<String>,
}

/// Puts everything together.
pub(super) fn resolve(
    configured: &[Arc<Instance>],
    recorded: &RecordedAll,
    labelled: &[Labelled],
    defaults: PlanDefaults,
) -> Resolved {
    let mut resolved = Resolved::default();
    for instance in configured {
        resolved.instances.insert(instance.id.clone(), Arc::clone(instance));
    }
    resolved.add_recorded_instances(recorded);
    let mut by_labels = resolved.sort_labels(labelled);
    for (id, instance) in &resolved.instances {
        let targets = by_labels.remove(id).unwrap_or_default();
        resolved.plans.insert(PlanId::from(id), Arc::new(make_own_plan(instance, targets, defaults)));
    }
    resolved.add_recorded_plans(recorded);
    resolved
}

impl Resolved {
    fn add_recorded_instances(&mut self, recorded: &RecordedAll) {
        for (id, content) in &recorded.instances {
            match content {
                _ if self.instances.contains_key(id) => self.warnings.push(format!(
                    "the instance '{id}' of the configuration takes the place of the one that was made through the API; \
                     give one of them another id"
                )),
                Ok(instance) => {
                    self.instances.insert(id.clone(), Arc::clone(instance));
                }
                Err(reason) => {
                    self.warnings.push(format!("the instance '{id}' cannot be used: {reason}"));
                    self.unusable.push(UnusableInstance { id: id.clone(), reason: reason.clone() });
                }
            }
        }
    }

    fn add_recorded_plans(&mut self, recorded: &RecordedAll) {
        for (id, content) in &recorded.plans {
            match content {
                _ if self.plans.contains_key(id) => self.warnings.push(format!(
                    "the plan '{id}' that was made through the API is left out: an instance is called so now; give the \
                     instance another id"
                )),
                Ok(plan) => {
                    self.plans.insert(id.clone(), self.with_doubts(plan));
                }
                Err(reason) => self.warnings.push(format!("the plan '{id}' cannot be used: {reason}")),
            }
        }
    }

    /// A plan of the API, with what is doubtful about it.
    fn with_doubts(&self, plan: &Arc<Plan>) -> Arc<Plan> {
        if self.instances.contains_key(&plan.instance) {
            return Arc::clone(plan);
        }
        let mut doubtful = Plan::clone(plan);
        doubtful.warnings.push(format!("it cannot run: there is no instance '{}' that can be used", plan.instance));
        Arc::new(doubtful)
    }

    /// What labels ask for, by instance.
    fn sort_labels(&mut self, labelled: &[Labelled]) -> BTreeMap<InstanceId, Vec<Target>> {
        let mut by_instance: BTreeMap<InstanceId, Vec<Target>> = BTreeMap::new();
        for thing in labelled {
            let (found, warnings) = read_target(thing);
            self.warnings.extend(warnings);
            let Some(LabelTarget { instance, target }) = found else { continue };
            match instance.parse::<InstanceId>().ok().filter(|id| self.instances.contains_key(id)) {
                Some(id) => by_instance.entry(id).or_default().push(target),
                None => self.warnings.push(self.doubt_instance(thing, &instance)),
            }
        }
        by_instance
    }

    fn doubt_instance(&self, thing: &Labelled, instance: &str) -> String {
        let about = format!("{} '{}'", thing.carrier.as_str(), thing.name);
        if self.unusable.iter().any(|unusable| unusable.id.as_str() == instance) {
            return format!("{about}: it is not backed up: the instance '{instance}' cannot be used");
        }
        let shown: String = instance.chars().take(60).flat_map(char::escape_default).collect();
        let hint = did_you_mean(instance, self.instances.keys().map(InstanceId::as_str));
        format!("{about}: it is not backed up: its labels name the instance '{shown}', which does not exist{hint}")
    }
}
