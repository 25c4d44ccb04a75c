//! Step 1: the stack as it is now, what of it is captured, and which containers that takes.

use crate::discovery::targets::PlannedTarget;
use crate::docker::EngineError;
use crate::docker::own_container::find_own_container;
use crate::domain::job::{Quiesce, TargetKind, TargetResult, TargetState};
use crate::domain::log::Level;
use crate::domain::stack::{Mount, Stack};

use super::super::quiesce::{Choice, choose};
use super::source::{OwnDirectories, Source, sources};
use super::{Cx, Details, StepResult, Stop, count};

/// What the job works on.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) stack: Stack,
    pub(super) targets: Vec<PlannedTarget>,
    pub(super) sources: Vec<Source>,
    pub(super) details: Details,
    pub(super) mode: Quiesce,
    pub(super) choice: Choice,
}

impl Resolved {
    /// Why no container is brought to rest.
    pub(super) const fn why_nothing_is_held(&self) -> &'static str {
        match self.mode {
            Quiesce::None => "captured without a stop, as asked",
            Quiesce::Stop | Quiesce::Pause => "no container of the stack runs",
        }
    }

    /// Running containers that are left alone and may write to what is captured.
    pub(super) fn writers_left(&self) -> Vec<String> {
        if self.mode == Quiesce::None {
            return Vec::new();
        }
        let writes = |name: &str| {
            let mut mounts = self.details.values().filter(|d| d.container.name == name).flat_map(|d| &d.container.mounts);
            mounts.any(|mount| mount.is_writable && self.is_captured(mount))
        };
        self.choice.left.iter().filter(|(name, _)| writes(name)).map(|(name, why)| format!("{name}: {why}")).collect()
    }

    fn is_captured(&self, mount: &Mount) -> bool {
        self.sources.iter().any(|source| {
            let is_volume = mount.volume.as_deref() == Some(source.spec.name.as_str());
            is_volume || source.host_path.as_ref().is_some_and(|outer| mount.source.starts_with(outer))
        })
    }
}

impl StepResult for Resolved {
    fn detail(&self) -> Option<String> {
        Some(format!("{}, {} to bring to rest", count(self.sources.len(), "target"), count(self.choice.held.len(), "container")))
    }
}

pub(super) async fn run(cx: Cx<'_>) -> Result<Resolved, Stop> {
    let parts = &cx.engine.0.parts;
    let view = parts.discovery.refresh().await;
    if !view.engine.reachable {
        let why = view.engine.error.as_deref().unwrap_or("no answer");
        return Err(Stop::failed(format!("the Docker Engine cannot be reached, so nothing was touched: {why}")));
    }
    let stack = view.stacks.iter().find(|s| s.name == cx.request.stack).cloned();
    let stack = stack.ok_or_else(|| Stop::failed(format!("stack '{}' is gone", cx.request.stack)))?;
    let details = inspect(cx, &stack).await?;
    let mode = mode(cx, &stack);
    let own = find_own_container(parts.docker.as_ref()).await.map(|detail| detail.container.id);
    let choice = choose(&stack, mode, &details, own.as_deref());
    let settings = &cx.engine.0.settings;
    let targets = parts.discovery.plan_targets(&stack, settings.include_data).await;
    let own = OwnDirectories(vec![settings.backup_dir.clone(), settings.log_dir.clone()]);
    let sources = sources(&targets, &parts.discovery.path_map(), &own);
    let resolved = Resolved { stack, targets, sources, details, mode, choice };
    tell(cx, &resolved);
    Ok(resolved)
}

fn mode(cx: Cx<'_>, stack: &Stack) -> Quiesce {
    let configured = if stack.skip_stop { Quiesce::None } else { cx.engine.0.settings.quiesce };
    cx.request.quiesce.unwrap_or(configured)
}

/// Everything the engine knows of the stack's containers. One that vanishes meanwhile is no longer one of them.
async fn inspect(cx: Cx<'_>, stack: &Stack) -> Result<Details, Stop> {
    let mut details = Details::new();
    for (_, container) in stack.containers() {
        match cx.engine.0.parts.docker.inspect_container(&container.id).await {
            Ok(detail) => {
                details.insert(container.id.clone(), detail);
            }
            Err(EngineError::NotFound { .. }) => {}
            Err(error) => return Err(Stop::because("a container could not be inspected", &error)),
        }
    }
    Ok(details)
}

/// Writes down what is captured, what is not, and why; and makes every target visible in the job.
fn tell(cx: Cx<'_>, resolved: &Resolved) {
    let log = &cx.live.log;
    for warning in &resolved.stack.warnings {
        log.write(Level::Warning, warning.clone());
    }
    if !resolved.choice.cycle.is_empty() {
        log.write(Level::Warning, format!("services depend on each other in a circle: {}", resolved.choice.cycle.join(", ")));
    }
    for (name, reason) in &resolved.choice.left {
        log.write(Level::Warning, format!("container {name} keeps running: {reason}"));
    }
    for target in &resolved.targets {
        let about = format!("{} {}", target.kind, target.name);
        match &target.excluded {
            Some(reason) => log.write_about(Level::Info, Some(&about), format!("not captured: {reason}")),
            None => log.write_about(Level::Info, Some(&about), "will be captured"),
        }
    }
    let results = resolved.targets.iter().map(|target| TargetResult {
        kind: target.kind,
        name: target.name.clone(),
        state: first_state(&resolved.stack, target),
        size_bytes: 0,
        message: target.excluded.clone(),
    });
    let results: Vec<TargetResult> = results.collect();
    cx.live.change(|job| job.targets = results);
}

/// A stack whose files cannot be read from here is not restorable from what is captured, so that is a failure and not
/// a choice.
fn first_state(stack: &Stack, target: &PlannedTarget) -> TargetState {
    match &target.excluded {
        None => TargetState::Pending,
        Some(_) if target.kind == TargetKind::Compose && stack.directory.is_none() => TargetState::Failed,
        Some(_) => TargetState::Skipped,
    }
}
