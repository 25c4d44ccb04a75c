//! Plans over the API: what is asked of one that does not exist.

use serde_json::json;

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
