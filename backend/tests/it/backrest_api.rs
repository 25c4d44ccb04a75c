//! The plans of a Backrest over the API of the service.

use std::path::PathBuf;

use mainstay::docker::scripted::{ScriptedEngine, running_container};
use mainstay::domain::stack::{Mount, MountKind};
use serde_json::{Value, json};

use crate::support::backrest::FakeBackrest;
use crate::support::service::{Service, Setup};

const GUID: &str = "3f1c0a9de47b52860b9c1d7ea25f4836c0d1e2f3a4b5968778695a4b3c2d1e0f";
const PLAN: &str = "backrest_sidecar_shop_db";

fn backrest() -> FakeBackrest {
    FakeBackrest::start(json!({"modno": 1, "version": 6, "instance": "host",
        "repos": [{"id": "default", "uri": "/repo", "guid": GUID, "password": "geheim-repo"}],
        "plans": [{"id": "theirs", "repo": "default", "paths": ["/x"], "schedule": {"cron": "0 1 * * *"}}]}))
}

/// A service that somebody labelled, with a volume.
fn labelled() -> ScriptedEngine {
    let engine = ScriptedEngine::new();
    let mut detail = running_container("db1", "shop-db-1");
    let labels = [
        ("backrest.enable", "true"),
        ("backrest.schedule", "15 3 * * *"),
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
    engine.add_container(detail);
    engine
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
    assert!(fake.calls().iter().any(|call| call.contains("Backup")), "{:?}", fake.calls());
    let unknown = service.call("run_backrest_plan").path("id", "theirs").send().await;
    assert_eq!(unknown.status, 404, "what is not ours is not run: {}", unknown.text);
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
