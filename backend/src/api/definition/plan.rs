//! Plans.

use super::hook::read_hooks;
use super::instance::LEAST_MEMORY;
use super::target::read_targets;
use super::{Mistakes, read_id, read_schedule, read_zone, rules};
use crate::api::problem::ApiError;
use crate::api::wire::{DrillSettings, PlanSpec};
use crate::domain::job::Quiesce;
use crate::domain::keep::KeepPolicy;
use crate::domain::names::{InstanceId, PlanId, check_image_reference};
use crate::domain::plan::{MissedRun, Origin, Plan};

/// What holds where a plan says nothing: what its instance does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fallback {
    /// The zone.
    pub(crate) timezone: chrono_tz::Tz,
    /// How containers are brought to rest.
    pub(crate) quiesce: Quiesce,
    /// Whether containers that write to a volume are brought to rest.
    pub(crate) stop_attached: bool,
    /// What is kept.
    pub(crate) retention: KeepPolicy,
}

/// More memory than any machine has.
const MOST_MEMORY: u64 = 1 << 50;
/// Thousandths of a processor that the engine can give.
const MILLI_CPUS: std::ops::RangeInclusive<u32> = 10..=4_096_000;

/// A new plan, or another one in the place of `former`. `find` tells what holds for the plans of an instance; nothing
/// when there is no such instance.
///
/// # Errors
/// [`ApiError::InvalidBody`] with everything that is wrong.
pub(crate) fn read_plan(
    spec: PlanSpec,
    former: Option<&Plan>,
    find: impl FnOnce(&InstanceId) -> Option<Fallback>,
) -> Result<Plan, ApiError> {
    let mut mistakes = Mistakes::default();
    let id = read_id::<PlanId>(&mut mistakes, spec.id.as_deref(), former.map(|former| &former.id));
    let instance = mistakes.take("/instance", spec.instance.parse::<InstanceId>());
    let fallback = instance.as_ref().and_then(|instance| {
        let found = find(instance);
        mistakes.take("/instance", found.ok_or_else(|| format!("no instance is called '{instance}'")))
    });
    if spec.targets.is_empty() {
        mistakes.report("/targets", "name at least one target");
    }
    let seed = id.as_ref().map_or("", |id| id.as_str());
    let schedule = read_schedule(&mut mistakes, "/schedule", spec.schedule.as_deref(), seed);
    let timezone = read_zone(&mut mistakes, spec.timezone.as_deref());
    let retention = mistakes.take_some("/retention", spec.retention.as_deref(), str::parse::<KeepPolicy>);
    let excludes = mistakes.take_all("/excludes", &spec.excludes, rules::parse_exclude);
    let hooks = read_hooks(&mut mistakes, "/hooks", spec.hooks, former.map(|former| &former.hooks));
    let former_targets = former.map(|former| former.targets.as_slice()).unwrap_or_default();
    let drill = spec.drill.map(|drill| {
        let schedule = read_schedule(&mut mistakes, "/drill/schedule", drill.schedule.as_deref(), seed);
        check_drill(&mut mistakes, &drill);
        drill.into_domain(schedule)
    });
    let targets = read_targets(&mut mistakes, spec.targets, former_targets);
    let whole = id.zip(instance).zip(fallback).map(|((id, instance), fallback)| Plan {
        id,
        origin: Origin::Api,
        instance,
        targets,
        excludes,
        schedule,
        timezone: timezone.unwrap_or(fallback.timezone),
        missed_run: spec.missed_run.map_or(MissedRun::Skip, Into::into),
        hooks,
        quiesce: spec.quiesce.map_or(fallback.quiesce, Into::into),
        stop_attached: spec.stop_attached.unwrap_or(fallback.stop_attached),
        retention: retention.unwrap_or(fallback.retention),
        is_enabled: spec.enabled.unwrap_or(true),
        drill,
        warnings: Vec::new(),
    });
    mistakes.finish(whole)
}

fn check_drill(mistakes: &mut Mistakes, drill: &DrillSettings) {
    if drill.image.as_deref().is_some_and(|image| check_image_reference(image).is_err()) {
        mistakes.report("/drill/image", "it is not the reference of an image");
    }
    if drill.memory_bytes.is_some_and(|bytes| !(LEAST_MEMORY..=MOST_MEMORY).contains(&bytes)) {
        mistakes.report("/drill/memory_bytes", "a container has from 6 MiB to 1 PiB");
    }
    if drill.milli_cpus.is_some_and(|milli| !MILLI_CPUS.contains(&milli)) {
        mistakes.report("/drill/milli_cpus", "it must be from 10 to 4096000 thousandths of a processor");
    }
}
