//! The plans of a Backrest over the API of the service.

use std::path::PathBuf;

use mainstay::docker::ContainerDetail;
use mainstay::docker::scripted::{ScriptedEngine, running_container};
use mainstay::domain::stack::{Mount, MountKind};
use serde_json::{Value, json};

use crate::support::backrest::{FakeBackrest, Fault};
use crate::support::service::{Service, Setup};

const GUID: &str = "3f1c0a9de47b52860b9c1d7ea25f4836c0d1e2f3a4b5968778695a4b3c2d1e0f";
const PLAN: &str = "backrest_sidecar_shop_db";

fn backrest() -> FakeBackrest {
    FakeBackrest::start(json!({"modno": 1, "version": 6, "instance": "host",
        "repos": [{"id": "default", "uri": "/repo", "guid": GUID, "password": "geheim-repo"}],
        "plans": [{"id": "theirs", "repo": "default", "paths": ["/x"], "schedule": {"cron": "0 1 * * *"}}]}))
}

/// An engine with a service that somebody labelled.
fn labelled() -> ScriptedEngine {
    let engine = ScriptedEngine::new();
    engine.add_container(labelled_as("15 3 * * *"));
    engine
}

/// Such a service, with a volume.
fn labelled_as(schedule: &str) -> ContainerDetail {
    let mut detail = running_container("db1", "shop-db-1");
    let labels = [
        ("backrest.enable", "true"),
        ("backrest.schedule", schedule),
        ("com.docker.compose.project", "shop"),
        ("com.docker.compose.service", "db"),
    ];
    detail.container.labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    detail.container.mounts = vec![Mount {
        kind: MountKind::Volume,
        volume: Some("shop_data".to_owned()),
        source: PathBuf::from("/var/lib/docker/volumes/shop_data/_data"),
        destination: PathBuf::from("/data"),
        is_writable: true,
    }];
    detail
}

async fn serve(engine: &ScriptedEngine, fake: &FakeBackrest) -> Service {
    // No round comes by itself within the test.
    let section = format!("backrest: {{url: '{}', with_events: false, interval: 24h}}", fake.address());
    Setup::scripted(engine).config(&section).start().await
}

async fn reconcile(service: &Service, is_dry_run: bool) -> Value {
    service.call("reconcile_backrest").json(json!({"dry_run": is_dry_run})).ok().await
}

#[tokio::test]
async fn labels_become_plans_of_a_running_backrest() {
    let fake = backrest();
    let engine = labelled();
    let service = serve(&engine, &fake).await;
    let found = reconcile(&service, false).await;
    assert_eq!(
        (&found["error"], &found["format"], &found["drift"]),
        (&Value::Null, &json!("native"), &json!(0)),
        "{found}"
    );
    assert_eq!(found["items"][0]["id"], PLAN, "{found}");
    assert_eq!(fake.plan_ids(), [PLAN, "theirs"]);

    let listed = service.call("list_backrest_plans").ok().await;
    let [plan] = &listed["items"].as_array().expect("items")[..] else { panic!("one plan: {listed}") };
    assert_eq!((&plan["schedule"], &plan["retention"]), (&json!("15 3 * * *"), &json!("daily=7,weekly=4")), "{listed}");
    assert!(!listed.to_string().contains("geheim"), "{listed}");

    let saves = fake.saves();
    reconcile(&service, false).await;
    assert_eq!(fake.saves(), saves, "nothing is sent where nothing differs");

    let started = service.call("run_backrest_plan").path("id", PLAN).send().await;
    assert_eq!(started.status, 202, "{}", started.text);
    let job = ended(&service, &started.json()).await;
    assert_eq!((&job["state"], &job["plan"]), (&json!("succeeded"), &json!(PLAN)), "{job}");
    assert!(fake.calls().iter().any(|call| call.contains("Backup")), "{:?}", fake.calls());
    let unknown = service.call("run_backrest_plan").path("id", "theirs").send().await;
    assert_eq!(unknown.status, 404, "what is not ours is not run: {}", unknown.text);
    service.stop().await;
}

/// The job once it has ended.
async fn ended(service: &Service, job: &Value) -> Value {
    service.end_of(job["id"].as_str().expect("an id")).await
}

#[tokio::test]
async fn plans_of_backrest_stand_among_the_others() {
    let fake = backrest();
    let engine = labelled();
    let service = serve(&engine, &fake).await;
    let own = json!({"id": "nas", "backend": "archive", "schedule": "0 3 * * *", "targets": [{"kind": "volume", "name": "shop_data"}]});
    service.call("create_instance").json(own).ok().await;
    reconcile(&service, false).await;

    let all = service.call("list_plans").ok().await;
    let ids: Vec<&str> =
        all["items"].as_array().expect("items").iter().filter_map(|plan| plan["id"].as_str()).collect();
    assert_eq!(ids, [PLAN, "nas"], "{all}");
    let plan = service.call("get_plan").path("id", PLAN).ok().await;
    assert_eq!(plan, all["items"][0]);
    for (field, expected) in [
        ("origin", json!("label")),
        ("executor", json!("backrest")),
        ("instance", Value::Null),
        ("repository", json!("default")),
        ("sources", json!(["/var/lib/docker/volumes/shop_data/_data"])),
        ("schedule", json!("15 3 * * *")),
        ("schedule_text", json!("every day at 03:15")),
        ("retention", json!("daily=7,weekly=4")),
        ("next_run_at", json!("2100-01-01T00:00:00.000Z")),
        ("warnings", json!([])),
    ] {
        assert_eq!(plan[field], expected, "{field}: {plan}");
    }
    assert_eq!((&plan["backrest"]["in_step"], &plan["backrest"]["containers"]), (&json!(true), &json!(["shop-db-1"])));

    for (query, expected) in [
        (vec![("executor", "backrest")], vec![PLAN]),
        (vec![("executor", "mainstay")], vec!["nas"]),
        (vec![("instance", "nas")], vec!["nas"]),
    ] {
        let call = query.iter().fold(service.call("list_plans"), |call, (key, value)| call.query(key, value));
        let found = call.ok().await;
        let ids: Vec<&str> =
            found["items"].as_array().expect("items").iter().filter_map(|p| p["id"].as_str()).collect();
        assert_eq!(ids, expected, "{query:?}");
    }
    let first = service.call("list_plans").query("limit", "1").ok().await;
    let cursor = first["next_cursor"].as_str().expect("a second page");
    let second = service.call("list_plans").query("limit", "1").query("cursor", cursor).ok().await;
    assert_eq!((&first["items"][0]["id"], &second["items"][0]["id"]), (&json!(PLAN), &json!("nas")));
    service.stop().await;
}

#[tokio::test]
async fn a_plan_of_backrest_is_run_as_a_job_and_changed_only_by_its_labels() {
    let fake = backrest();
    let engine = labelled();
    let service = serve(&engine, &fake).await;
    reconcile(&service, false).await;
    let started = service.call("run_plan").path("id", PLAN).send().await;
    assert_eq!(started.status, 202, "{}", started.text);
    assert_eq!(ended(&service, &started.json()).await["state"], "succeeded");
    let plan = service.call("get_plan").path("id", PLAN).ok().await;
    assert_eq!((&plan["last_job"]["id"], &plan["last_job"]["state"]), (&started.json()["id"], &json!("succeeded")));
    assert!(plan["last_success_at"].is_string(), "{plan}");

    let again = service.call("retry_job").path("id", started.json()["id"].as_str().expect("an id")).send().await;
    assert_eq!(again.status, 202, "{}", again.text);
    assert_eq!(ended(&service, &again.json()).await["state"], "succeeded");

    fake.fault("Backup", 3, Fault::Status(500));
    let failing = service.call("run_plan").path("id", PLAN).send().await;
    let job = ended(&service, &failing.json()).await;
    assert_eq!(job["state"], "failed", "{job}");
    assert!(job["error"].as_str().expect("a reason").contains("Backrest"), "{job}");

    for (operation, body, code) in [
        ("run_plan", Some(json!({"dry_run": true})), "not_supported"),
        ("preview_plan", None, "not_supported"),
        ("delete_plan", None, "read_only"),
        ("update_plan", Some(json!({"instance": "x", "targets": [{"kind": "volume", "name": "v"}]})), "read_only"),
    ] {
        let call = service.call(operation).path("id", PLAN);
        if let Some(body) = body { call.json(body) } else { call }.problem(409, code).await;
    }
    service.stop().await;
}

#[tokio::test]
async fn a_difference_that_was_not_applied_is_told_of_the_plan() {
    let fake = backrest();
    let engine = labelled();
    let service = serve(&engine, &fake).await;
    reconcile(&service, false).await;
    engine.add_container(labelled_as("30 4 * * *"));
    reconcile(&service, true).await;
    let plan = service.call("get_plan").path("id", PLAN).ok().await;
    assert_eq!((&plan["backrest"]["in_step"], &plan["schedule"]), (&json!(false), &json!("30 4 * * *")), "{plan}");
    assert!(plan["warnings"][0].as_str().expect("a warning").contains("not applied yet"), "{plan}");
    service.stop().await;
}

#[tokio::test]
async fn a_dry_run_shows_the_difference_and_sends_nothing() {
    let fake = backrest();
    let engine = labelled();
    let service = serve(&engine, &fake).await;
    reconcile(&service, false).await;
    engine.remove_container("db1");
    let saves = fake.saves();
    let shown = reconcile(&service, true).await;
    assert_eq!(shown["orphans"][0]["id"], PLAN, "its workload is gone: {shown}");
    assert_eq!(fake.saves(), saves);
    service.stop().await;
}
