//! The log of the service, live and as files.

use std::os::unix::fs::symlink;

use mainstay::domain::log::Level;
use serde_json::{Value, json};

use crate::support::events::Events;
use crate::support::raw::send_raw;
use crate::support::scene::{Scene, Stage};

fn write(scene: &Scene, level: Level, message: &str) {
    scene.service.running.engine().system_log().write(level, Some("blog".to_owned()), message);
}

fn messages(lines: &Value) -> Vec<&str> {
    lines.as_array().expect("lines").iter().map(|line| line["message"].as_str().expect("text")).collect()
}

#[tokio::test]
async fn the_last_lines_can_be_had_by_level_and_count() {
    let scene = Stage::new().start().await;
    for (level, message) in [(Level::Info, "one"), (Level::Warning, "two"), (Level::Error, "three")] {
        write(&scene, level, message);
    }
    let page = scene.service.call("get_system_log").query("limit", 2).ok().await;
    assert_eq!(messages(&page["items"]), ["two", "three"]);
    assert!(page["next_cursor"].is_null());
    let page = scene.service.call("get_system_log").query("level", "ERROR").ok().await;
    assert_eq!(messages(&page["items"]), ["three"]);
    for (name, value) in [
        ("limit", "abc"),
        ("limit", "-1"),
        ("limit", "0"),
        ("limit", "99999999999999999999"),
        ("level", "LOUD"),
        ("lines", "5"),
    ] {
        let problem = scene.service.call("get_system_log").query(name, value).problem(400, "invalid_query").await;
        assert_eq!(problem["errors"][0]["name"], name, "{problem}");
    }
}

#[tokio::test]
async fn a_stream_resumes_exactly_where_the_page_ended() {
    let scene = Stage::new().start().await;
    write(&scene, Level::Info, "before");
    let page = scene.service.call("get_system_log").query("limit", 500).ok().await;
    let last = page["items"].as_array().expect("items").last().expect("a line").clone();
    for message in ["one", "two"] {
        write(&scene, Level::Info, message);
    }
    let after = last["id"].as_str().expect("an id");
    let mut events = Events::new(scene.service.call("stream_system_log").query("after", after).open().await);
    let event = events.expect().await;
    assert_eq!((event.name.as_str(), messages(&event.data)), ("log", vec!["one", "two"]));
    assert_eq!(event.data[0]["n"].as_u64(), last["n"].as_u64().map(|n| n + 1), "no gap");
    let place = event.id.expect("an id");
    assert_eq!(event.data[1]["id"], place);
    drop(events);
    write(&scene, Level::Info, "while nobody listened");
    // A browser connects again with the address it was first given, and tells its place in the header.
    let again = scene.service.call("stream_system_log").query("after", after).header("last-event-id", &place);
    let mut events = Events::new(again.open().await);
    assert_eq!(messages(&events.expect().await.data), ["while nobody listened"]);
    write(&scene, Level::Info, "live");
    assert_eq!(messages(&events.expect().await.data), ["live"]);
}

#[tokio::test]
async fn a_place_that_is_too_old_or_of_another_process_is_told() {
    let scene = Stage::new().start().await;
    write(&scene, Level::Info, "first");
    let page = scene.service.call("get_system_log").query("limit", 1).ok().await;
    let old = page["items"][0]["id"].as_str().expect("an id").to_owned();
    for n in 0..600 {
        write(&scene, Level::Info, &format!("line {n}"));
    }
    for place in [old.as_str(), "1-7"] {
        let mut events = Events::new(scene.service.call("stream_system_log").query("after", place).open().await);
        assert_eq!(events.expect().await.name, "reset", "{place}");
    }
    scene.service.call("stream_system_log").query("after", "x").problem(400, "invalid_query").await;
}

#[tokio::test]
async fn streams_end_with_the_service() {
    let scene = Stage::new().start().await;
    let mut events = Events::new(scene.service.call("stream_system_log").open().await);
    let (root, ()) = tokio::join!(scene.service.stop(), async { while events.next().await.is_some() {} });
    drop(root);
}

#[tokio::test]
async fn the_files_of_jobs_and_days_can_be_listed_read_and_saved() {
    let scene = Stage::new().start().await;
    let job = scene.service.back_up("blog").await;
    std::fs::write(scene.service.path("logs/notes.txt"), "not a log").expect("written");
    let list = scene.service.call("list_log_files").ok().await;
    let files = list["items"].as_array().expect("files");
    assert!(files.iter().all(|file| file["name"].as_str().is_some_and(|name| name.ends_with(".log"))), "{list:#}");
    let of_job = files.iter().find(|file| file["job_id"] == job["id"]).expect("the job's log");
    let of_day = files.iter().find(|file| file["job_id"].is_null()).expect("the day's log");
    assert!(of_day["name"].as_str().expect("a name").starts_with("mainstay_"), "{of_day}");
    let name = of_job["name"].as_str().expect("a name");
    let shown = scene.service.call("get_log_file").path("name", name).send().await;
    assert!(shown.headers["content-type"].to_str().expect("text").starts_with("text/plain"));
    assert_eq!(shown.text, std::fs::read_to_string(scene.service.path("logs").join(name)).expect("the file"));
    assert!(shown.text.contains("backup of stack 'blog' queued"), "{}", shown.text);
    let saved = scene.service.call("get_log_file").path("name", name).query("download", 1).send().await;
    assert_eq!(saved.headers["content-disposition"], format!("attachment; filename=\"{name}\"").as_str());
    let mut names = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let call = scene.service.call("list_log_files").query("limit", 1);
        let call = match &cursor {
            Some(cursor) => call.query("cursor", cursor),
            None => call,
        };
        let page = call.ok().await;
        names.push(page["items"][0]["name"].clone());
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(names, files.iter().map(|file| file["name"].clone()).collect::<Vec<_>>());
}

#[tokio::test]
async fn no_name_leads_out_of_the_directory() {
    let scene = Stage::new().start().await;
    std::fs::write(scene.service.path("outside.log"), "secret").expect("written");
    symlink(scene.service.path("outside.log"), scene.service.path("logs/link.log")).expect("linked");
    let long = format!("{}.log", "x".repeat(300));
    let names = [
        "../../etc/passwd",
        "../outside.log",
        "/etc/passwd",
        "a\0.log",
        ".hidden.log",
        "config.yml",
        long.as_str(),
        "ä.log",
    ];
    for name in names {
        scene.service.call("get_log_file").path("name", name).problem(400, "invalid_name").await;
        scene.service.call("download_compat_log").path("name", name).problem(400, "invalid_name").await;
        scene.service.call("get_compat_log").path("name", name).problem(400, "invalid_name").await;
    }
    for name in ["link.log", "missing.log"] {
        scene.service.call("get_log_file").path("name", name).problem(404, "log_not_found").await;
    }
    let listed = scene.service.call("list_log_files").ok().await;
    assert!(!listed.to_string().contains("link.log"), "{listed:#}");
    let token = scene.service.client.token.clone().expect("a token");
    for path in
        ["/api/v1/logs/files/../../../../etc/passwd", "/api/v1/logs/files//etc/passwd", "/logs/../../etc/passwd"]
    {
        let request = format!("GET {path} HTTP/1.1\r\nhost: mainstay\r\nauthorization: Bearer {token}\r\n\r\n");
        let (head, body) = send_raw(&scene.service.client.base, request).await;
        assert!(head.starts_with("http/1.1 404 ") && !body.contains("root:"), "{path}: {head}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let scene = Stage::new().start().await;
    for name in ["a.log", "b.log"] {
        std::fs::write(scene.service.path("logs").join(name), "").expect("written");
    }
    let page = scene.service.call("list_log_files").query("limit", 1).ok().await;
    let cursor = page["next_cursor"].as_str().expect("a second page");
    scene.service.call("list_tokens").query("cursor", cursor).problem(400, "invalid_cursor").await;
    scene.service.call("list_jobs").query("cursor", cursor).problem(400, "invalid_cursor").await;
    scene.service.call("list_log_files").query("cursor", "x").problem(400, "invalid_cursor").await;
    assert_eq!(scene.service.call("list_log_files").query("cursor", cursor).ok().await["next_cursor"], json!(null));
}
