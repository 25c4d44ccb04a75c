//! The way to the engine: answers that are late, lost, or never come.

use std::time::Duration;

use serde_json::Value;

use crate::cx::Cx;
use crate::host::Host;
use crate::proxy::{Action, Proxy};
use crate::rig::{Rig, Setup};
use crate::served::Served;

/// How long it may take until the stack runs, once the engine answers again: calls that were under way have their own
/// deadlines.
const BACK: Duration = Duration::from_secs(60);

async fn rig_behind(proxy: &Proxy, cx: &Cx) -> Rig {
    Setup::new().config("max_concurrent_jobs: 2").through(&proxy.address()).up(cx).await
}

fn state(job: &Value) -> &str {
    job["state"].as_str().expect("a state")
}

pub(super) async fn hangs(cx: Cx) {
    let proxy = Proxy::before(&Host::usual());
    let rig = rig_behind(&proxy, &cx).await;
    let (served, id) = rig.pause_at("capture.target").await;
    proxy.always("GET", "", Action::Hang);
    proxy.always("POST", "", Action::Hang);
    rig.open_gate();
    proxy.struck(1).await;
    // The service itself does not hang with it.
    let answers = served.client().call("get_status").send();
    let answer = tokio::time::timeout(Duration::from_secs(15), answers).await.expect("the service answers");
    assert!(answer.status.is_success() || answer.status.as_u16() == 503, "{}", answer.status);
    proxy.mend();
    rig.is_well(BACK).await;
    served.end_of(&id).await;
    rig.conclude_with_backup(served).await;
}

/// One stop hangs. Another stack is backed up meanwhile; this job ends by a deadline, and its stack is back.
pub(super) async fn stop_hangs(cx: Cx) {
    let proxy = Proxy::before(&Host::usual());
    let rig = rig_behind(&proxy, &cx).await;
    let other = rig.other_stack().await;
    proxy.nth(1, "POST", "/stop", Action::Hang);
    let served = rig.serve().await;
    let id = served.begin(&rig.stack.name).await;
    proxy.struck(1).await;
    let beside = tokio::time::timeout(Duration::from_secs(30), served.back_up(&other.name)).await;
    assert_eq!(state(&beside.expect("the other stack is not kept waiting")), "succeeded");
    let job = tokio::time::timeout(Duration::from_secs(100), served.end_of(&id)).await.expect("a deadline");
    assert_ne!(state(&job), "succeeded", "{job:#}");
    rig.is_well(BACK).await;
    rig.conclude(served).await;
}

pub(super) async fn stop_reply_lost(cx: Cx) {
    let proxy = Proxy::before(&Host::usual());
    proxy.nth(1, "POST", "/stop", Action::LoseReply);
    let rig = rig_behind(&proxy, &cx).await;
    let served = rig.serve().await;
    let job = served.back_up(&rig.stack.name).await;
    assert!(["succeeded", "failed"].contains(&state(&job)), "{job:#}");
    rig.is_well(BACK).await;
    rig.conclude_with_backup(served).await;
}

pub(super) async fn start_reply_lost(cx: Cx) {
    let proxy = Proxy::before(&Host::usual());
    let rig = rig_behind(&proxy, &cx).await;
    proxy.nth(1, "POST", "/start", Action::LoseReply);
    is_a_success(&rig).await;
}

pub(super) async fn slow(cx: Cx) {
    let proxy = Proxy::before(&Host::usual());
    let rig = rig_behind(&proxy, &cx).await;
    proxy.always("GET", "", Action::Delay(Duration::from_millis(100)));
    proxy.always("POST", "", Action::Delay(Duration::from_millis(400)));
    is_a_success(&rig).await;
}

/// The events are for the dashboard: without them a backup is as good.
pub(super) async fn events_cut(cx: Cx) {
    let proxy = Proxy::before(&Host::usual());
    let rig = rig_behind(&proxy, &cx).await;
    proxy.always("GET", "/events", Action::CutAfter(Duration::from_millis(100)));
    is_a_success(&rig).await;
}

pub(super) async fn events_silent(cx: Cx) {
    let proxy = Proxy::before(&Host::usual());
    let rig = rig_behind(&proxy, &cx).await;
    proxy.always("GET", "/events", Action::Silence);
    is_a_success(&rig).await;
}

async fn is_a_success(rig: &Rig) {
    let served: Served = rig.serve().await;
    let job = served.back_up(&rig.stack.name).await;
    assert_eq!(state(&job), "succeeded", "{job:#}");
    for archive in rig.conclude(served).await {
        rig.holds_the_truth(&archive).await;
    }
}

pub(super) async fn socket_away(cx: Cx) {
    let mut proxy = Proxy::before(&Host::usual());
    let rig = rig_behind(&proxy, &cx).await;
    let (served, id) = rig.pause_at("capture.target").await;
    proxy.cut();
    rig.open_gate();
    tokio::time::sleep(Duration::from_secs(2)).await;
    proxy.open();
    rig.is_well(BACK).await;
    served.end_of(&id).await;
    rig.conclude_with_backup(served).await;
}
