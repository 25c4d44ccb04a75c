//! Stacks through the API: lists, names, what is captured, and asking for backups.

use mainstay::docker::scripted::CallKind;
use mainstay::domain::stack::ContainerState;
use serde_json::{Value, json};

use crate::support::scene::{Stage, volume_directory};
use crate::support::service::write_stack;

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().expect("items").iter().map(|item| item["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn stacks_come_by_name_in_pages() {
    let stage = Stage::new();
    for name in ["wiki", "archive"] {
        stage.add_stack(name);
    }
    let scene = stage.start().await;
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..3 {
        let call = scene.service.call("list_stacks").query("limit", 1);
        let page = if let Some(cursor) = &cursor { call.query("cursor", cursor) } else { call }.ok().await;
        seen.extend(names(&page).into_iter().map(str::to_owned));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
    }
    assert_eq!((seen, cursor), (["archive", "blog", "wiki"].map(str::to_owned).to_vec(), None));
    for limit in ["abc", "0", "9999"] {
        let problem = scene.service.call("list_stacks").query("limit", limit).problem(400, "invalid_query").await;
        assert_eq!(problem["errors"][0]["name"], "limit");
    }
}

#[tokio::test]
async fn stacks_can_be_had_by_state() {
    let stage = Stage::new();
    stage.add_stack("wiki");
    for container in ["wiki-db", "wiki-app"] {
        stage.engine.set_state(container, ContainerState::Exited);
    }
    let scene = stage.start().await;
    for (state, expected) in
        [("running", vec!["blog"]), ("stopped", vec!["wiki"]), ("partial", vec![]), ("unknown", vec![])]
    {
        let list = scene.service.call("list_stacks").query("state", state).ok().await;
        assert_eq!(names(&list), expected, "{state}");
    }
    let problem = scene.service.call("list_stacks").query("state", "up").problem(400, "invalid_query").await;
    assert_eq!(problem["errors"][0]["name"], "state");
}

#[tokio::test]
async fn a_stack_has_the_fields_of_the_contract() {
    let scene = Stage::new().start().await;
    scene.service.back_up("blog").await;
    let stack = scene.service.call("get_stack").path("name", "blog").ok().await;
    for field in
        ["name", "host", "state", "source", "directory", "services", "volumes", "binds", "databases", "skip_stop"]
    {
        assert!(!stack[field].is_null(), "{field}: {stack:#}");
    }
    assert_eq!((stack["databases"].clone(), stack["protected"].as_bool()), (json!([]), Some(true)));
    assert_eq!((stack["last_job"]["state"].as_str(), stack["last_success_at"].is_string()), (Some("succeeded"), true));
    assert_eq!(names(&json!({ "items": stack["services"] })), ["app", "db"]);
}

#[tokio::test]
async fn a_stack_is_found_by_the_name_of_its_directory_too() {
    let stage = Stage::new();
    write_stack(stage.setup.root(), "old-shop", "name: shop\nservices:\n  web:\n    image: img\n");
    let scene = stage.start().await;
    for name in ["shop", "old-shop"] {
        let stack = scene.service.call("get_stack").path("name", name).ok().await;
        assert_eq!(stack["name"], "shop");
    }
    let body = json!({ "stacks": ["old-shop", "shop"], "dry_run": true });
    let jobs = scene.service.call("backup_stacks").json(body).ok().await;
    let stacks: Vec<&Value> = jobs["items"].as_array().expect("jobs").iter().map(|job| &job["stack"]).collect();
    assert_eq!(stacks, ["shop"], "one stack, one job");
}

#[tokio::test]
async fn names_that_no_stack_can_have_are_refused() {
    let scene = Stage::new().start().await;
    let long = "x".repeat(300);
    let bad = ["a/b", "../b", "a\0b", "-rf", "a b", ".hidden", long.as_str()];
    for operation in ["get_stack", "get_stack_coverage", "backup_stack"] {
        for name in bad {
            scene.service.client.call(operation).path("name", name).problem(400, "invalid_name").await;
        }
        scene.service.client.call(operation).path("name", "nothere").problem(404, "stack_not_found").await;
    }
    for name in bad.into_iter().chain(["..", ""]) {
        let body = json!({ "stacks": ["blog", name] });
        scene.service.call("backup_stacks").json(body).problem(400, "invalid_name").await;
    }
    assert_eq!(scene.service.call("list_jobs").ok().await["items"], json!([]), "nothing was started");
}

#[tokio::test]
async fn everything_that_a_stack_has_is_covered_or_says_why_not() {
    let stage = Stage::new().config("include_data: false");
    stage.add_stack("wiki");
    std::fs::remove_dir_all(volume_directory(stage.setup.root(), "wiki")).expect("removed");
    let scene = stage.start().await;
    let coverage = async |name: &str| {
        let list = scene.service.call("get_stack_coverage").path("name", name).ok().await;
        assert!(list["next_cursor"].is_null());
        let items = list["items"].as_array().expect("items").clone();
        items.into_iter().map(|item| (item["kind"].as_str().expect("a kind").to_owned(), item)).collect::<Vec<_>>()
    };
    let blog = coverage("blog").await;
    let brief: Vec<_> =
        blog.iter().map(|(kind, i)| (kind.as_str(), i["covered"].as_bool(), i["via"].as_str())).collect();
    let direct = Some("direct");
    assert_eq!(brief, [("compose", Some(true), direct), ("data", Some(false), None), ("volume", Some(true), direct)]);
    assert_eq!(blog[1].1["reason"], "include_data is off");
    let volume = volume_directory(scene.service.root.path(), "blog").display().to_string();
    assert_eq!((&blog[2].1["name"], &blog[2].1["source"]), (&json!("blog_db"), &json!(volume)));
    let wiki = coverage("wiki").await;
    assert_eq!((&wiki[2].1["via"], &wiki[2].1["reason"]), (&json!("streamed"), &Value::Null));
}

#[tokio::test]
async fn bodies_that_are_wrong_start_nothing() {
    let scene = Stage::new().start().await;
    for (body, field) in [
        (json!({ "stacks": [] }), "stacks"),
        (json!({}), "stacks"),
        (json!({ "stacks": ["blog"], "quiet": true }), "quiet"),
    ] {
        let problem = scene.service.call("backup_stacks").json(body).problem(400, "invalid_body").await;
        assert_eq!(problem["errors"][0]["name"], field, "{problem}");
    }
    let nas = json!({ "instance": "nas" });
    scene.service.call("backup_stack").path("name", "blog").json(nas).problem(404, "instance_not_found").await;
    let nas = json!({ "stacks": ["blog"], "instance": "nas" });
    scene.service.call("backup_stacks").json(nas).problem(404, "instance_not_found").await;
    let body = json!({ "quiesce": "freeze" });
    scene.service.call("backup_stack").path("name", "blog").json(body).problem(400, "invalid_body").await;
    let call = scene
        .service
        .call("backup_stack")
        .path("name", "blog")
        .with(|r| r.body("{}").header("content-type", "text/plain"));
    call.problem(415, "unsupported_media_type").await;
    assert_eq!(scene.service.call("list_jobs").ok().await["items"], json!([]));
}

#[tokio::test]
async fn a_busy_stack_among_several_starts_nothing() {
    let stage = Stage::new();
    stage.add_stack("wiki");
    let gate = stage.engine.block_nth(CallKind::Stop, 1);
    let scene = stage.start().await;
    let first = scene.service.call("backup_stack").path("name", "blog").ok().await;
    gate.reached().await;
    let body = json!({ "stacks": ["wiki", "blog"] });
    let problem = scene.service.call("backup_stacks").json(body).problem(409, "job_conflict").await;
    assert_eq!(problem["job_id"], first["id"]);
    gate.release();
    scene.service.end_of(first["id"].as_str().expect("an id")).await;
    assert_eq!(scene.service.call("list_jobs").ok().await["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_job_is_accepted_with_its_place() {
    let scene = Stage::new().start().await;
    let answer = scene.service.call("backup_stack").path("name", "blog").send().await;
    let job = answer.json();
    let id = job["id"].as_str().expect("an id");
    assert_eq!(answer.status.as_u16(), 202);
    assert_eq!(answer.headers["location"].to_str().ok(), Some(format!("/api/v1/jobs/{id}").as_str()));
    assert_eq!((job["kind"].as_str(), job["stack"].as_str()), (Some("backup"), Some("blog")));
    scene.service.end_of(id).await;
}

#[tokio::test]
async fn a_request_that_is_sent_twice_at_once_is_carried_out_once() {
    let stage = Stage::new();
    stage.add_stack("wiki");
    let scene = stage.start().await;
    let ask = || {
        let call = scene.service.call("backup_stacks").header("idempotency-key", "night-1");
        call.json(json!({ "stacks": ["blog", "wiki"] })).send()
    };
    let (one, two) = tokio::join!(ask(), ask());
    assert_eq!((one.status.as_u16(), two.status.as_u16()), (202, 202), "{} {}", one.text, two.text);
    let ids =
        |answer: &Value| answer["items"].as_array().expect("jobs").iter().map(|j| j["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&one.json()), ids(&two.json()));
    for id in ids(&one.json()) {
        scene.service.end_of(id.as_str().expect("an id")).await;
    }
    let other = scene.service.call("backup_stack").path("name", "blog").header("idempotency-key", "night-1");
    other.problem(422, "idempotency_key_reused").await;
    for key in ["two words", "", &"k".repeat(201)] {
        let call = scene.service.call("backup_stack").path("name", "blog").header("idempotency-key", key);
        let problem = call.problem(400, "invalid_query").await;
        assert_eq!(problem["errors"][0]["name"], "Idempotency-Key");
    }
    assert_eq!(scene.service.call("list_jobs").ok().await["items"].as_array().map(Vec::len), Some(2));
}
