//! Snapshots through the API.

use serde_json::{Value, json};

use crate::support::scene::{Stage, volume_directory};

fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().expect("items").iter();
    items.map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

fn snapshot_of(job: &Value) -> String {
    job["snapshot_id"].as_str().unwrap_or_else(|| panic!("no snapshot: {job:#}")).to_owned()
}

#[tokio::test]
async fn snapshots_can_be_narrowed_and_paged() {
    let stage = Stage::new();
    stage.add_stack("wiki");
    let scene = stage.start().await;
    let first = scene.service.back_up("blog").await;
    let wiki = scene.service.back_up("wiki").await;
    std::fs::remove_dir_all(volume_directory(scene.service.root.path(), "blog")).expect("removed");
    let broken = scene.service.back_up("blog").await;
    let [first_id, wiki_id, broken_id] = [&first, &wiki, &broken].map(snapshot_of);
    let list = async |name: &str, value: &str| ids(&scene.service.call("list_snapshots").query(name, value).ok().await);
    assert_eq!(list("stack", "blog").await, [broken_id.clone(), first_id.clone()]);
    assert_eq!(list("complete", "false").await, std::slice::from_ref(&broken_id));
    assert_eq!(list("complete", "true").await, [wiki_id.clone(), first_id.clone()]);
    assert_eq!(list("job", wiki["id"].as_str().expect("an id")).await, std::slice::from_ref(&wiki_id));
    assert!(list("instance", "nas").await.is_empty() && list("stack", "nothere").await.is_empty());
    let page = scene.service.call("list_snapshots").query("limit", 2).ok().await;
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let rest = scene.service.call("list_snapshots").query("limit", 2).query("cursor", cursor).ok().await;
    assert_eq!([ids(&page), ids(&rest)].concat(), [broken_id, wiki_id, first_id]);
    assert!(rest["next_cursor"].is_null());
    scene.service.call("list_jobs").query("cursor", cursor).problem(400, "invalid_cursor").await;
}

#[tokio::test]
async fn a_snapshot_tells_what_is_in_it() {
    let scene = Stage::new().start().await;
    let job = scene.service.back_up("blog").await;
    let snapshot = scene.service.call("get_snapshot").path("id", &snapshot_of(&job)).ok().await;
    assert_eq!((&snapshot["job_id"], &snapshot["stack"]), (&job["id"], &json!("blog")));
    assert_eq!((snapshot["is_complete"].as_bool(), snapshot["verified_at"].is_string()), (Some(true), true));
    let archive = std::fs::metadata(snapshot["archive"].as_str().expect("a path")).expect("the archive");
    assert_eq!(snapshot["size_bytes"].as_u64(), Some(archive.len()));
    let kinds: Vec<&Value> = snapshot["targets"].as_array().expect("targets").iter().map(|t| &t["kind"]).collect();
    assert_eq!(kinds, ["compose", "data", "volume"]);
}

#[tokio::test]
async fn a_snapshot_whose_archive_was_dropped_is_still_known() {
    let mut scene = Stage::new().manual_clock().config("retention_days: 1").start().await;
    let old = snapshot_of(&scene.service.back_up("blog").await);
    scene.service.advance(chrono::Duration::days(2)).await;
    let new = snapshot_of(&scene.service.back_up("blog").await);
    assert_eq!(ids(&scene.service.call("list_snapshots").ok().await), [new]);
    let snapshot = scene.service.call("get_snapshot").path("id", &old).ok().await;
    assert!(snapshot["removed_at"].is_string(), "{snapshot:#}");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let scene = Stage::new().start().await;
    for (name, value) in [
        ("limit", "abc"),
        ("limit", "0"),
        ("limit", "9999"),
        ("stack", "a/b"),
        ("job", "7"),
        ("complete", "yes"),
        ("stak", "blog"),
    ] {
        let problem = scene.service.call("list_snapshots").query(name, value).problem(400, "invalid_query").await;
        assert_eq!(problem["errors"][0]["name"], name, "{problem}");
    }
    for id in ["7", "a/b", "x\0y", "job_00000000000070008000000000000000"] {
        scene.service.call("get_snapshot").path("id", id).problem(400, "invalid_path").await;
    }
    let unknown = "snap_00000000000070008000000000000000";
    scene.service.call("get_snapshot").path("id", unknown).problem(404, "snapshot_not_found").await;
}
