//! `kill -9` in runs for instances, at the places and in the works that each backend has.

use std::time::{Duration, Instant};

use mainstay::engine::PAUSE_PLACES_OF_PLANS;

use super::kills::is_interrupted;
use super::place_in;
use crate::cx::Cx;
use crate::instance::{Backend, DROP, KEEP, Site};
use crate::served::Served;

/// What has to be waited for may not take longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The places without those of these steps or names.
fn places_but(left_out: &[&str]) -> Vec<&'static str> {
    let is_left_out = |place: &str| left_out.iter().any(|part| place == *part || place.split('.').next() == Some(part));
    PAUSE_PLACES_OF_PLANS.iter().copied().filter(|place| !is_left_out(place)).collect()
}

/// Nothing is copied: restic reads the data where it lies.
pub(super) fn places_of_restic() -> Vec<&'static str> {
    places_but(&["dump", "capture.target"])
}

/// Before these places restic has something to do.
pub(super) fn works_of_restic() -> Vec<&'static str> {
    vec!["precopy.before", "capture.before", "retention.before"]
}

/// Everything is copied, and nobody knows how to record what came of it.
pub(super) fn places_of_images() -> Vec<&'static str> {
    places_but(&["dump", "verify.recorded"])
}

pub(super) fn places_of_archives() -> Vec<&'static str> {
    places_of_restic()
}

/// The last one is met while the dump is written.
pub(super) fn places_of_dumps() -> Vec<&'static str> {
    vec!["dump.target", "dump.after", "publish.before", "dump.before"]
}

/// Of restic's places in the part of every test run.
pub(super) const EVERY_OF_RESTIC: usize = 14;
/// Of those of images.
pub(super) const EVERY_OF_IMAGES: usize = 14;
/// Of those of archives.
pub(super) const EVERY_OF_ARCHIVES: usize = 28;
/// Of restic's works, and of the places of a dump: one.
pub(super) const ONE: usize = 4;

pub(super) async fn restic_at_place(cx: Cx) {
    let place = place_in(&cx, &places_of_restic(), EVERY_OF_RESTIC);
    at_place(&cx, Backend::Restic, place).await;
}

pub(super) async fn image_at_place(cx: Cx) {
    let place = place_in(&cx, &places_of_images(), EVERY_OF_IMAGES);
    at_place(&cx, Backend::Image, place).await;
}

pub(super) async fn archive_at_place(cx: Cx) {
    let place = place_in(&cx, &places_of_archives(), EVERY_OF_ARCHIVES);
    at_place(&cx, Backend::Archive, place).await;
}

async fn at_place(cx: &Cx, backend: Backend, place: &str) {
    let site = with_one_run(cx, backend, KEEP).await;
    let (served, id) = site.pause_at(place, false).await;
    kill_and_conclude(site, served, &id).await;
}

async fn with_one_run(cx: &Cx, backend: Backend, keep: &str) -> Site {
    let mut site = Site::up(cx, backend, keep).await;
    site.store_before().await;
    site
}

async fn kill_and_conclude(mut site: Site, served: Served, id: &str) {
    served.kill().await;
    let again = site.rig.serve().await;
    is_interrupted(&site.rig, &again, id).await;
    site.conclude(again).await;
}

/// The restic that was at work goes on without anybody, unless the next start ends it.
pub(super) async fn restic_at_work(cx: Cx) {
    let place = place_in(&cx, &works_of_restic(), ONE);
    let is_retention = place == "retention.before";
    let mut site = with_one_run(&cx, Backend::Restic, if is_retention { DROP } else { KEEP }).await;
    let (served, id) = site.pause_at(place, true).await;
    if is_retention {
        site.expect_only_the_last();
    }
    site.rig.open_gate();
    wait_until("restic locks the repository", || !site.locks().is_empty()).await;
    kill_and_conclude(site, served, &id).await;
}

pub(super) async fn image_at_work(cx: Cx) {
    let site = with_one_run(&cx, Backend::Image, KEEP).await;
    let (served, id) = site.pause_at("publish.before", true).await;
    let mut events = site.rig.host.watch(&format!("mainstay-custom-{}-{id}", site.instance));
    site.rig.open_gate();
    events.until("start").await;
    kill_and_conclude(site, served, &id).await;
}

pub(super) async fn dump_at_place(cx: Cx) {
    let place = place_in(&cx, &places_of_dumps(), ONE);
    let mut site = Site::with_database(&cx).await;
    site.store_before().await;
    let is_at_work = place == "dump.before";
    let (served, id) = site.pause_at(place, is_at_work).await;
    if is_at_work {
        site.rig.open_gate();
        let dumps = site.rig.path("staging").join(&site.instance).join("dumps/dbs").join(site.rig.container("cache"));
        wait_until("the dump begins", || dumps.read_dir().is_ok_and(|mut files| files.next().is_some())).await;
    }
    kill_and_conclude(site, served, &id).await;
}

/// Kills at any moment of a run.
pub(super) async fn at_random(cx: Cx) {
    let backend = [Backend::Restic, Backend::Image, Backend::Archive][cx.index() % 3];
    let mut site = Site::up(&cx, backend, KEEP).await;
    let length = site.store_before().await;
    let served = site.rig.serve().await;
    let id = served.begin_run(&site.instance).await;
    let moment = cx.random_below(u64::try_from(length.as_micros()).expect("a length"));
    tokio::time::sleep(Duration::from_micros(moment)).await;
    served.kill().await;
    let again = site.rig.serve().await;
    let job = again.job(&id).await;
    let state = job["state"].as_str().expect("a state");
    assert!(["interrupted", "succeeded"].contains(&state), "{job:#}");
    cx.saw(state);
    site.conclude(again).await;
}

async fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it does not happen that {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
