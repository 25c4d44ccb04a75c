//! Instances over the API: what is asked of one that does not exist.

use serde_json::json;

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
