//! What a run would do, without a job: nothing is touched.

use std::sync::Arc;

use crate::backends::BackendError;
use crate::databases::{DumpError, find_kind};
use crate::domain::job::{TargetKind, TargetResult, TargetState};
use crate::domain::names::PlanId;
use crate::store::HoldAction;

use super::super::JobEngine;
use super::super::chain;
use super::super::plans::{PlanPreview, PreviewTarget};
use super::parties::Parties;
use super::preflight::look_at_data;
use super::resolve::{Resolved, Wanted, resolve};
use super::scene::Scene;
use super::{RetentionError, Stop, retention};

/// What a run of the plan would do. What cannot be told is a warning.
pub(in crate::engine) async fn preview(engine: &JobEngine, plan: &PlanId) -> PlanPreview {
    let mut preview = PlanPreview::default();
    if let Err(stop) = Box::pin(look(engine, plan, &mut preview)).await {
        preview.warnings.push(match stop {
            Stop::Failed(why) => why,
            Stop::Cancelled => "the look was broken off".to_owned(),
        });
    }
    preview
}

async fn look(engine: &JobEngine, plan: &PlanId, preview: &mut PlanPreview) -> Result<(), Stop> {
    let scene = Arc::new(Scene::look(engine).await?);
    let wanted = Wanted { plan, only: None, quiesce: None };
    let resolved = resolve(engine, &scene, wanted).await?;
    preview.warnings.extend(resolved.plan.warnings.iter().cloned());
    preview.targets = targets(engine, &scene, &resolved).await;
    let is_lost = |result: &&TargetResult| result.state == TargetState::Failed;
    preview.warnings.extend(resolved.results.iter().filter(is_lost).map(describe_loss));
    preview.warnings.extend(doubtful_databases(engine, &resolved).await);
    let parties = Parties::choose(engine, &scene, &resolved).await?;
    preview.stops = parties.describe_stops();
    let doubts = parties.all.iter().flat_map(|party| party.choice.notes.iter().cloned());
    preview.warnings.extend(doubts);
    match retention::judge_plan(engine, &resolved.plan, &resolved.instance, &engine.unheard_work()).await {
        Ok(verdicts) => preview.verdicts = Some(verdicts),
        Err(RetentionError::Backend(BackendError::NotSupported(_))) => {}
        Err(error) => preview.warnings.push(format!("what retention would do cannot be told: {}", chain(&error))),
    }
    Ok(())
}

fn describe_loss(result: &TargetResult) -> String {
    let why = result.message.as_deref().unwrap_or("it cannot be captured");
    format!("{} {}: {why}", result.kind.as_str(), result.name)
}

/// Databases of which a run would find out that it cannot dump them.
async fn doubtful_databases(engine: &JobEngine, resolved: &Resolved) -> Vec<String> {
    let is_told = |index: usize| resolved.targets[index].database.is_some();
    let mut doubts = Vec::new();
    for database in resolved.databases.iter().filter(|database| !is_told(database.target)) {
        match engine.0.parts.docker.inspect_container(&database.container.id).await {
            Ok(container) if find_kind(&container).is_some() => {}
            Ok(container) => doubts.push(DumpError::UnknownKind(container.container.name).to_string()),
            Err(error) => doubts.push(format!("container '{}': {}", database.container.name, chain(&error))),
        }
    }
    doubts
}

async fn targets(engine: &JobEngine, scene: &Scene, resolved: &Resolved) -> Vec<PreviewTarget> {
    let (_, sizes) = look_at_data(engine, &resolved.pieces, &scene.paths).await;
    let size_of = |kind: TargetKind, name: &str| {
        let sized = resolved.pieces.iter().zip(&sizes).find(|(piece, _)| piece.key() == (kind, name));
        sized.filter(|(piece, _)| piece.is_here()).map(|(_, bytes)| *bytes)
    };
    let target = |result: &TargetResult| PreviewTarget {
        kind: result.kind,
        name: result.name.clone(),
        size_bytes: size_of(result.kind, &result.name),
        skipped: (result.state != TargetState::Pending).then(|| result.message.clone().unwrap_or_default()),
    };
    resolved.results.iter().map(target).collect()
}

impl Parties {
    /// Who would be brought to rest and how, in the order of the stop.
    pub(super) fn describe_stops(&self) -> Vec<String> {
        let held = self.all.iter().flat_map(|party| party.choice.held.iter().rev());
        let line = |held: &crate::store::HeldContainer| match held.action {
            HoldAction::Stop => format!("stop container {} within {} s", held.name, held.stop_timeout_secs),
            HoldAction::Pause => format!("pause container {}", held.name),
        };
        held.map(line).collect()
    }
}
