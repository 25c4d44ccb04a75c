//! The summary of the host: right over many jobs, and never older than what was written or told.

use chrono::{DateTime, Duration, Utc};
use mainstay::domain::ids::{JobId, SnapshotId};
use mainstay::domain::job::Job;
use mainstay::domain::snapshot::Snapshot;
use mainstay::domain::stack::ContainerState;
use serde_json::{Value, json};

use crate::support::events::Events;
use crate::support::scene::{Scene, Stage};

/// A recorded backup that was asked for at `at`; one that has ended did so a second later.
fn job(stack: &str, state: &str, at: DateTime<Utc>) -> Job {
    let is_over = !matches!(state, "queued" | "running");
    let row = json!({
        "id": JobId::new(at), "kind": "backup", "state": state, "stack": stack, "trigger": "api", "is_dry_run": false,
        "queued_at": at, "started_at": at, "finished_at": is_over.then_some(at + Duration::seconds(1)),
        "progress": {"bytes_done": 0, "files_done": 0}, "steps": [], "targets": [], "bytes_read": 1, "bytes_stored": 1,
        "log_file": format!("backup_{stack}.log"),
    });
    serde_json::from_value(row).expect("a job")
}

fn snapshot(of: &Job, size_bytes: u64, is_complete: bool) -> Snapshot {
    let row = json!({
        "id": SnapshotId::new(of.queued_at), "job_id": of.id, "stack": of.stack, "host": "local",
        "created_at": of.queued_at, "backend": "archive", "reference": "/backups/a.tar.gz", "size_bytes": size_bytes, "content_bytes": 1,
        "entry_count": 1, "is_complete": is_complete, "targets": [],
    });
    serde_json::from_value(row).expect("a snapshot")
}

async fn status(scene: &Scene) -> Value {
    scene.service.call("get_status").ok().await
}

async fn stack(scene: &Scene, name: &str) -> Value {
    let listed = scene.service.call("list_stacks").ok().await;
    let one = scene.service.call("get_stack").path("name", name).ok().await;
    let same = listed["items"].as_array().expect("items").iter().find(|s| s["name"] == name).expect("the stack");
    assert_eq!(*same, one, "the list and the stack itself say the same");
    one
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|item| item["id"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn the_newest_backup_of_each_stack_counts_and_nothing_else() {
    let stage = Stage::new();
    stage.add_stack("wiki");
    let scene = stage.start().await;
    let store = scene.service.running.store();
    let at = |minutes: i64| DateTime::from_timestamp(1_800_000_000, 0).expect("a time") + Duration::minutes(minutes);
    let good = job("blog", "succeeded", at(0));
    let bad = job("blog", "failed", at(1));
    let rehearsal = Job { is_dry_run: true, ..job("blog", "succeeded", at(2)) };
    let waiting = job("blog", "queued", at(3));
    let of_nobody = job("gone", "succeeded", at(4));
    let restore = Job { kind: "restore".parse().expect("a kind"), ..job("wiki", "succeeded", at(5)) };
    let all = [&good, &bad, &rehearsal, &waiting, &of_nobody, &restore].map(Clone::clone);
    store.insert_jobs(&all).await.expect("recorded");
    let blog = stack(&scene, "blog").await;
    assert_eq!(blog["last_job"]["id"], bad.id.as_str());
    assert_eq!((&blog["last_success_at"], &blog["protected"]), (&json!("2027-01-15T08:00:01.000Z"), &json!(false)));
    let wiki = stack(&scene, "wiki").await;
    assert_eq!((&wiki["last_job"], &wiki["last_success_at"]), (&Value::Null, &Value::Null));
    let now = status(&scene).await;
    assert_eq!(now["last_success_at"], "2027-01-15T08:00:01.000Z", "a stack that is gone does not count");
    let ended: Vec<&str> = [&restore, &of_nobody, &rehearsal, &bad, &good].map(|j| j.id.as_str()).to_vec();
    assert_eq!(ids(&now["last_results"]), ended, "newest first, and only what has ended");
}

#[tokio::test]
async fn many_that_wait_do_not_hide_what_ended() {
    let scene = Stage::new().start().await;
    let store = scene.service.running.store();
    let start = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
    let jobs: Vec<Job> = (0..40)
        .map(|n| job("blog", if n < 12 { "succeeded" } else { "queued" }, start + Duration::minutes(n)))
        .collect();
    store.insert_jobs(&jobs).await.expect("recorded");
    let newest: Vec<&str> = jobs[2..12].iter().rev().map(|job| job.id.as_str()).collect();
    assert_eq!(ids(&status(&scene).await["last_results"]), newest);
}

#[tokio::test]
async fn what_is_written_is_told_at_once() {
    let scene = Stage::new().start().await;
    let store = scene.service.running.store();
    let start = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
    let told = async || {
        let status = status(&scene).await;
        let protected = stack(&scene, "blog").await["protected"].clone();
        assert_eq!(status["stacks"]["protected"], i32::from(protected == json!(true)));
        (status["last_results"].as_array().expect("a list").len(), status["bytes_stored"].as_u64().expect("bytes"))
    };
    // Many rounds, all within the time for which an answer is kept: a write that is not noticed would show.
    for round in 0..5 {
        let made = job("blog", "running", start + Duration::minutes(round));
        store.insert_jobs(std::slice::from_ref(&made)).await.expect("recorded");
        let before = told().await;
        store.save_job(&Job { state: "partial".parse().expect("a state"), ..made.clone() }).await.expect("saved");
        assert_eq!(told().await, (before.0 + 1, before.1));
        let snapshot = snapshot(&made, 7, true);
        store.insert_snapshot(&snapshot).await.expect("recorded");
        assert_eq!(told().await, (before.0 + 1, before.1 + 7));
        assert_eq!(status(&scene).await["stacks"]["protected"], 1);
        store.mark_snapshot_removed(&snapshot.id, start).await.expect("noted");
        assert_eq!(told().await, (before.0 + 1, before.1));
        assert_eq!(status(&scene).await["stacks"]["protected"], 0);
    }
}

#[tokio::test]
async fn who_hears_of_an_end_finds_it_in_the_summary() {
    let scene = Stage::new().start().await;
    for round in 1..=3 {
        let mut events = Events::new(scene.service.call("stream_events").open().await);
        let asked = scene.service.call("backup_stack").path("name", "blog").ok().await;
        status(&scene).await;
        loop {
            let event = events.expect().await;
            if event.name == "job" && event.data["finished_at"].is_string() {
                break;
            }
        }
        let now = status(&scene).await;
        assert_eq!((now["last_results"][0]["id"].clone(), &now["running_jobs"]), (asked["id"].clone(), &json!([])));
        assert_eq!(ids(&now["last_results"]).len(), round);
        assert_eq!(now["stacks"]["protected"], 1);
    }
}

#[tokio::test]
async fn who_hears_of_a_stack_finds_its_state_in_the_summary() {
    let scene = Stage::new().start().await;
    let mut events = Events::new(scene.service.call("stream_events").open().await);
    assert_eq!(status(&scene).await["stacks"]["running"], 1);
    for id in ["blog-app", "blog-db"] {
        scene.engine.set_state(id, ContainerState::Exited);
    }
    while events.expect().await.name != "stack" {}
    assert_eq!(status(&scene).await["stacks"]["running"], 0);
}
