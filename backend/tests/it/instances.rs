//! Instances over the API: made, shown, replaced and removed; what is secret stays so.

use mainstay::app::Builder;
use mainstay::docker::scripted::ScriptedEngine;
use mainstay::domain::plan::Destination;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::process::mainstay;
use crate::support::scene::{Scene, Stage};
use crate::support::service::{load_config, sign_in};
use crate::support::store;

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

/// A service with an instance whose image cannot be had.
async fn scene_with_image() -> Scene {
    let scene = Stage::new().start().await;
    let own = json!({"id": "own", "custom_image": "example.invalid/tool:1", "pull": "never",
        "targets": [{"kind": "volume", "name": "blog_db"}]});
    assert_eq!(scene.service.call("create_instance").json(own).send().await.status, 201);
    scene
}

#[tokio::test]
async fn what_an_image_stored_is_known_to_the_image_alone() {
    let scene = scene_with_image().await;
    let call = |id: &str| scene.service.call(id).path("id", "own");
    let test = call("test_instance").ok().await;
    assert_eq!((&test["ok"], test["error"].is_string()), (&json!(false), true), "a fault is an answer: {test}");
    for id in ["list_instance_snapshots", "get_instance_stats", "forget_instance_snapshots"] {
        let problem = call(id).problem(409, "not_supported").await;
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("image")), "{problem}");
    }
}

#[tokio::test]
async fn a_run_is_a_job_of_the_instance_and_is_asked_for_once() {
    let scene = scene_with_image().await;
    let service = &scene.service;
    let run = |body: Value| service.call("run_instance").path("id", "own").header("Idempotency-Key", "k").json(body);
    let accepted = run(json!({"dry_run": true})).send().await;
    let job = accepted.json();
    let id = job["id"].as_str().expect("an id").to_owned();
    assert_eq!(
        (accepted.status.as_u16(), &accepted.headers["location"]),
        (202, &format!("/api/v1/jobs/{id}").parse().expect("one"))
    );
    assert_eq!((&job["instance"], &job["plan"], &job["dry_run"]), (&json!("own"), &json!("own"), &json!(true)));
    let ended = service.end_of(&id).await;
    assert_eq!(ended["state"], "failed", "the image is not there: {ended}");
    assert_eq!(run(json!({"dry_run": true})).ok().await["id"], json!(id), "a repetition gets the job of the first");
    run(json!({"dry_run": false})).problem(422, "idempotency_key_reused").await;

    for (name, value, count) in [("instance", "own", 1), ("plan", "own", 1), ("instance", "nas", 0), ("plan", "nas", 0)]
    {
        let jobs = service.call("list_jobs").query(name, value).ok().await;
        assert_eq!(jobs["items"].as_array().map(Vec::len), Some(count), "{name}={value}");
    }
    let instance = service.call("get_instance").path("id", "own").ok().await;
    assert_eq!((&instance["last_job"]["id"], &instance["last_success_at"]), (&json!(id), &Value::Null));
    let marina = service.call("list_marina_jobs_of_instance").path("instanceID", "own").ok().await;
    assert_eq!(marina, json!([]), "a rehearsal is no backup");
}

#[tokio::test]
async fn a_stack_is_captured_by_the_means_of_an_instance() {
    let scene = scene_with_image().await;
    let body = json!({"stacks": ["blog"], "instance": "own", "dry_run": true});
    let jobs = scene.service.call("backup_stacks").json(body).ok().await;
    let job = &jobs["items"][0];
    assert_eq!((&job["stack"], &job["instance"]), (&json!("blog"), &json!("own")), "{jobs}");
    scene.service.end_of(job["id"].as_str().expect("an id")).await;
    let body = json!({"instance": "own", "dry_run": true});
    let one = scene.service.call("backup_stack").path("name", "blog").json(body).ok().await;
    scene.service.end_of(one["id"].as_str().expect("an id")).await;
}

#[tokio::test]
async fn the_command_line_shows_and_runs_instances_and_plans() {
    let scene = scene_with_image().await;
    let (url, token) = (scene.service.running.address(), scene.service.running.command_token().await.expect("a token"));
    let run = async |args: &[&str]| {
        let mut command = mainstay();
        command.args(args).env("MAINSTAY_URL", &url).env("MAINSTAY_TOKEN", &token);
        let run = tokio::task::spawn_blocking(move || command.output());
        let output = run.await.expect("it runs").expect("it runs");
        let texts = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.code(), texts.concat())
    };
    let (code, text) = run(&["instances"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("own") && text.contains("custom_image") && text.contains("on demand"), "{text}");
    let (code, text) = run(&["plans", "show", "own", "--json"]).await;
    assert_eq!((code, text.contains("\"executor\": \"mainstay\"")), (Some(0), true), "{text}");
    let (code, text) = run(&["plans", "preview", "own"]).await;
    assert_eq!((code, text.contains("blog_db")), (Some(0), true), "{text}");
    let (code, text) = run(&["instances", "test", "own"]).await;
    assert_eq!(code, Some(1), "a fault that was found: {text}");
    let (code, text) = run(&["instances", "forget", "own", "--dry-run"]).await;
    assert_eq!((code, text.contains("not_supported")), (Some(1), true), "{text}");
    let (code, text) = run(&["backup", "--instance", "own", "--dry-run"]).await;
    assert_eq!((code, text.contains("own: failed")), (Some(1), true), "{text}");
    let (code, text) = run(&["backup", "--plan", "nothere"]).await;
    assert_eq!((code, text.contains("plan_not_found")), (Some(1), true), "{text}");
    assert_eq!(run(&["backup"]).await.0, Some(2), "nothing is named");
}
#[tokio::test]
async fn instances_of_the_configuration_are_shown_and_stay() {
    let instances = "instances:\n  - id: nas\n    repository: /srv/restic\n    env: {RESTIC_PASSWORD: geheim-env}\n  \
        - id: own\n    customImage: org/tool:1";
    let scene = Stage::new().config(instances).start().await;
    let service = &scene.service;
    let list = service.call("list_instances").query("limit", 1).ok().await;
    assert_eq!((&list["items"][0]["id"], &list["items"][0]["origin"]), (&json!("nas"), &json!("config")));
    let cursor = list["next_cursor"].as_str().expect("more");
    let rest = service.call("list_instances").query("cursor", cursor).ok().await;
    let own = &rest["items"][0];
    assert_eq!(
        (&own["id"], &own["retention_enforced"], &own["pull"]),
        (&json!("own"), &json!(false), &json!("always"))
    );
    let put = json!({"repository": "/srv/other"});
    service.call("update_instance").path("id", "nas").json(put).problem(409, "read_only").await;
    service.call("delete_instance").path("id", "nas").problem(409, "read_only").await;
    service.call("create_instance").json(restic()).problem(409, "id_taken").await;
}

#[tokio::test]
async fn an_instance_with_its_secrets_is_there_after_a_restart() {
    let root = tempfile::tempdir().expect("a directory");
    let url = store::new_database(root.path()).await;
    let start = async || {
        let loaded = load_config(root.path(), &url, &[]);
        Builder::new(loaded).docker(ScriptedEngine::new().shared()).start().await.expect("the service starts")
    };
    let running = start().await;
    let client = sign_in(&running.address()).await;
    assert_eq!(client.call("create_instance").json(restic()).send().await.status, 201);
    let before = client.call("get_instance").path("id", "nas").ok().await;
    running.stop().await;
    let running = start().await;
    let client = sign_in(&running.address()).await;
    let after = client.call("get_instance").path("id", "nas").ok().await;
    assert_eq!((&before["env_keys"], &before["targets"]), (&after["env_keys"], &after["targets"]));
    let kept = running.engine().registry().find_instance(&"nas".parse().expect("an id")).expect("it");
    assert_eq!(kept.env["RESTIC_PASSWORD"].expose_secret(), "geheim-env");
    running.stop().await;
}
