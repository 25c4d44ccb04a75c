//! The disk of the store is full: what is at rest comes back, and what matters is still recorded.
//!
//! SQLite only, whatever the rest of the suite runs on: the disk of a PostgreSQL is its own business.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::disk::SmallDisk;
use crate::support::client::Client;
use crate::support::engine::Lab;
use crate::support::process::{Process, write_config};
use crate::support::service::{list, wait_for_end};
use crate::support::stack::{SampleStack, Shape};

struct Scene {
    lab: Lab,
    stack: SampleStack,
    config: PathBuf,
    store: PathBuf,
    _disk: SmallDisk,
    _root: tempfile::TempDir,
}

impl Scene {
    async fn set(left_out: &str, options: &str) -> Option<Self> {
        let lab = Lab::open(left_out).await?;
        let root = tempfile::tempdir().expect("a directory");
        let store = root.path().join("store");
        std::fs::create_dir(&store).expect("made");
        let disk = SmallDisk::over(&store, options);
        let config = write_config(root.path(), &format!("sqlite://{}/mainstay.db", store.display()), &[]);
        let stack = SampleStack::up(&lab, &root.path().join("stacks"), Shape::default()).await;
        Some(Self { lab, stack, config, store, _disk: disk, _root: root })
    }

    /// Kills a service that has stopped the stack; returns its job.
    async fn kill_at_rest(&self) -> String {
        let mut process = Process::start(&self.config, &[("MAINSTAY_PAUSE_AT", "quiesce.after")]);
        // The doctor makes sure that the room is kept.
        check(&process.client().await, "store.reserve", "ok").await;
        let job = process.client().await.call("backup_stack").path("name", &self.stack.name).ok().await;
        process.wait_for_line("paused at quiesce.after");
        process.kill();
        assert_eq!(self.stack.is_up(&self.lab).await, (false, false));
        // It can be made again out of the log, and a start has to.
        std::fs::remove_file(self.store.join("mainstay.db-shm")).expect("the index of the log");
        job["id"].as_str().expect("an id").to_owned()
    }

    fn reserves(&self) -> usize {
        list(&self.store).iter().filter(|name| name.contains(".reserve-")).count()
    }
}

/// Writes until nothing fits any more; returns the file.
fn fill(directory: &Path) -> PathBuf {
    let path = directory.join("filler");
    let mut file = std::fs::File::create(&path).expect("a file");
    let mut piece = vec![1_u8; 64 << 10];
    while !piece.is_empty() {
        if file.write_all(&piece).is_err() {
            piece.truncate(piece.len() / 2);
        }
    }
    path
}

/// Takes every file that the disk can still have.
fn take_every_file(directory: &Path) {
    let made = (0..10_000).take_while(|n| std::fs::File::create(directory.join(format!("file-{n}"))).is_ok()).count();
    assert!(made < 10_000, "the disk has no end of files");
}

async fn check(client: &Client, name: &str, state: &str) {
    let answer = client.call("get_doctor").ok().await;
    let checks = answer["checks"].as_array().expect("checks");
    let found = checks.iter().find(|c| c["name"] == name).unwrap_or(&Value::Null);
    assert_eq!(found["state"], state, "{found}");
}

#[tokio::test]
async fn a_start_on_a_full_disk_brings_the_stack_back_and_records_it() {
    let Some(scene) = Scene::set("a full disk of the store", "size=16m").await else { return };
    let job = scene.kill_at_rest().await;
    let filler = fill(&scene.store);
    let second = Process::start(&scene.config, &[]);
    assert_eq!(scene.stack.is_up(&scene.lab).await, (true, true));
    assert_eq!(scene.reserves(), 0, "the room was given up");
    let client = second.client().await;
    let job = client.call("get_job").path("id", &job).ok().await;
    assert_eq!(job["state"], "interrupted", "{job}");
    check(&client, "store.reserve", "warning").await;
    std::fs::remove_file(filler).expect("room again");
    check(&client, "store.reserve", "ok").await;
    assert_eq!(scene.reserves(), 4);
    assert!(second.terminate());
}

#[tokio::test]
async fn a_start_on_a_full_disk_without_a_reserve_brings_the_stack_back_all_the_same() {
    let Some(scene) = Scene::set("a full disk of the store, nothing kept", "size=16m").await else { return };
    scene.kill_at_rest().await;
    for part in list(&scene.store).iter().filter(|name| name.contains(".reserve-")) {
        std::fs::remove_file(scene.store.join(part)).expect("removed");
    }
    fill(&scene.store);
    let mut second = Process::launch(&scene.config, &[]);
    second.wait_for_line("little can be recorded");
    second.wait_until_it_answers();
    assert_eq!(scene.stack.is_up(&scene.lab).await, (true, true));
    assert!(second.terminate());
}

#[tokio::test]
async fn a_start_on_a_disk_without_a_free_file_brings_the_stack_back() {
    let Some(scene) = Scene::set("a disk of the store without a free file", "size=16m,nr_inodes=40").await else {
        return;
    };
    scene.kill_at_rest().await;
    take_every_file(&scene.store);
    let second = Process::start(&scene.config, &[]);
    assert_eq!(scene.stack.is_up(&scene.lab).await, (true, true));
    assert!(second.terminate());
}

#[tokio::test]
async fn a_disk_that_is_full_already_stops_no_backup() {
    let Some(scene) = Scene::set("a backup with a full disk of the store", "size=16m").await else { return };
    let process = Process::start(&scene.config, &[]);
    let client = process.client().await;
    check(&client, "store.reserve", "ok").await;
    fill(&scene.store);
    let job = client.call("backup_stack").path("name", &scene.stack.name).ok().await;
    let job = wait_for_end(&client, job["id"].as_str().expect("an id")).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(scene.stack.is_up(&scene.lab).await, (true, true));
    check(&client, "store.reserve", "warning").await;
    assert!(process.terminate());
}
