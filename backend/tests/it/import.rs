//! Taking what lies somewhere into the record.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::restic::{PASSWORD, Repository};
use crate::support::scene::{Scene, Stage, volume_directory};

async fn import(scene: &Scene, body: Value) -> Value {
    let job = scene.service.call("import_snapshots").json(body).ok().await;
    scene.service.end_of(job["id"].as_str().expect("an id")).await
}

/// What was imported, newest first.
async fn imported(scene: &Scene) -> Vec<Value> {
    let page = scene.service.call("list_snapshots").query("imported", true).ok().await;
    page["items"].as_array().expect("items").clone()
}

fn directory(scene: &Scene) -> PathBuf {
    let directory = scene.service.path("usb");
    fs::create_dir_all(&directory).expect("made");
    directory
}

async fn names(scene: &Scene, snapshot: &Value, path: &str) -> Vec<String> {
    let id = snapshot["id"].as_str().expect("an id");
    let page = scene.service.call("list_snapshot_files").path("id", id).query("path", path).ok().await;
    let items = page["items"].as_array().expect("items").iter();
    items.map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn archives_of_mainstay_come_back_as_they_were_recorded() {
    let scene = Stage::new().start().await;
    let made = scene.service.back_up("blog").await;
    let id = made["snapshot_id"].as_str().expect("a snapshot");
    let made = scene.service.call("get_snapshot").path("id", id).ok().await;
    let usb = directory(&scene);
    let name = &scene.service.archives()[0];
    fs::copy(scene.service.path("backups").join(name), usb.join(name)).expect("copied");
    fs::write(usb.join("notes_2026-01-01_00-00-00.tar.gz"), "no archive").expect("written");

    let job = import(&scene, json!({ "directory": usb })).await;
    assert_eq!(job["state"], "partial", "one of them is no archive: {job:#}");
    let found = imported(&scene).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    for key in ["stack", "created_at", "content_bytes", "entry_count", "is_complete", "targets", "size_bytes", "host"] {
        assert_eq!(found[0][key], made[key], "{key}");
    }
    assert_eq!((&found[0]["made_by"], &found[0]["job_id"]), (&json!("mainstay"), &job["id"]));
    assert_eq!((&found[0]["verified_at"], &found[0]["blake3"]), (&Value::Null, &Value::Null));
    assert_eq!(names(&scene, &found[0], "volumes/blog_db").await, ["rows"], "it can be looked into");

    fs::remove_file(usb.join("notes_2026-01-01_00-00-00.tar.gz")).expect("removed");
    assert_eq!(import(&scene, json!({ "directory": usb })).await["state"], "succeeded");
    let backups = scene.service.path("backups");
    assert_eq!(import(&scene, json!({ "directory": backups })).await["state"], "succeeded");
    assert_eq!(imported(&scene).await.len(), 1, "what is recorded is not recorded again");
    let gone = import(&scene, json!({ "directory": scene.service.path("nothere") })).await;
    assert_eq!(gone["state"], "failed");
    assert!(gone["error"].as_str().is_some_and(|why| why.contains("nothere")), "{gone:#}");
}

/// As Docker Backup Manager made them.
fn make_predecessor(at: &Path, stack: &str, stamp: &str) {
    let work = tempfile::tempdir().expect("a directory");
    let top = work.path().join(format!("{stack}_{stamp}"));
    fs::create_dir_all(work.path().join("data/conf")).expect("made");
    fs::write(work.path().join("data/conf/app.ini"), "key=value\n").expect("written");
    fs::create_dir(&top).expect("made");
    fs::write(top.join("compose.yaml"), "services: {}\n").expect("written");
    let tar = |args: &[&str]| {
        let status = Command::new("tar").current_dir(work.path()).args(args).status().expect("tar");
        assert!(status.success(), "{args:?}");
    };
    tar(&["-czf", top.join("data.tar.gz").to_str().expect("UTF-8"), "data"]);
    let archive = at.join(format!("{stack}_{stamp}.tar.gz"));
    tar(&["-czf", archive.to_str().expect("UTF-8"), top.file_name().and_then(|n| n.to_str()).expect("a name")]);
}

#[tokio::test]
async fn archives_of_docker_backup_manager_are_known_by_their_names() {
    let scene = Stage::new().start().await;
    let usb = directory(&scene);
    make_predecessor(&usb, "wiki", "2026-01-02_03-04-05");
    let job = import(&scene, json!({ "directory": usb })).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let found = imported(&scene).await;
    let [one] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((&one["stack"], &one["made_by"]), (&json!("wiki"), &json!("docker_backup_manager")));
    assert_eq!(one["created_at"], "2026-01-02T03:04:05.000Z");
    let targets = one["targets"].as_array().expect("targets");
    assert!(targets.len() == 2 && ["compose", "data"].iter().all(|kind| targets.iter().any(|t| t["kind"] == *kind)));
    assert!(one["targets"][0]["message"].as_str().is_some_and(|message| message.contains("no manifest")));
    assert_eq!(names(&scene, one, "").await, ["compose", "data"]);
    assert_eq!(names(&scene, one, "data").await, ["conf"]);
    assert_eq!(names(&scene, one, "data/conf").await, ["app.ini"]);
    let id = one["id"].as_str().expect("an id");
    let get = |path: &str| scene.service.call("download_snapshot").path("id", id).query("path", path);
    assert_eq!(get("data/conf/app.ini").open().await.text().await.expect("a body"), "key=value\n");
    get("data/conf").problem(409, "not_a_file").await;
    get("data/nothere").problem(404, "entry_not_found").await;
    let tar = get("data").query("archive", "tar").open().await.bytes().await.expect("a body");
    assert!(crate::browse::listed_by_tar(&tar).contains(&"data/conf/app.ini".to_owned()));
    let found = scene.service.call("find_snapshot_files").path("id", id).query("q", "*.INI").ok().await;
    assert_eq!(found["items"][0]["path"], "data/conf/app.ini");
    let whole = scene.service.call("download_snapshot").path("id", one["id"].as_str().expect("an id")).open().await;
    let bytes = fs::read(usb.join("wiki_2026-01-02_03-04-05.tar.gz")).expect("an archive");
    assert!(whole.bytes().await.expect("a body") == bytes);
}

#[tokio::test]
async fn what_a_repository_holds_is_imported_and_never_dropped() {
    let place = tempfile::tempdir().expect("a directory");
    let repository = Repository(place.path().join("repository"));
    let instance = format!(
        "node_name: this-host\ninstances:\n  - id: nas\n    repository: {}\n    retention: last=1\n    env: {{RESTIC_PASSWORD: {PASSWORD}}}\n    targets: [{{volume: blog_db}}]\n",
        repository.0.display(),
    );
    let scene = Stage::new().config(&instance).start().await;
    let run = async || {
        let job = scene.service.call("run_instance").path("id", "nas").ok().await;
        let job = scene.service.end_of(job["id"].as_str().expect("an id")).await;
        assert_eq!(job["state"], "succeeded", "{job:#}");
    };
    run().await;
    let volume = volume_directory(scene.service.root.path(), "blog").display().to_string();
    let staged = place.path().join("backup/nas/20251116-030000/vol/app-data");
    fs::create_dir_all(&staged).expect("made");
    fs::write(staged.join("page"), "hello").expect("written");
    let ours = ["mainstay", "mainstay-instance=nas", "mainstay-complete", "volume:blog_db"].join(",");
    repository.restic(&["backup", "--host", "this-host", "--tag", &ours, "--time", "2026-01-01 00:00:00", &volume]);
    let staged = staged.display().to_string();
    repository.restic(&["backup", "--host", "old-host", "--time", "2025-11-16 03:00:00", &staged]);

    let job = import(&scene, json!({"instance": "nas"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let found = imported(&scene).await;
    let [of_ours, of_marina] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((&of_ours["made_by"], &of_ours["targets"][0]["name"]), (&json!("mainstay"), &json!("blog_db")));
    assert_eq!((&of_marina["made_by"], &of_marina["targets"][0]["name"]), (&json!("marina"), &json!("app-data")));
    assert_eq!((&of_marina["host"], &of_marina["instance"]), (&json!("old-host"), &json!("nas")));
    assert_eq!(names(&scene, of_marina, &staged).await, ["page"]);
    import(&scene, json!({"instance": "nas"})).await;
    assert_eq!(imported(&scene).await.len(), 2, "what is recorded is not recorded again");

    run().await;
    assert_eq!(repository.snapshots().len(), 3, "one of the two runs was dropped, and nothing that was imported");
    assert_eq!(imported(&scene).await.len(), 2);
    let kept =
        scene.service.call("forget_instance_snapshots").path("id", "nas").json(json!({"dry_run": true})).ok().await;
    assert!(kept.to_string().contains("it was imported"), "{kept:#}");
}
