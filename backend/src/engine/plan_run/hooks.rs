//! The user's commands around a run: before the dumps and the stop, and after the start, whatever came in between.

use tokio_util::sync::CancellationToken;

use crate::docker::ContainerEngine;
use crate::domain::job::TargetKind;
use crate::domain::log::Level;
use crate::domain::plan::{Hook, Target, What};

use super::super::chain;
use super::super::hooks::run_hook;
use super::resolve::Resolved;
use super::scene::{Mounted, Scene};
use super::{Cx, Stop, count, targets};

/// Who hears what commands print.
pub(super) type Say<'a> = &'a (dyn Fn(Level, String) + Send + Sync);

/// Whether there is any before the capture.
pub(super) fn has_pre(resolved: &Resolved) -> bool {
    !resolved.plan.hooks.pre.is_empty() || resolved.targets.iter().any(|target| !target.hooks.pre.is_empty())
}

/// Whether there is any after it.
pub(super) fn has_post(resolved: &Resolved) -> bool {
    !resolved.plan.hooks.post.is_empty() || resolved.targets.iter().any(|target| !target.hooks.post.is_empty())
}

/// Runs those of the plan, whose failure ends the job, then those of each target, whose failure ends its capture.
pub(super) async fn run_pre(cx: Cx<'_>, resolved: &Resolved, scene: &Scene) -> Result<String, Stop> {
    let mut ran = 0;
    let docker = cx.engine.0.parts.docker.as_ref();
    let say = |level: Level, line: String| cx.live.log.write(level, line);
    for hook in &resolved.plan.hooks.pre {
        run(docker, &say, hook, None, &cx.live.cancel).await.map_err(|why| match cx.live.cancel.is_cancelled() {
            true => Stop::Cancelled,
            false => Stop::failed(format!("a command before the capture failed, so nothing was stopped: {why}")),
        })?;
        ran += 1;
    }
    for (index, target) in resolved.targets.iter().enumerate() {
        for hook in &target.hooks.pre {
            if cx.live.cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            ran += 1;
            if let Err(why) = run(docker, &say, hook, own_container(target, scene), &cx.live.cancel).await {
                fail_target(cx, resolved, index, &format!("its command before the capture failed: {why}"));
                break;
            }
        }
    }
    Ok(format!("{} done", count(ran, "command")))
}

/// Runs those of each target, then those of the plan. None keeps another from running. Returns what went wrong.
pub(super) async fn run_post(
    docker: &dyn ContainerEngine,
    say: Say<'_>,
    resolved: &Resolved,
    scene: &Scene,
) -> Vec<String> {
    // A cancel of the job does not end what puts things right after it.
    let lasting = CancellationToken::new();
    let mut problems = Vec::new();
    for target in &resolved.targets {
        for hook in &target.hooks.post {
            problems.extend(run(docker, say, hook, own_container(target, scene), &lasting).await.err());
        }
    }
    for hook in &resolved.plan.hooks.post {
        problems.extend(run(docker, say, hook, None, &lasting).await.err());
    }
    for why in &problems {
        say(Level::Error, format!("a command after the capture failed: {why}"));
    }
    problems
}

async fn run(
    docker: &dyn ContainerEngine,
    say: Say<'_>,
    hook: &Hook,
    own: Option<String>,
    cancel: &CancellationToken,
) -> Result<(), String> {
    let Some(container) = hook.container.clone().or(own) else {
        return Err("it is not known in which container it is to run; name one by 'container'".to_owned());
    };
    Box::pin(run_hook(docker, &container, hook, cancel, say)).await.map_err(|error| chain(&error))
}

/// The container of a database, or the first one that mounts a volume or path, those that run before others.
fn own_container(target: &Target, scene: &Scene) -> Option<String> {
    let attached = |what: &Mounted| scene.attached_to(what).first().map(|container| container.name.clone());
    match &target.what {
        What::Database(name) => Some(name.clone()),
        What::Volume(name) => attached(&scene.find_volume(name)?),
        What::Path(path) => attached(&Mounted::Path(path.clone())),
        What::Stack(_) => None,
    }
}

fn fail_target(cx: Cx<'_>, resolved: &Resolved, index: usize, why: &str) {
    for piece in resolved.pieces.iter().filter(|piece| piece.target == index) {
        targets::fail(cx.live, piece.kind, &piece.name, why);
    }
    for database in resolved.databases.iter().filter(|database| database.target == index) {
        targets::fail(cx.live, TargetKind::Database, &database.container.name, why);
    }
}
