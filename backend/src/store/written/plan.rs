//! A plan.

use serde::{Deserialize, Serialize};

use super::drill::WrittenDrill;
use super::hooks::WrittenHooks;
use super::target::{WrittenTarget, open_targets, seal_targets};
use super::{Sealer, StoreError, parse, read_schedule, read_zone};
use crate::domain::job::Quiesce;
use crate::domain::names::{InstanceId, PlanId};
use crate::domain::plan::{MissedRun, Origin, Plan};

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store) struct WrittenPlan {
    instance: InstanceId,
    targets: Vec<WrittenTarget>,
    excludes: Vec<String>,
    schedule: Option<String>,
    timezone: String,
    missed_run: MissedRun,
    hooks: WrittenHooks,
    quiesce: Quiesce,
    stop_attached: bool,
    retention: String,
    is_enabled: bool,
    #[serde(default)]
    drill: Option<WrittenDrill>,
}

impl WrittenPlan {
    pub(in crate::store) fn seal(sealer: &Sealer, plan: &Plan) -> Result<Self, StoreError> {
        Ok(Self {
            instance: plan.instance.clone(),
            targets: seal_targets(sealer, &plan.targets)?,
            excludes: plan.excludes.clone(),
            schedule: plan.schedule.as_ref().map(|schedule| schedule.as_str().to_owned()),
            timezone: plan.timezone.name().to_owned(),
            missed_run: plan.missed_run,
            hooks: WrittenHooks::seal(sealer, "hooks", &plan.hooks)?,
            quiesce: plan.quiesce,
            stop_attached: plan.stop_attached,
            retention: plan.retention.to_string(),
            is_enabled: plan.is_enabled,
            drill: plan.drill.as_ref().map(WrittenDrill::of),
        })
    }

    pub(in crate::store) fn open(self, sealer: &Sealer, id: &PlanId) -> Result<Plan, StoreError> {
        Ok(Plan {
            id: id.clone(),
            origin: Origin::Api,
            instance: self.instance,
            targets: open_targets(sealer, self.targets)?,
            excludes: self.excludes,
            schedule: read_schedule(self.schedule.as_deref(), id.as_str())?,
            timezone: read_zone(&self.timezone)?,
            missed_run: self.missed_run,
            hooks: self.hooks.open(sealer, "hooks")?,
            quiesce: self.quiesce,
            stop_attached: self.stop_attached,
            retention: parse("retention", &self.retention)?,
            is_enabled: self.is_enabled,
            drill: self.drill.map(|drill| drill.open(id.as_str())).transpose()?,
            warnings: Vec::new(),
        })
    }
}
