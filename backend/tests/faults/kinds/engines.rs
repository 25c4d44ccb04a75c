//! The engine itself ends while a stack is at rest. Each on an engine of its own.

use std::time::Duration;

use bollard::models::RestartPolicyNameEnum;

use crate::cx::Cx;
use crate::rig::{Rig, Setup};
use crate::second_engine::SecondEngine;
use crate::stack::Stack;

/// How long it may take until the stack runs, once the engine is back.
const BACK: Duration = Duration::from_secs(60);
/// A place at which the whole stack is at rest.
const AT_REST: &str = "capture.target";

async fn rig_on(engine: &SecondEngine, cx: &Cx) -> Rig {
    Setup::new().on(&engine.host).up(cx).await
}

pub(super) async fn killed(cx: Cx) {
    let mut engine = SecondEngine::up().await;
    let rig = rig_on(&engine, &cx).await;
    let (served, id) = rig.pause_at(AT_REST).await;
    engine.kill();
    engine.start().await;
    rig.open_gate();
    served.end_of(&id).await;
    rig.is_well(BACK).await;
    rig.conclude_with_backup(served).await;
}

/// The job goes on while the engine is away, and brings the stack back when it is there again.
pub(super) async fn restarted(cx: Cx) {
    let mut engine = SecondEngine::up().await;
    let rig = rig_on(&engine, &cx).await;
    let (served, id) = rig.pause_at(AT_REST).await;
    engine.stop();
    rig.open_gate();
    // It needs the engine now.
    tokio::time::sleep(Duration::from_secs(1)).await;
    engine.start().await;
    rig.is_well(BACK).await;
    served.end_of(&id).await;
    rig.conclude_with_backup(served).await;
}

/// An engine starts some containers by itself, whoever stopped them: nothing is at rest any more then, and nothing that
/// is captured counts as whole.
pub(super) async fn restarted_with_policies(cx: Cx) {
    let mut engine = SecondEngine::up().await;
    let mut parts = Stack::usual();
    parts[0].restart = Some(RestartPolicyNameEnum::ALWAYS);
    let rig = Setup::new().on(&engine.host).parts(parts).up(&cx).await;
    let (served, id) = rig.pause_at(AT_REST).await;
    engine.stop();
    engine.start().await;
    while !rig.now().await.is_up(&rig.container("db")) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    rig.open_gate();
    let job = served.end_of(&id).await;
    assert_ne!(job["state"], "succeeded", "{job:#}");
    rig.is_well(BACK).await;
    rig.conclude(served).await;
}

pub(super) async fn power_cut(cx: Cx) {
    let mut engine = SecondEngine::up().await;
    let rig = rig_on(&engine, &cx).await;
    let id = kill_at_rest(&rig).await;
    engine.kill();
    engine.start().await;
    let again = rig.serve().await;
    rig.is_well(BACK).await;
    assert_eq!(again.job(&id).await["state"], "interrupted");
    cx.saw("interrupted");
    rig.conclude(again).await;
}

/// The service answers without the engine, and nobody has to do anything when it comes.
pub(super) async fn late(cx: Cx) {
    let mut engine = SecondEngine::up().await;
    let rig = rig_on(&engine, &cx).await;
    let id = kill_at_rest(&rig).await;
    engine.stop();
    let again = rig.serve().await;
    assert_eq!(again.job(&id).await["state"], "interrupted");
    cx.saw("interrupted");
    engine.start().await;
    rig.is_well(BACK).await;
    rig.conclude(again).await;
}

/// Begins a job and kills the service while the stack is at rest; the job's id.
async fn kill_at_rest(rig: &Rig) -> String {
    let (served, id) = rig.pause_at(AT_REST).await;
    served.kill().await;
    id
}
