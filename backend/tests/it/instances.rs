//! Instances over the API: made, shown, replaced and removed; what is secret stays so.

use mainstay::domain::plan::Destination;
use serde_json::{Value, json};

use crate::support::scene::Stage;

#[tokio::test]
async fn nothing_is_done_for_an_instance_that_does_not_exist() {
    let scene = Stage::new().start().await;
    let call = |id: &str| scene.service.call(id).path("id", "nas");
    assert_eq!(scene.service.call("list_instances").ok().await["items"], json!([]));
    let missing = "instance_not_found";
    call("get_instance").problem(404, missing).await;
    call("update_instance").json(json!({"repository": "/srv/restic"})).problem(404, missing).await;
    call("delete_instance").problem(404, missing).await;
    call("run_instance").problem(404, missing).await;
    call("test_instance").problem(404, missing).await;
    call("forget_instance_snapshots").json(json!({"dry_run": true})).problem(404, missing).await;
    call("check_instance").problem(404, missing).await;
    call("list_instance_snapshots").problem(404, missing).await;
    call("get_instance_stats").problem(404, missing).await;
    let bad = scene.service.call("create_instance").json(json!({"id": "nas"})).problem(400, "invalid_body").await;
    assert_eq!(bad["errors"][0]["pointer"], "/backend");
}

/// Texts that no answer may hold.
const SECRETS: [&str; 4] = ["geheim-url", "geheim-env", "geheim-hook", "geheim-arg"];

fn restic() -> Value {
    json!({
        "id": "nas", "repository": "rest:https://me:geheim-url@nas.example:8000/", "schedule": "@daily",
        "timezone": "Europe/Berlin", "retention": "10:5:1", "check": {"schedule": "0 5 * * sun", "subset": "5%"},
        "env": {"RESTIC_PASSWORD": "geheim-env"}, "hooks": {"pre": [{"command": "echo geheim-hook", "container": "blog-db-1"}]},
        "targets": [
            {"kind": "volume", "name": "blog_db", "paths": ["/a", "b"], "stop_attached": true},
            {"kind": "db", "name": "blog-db-1", "db_kind": "postgres", "dump_args": ["geheim-arg"]}
        ]
    })
}

#[tokio::test]
async fn an_instance_is_made_shown_replaced_and_removed_and_tells_no_secret() {
    let scene = Stage::new().manual_clock().start().await;
    let service = &scene.service;
    let made = service.call("create_instance").json(restic()).send().await;
    assert_eq!(
        (made.status.as_u16(), &made.headers["location"]),
        (201, &"/api/v1/instances/nas".parse().expect("a header"))
    );
    let one = service.call("get_instance").path("id", "nas").send().await;
    assert_eq!(made.json(), one.json());
    let list = service.call("list_instances").send().await;
    let plan = service.call("get_plan").path("id", "nas").send().await;
    for text in [&made.text, &one.text, &list.text, &plan.text] {
        assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{text}");
    }
    let one = one.json();
    assert_eq!((&one["backend"], &one["origin"]), (&json!("restic"), &json!("api")));
    assert_eq!((&one["env_keys"], &one["retention_enforced"]), (&json!(["RESTIC_PASSWORD"]), &json!(true)));
    assert_eq!(one["next_runs"].as_array().map(Vec::len), Some(5), "{one}");
    assert_eq!((&one["next_run_at"], &one["schedule"]), (&json!("2026-09-21T22:00:00.000Z"), &json!("@daily")));
    assert_eq!(one["targets"][0]["paths"], json!(["a", "b"]));
    assert_eq!(
        (&one["targets"][1]["db_kind"], &one["targets"][1]["has_dump_args"]),
        (&json!("postgres"), &json!(true))
    );
    assert_eq!(plan.json()["instance"], "nas");

    service.call("create_instance").json(restic()).problem(409, "id_taken").await;
    let shown = one["repository"].clone();
    let put = json!({"repository": shown, "enabled": false, "env": {"RESTIC_PASSWORD": null, "OTHER": "x"}});
    let replaced = service.call("update_instance").path("id", "nas").json(put).ok().await;
    assert_eq!((&replaced["env_keys"], &replaced["schedule"]), (&json!(["OTHER", "RESTIC_PASSWORD"]), &Value::Null));
    assert_eq!((&replaced["enabled"], &replaced["targets"]), (&json!(false), &json!([])));
    assert_eq!(replaced["hooks"]["pre"].as_array().map(Vec::len), Some(1), "commands stay");
    let kept = scene.service.running.engine().registry().find_instance(&"nas".parse().expect("an id")).expect("it");
    let Destination::Restic(settings) = &kept.destination else { panic!("a repository") };
    assert!(settings.repository.expose().contains("geheim-url"), "the password of the address stays");

    let status = service.call("get_status").ok().await;
    assert_eq!((&status["instances"], &status["plans"]), (&json!(1), &json!(1)));
    service.call("delete_instance").path("id", "nas").send().await;
    service.call("get_instance").path("id", "nas").problem(404, "instance_not_found").await;
    service.call("get_plan").path("id", "nas").problem(404, "plan_not_found").await;
}

#[tokio::test]
async fn whoever_may_not_administer_changes_no_instance() {
    let scene = Stage::new().start().await;
    let token = scene.service.call("create_token").json(json!({"name": "n", "scope": "operate"})).ok().await;
    let operator = scene.service.client.with_token(token["token"].as_str());
    operator.call("create_instance").json(restic()).problem(403, "forbidden").await;
    operator.call("update_instance").path("id", "nas").json(restic()).problem(403, "forbidden").await;
    operator.call("delete_instance").path("id", "nas").problem(403, "forbidden").await;
}
