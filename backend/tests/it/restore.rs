//! Restores over the API.

use serde_json::{Value, json};

use crate::support::scene::{Scene, Stage};

fn id_of(value: &Value) -> &str {
    value["id"].as_str().unwrap_or_else(|| panic!("no id: {value:#}"))
}

async fn backed_up(scene: &Scene) -> String {
    let job = scene.service.back_up("blog").await;
    job["snapshot_id"].as_str().unwrap_or_else(|| panic!("no snapshot: {job:#}")).to_owned()
}

#[tokio::test]
async fn what_cannot_be_restored_as_asked_is_refused_with_the_reason() {
    let scene = Stage::new().start().await;
    let snapshot = backed_up(&scene).await;
    let own = scene.service.path("backups");
    let (own, around) = (own.display().to_string(), scene.service.root.path().display().to_string());
    for (body, word) in [
        (json!({"destination": "directory", "directory": "relative/path"}), "no absolute path"),
        (json!({"destination": "directory", "directory": "/srv/../etc"}), "no absolute path"),
        (json!({"destination": "directory", "directory": "/"}), "root of the file system"),
        (json!({"destination": "directory", "directory": "/proc/1"}), "/proc"),
        (json!({"destination": "directory", "directory": own}), "Mainstay itself needs"),
        (json!({"destination": "directory", "directory": around}), "Mainstay itself needs"),
        (json!({"destination": "new_stack", "stack_name": "Blog"}), "no name for a stack"),
        (json!({"destination": "in_place", "targets": [{"kind": "volume", "name": "x"}]}), "no target 'volume x'"),
    ] {
        let problem = scene
            .service
            .call("restore_snapshot")
            .path("id", &snapshot)
            .json(body.clone())
            .problem(409, "restore_refused");
        let detail = problem.await["detail"].as_str().expect("a detail").to_owned();
        assert!(detail.contains(word), "{body}: {detail}");
        let preview = scene.service.call("preview_restore").path("id", &snapshot).json(body.clone()).ok().await;
        assert!(preview["problems"][0].as_str().is_some_and(|said| said.contains(word)), "{body}: {preview:#}");
    }
    let jobs = scene.service.call("list_jobs").query("kind", "restore").ok().await;
    assert_eq!(jobs["items"], json!([]), "nothing was queued");
}

#[tokio::test]
async fn only_a_restore_can_be_taken_back() {
    let scene = Stage::new().start().await;
    let job = scene.service.back_up("blog").await;
    scene.service.call("get_job_restore").path("id", id_of(&job)).problem(404, "restore_not_found").await;
    scene.service.call("undo_job").path("id", id_of(&job)).problem(404, "restore_not_found").await;
}
