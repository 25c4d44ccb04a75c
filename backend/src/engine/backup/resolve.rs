//! Step 1: the stack as it is now, what of it is captured, and which containers that takes.

use crate::discovery::targets::{PlannedTarget, TargetSource};
use crate::docker::EngineError;
use crate::docker::own_container::find_own_container;
use crate::domain::job::{Quiesce, TargetKind, TargetResult, TargetState};
use crate::domain::log::Level;
use crate::domain::stack::{Mount, Stack};

use super::super::quiesce::{Left, Question, choose};
use super::source::{OwnDirectories, Source, sources};
use super::{Cx, Details, Party, StepResult, Stop, count};

/// What the job works on.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) stack: Stack,
    pub(super) targets: Vec<PlannedTarget>,
    pub(super) sources: Vec<Source>,
    /// Its containers, and which of them are brought to rest.
    pub(super) party: Party,
}

impl Resolved {
    /// Whether a target is a volume that the engine does not have any more.
    pub(super) fn is_gone(&self, kind: TargetKind, name: &str) -> bool {
        let is_nowhere = |t: &PlannedTarget| {
            t.reached_via.is_none() && matches!(t.source, TargetSource::Volume { mountpoint: None, .. })
        };
        self.targets.iter().any(|t| t.kind == kind && t.name == name && is_nowhere(t))
    }

    /// Running containers that are left alone although nobody asked for it, and may write to what is captured.
    pub(super) fn writers_left(&self) -> Vec<String> {
        let is_captured = |mount: &Mount| self.sources.iter().any(|source| holds(source, mount));
        let writers = self.party.choice.left.iter().filter(|left| !left.is_meant && self.writes(left, is_captured));
        writers.map(|left| format!("{}: {}", left.name, left.reason)).collect()
    }

    /// The containers that run on as somebody asked, and may write to a target.
    pub(super) fn meant_writers(&self, kind: TargetKind, name: &str) -> Vec<&str> {
        let is_of_target = |mount: &Mount| {
            let mut sources = self.sources.iter().filter(|s| s.spec.kind == kind && s.spec.name == name);
            sources.any(|source| holds(source, mount))
        };
        let writers = self.party.choice.left.iter().filter(|left| left.is_meant && self.writes(left, is_of_target));
        writers.map(|left| left.name.as_str()).collect()
    }

    fn writes(&self, left: &Left, is_captured: impl Fn(&Mount) -> bool) -> bool {
        let mounts = self.party.details.get(&left.id).into_iter().flat_map(|detail| &detail.container.mounts);
        mounts.into_iter().any(|mount| mount.is_writable && is_captured(mount))
    }
}

/// Whether what is mounted lies in what a source captures.
fn holds(source: &Source, mount: &Mount) -> bool {
    let is_volume = mount.volume.as_deref() == Some(source.spec.name.as_str());
    is_volume || source.host_path.as_ref().is_some_and(|outer| mount.source.starts_with(outer))
}

impl StepResult for Resolved {
    fn detail(&self) -> Option<String> {
        Some(format!(
            "{}, {} to bring to rest",
            count(self.sources.len(), "target"),
            count(self.party.choice.held.len(), "container")
        ))
    }
}

pub(super) async fn run(cx: Cx<'_>) -> Result<Resolved, Stop> {
    let parts = &cx.engine.0.parts;
    cx.bring_back_leftovers(&cx.request.stack).await?;
    let view = parts.discovery.refresh().await;
    if !view.engine.reachable {
        let why = view.engine.error.as_deref().unwrap_or("no answer");
        return Err(Stop::failed(format!("the Docker Engine cannot be reached, so nothing was touched: {why}")));
    }
    if let Some(error) = &view.engine.volumes_error {
        // A volume that is not seen would be left out in silence.
        return Err(Stop::failed(format!("it is not known which volumes there are, so nothing was touched: {error}")));
    }
    let stack = view.stacks.iter().find(|s| s.name == cx.request.stack).cloned();
    let stack = stack.ok_or_else(|| Stop::failed(format!("stack '{}' is gone", cx.request.stack)))?;
    let details = inspect(cx, &stack).await?;
    let mode = mode(cx, &stack);
    let own = find_own_container(parts.docker.as_ref()).await;
    let own = own.map_err(|e| {
        Stop::because("it cannot be told which container is Mainstay's own, so nothing was stopped", &e)
    })?;
    let settings = &cx.engine.0.settings;
    let strangers = parts.discovery.strangers(&stack).await;
    let choice = choose(&Question {
        stack: &stack,
        details: &details,
        requested: cx.request.quiesce,
        otherwise: mode,
        stop_timeout: settings.stop_timeout,
        own: own.as_ref(),
        address: view.engine.info.as_ref().map(|info| info.address.as_str()),
        strangers: &strangers,
        only: None,
    });
    let targets = parts.discovery.plan_targets(&stack, settings.include_data).await;
    let own = OwnDirectories(vec![settings.backup_dir.clone(), settings.log_dir.clone()]);
    let sources = sources(&targets, &parts.discovery.path_map(), &own);
    let party = Party { name: stack.name.clone(), choice, details, mode, watch: None };
    let resolved = Resolved { stack, targets, sources, party };
    tell(cx, &resolved);
    Ok(resolved)
}

fn mode(cx: Cx<'_>, stack: &Stack) -> Quiesce {
    let of_the_stack = if stack.skip_stop { Some(Quiesce::None) } else { stack.quiesce };
    cx.request.quiesce.or(of_the_stack).unwrap_or(cx.engine.0.settings.quiesce)
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
    for note in &resolved.party.choice.notes {
        log.write(Level::Warning, note.clone());
    }
    for left in &resolved.party.choice.left {
        let level = if left.is_meant { Level::Info } else { Level::Warning };
        log.write(level, format!("container {} keeps running: {}", left.name, left.reason));
    }
    for line in resolved.party.choice.describe() {
        log.write(Level::Info, line);
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
