//! `kill -9` of the process.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::OnceCell;

use super::{place_of, position};
use crate::cx::Cx;
use crate::rig::{Rig, SPLICE, Setup};
use crate::served::{Launch, Served};
use crate::stack::{DEAF, Part, Stack};

/// From this place on an archive was verified and recorded.
const RECORDED: &str = "verify.recorded";
/// Every way to make the data safe; kills at random times go through all of them.
const STRATEGIES: [&str; 5] = ["auto", "off", "staging", "splice", "snapshot"];
/// How long a start and its recovery may take; kills fall somewhere into it.
const RECOVERY: Duration = Duration::from_millis(1500);

pub(super) async fn at_place(cx: Cx) {
    let place = place_of(&cx, 1);
    let rig = Setup::new().config(SPLICE).up(&cx).await;
    let served = rig.spawn(&Launch::paused_at(place)).ready().await;
    let id = served.begin(&rig.stack.name).await;
    served.paused_at(place).await;
    served.kill().await;
    let again = rig.serve().await;
    is_interrupted(&rig, &again, &id).await;
    let archives = rig.conclude(again).await;
    let is_recorded = position(place) >= position(RECORDED);
    assert_eq!(archives.len(), usize::from(is_recorded), "archives after a kill at {place}");
    for archive in archives {
        rig.holds_the_truth(&archive).await;
    }
}

/// The job says that it was interrupted, and its log says what was done about it.
pub(super) async fn is_interrupted(rig: &Rig, again: &Served, id: &str) -> Value {
    let job = again.job(id).await;
    assert_eq!(job["state"], "interrupted", "{job:#}");
    rig.cx.saw("interrupted");
    let log = again.client().call("get_job_log").path("id", id).ok().await;
    assert!(log.to_string().contains("interrupted"), "the log says nothing: {log:#}");
    job
}

/// Kills at any moment of a job, and then at any moments of the recoveries that follow.
pub(super) async fn at_random(cx: Cx, kills: usize) {
    let strategy = STRATEGIES[cx.index() % STRATEGIES.len()];
    let rig = Setup::new().config(&format!("archive: {{ precopy: {strategy} }}")).up(&cx).await;
    let length = length_of_a_job(&cx).await;
    let served = rig.serve().await;
    let id = served.begin(&rig.stack.name).await;
    tokio::time::sleep(some_of(&cx, length)).await;
    served.kill().await;
    for _ in 1..kills {
        let recovering = rig.spawn(&Launch::default());
        tokio::time::sleep(some_of(&cx, RECOVERY)).await;
        recovering.kill().await;
    }
    let again = rig.serve().await;
    let job = again.job(&id).await;
    let state = job["state"].as_str().expect("a state");
    assert!(["interrupted", "succeeded"].contains(&state), "{job:#}");
    cx.saw(state);
    if cx.index().is_multiple_of(4) {
        rig.conclude_with_backup(again).await;
    } else {
        rig.conclude(again).await;
    }
}

fn some_of(cx: &Cx, length: Duration) -> Duration {
    Duration::from_micros(cx.random_below(u64::try_from(length.as_micros()).expect("a length")))
}

/// How long an undisturbed job takes on this machine; measured once.
async fn length_of_a_job(cx: &Cx) -> Duration {
    static LENGTH: OnceCell<Duration> = OnceCell::const_new();
    let measure = async || {
        let rig = Setup::new().config(SPLICE).up(cx).await;
        let served = rig.serve().await;
        let began = Instant::now();
        let job = served.back_up(&rig.stack.name).await;
        let length = began.elapsed();
        assert_eq!(job["state"], "succeeded", "{job:#}");
        rig.conclude(served).await;
        length
    };
    *LENGTH.get_or_init(measure).await
}

pub(super) async fn at_die(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let served = rig.serve().await;
    let mut events = rig.host.watch(&rig.container("db"));
    let id = served.begin(&rig.stack.name).await;
    events.until("die").await;
    served.kill().await;
    let again = rig.serve().await;
    is_interrupted(&rig, &again, &id).await;
    assert!(rig.conclude_with_backup(again).await.len() == 1);
}

/// The engine goes on with a stop whose asker is gone; it lands under the next process, and is made good.
pub(super) async fn in_stop(cx: Cx) {
    let app = Part { stop_timeout: 5, ..Part::new("app").needs("db").script(DEAF) };
    let parts = Stack::usual().into_iter().map(|part| if part.service == "app" { app.clone() } else { part });
    let rig = Setup::new().parts(parts.collect()).up(&cx).await;
    let served = rig.serve().await;
    let mut events = rig.host.watch(&rig.container("app"));
    let id = served.begin(&rig.stack.name).await;
    events.until("kill").await;
    served.kill().await;
    let again = rig.serve().await;
    is_interrupted(&rig, &again, &id).await;
    events.until("die").await;
    events.until("start").await;
    rig.conclude(again).await;
}

pub(super) async fn group(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let served = rig.spawn(&Launch::paused_at("capture.target")).ready().await;
    let id = served.begin(&rig.stack.name).await;
    served.paused_at("capture.target").await;
    served.kill_group().await;
    let again = rig.serve().await;
    is_interrupted(&rig, &again, &id).await;
    rig.conclude_with_backup(again).await;
}

/// The queued job was not begun: its stack is not touched, and it is interrupted as well.
pub(super) async fn queue(cx: Cx) {
    let rig = Setup::new().config("max_concurrent_jobs: 1").up(&cx).await;
    let other = rig.other_stack().await;
    let before = rig.host.picture(&other.name).await;
    let served = rig.spawn(&Launch::paused_at("capture.target")).ready().await;
    let first = served.begin(&rig.stack.name).await;
    served.paused_at("capture.target").await;
    let second = served.begin(&other.name).await;
    assert_eq!(served.job(&second).await["state"], "queued");
    served.kill().await;
    let again = rig.serve().await;
    is_interrupted(&rig, &again, &first).await;
    is_interrupted(&rig, &again, &second).await;
    assert_eq!(rig.host.picture(&other.name).await, before, "the other stack was not touched");
    rig.conclude(again).await;
}

pub(super) async fn paused(cx: Cx) {
    let rig = Setup::new().config("archive: { quiesce: pause }").up(&cx).await;
    let served = rig.spawn(&Launch::paused_at("capture.target")).ready().await;
    let id = served.begin(&rig.stack.name).await;
    served.paused_at("capture.target").await;
    assert!(!rig.now().await.is_up(&rig.container("db")), "it is frozen");
    served.kill().await;
    let again = rig.serve().await;
    is_interrupted(&rig, &again, &id).await;
    rig.conclude(again).await;
}

/// What was left at rest is brought back by hand, without a service.
pub(super) async fn resume_by_hand(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let served = rig.spawn(&Launch::paused_at("capture.target")).ready().await;
    let id = served.begin(&rig.stack.name).await;
    served.paused_at("capture.target").await;
    served.kill().await;
    let mut resume = rig.spawn(&Launch::default().command(&["resume"]));
    let status = resume.ended(Duration::from_secs(100)).await;
    assert!(status.success(), "{status}: {}", resume.text());
    rig.is_well(Duration::ZERO).await;
    assert_eq!(rig.journal().await, 0, "rows of the stop journal");
    let again = rig.serve().await;
    is_interrupted(&rig, &again, &id).await;
    rig.conclude(again).await;
}

/// A command that worked without a service leaves the same record, and the next service makes it good.
pub(super) async fn command(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let mut events = rig.host.watch(&rig.container("db"));
    let command = rig.spawn(&Launch::default().command(&["backup", &rig.stack.name]));
    events.until("die").await;
    command.kill().await;
    let again = rig.serve().await;
    let jobs = again.client().call("list_jobs").ok().await;
    assert_eq!(jobs["items"][0]["state"], "interrupted", "{jobs:#}");
    cx.saw("interrupted");
    rig.conclude(again).await;
}

/// An archive that was recorded and lacked only its name is not forgotten when its directory comes back later.
pub(super) async fn away(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let served = rig.spawn(&Launch::paused_at(RECORDED)).ready().await;
    served.begin(&rig.stack.name).await;
    served.paused_at(RECORDED).await;
    served.kill().await;
    let (backups, elsewhere) = (rig.path("backups"), rig.path("elsewhere"));
    std::fs::rename(&backups, &elsewhere).expect("moved");
    rig.serve().await.terminate().await;
    if backups.exists() {
        std::fs::remove_dir(&backups).expect("nothing was written");
    }
    std::fs::rename(&elsewhere, &backups).expect("moved back");
    let again = rig.serve().await;
    let archives = rig.conclude(again).await;
    assert_eq!(archives.len(), 1, "{archives:?}");
}
