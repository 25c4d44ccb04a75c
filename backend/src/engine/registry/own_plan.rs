//! The plan that an instance has of itself.

use super::PlanDefaults;
use crate::domain::names::PlanId;
use crate::domain::plan::{Instance, Plan, Target, What};

/// Makes the plan out of the instance and of what labels ask of it. Each thing is captured once.
pub(super) fn make_own_plan(instance: &Instance, by_labels: Vec<Target>, defaults: PlanDefaults) -> Plan {
    let (mut targets, mut warnings) = (Vec::new(), Vec::new());
    for target in instance.targets.iter().cloned() {
        add_named(&mut targets, target, &mut warnings);
    }
    for target in by_labels {
        add_labelled(&mut targets, target, &mut warnings);
    }
    if targets.is_empty() {
        warnings.push(format!(
            "it captures nothing: the instance '{0}' has no targets, and no label of a volume or container names it",
            instance.id
        ));
    }
    for target in &mut targets {
        add_tags(target, &instance.tags);
    }
    Plan {
        id: PlanId::from(&instance.id),
        origin: instance.origin,
        instance: instance.id.clone(),
        targets,
        excludes: instance.excludes.clone(),
        schedule: instance.schedule.clone(),
        timezone: instance.timezone.unwrap_or(defaults.timezone),
        missed_run: instance.missed_run,
        hooks: instance.hooks.clone(),
        quiesce: instance.quiesce.unwrap_or(defaults.quiesce),
        stop_attached: instance.stop_attached.unwrap_or(defaults.stop_attached),
        retention: instance.retention,
        is_enabled: instance.is_enabled,
        drill: instance.drill.clone(),
        warnings,
    }
}

/// Adds a target of the instance. When it is named twice its parts are put together: nothing that was asked for is left
/// out.
fn add_named(targets: &mut Vec<Target>, target: Target, warnings: &mut Vec<String>) {
    let Some(first) = targets.iter_mut().find(|first| first.what == target.what) else {
        targets.push(target);
        return;
    };
    warnings.push(format!("{} is named twice; the first counts, with the parts of both", describe(&target.what)));
    if first.paths.is_empty() || target.paths.is_empty() {
        first.paths.clear();
        return;
    }
    let more: Vec<_> = target.paths.into_iter().filter(|path| !first.paths.contains(path)).collect();
    first.paths.extend(more);
}

/// Adds a target of labels, unless the instance names it itself.
fn add_labelled(targets: &mut Vec<Target>, target: Target, warnings: &mut Vec<String>) {
    if targets.iter().any(|named| named.what == target.what) {
        let what = describe(&target.what);
        warnings.push(format!("{what} is named by the instance and by its labels; what the instance says counts"));
    } else {
        targets.push(target);
    }
}

fn add_tags(target: &mut Target, tags: &[String]) {
    for tag in tags {
        if !target.tags.contains(tag) {
            target.tags.push(tag.clone());
        }
    }
}

fn describe(what: &What) -> String {
    match what {
        What::Volume(name) => format!("the volume '{name}'"),
        What::Database(name) => format!("the database '{name}'"),
        What::Stack(name) => format!("the stack '{name}'"),
        What::Path(path) => format!("the path '{}'", path.display()),
    }
}
