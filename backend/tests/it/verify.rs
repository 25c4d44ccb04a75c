//! What was stored is read again: damage that is done on purpose is found, named, recorded, and counts.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use serde_json::Value;

use crate::support::engine::{Lab, Recipe};
use crate::support::job::id;
use crate::support::restic::{PASSWORD, Repository};
use crate::support::scene::{Scene, Stage};
use crate::support::service::{Service, Setup};

async fn verify(service: &Service, snapshot: &str) -> Value {
    let job = service.call("verify_snapshot").path("id", snapshot).ok().await;
    assert_eq!((job["kind"].as_str(), job["snapshot_id"].as_str()), (Some("verify"), Some(snapshot)));
    service.end_of(id(&job)).await
}

async fn find(service: &Service, snapshot: &str) -> Value {
    service.call("get_snapshot").path("id", snapshot).ok().await
}

/// A stack with one archive: the snapshot's id, and where the archive is.
async fn backed_up() -> (Scene, String, PathBuf) {
    let scene = Stage::new().start().await;
    let (snapshot, archive) = back_up(&scene).await;
    (scene, snapshot, archive)
}

async fn back_up(scene: &Scene) -> (String, PathBuf) {
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let snapshot = job["snapshot_id"].as_str().expect("a snapshot").to_owned();
    let archive = find(&scene.service, &snapshot).await["archive"].as_str().expect("an archive").into();
    (snapshot, archive)
}

fn flip_a_bit(path: &Path, at: u64) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).expect("the file");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("a byte");
    file.write_all_at(&[byte[0] ^ 4], at).expect("written");
}

#[tokio::test]
async fn a_sound_archive_is_verified_anew() {
    let (scene, snapshot, _) = backed_up().await;
    let before = find(&scene.service, &snapshot).await;
    let job = verify(&scene.service, &snapshot).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let after = find(&scene.service, &snapshot).await;
    assert!(after["verified_at"].as_str() > before["verified_at"].as_str(), "{after:#}");
    assert!(after["damage"].is_null(), "{after:#}");
    let again = scene.service.call("retry_job").path("id", id(&job)).ok().await;
    assert_eq!(scene.service.end_of(id(&again)).await["state"], "succeeded");
}

#[tokio::test]
async fn damage_is_found_named_and_protects_no_more() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm, &str); 4] = [
        (
            "bit rot",
            |archive| flip_a_bit(archive, fs::metadata(archive).expect("a file").len() / 2),
            "archive is damaged",
        ),
        (
            "truncation",
            |archive| {
                let file = fs::OpenOptions::new().write(true).open(archive).expect("the file");
                file.set_len(file.metadata().expect("a size").len() / 2).expect("cut");
            },
            "cut short",
        ),
        ("a missing file", |archive| fs::remove_file(archive).expect("removed"), "is not there"),
        (
            "a link",
            |archive| {
                let other = archive.with_extension("moved");
                fs::rename(archive, &other).expect("moved");
                std::os::unix::fs::symlink(other, archive).expect("a link");
            },
            "not a plain file",
        ),
    ];
    for (what, harm, words) in harms {
        let (scene, snapshot, archive) = backed_up().await;
        harm(&archive);
        let job = verify(&scene.service, &snapshot).await;
        assert_eq!(job["state"], "failed", "{what}: {job:#}");
        let error = job["error"].as_str().expect("a reason");
        assert!(error.contains(words), "{what}: {error}");
        let damage = find(&scene.service, &snapshot).await["damage"].clone();
        assert!(damage["reason"].as_str().is_some_and(|reason| reason.contains(words)), "{what}: {damage}");
        let stack = scene.service.call("get_stack").path("name", "blog").ok().await;
        assert_eq!(stack["protected"], false, "{what}: {stack:#}");
    }
}

#[tokio::test]
async fn what_is_whole_again_counts_again() {
    let (scene, snapshot, archive) = backed_up().await;
    let middle = fs::metadata(&archive).expect("a file").len() / 2;
    flip_a_bit(&archive, middle);
    assert_eq!(verify(&scene.service, &snapshot).await["state"], "failed");
    flip_a_bit(&archive, middle);
    assert_eq!(verify(&scene.service, &snapshot).await["state"], "succeeded");
    assert!(find(&scene.service, &snapshot).await["damage"].is_null());
    assert_eq!(scene.service.call("get_stack").path("name", "blog").ok().await["protected"], true);
}

#[tokio::test]
async fn another_archive_under_its_name_is_found() {
    let (scene, snapshot, archive) = backed_up().await;
    let (_, other) = back_up(&scene).await;
    fs::copy(&other, &archive).expect("copied");
    let job = verify(&scene.service, &snapshot).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    let error = job["error"].as_str().expect("a reason");
    assert!(error.contains("another archive") || error.contains("bytes, and had"), "{error}");
}

#[tokio::test]
async fn a_directory_that_is_away_says_nothing_about_the_archive() {
    let (scene, snapshot, archive) = backed_up().await;
    let directory = archive.parent().expect("a directory");
    let away = directory.with_extension("away");
    fs::rename(directory, &away).expect("moved");
    fs::create_dir(directory).expect("the empty mount point");
    let job = verify(&scene.service, &snapshot).await;
    assert!(job["error"].as_str().is_some_and(|error| error.contains("is its disk mounted?")), "{job:#}");
    assert!(find(&scene.service, &snapshot).await["damage"].is_null());
}

#[tokio::test]
async fn a_wrong_index_is_named_and_made_anew_and_the_archive_is_sound() {
    let (scene, snapshot, archive) = backed_up().await;
    let index = PathBuf::from(format!("{}.index", archive.display()));
    let harms: [&dyn Fn(); 3] = [&|| flip_a_bit(&index, 5), &|| fs::remove_file(&index).expect("removed"), &|| {
        fs::write(&index, "of another archive").expect("written");
    }];
    for harm in harms {
        harm();
        let job = verify(&scene.service, &snapshot).await;
        assert_eq!(job["state"], "succeeded", "{job:#}");
        let log = scene.service.log_of(id(&job)).await.join("\n");
        assert!(log.contains("index of") && log.contains("is wrong"), "{log}");
        assert!(log.contains("was made anew"), "{log}");
        let again = verify(&scene.service, &snapshot).await;
        let log = scene.service.log_of(id(&again)).await.join("\n");
        assert!(!log.contains("is wrong"), "it was not made anew: {log}");
    }
}

#[tokio::test]
async fn what_was_removed_is_not_read() {
    let scene = Stage::new().start().await;
    scene
        .service
        .call("verify_snapshot")
        .path("id", "snap_019aa3f1d9e07c3e9f00112233445566")
        .problem(404, "snapshot_not_found")
        .await;
}

#[tokio::test]
async fn the_longest_unseen_have_their_turn_by_the_clock() {
    let mut scene =
        Stage::new().manual_clock().config("verify: { schedule: '0 4 * * *', fraction: 1/2 }").start().await;
    let mut snapshots = Vec::new();
    for _ in 0..4 {
        snapshots.push(back_up(&scene).await.0);
        scene.service.advance(TimeDelta::minutes(1)).await;
    }
    for seen in [&snapshots[..2], &snapshots[2..], &snapshots[..2]] {
        let before = verifications(&scene.service).await.len();
        let mut jobs = Vec::new();
        while jobs.len() < before + 2 {
            // The clock of the service stands still; its scheduler looks every few seconds.
            scene.service.advance(TimeDelta::hours(6)).await;
            tokio::time::sleep(std::time::Duration::from_secs(6)).await;
            jobs = verifications(&scene.service).await;
        }
        let mut verified = Vec::new();
        for job in &jobs[..2] {
            let ended = scene.service.end_of(id(job)).await;
            assert_eq!((ended["state"].as_str(), ended["trigger"].as_str()), (Some("succeeded"), Some("schedule")));
            verified.push(ended["snapshot_id"].as_str().expect("a snapshot").to_owned());
        }
        verified.sort();
        assert_eq!(verified, seen);
    }
}

async fn verifications(service: &Service) -> Vec<Value> {
    let jobs = service.call("list_jobs").query("kind", "verify").ok().await;
    jobs["items"].as_array().expect("jobs").clone()
}

#[tokio::test]
async fn a_repository_of_restic_is_looked_at_and_its_damage_named() {
    let Some(lab) = Lab::open("verification of restic").await else { return };
    let volume = lab.volume("data").await;
    lab.running("writer", Recipe { binds: vec![format!("{volume}:/data")], ..Recipe::default() }).await;
    let setup = Setup::on(std::sync::Arc::new(mainstay::docker::bollard_engine::BollardEngine::connect(None)));
    let repository = Repository(setup.root().join("repository"));
    let instance = format!(
        "instances: [{{id: nas, repository: '{}', env: {{RESTIC_PASSWORD: {PASSWORD}}}, check: {{subset: 100%}}, targets: [{{volume: {volume}}}]}}]",
        repository.0.display()
    );
    crate::support::docker::in_container(&lab.name("writer"), "head -c 300000 /dev/urandom >/data/file");
    let service = setup.config(&instance).start().await;
    let run = service.call("run_instance").path("id", "nas").ok().await;
    let snapshot = service.end_of(id(&run)).await["snapshot_id"].as_str().expect("a snapshot").to_owned();
    let job = verify(&service, &snapshot).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");

    let pack =
        packs(&repository.0.join("data")).into_iter().max_by_key(|path| fs::metadata(path).expect("a file").len());
    let pack = pack.expect("a pack");
    flip_a_bit_of_a_read_only_file(&pack);
    let job = verify(&service, &snapshot).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert!(find(&service, &snapshot).await["damage"].is_object(), "{job:#}");
    flip_a_bit_of_a_read_only_file(&pack);
    let reference = find(&service, &snapshot).await["reference"].as_str().expect("an id").to_owned();
    repository.restic(&["forget", &reference]);
    let job = verify(&service, &snapshot).await;
    assert!(job["error"].as_str().is_some_and(|error| error.contains("not in the repository any more")), "{job:#}");
    fs::rename(&repository.0, repository.0.with_extension("away")).expect("moved");
    let job = verify(&service, &snapshot).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    service.stop().await;
}

fn packs(directory: &Path) -> Vec<PathBuf> {
    let subdirectories = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    subdirectories
        .flat_map(|path| fs::read_dir(path).expect("a directory").map(|e| e.expect("an entry").path()))
        .collect()
}

fn flip_a_bit_of_a_read_only_file(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a mode");
    flip_a_bit(path, fs::metadata(path).expect("a file").len() / 3);
}
