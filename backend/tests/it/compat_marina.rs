//! Marina's routes over the true service: what its dashboard and its other nodes ask for.

use chrono::DateTime;
use mainstay::domain::ids::JobId;
use mainstay::domain::job::Job;
use mainstay::domain::log::Level;
use serde_json::{Value, json};

use crate::support::scene::{Scene, Stage};
use crate::support::service::PASSWORD;

fn job(instance: &str, state: &str, minute: i64) -> Job {
    let at = DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).expect("a time");
    let row = json!({
        "id": JobId::new(at), "kind": "backup", "state": state, "instance": instance, "plan": instance, "trigger": "api",
        "is_dry_run": false, "queued_at": at, "started_at": at, "finished_at": at,
        "progress": {"bytes_done": 0, "files_done": 0}, "steps": [], "bytes_read": 1, "bytes_stored": 1,
        "targets": [
            {"kind": "volume", "name": "v", "state": "succeeded", "size_bytes": 1, "message": null},
            {"kind": "database", "name": "db", "state": "failed", "size_bytes": 0, "message": "no"},
            {"kind": "path", "name": "/p", "state": "skipped", "size_bytes": 0, "message": null}
        ],
        "log_file": format!("backup_{instance}_{minute}.log"),
    });
    serde_json::from_value(row).expect("a job")
}

/// A service that recorded three backups of `nas` and one of `own`.
async fn scene() -> Scene {
    let scene = Stage::new().config("node_name: harbour").start().await;
    let jobs =
        [job("nas", "succeeded", 0), job("own", "failed", 1), job("nas", "partial", 2), job("nas", "interrupted", 3)];
    for job in &jobs {
        scene.service.running.store().save_job(job).await.expect("written");
    }
    let line = "2027-01-15T08:02:00.000Z [WARNING] (v) it changed while it was read\n";
    std::fs::write(scene.service.path("logs/backup_nas_2.log"), line).expect("written");
    scene
}

fn numbers(jobs: &Value, key: &str) -> Vec<u64> {
    jobs.as_array().expect("jobs").iter().map(|job| job[key].as_u64().expect("a number")).collect()
}

#[tokio::test]
async fn jobs_are_numbered_within_their_instance_and_found_by_their_number() {
    let scene = scene().await;
    let call = |id: &str| scene.service.call(id);
    let jobs = call("list_marina_jobs_of_instance").path("instanceID", "nas").ok().await;
    assert_eq!(numbers(&jobs, "iid"), [3, 2, 1]);
    let partial = &jobs[1];
    assert_eq!((&partial["status"], &partial["instanceId"]), (&json!("partial_success"), &json!("nas")));
    assert_eq!((&partial["lastTargetsSuccessful"], &partial["lastTargetsTotal"]), (&json!(1), &json!(2)));
    assert_eq!((&jobs[0]["status"], &jobs[0]["nodeName"]), (&json!("aborted"), &json!("harbour")));
    assert_eq!(jobs[0]["isActive"], false, "there is no such instance any more");
    let all = call("list_marina_jobs").ok().await;
    assert_eq!(numbers(&all, "iid"), [3, 2, 1, 1]);

    let id = partial["id"].to_string();
    let lines = call("get_marina_job_log").path("id", &id).query("limit", 1000).ok().await;
    let expected = json!([{
        "id": 1, "timestamp": "2027-01-15T08:02:00.000Z", "level": "WARN", "message": "it changed while it was read",
        "instanceId": "nas", "targetId": "v", "jobStatusId": partial["id"], "jobStatusIid": 2
    }]);
    assert_eq!(lines, expected);
    let removed = call("get_marina_log_of_instance").query("instanceId", "nas").ok().await;
    assert_eq!(removed, json!([]), "the log of the newest one is gone");
}

#[tokio::test]
async fn another_node_signs_in_and_looks_around() {
    let scene = scene().await;
    let stranger = scene.service.client.with_token(None);
    assert_eq!(stranger.call("get_marina_health").ok().await["status"], "ok");
    assert_eq!(stranger.call("check_marina_auth").ok().await, json!({"authRequired": true, "authenticated": false}));
    let refused = stranger.call("get_marina_info").send().await;
    assert_eq!((refused.status.as_u16(), refused.json()), (401, json!({"error": "Authentication required"})));

    let login = stranger.call("log_in_marina").json(json!({"password": PASSWORD})).ok().await;
    let node = scene.service.client.with_token(login["token"].as_str());
    assert_eq!(node.call("get_marina_info").ok().await["nodeName"], "harbour");
    scene.service.running.engine().system_log().write(Level::Info, None, "one");
    let lines = node.call("list_marina_system_log").header("X-Marina-Mesh", "true").query("limit", 5).ok().await;
    assert!(lines[0]["id"].is_u64() && lines[0]["jobStatusId"].is_null(), "{lines}");
    assert_eq!(node.call("log_out_marina").ok().await, json!({"success": true}));
    assert_eq!(node.call("get_marina_info").send().await.status.as_u16(), 401);
}

#[tokio::test]
async fn instances_that_run_by_the_clock_are_schedules() {
    let stage = Stage::new().manual_clock().config("node_name: harbour").config("timezone: Europe/Berlin");
    let scene = stage.start().await;
    let nas = json!({
        "id": "nas", "repository": "/srv/restic", "schedule": "0 2 * * *", "retention": "10:5:1",
        "targets": [{"kind": "db", "name": "blog-db-1"}, {"kind": "volume", "name": "blog_db"},
            {"kind": "db", "name": "nowhere"}, {"kind": "stack", "name": "blog"}]
    });
    for instance in [nas, json!({"id": "by-hand", "custom_image": "org/tool:1"})] {
        assert_eq!(scene.service.call("create_instance").json(instance).send().await.status, 201);
    }
    let schedules = scene.service.call("list_marina_schedules").ok().await;
    let expected = json!([{
        "instanceId": "nas", "nodeName": "harbour", "scheduleCron": "0 2 * * *",
        "nextRunAt": "2026-09-22T00:00:00.000Z",
        "targetIds": ["vol:blog_db", "dbs:blog-db-1:blog-db", "db:nowhere", "stack:blog"],
        "retention": {"keepDaily": 10, "keepWeekly": 5, "keepMonthly": 1},
        "createdAt": "2026-09-21T14:13:20.000Z", "updatedAt": "2026-09-21T14:13:20.000Z"
    }]);
    assert_eq!(schedules, expected);
    assert_eq!(scene.service.call("list_marina_schedules_with_slash").ok().await, expected);
}
