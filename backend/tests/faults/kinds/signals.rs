//! Ends that are asked for: by signals, and by a cancel.

use std::time::Duration;

use rustix::process::Signal;

use super::place_of;
use crate::cx::Cx;
use crate::judge::SOON;
use crate::rig::{SPLICE, Setup};
use crate::served::Launch;
use crate::stack::{DEAF, Part, Stack};

/// In the part of every test run a signal comes at every so manieth place.
pub(super) const EVERY: usize = 5;
/// How long an orderly end may take.
const ORDERLY: Duration = Duration::from_secs(60);

/// When the process has ended, the stack is back already.
pub(super) async fn at_place(cx: Cx) {
    let place = place_of(&cx, EVERY);
    let rig = Setup::new().config(SPLICE).up(&cx).await;
    let (mut served, id) = rig.pause_at(place).await;
    served.signal(Signal::TERM);
    served.line("shutting down").await;
    rig.open_gate();
    let status = served.ended(ORDERLY).await;
    assert!(status.success(), "{place}: it ended with {status}");
    rig.is_well(Duration::ZERO).await;
    let again = rig.serve().await;
    let job = again.job(&id).await;
    let state = job["state"].as_str().expect("a state");
    assert!(["interrupted", "succeeded"].contains(&state), "{place}: {job:#}");
    cx.saw(state);
    rig.conclude(again).await;
}

pub(super) async fn cancel(cx: Cx) {
    let place = place_of(&cx, EVERY);
    let rig = Setup::new().config(SPLICE).up(&cx).await;
    let (served, id) = rig.pause_at(place).await;
    served.client().call("cancel_job").path("id", &id).ok().await;
    rig.open_gate();
    let job = served.end_of(&id).await;
    rig.is_well(Duration::ZERO).await;
    let state = job["state"].as_str().expect("a state");
    assert!(["cancelled", "succeeded"].contains(&state), "{place}: {job:#}");
    let archives = rig.conclude(served).await;
    assert_eq!(archives.len(), usize::from(state == "succeeded"), "{place}: {archives:?}");
}

/// The second signal means "at once": what is at rest is brought back by the next start.
pub(super) async fn twice(cx: Cx) {
    let app = Part { stop_timeout: 8, ..Part::new("app").needs("db").script(DEAF) };
    let parts = Stack::usual().into_iter().map(|part| if part.service == "app" { app.clone() } else { part });
    let rig = Setup::new().parts(parts.collect()).up(&cx).await;
    let mut served = rig.serve().await;
    let mut events = rig.host.watch(&rig.container("app"));
    let id = served.begin(&rig.stack.name).await;
    events.until("kill").await;
    served.signal(Signal::TERM);
    served.line("shutting down").await;
    served.signal(Signal::TERM);
    served.ended(Duration::from_secs(5)).await;
    let again = rig.serve().await;
    events.until("die").await;
    rig.is_well(SOON).await;
    assert_eq!(again.job(&id).await["state"], "interrupted");
    cx.saw("interrupted");
    rig.conclude(again).await;
}

pub(super) async fn interrupt_command(cx: Cx) {
    command(cx, Signal::INT).await;
}

pub(super) async fn terminate_command(cx: Cx) {
    command(cx, Signal::TERM).await;
}

/// A command that is interrupted brings the stack back before it ends, and says so.
async fn command(cx: Cx, signal: Signal) {
    let rig = Setup::new().up(&cx).await;
    let mut events = rig.host.watch(&rig.container("db"));
    let mut command = rig.spawn(&Launch::default().command(&["backup", &rig.stack.name]));
    events.until("die").await;
    command.signal(signal);
    let status = command.ended(ORDERLY).await;
    rig.is_well(Duration::ZERO).await;
    let text = command.text();
    assert!(status.code().is_some_and(|code| code <= 1), "{status}: {text}");
    assert!(status.success() || text.contains("runs again"), "{text}");
    let again = rig.serve().await;
    rig.conclude(again).await;
}
