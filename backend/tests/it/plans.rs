//! Plans over the API: made, shown, replaced and removed.

use serde_json::{Value, json};

use crate::support::scene::Stage;

#[tokio::test]
async fn nothing_is_done_for_a_plan_that_does_not_exist() {
    let scene = Stage::new().start().await;
    let call = |id: &str| scene.service.call(id).path("id", "nightly");
    assert_eq!(scene.service.call("list_plans").ok().await["items"], json!([]));
    let body = json!({"id": "nightly", "instance": "nas", "targets": [{"kind": "stack", "name": "blog"}]});
    let missing = "plan_not_found";
    call("get_plan").problem(404, missing).await;
    call("update_plan").json(body.clone()).problem(404, missing).await;
    call("delete_plan").problem(404, missing).await;
    call("run_plan").problem(404, missing).await;
    call("preview_plan").problem(404, missing).await;
    let bad = scene.service.call("create_plan").json(body).problem(400, "invalid_body").await;
    assert_eq!(bad["errors"][0]["pointer"], "/instance");
}

fn nightly() -> Value {
    json!({
        "id": "nightly", "instance": "nas", "targets": [{"kind": "stack", "name": "blog"}], "schedule": "30 3 * * *",
        "excludes": ["*.tmp"], "hooks": {"post": [{"command": "echo geheim", "container": "blog-db-1", "timeout": "90s"}]}
    })
}

#[tokio::test]
async fn a_plan_is_made_shown_replaced_and_removed() {
    let scene = Stage::new().manual_clock().start().await;
    let service = &scene.service;
    let nas = json!({"id": "nas", "backend": "archive", "timezone": "Europe/Berlin", "retention": "3:2:1"});
    assert_eq!(service.call("create_instance").json(nas).send().await.status, 201);
    let made = service.call("create_plan").json(nightly()).send().await;
    assert_eq!(
        (made.status.as_u16(), &made.headers["location"]),
        (201, &"/api/v1/plans/nightly".parse().expect("one"))
    );
    assert!(!made.text.contains("geheim"), "{}", made.text);
    let plan = service.call("get_plan").path("id", "nightly").ok().await;
    assert_eq!(made.json(), plan);
    assert_eq!((&plan["executor"], &plan["origin"]), (&json!("mainstay"), &json!("api")));
    assert_eq!(
        (&plan["timezone"], &plan["next_run_at"]),
        (&json!("Europe/Berlin"), &json!("2026-09-22T01:30:00.000Z"))
    );
    assert_eq!(plan["hooks"], json!({"pre": [], "post": [{"container": "blog-db-1", "timeout": "1m30s"}]}));
    let runs = service.call("get_status").ok().await["next_runs"].clone();
    assert_eq!(runs, json!([{"stack": null, "plan": "nightly", "at": "2026-09-22T01:30:00.000Z"}]));
    let of_other = service.call("list_plans").query("instance", "other").ok().await;
    assert_eq!(of_other["items"], json!([]));

    service.call("create_plan").json(nightly()).problem(409, "id_taken").await;
    service.call("create_instance").json(json!({"id": "nightly", "backend": "archive"})).problem(409, "id_taken").await;
    let put = json!({"instance": "nas", "targets": [{"kind": "volume", "name": "blog_db"}], "enabled": false});
    let replaced = service.call("update_plan").path("id", "nightly").json(put.clone()).ok().await;
    assert_eq!((&replaced["schedule"], &replaced["next_runs"]), (&Value::Null, &json!([])));
    assert_eq!(replaced["hooks"]["post"].as_array().map(Vec::len), Some(1), "commands stay");
    service.call("update_plan").path("id", "nas").json(put).problem(409, "read_only").await;
    service.call("delete_plan").path("id", "nas").problem(409, "read_only").await;
    assert_eq!(service.call("delete_plan").path("id", "nightly").send().await.status.as_u16(), 204);
    service.call("get_plan").path("id", "nightly").problem(404, "plan_not_found").await;
}

#[tokio::test]
async fn an_instance_that_a_plan_uses_stays() {
    let scene = Stage::new().start().await;
    let service = &scene.service;
    assert_eq!(
        service.call("create_instance").json(json!({"id": "nas", "backend": "archive"})).send().await.status,
        201
    );
    assert_eq!(service.call("create_plan").json(nightly()).send().await.status, 201);
    let problem = service.call("delete_instance").path("id", "nas").problem(409, "in_use").await;
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("'nightly'")), "{problem}");
    assert_eq!(service.call("delete_plan").path("id", "nightly").send().await.status, 204);
    assert_eq!(service.call("delete_instance").path("id", "nas").send().await.status, 204);
}
