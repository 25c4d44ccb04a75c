//! Disks that are full, or cannot be written to.

use std::time::Duration;

use serde_json::Value;

use crate::cx::Cx;
use crate::disk::{Disk, write_noise};
use crate::rig::{Rig, Setup};
use crate::served::{Launch, Served};

/// How long it may take until the stack runs.
const BACK: Duration = Duration::from_secs(30);
/// Room for a store with everything that it keeps in reserve.
const STORE_DISK: &str = "size=40m";

fn says(job: &Value, word: &str) -> bool {
    job["error"].as_str().is_some_and(|error| error.to_lowercase().contains(word))
}

/// Backs up on a `backup_dir` with a fault; the stack is as it was, and once the disk is well a backup succeeds.
async fn fails_on(rig: &Rig, disk: &Disk, word: &str, mended: &str) -> Value {
    let served = rig.serve().await;
    let job = served.back_up(&rig.stack.name).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert!(says(&job, word), "no '{word}': {job:#}");
    rig.is_well(Duration::ZERO).await;
    assert!(rig.check_files(&served).await.is_empty(), "no half archive");
    disk.change(mended);
    rig.conclude_with_backup(served).await;
    job
}

pub(super) async fn backup_full(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    write_noise(&rig.directory().join("data/noise"), 6 << 20);
    let disk = Disk::in_memory(&rig.path("backups"), "size=3m");
    fails_on(&rig, &disk, "space", "size=64m").await;
}

/// The proof that the directory can be written to takes the only place; the archive finds none, or nothing is begun.
pub(super) async fn backup_inodes(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let disk = Disk::in_memory(&rig.path("backups"), "size=64m,nr_inodes=1");
    fails_on(&rig, &disk, "space", "nr_inodes=100").await;
}

pub(super) async fn backup_read_only(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let disk = Disk::in_memory(&rig.path("backups"), "size=64m");
    disk.make_read_only();
    fails_on(&rig, &disk, "read-only", "rw").await;
}

/// Staging makes a stop shorter; without room for it the backup is as good.
pub(super) async fn staging_full(cx: Cx) {
    let rig = Setup::new().config("archive: { precopy: staging }").up(&cx).await;
    write_noise(&rig.directory().join("data/noise"), 6 << 20);
    let disk = Disk::in_memory(&rig.path("staging"), "size=1m");
    let filler = disk.fill();
    let served = rig.serve().await;
    let job = served.back_up(&rig.stack.name).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    rig.is_well(Duration::ZERO).await;
    std::fs::remove_file(filler).expect("removed");
    rig.conclude_with_backup(served).await;
}

/// It looked as if there were room for it, and somebody else took that.
pub(super) async fn staging_fills_up(cx: Cx) {
    let rig = Setup::new().config("archive: { precopy: staging }").up(&cx).await;
    write_noise(&rig.directory().join("data/noise"), 12 << 20);
    let disk = Disk::in_memory(&rig.path("staging"), "size=120m");
    let (served, id) = rig.pause_at("precopy.target").await;
    let filler = disk.fill();
    rig.open_gate();
    let job = served.end_of(&id).await;
    assert!(job["state"] == "succeeded" || says(&job, "space"), "{job:#}");
    rig.is_well(Duration::ZERO).await;
    std::fs::remove_file(filler).expect("removed");
    rig.conclude_with_backup(served).await;
}

/// A log that cannot be written keeps no stack down and no backup from being made.
pub(super) async fn log_full(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let disk = Disk::in_memory(&rig.path("logs"), "size=256k");
    let served = rig.serve().await;
    let filler = disk.fill();
    let job = served.back_up(&rig.stack.name).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    rig.is_well(Duration::ZERO).await;
    std::fs::remove_file(filler).expect("removed");
    rig.conclude(served).await;
}

/// The disk outlives the rig: the store is on it.
async fn on_a_small_store(cx: &Cx) -> (Disk, Rig) {
    let disk = Disk::in_new_memory(STORE_DISK);
    let rig = Setup::new().store_at(disk.path()).up(cx).await;
    (disk, rig)
}

/// Whether the job can be recorded or not: the stack is not kept down, and nothing is said that is not so.
pub(super) async fn store_full(cx: Cx) {
    let (disk, rig) = on_a_small_store(&cx).await;
    let served = rig.serve().await;
    let filler = disk.fill();
    let asked = served.client().call("backup_stack").path("name", &rig.stack.name).send().await;
    if asked.status.is_success() {
        let job = asked.json();
        served.end_of(job["id"].as_str().expect("an id")).await;
    } else {
        cx.saw("refused");
        assert!(asked.status.is_server_error(), "{}: {}", asked.status, asked.text);
    }
    rig.is_well(BACK).await;
    std::fs::remove_file(filler).expect("removed");
    rig.conclude_with_backup(served).await;
}

pub(super) async fn store_full_at_rest(cx: Cx) {
    let (disk, rig) = on_a_small_store(&cx).await;
    let (served, id) = rig.pause_at("capture.target").await;
    let filler = disk.fill();
    rig.open_gate();
    rig.is_well(BACK).await;
    std::fs::remove_file(filler).expect("removed");
    served.end_of(&id).await;
    rig.conclude_with_backup(served).await;
}

/// The stop journal is read, and the stack brought back, on a disk without a free byte.
pub(super) async fn store_full_at_boot(cx: Cx) {
    let (disk, rig) = on_a_small_store(&cx).await;
    let served = rig.spawn(&Launch::paused_at("capture.target")).ready().await;
    served.begin(&rig.stack.name).await;
    served.paused_at("capture.target").await;
    let filler = disk.fill();
    served.kill().await;
    let mut again = rig.spawn(&Launch::default());
    rig.is_well(BACK).await;
    std::fs::remove_file(filler).expect("removed");
    if !again.has_ended() {
        again.kill().await;
    }
    let third: Served = rig.serve().await;
    rig.conclude_with_backup(third).await;
}
