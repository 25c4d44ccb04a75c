//! `kill -9` in a restore in place: afterwards all of the data is old or all of it is new, and what ran runs.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mainstay::engine::PAUSE_PLACES_OF_RESTORE;
use serde_json::{Value, json};

use super::kills::is_interrupted;
use super::place_in;
use crate::cx::Cx;
use crate::judge::SOON;
use crate::rig::{Rig, Setup};
use crate::served::{Launch, Served};

/// In the part of every test run, at every so manieth place.
pub(super) const EVERY: usize = 7;

/// Those of a restore without a database.
pub(super) fn places() -> Vec<&'static str> {
    PAUSE_PLACES_OF_RESTORE.iter().copied().filter(|place| !place.starts_with("load.")).collect()
}

/// From this place on everything has changed places.
const MADE: &str = "replace.made";

/// What the restore is to bring back, and what is there before it.
struct Data {
    volume: PathBuf,
    page: PathBuf,
}

impl Data {
    async fn of(rig: &Rig) -> Self {
        let volume = rig.host.volume_path(&rig.stack.volume).await;
        Self { volume, page: rig.directory().join("data/page.html") }
    }

    fn write(&self, word: &str) {
        std::fs::write(self.volume.join("marker"), word).expect("written");
        std::fs::write(&self.page, word).expect("written");
    }

    fn read(&self) -> [String; 2] {
        [self.volume.join("marker"), self.page.clone()].map(|path| std::fs::read_to_string(path).expect("there"))
    }

    /// Directories of the restore beside the data.
    fn beside(&self, rig: &Rig) -> Vec<PathBuf> {
        let around = [self.volume.parent().expect("a parent").to_owned(), rig.path("stacks"), rig.path("staging")];
        around.iter().flat_map(|directory| scratch_in(directory)).collect()
    }
}

fn scratch_in(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(".mainstay-restore-")))
        .collect()
}

pub(super) async fn at_place(cx: Cx) {
    let place = place_in(&cx, &places(), EVERY);
    let rig = Setup::new().up(&cx).await;
    let data = Data::of(&rig).await;
    let snapshot = prepare(&rig, &data).await;
    let served = rig.spawn(&Launch::paused_at(place)).ready().await;
    let id = begin(&served, &snapshot).await;
    served.paused_at(place).await;
    served.kill().await;
    let again = rig.serve().await;
    let job = is_interrupted(&rig, &again, &id).await;
    let word = judge(&rig, &data, &again, &job).await;
    let all = places();
    let position = |wanted: &str| all.iter().position(|known| *known == wanted).expect("a place");
    let expected = if position(place) >= position(MADE) { "new" } else { "old" };
    assert_eq!(word, expected, "after a kill at {place}");
    cx.saw(&format!("{word} data, containers up"));
    println!("        killed at {place:<18} {word} data in place on all targets, containers up");
    rig.conclude(again).await;
}

pub(super) async fn at_random(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let data = Data::of(&rig).await;
    let snapshot = prepare(&rig, &data).await;
    let served = rig.serve().await;
    let began = Instant::now();
    let id = begin(&served, &snapshot).await;
    served.end_of(&id).await;
    let length = began.elapsed();
    data.write("old");
    let id = begin(&served, &snapshot).await;
    let moment = cx.random_below(u64::try_from(length.as_micros()).expect("a length"));
    tokio::time::sleep(Duration::from_micros(moment)).await;
    served.kill().await;
    let again = rig.serve().await;
    let job = again.job(&id).await;
    let state = job["state"].as_str().expect("a state").to_owned();
    assert!(["interrupted", "succeeded"].contains(&state.as_str()), "{job:#}");
    let word = judge(&rig, &data, &again, &job).await;
    cx.saw(&format!("{word} data, containers up"));
    rig.conclude(again).await;
}

/// The new data of one target goes away while the other has changed places already.
pub(super) async fn exchange_fails(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let data = Data::of(&rig).await;
    let snapshot = prepare(&rig, &data).await;
    let served = rig.spawn(&Launch::paused_until("replace.first", &rig.gate())).ready().await;
    let id = begin(&served, &snapshot).await;
    served.paused_at("replace.first").await;
    let [one, other] = data.read();
    assert_ne!(one, other, "one of two has changed places");
    let fresh = if one == "old" { data.volume.parent().expect("a parent").to_owned() } else { rig.path("stacks") };
    for scratch in scratch_in(&fresh) {
        std::fs::remove_dir_all(&scratch).expect("removed");
        std::fs::create_dir(&scratch).expect("made");
    }
    rig.open_gate();
    let job = served.end_of(&id).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert_eq!(judge(&rig, &data, &served, &job).await, "old");
    rig.conclude(served).await;
}

/// A cancel that comes between two exchanges.
pub(super) async fn cancelled(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let data = Data::of(&rig).await;
    let snapshot = prepare(&rig, &data).await;
    let served = rig.spawn(&Launch::paused_until("replace.first", &rig.gate())).ready().await;
    let id = begin(&served, &snapshot).await;
    served.paused_at("replace.first").await;
    served.client().call("cancel_job").path("id", &id).ok().await;
    rig.open_gate();
    let job = served.end_of(&id).await;
    assert_eq!(job["state"], "cancelled", "{job:#}");
    assert_eq!(judge(&rig, &data, &served, &job).await, "old");
    rig.conclude(served).await;
}

/// A snapshot of the new data; the old data is in place.
async fn prepare(rig: &Rig, data: &Data) -> String {
    data.write("new");
    let served = rig.serve().await;
    let job = served.back_up(&rig.stack.name).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    served.terminate().await;
    data.write("old");
    job["snapshot_id"].as_str().expect("a snapshot").to_owned()
}

async fn begin(served: &Served, snapshot: &str) -> String {
    let body = json!({"destination": "in_place", "overwrite": true});
    let job = served.client().call("restore_snapshot").path("id", snapshot).json(body).ok().await;
    job["id"].as_str().expect("an id").to_owned()
}

/// Everything is old, or everything is new, and the job says which; returns it.
async fn judge(rig: &Rig, data: &Data, again: &Served, job: &Value) -> String {
    rig.is_well(SOON).await;
    let [one, other] = data.read();
    assert_eq!(one, other, "half of the data is old and half is new");
    if job["state"] == "interrupted" {
        let error = job["error"].as_str().expect("an error");
        assert!(error.contains(&format!("the {one} data is in place")), "{one} data is in place, and: {error}");
    }
    let id = job["id"].as_str().expect("an id");
    let record = ended(again, id).await;
    assert_eq!(record["in_place"], one.as_str(), "{record:#}");
    let kept = data.beside(rig);
    let of_job: Vec<&PathBuf> = kept.iter().filter(|path| path.display().to_string().ends_with(id)).collect();
    if one == "old" {
        assert!(of_job.is_empty(), "nothing was replaced, and there is still {of_job:?}");
        return one;
    }
    let copies = record["safety_copies"].as_array().expect("copies");
    let holds_old = |copy: &&Value| {
        let at = Path::new(copy["kept_at"].as_str().expect("a path"));
        ["marker", "data/page.html"].iter().any(|file| std::fs::read(at.join(file)).is_ok_and(|text| text == b"old"))
    };
    assert_eq!((copies.len(), copies.iter().filter(holds_old).count()), (2, 2), "the safety copy: {record:#}");
    one
}

/// What is left over is removed while everything runs.
async fn ended(again: &Served, id: &str) -> Value {
    let deadline = Instant::now() + SOON;
    loop {
        let record = again.client().call("get_job_restore").path("id", id).ok().await;
        if record["phase"] == "ended" {
            return record;
        }
        assert!(Instant::now() < deadline, "it does not come to its end: {record:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
