//! Containers that do not do as they are told, and somebody else who tells them something.

use std::time::Duration;

use serde_json::Value;

use crate::cx::Cx;
use crate::host::Host;
use crate::proxy::{Action, Proxy};
use crate::rig::{Rig, Setup};
use crate::stack::{DEAF, Part, Stack};

/// A place at which the whole stack is at rest.
const AT_REST: &str = "capture.before";

fn reason(job: &Value) -> String {
    format!("{} {}", job["error"], job["targets"])
}

pub(super) async fn deaf(cx: Cx) {
    let app = Part { stop_timeout: 2, ..Part::new("app").needs("db").script(DEAF) };
    let parts = Stack::usual().into_iter().map(|part| if part.service == "app" { app.clone() } else { part });
    let rig = Setup::new().parts(parts.collect()).up(&cx).await;
    let served = rig.serve().await;
    let job = served.back_up(&rig.stack.name).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    rig.is_well(Duration::ZERO).await;
    rig.conclude(served).await;
}

/// What was stopped before it comes back, what was to be stopped after it is not touched, and the job says why.
pub(super) async fn second_stop_fails(cx: Cx) {
    let proxy = Proxy::before(&Host::usual());
    let rig = Setup::new().parts(Stack::of_three()).through(&proxy.address()).up(&cx).await;
    proxy.nth(2, "POST", "/stop", Action::Refuse(500, "tried to kill container, but did not receive an exit event"));
    let served = rig.serve().await;
    let job = served.back_up(&rig.stack.name).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert!(reason(&job).contains("did not receive an exit event"), "{job:#}");
    rig.is_well(Duration::ZERO).await;
    assert!(rig.conclude_with_backup(served).await.len() == 1, "only the second job's");
}

/// A container that is no more cannot be brought back; the others are.
pub(super) async fn removed(cx: Cx) {
    let mut rig = Setup::new().parts(Stack::of_three()).up(&cx).await;
    let (served, id) = rig.pause_at(AT_REST).await;
    rig.host.remove(&rig.container("web")).await;
    rig.before.0.remove(&rig.container("web"));
    rig.open_gate();
    served.end_of(&id).await;
    rig.is_well(Duration::from_secs(5)).await;
    let log = served.client().call("get_job_log").path("id", &id).ok().await;
    assert!(log.to_string().contains("removed"), "the log tells of it: {log:#}");
    rig.check_files(&served).await;
    served.terminate().await;
    rig.is_well(Duration::ZERO).await;
}

/// The one that took its place is started.
pub(super) async fn recreated(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let (served, id) = rig.pause_at(AT_REST).await;
    rig.host.remove(&rig.container("app")).await;
    rig.stack.remake(&rig.host, &rig.directory(), "app").await;
    rig.open_gate();
    served.end_of(&id).await;
    rig.is_well(Duration::from_secs(5)).await;
    rig.conclude(served).await;
}

/// What was captured while somebody wrote is no success.
pub(super) async fn started(cx: Cx) {
    let rig: Rig = Setup::new().up(&cx).await;
    let (served, id) = rig.pause_at(AT_REST).await;
    rig.host.start(&rig.container("db")).await;
    rig.host.stop(&rig.container("db"), 1).await;
    rig.open_gate();
    let job = served.end_of(&id).await;
    assert_eq!(job["state"], "partial", "{job:#}");
    assert!(reason(&job).contains("started by something else"), "{job:#}");
    rig.is_well(Duration::ZERO).await;
    rig.conclude(served).await;
}
