//! Jobs through the API: lists, logs, streams, cancelling and retrying.

use mainstay::docker::scripted::CallKind;
use mainstay::domain::log::Level;
use serde_json::{Value, json};

use crate::support::events::{Event, Events};
use crate::support::scene::{Scene, Stage};

const UNKNOWN: &str = "job_00000000000070008000000000000000";

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no text '{field}': {value}"))
}

fn ids(list: &Value) -> Vec<String> {
    list["items"].as_array().expect("items").iter().map(|item| text(item, "id").to_owned()).collect()
}

/// A job that stops nothing, run to its end.
async fn dry_run(scene: &Scene, stack: &str) -> Value {
    let job = scene.service.call("backup_stack").path("name", stack).json(json!({ "dry_run": true })).ok().await;
    scene.service.end_of(text(&job, "id")).await
}

fn numbers(event: &Event) -> Vec<u64> {
    event.data.as_array().expect("lines").iter().map(|line| line["n"].as_u64().expect("a number")).collect()
}

/// Lines until `last` was seen; asserts that each batch carries its last line's id.
async fn lines_until(events: &mut Events, last: u64) -> Vec<u64> {
    let mut seen = Vec::new();
    while seen.last() != Some(&last) {
        let event = events.expect().await;
        if event.name == "log" {
            seen.extend(numbers(&event));
            assert_eq!(event.id, seen.last().map(ToString::to_string));
        }
    }
    seen
}

/// A job that the engine holds up while it stops the first container.
async fn held_job(stage: Stage) -> (Scene, mainstay::docker::scripted::Gate, String) {
    let gate = stage.engine.block_nth(CallKind::Stop, 1);
    let scene = stage.start().await;
    let job = scene.service.call("backup_stack").path("name", "blog").ok().await;
    gate.reached().await;
    let id = text(&job, "id").to_owned();
    (scene, gate, id)
}

/// Writes `count` lines into the log of a job at work, and returns the number of the last one.
fn write_lines(scene: &Scene, id: &str, count: usize) -> u64 {
    let live = scene.service.running.engine().find_live(&id.parse().expect("an id")).expect("a job at work");
    for n in 0..count {
        live.log().write(Level::Debug, format!("extra line {n}"));
    }
    let page = live.log().read(0, usize::MAX, None).expect("the log");
    page.lines.last().expect("a line").n
}

#[tokio::test]
async fn pages_join_without_gaps() {
    let scene = Stage::new().start().await;
    let mut made = Vec::new();
    for _ in 0..7 {
        made.push(text(&dry_run(&scene, "blog").await, "id").to_owned());
    }
    made.reverse();
    let (mut seen, mut sizes, mut cursor) = (Vec::new(), Vec::new(), None::<String>);
    loop {
        let call = scene.service.call("list_jobs").query("limit", 3);
        let call = if let Some(cursor) = &cursor { call.query("cursor", cursor) } else { call };
        let page = call.ok().await;
        sizes.push(ids(&page).len());
        seen.extend(ids(&page));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((seen, sizes), (made, vec![3, 3, 1]), "newest first, each once");
}

#[tokio::test]
async fn a_cursor_belongs_to_its_list() {
    let scene = Stage::new().start().await;
    for _ in 0..2 {
        dry_run(&scene, "blog").await;
    }
    let page = scene.service.call("list_jobs").query("limit", 1).ok().await;
    let cursor = text(&page, "next_cursor");
    for list in ["list_snapshots", "list_stacks"] {
        scene.service.client.call(list).query("cursor", cursor).problem(400, "invalid_cursor").await;
    }
    for bad in ["zz", "", "00", "313a6a6f62733a"] {
        scene.service.call("list_jobs").query("cursor", bad).problem(400, "invalid_cursor").await;
    }
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let stage = Stage::new().manual_clock();
    stage.add_stack("wiki");
    let scene = stage.start().await;
    let clock = scene.service.clock.clone().expect("a manual clock");
    let old = dry_run(&scene, "blog").await;
    clock.advance(chrono::Duration::hours(2));
    scene.engine.set_reachable(false);
    let failed = scene.service.back_up("blog").await;
    scene.engine.set_reachable(true);
    let wiki = dry_run(&scene, "wiki").await;
    let list = async |name: &str, value: &str| ids(&scene.service.call("list_jobs").query(name, value).ok().await);
    let of = |jobs: &[&Value]| jobs.iter().map(|job| text(job, "id").to_owned()).collect::<Vec<_>>();
    assert_eq!(list("stack", "blog").await, of(&[&failed, &old]));
    assert_eq!(list("state", "failed").await, of(&[&failed]));
    assert_eq!(list("kind", "backup").await, of(&[&wiki, &failed, &old]));
    assert_eq!(list("since", text(&failed, "queued_at")).await, of(&[&wiki, &failed]));
    for (name, value) in [("kind", "restore"), ("instance", "nas"), ("plan", "nightly"), ("stack", "nothere")] {
        assert!(list(name, value).await.is_empty(), "{name}={value}");
    }
    let both = scene.service.call("list_jobs").query("stack", "blog").query("state", "succeeded").ok().await;
    assert_eq!(ids(&both), of(&[&old]));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let scene = Stage::new().start().await;
    let bad = [
        ("limit", "abc"),
        ("limit", "0"),
        ("limit", "9999"),
        ("limit", "-1"),
        ("state", "done"),
        ("kind", "dump"),
        ("since", "yesterday"),
        ("stack", "a/b"),
        ("stack", ".."),
        ("sate", "failed"),
    ];
    for (name, value) in bad {
        let problem = scene.service.call("list_jobs").query(name, value).problem(400, "invalid_query").await;
        assert_eq!(problem["errors"][0]["name"], name, "{problem}");
    }
    let operations = ["get_job", "cancel_job", "retry_job", "get_job_log", "stream_job_log", "download_job_log"];
    let long = format!("job_{}", "0".repeat(300));
    for operation in operations {
        for id in ["7", "job_7", "a/b", "x\0y", "snap_00000000000070008000000000000000", &long] {
            scene.service.client.call(operation).path("id", id).problem(400, "invalid_path").await;
        }
        scene.service.client.call(operation).path("id", UNKNOWN).problem(404, "job_not_found").await;
    }
}

#[tokio::test]
async fn a_job_at_work_is_shown_as_it_is_now() {
    let (scene, gate, id) = held_job(Stage::new()).await;
    let job = scene.service.call("get_job").path("id", &id).ok().await;
    assert_eq!((text(&job, "state"), text(&job["progress"], "phase")), ("running", "quiesce"), "{job:#}");
    let list = scene.service.call("list_jobs").query("state", "running").ok().await;
    assert_eq!((ids(&list), text(&list["items"][0]["progress"], "phase")), (vec![id.clone()], "quiesce"));
    let stack = scene.service.call("get_stack").path("name", "blog").ok().await;
    assert_eq!((text(&stack["last_job"], "id"), text(&stack["last_job"], "state")), (id.as_str(), "running"));
    gate.release();
    scene.service.end_of(&id).await;
    let list = scene.service.call("list_jobs").query("state", "running").ok().await;
    assert_eq!(list["items"], json!([]));
}

#[tokio::test]
async fn a_job_that_has_not_ended_is_not_tried_again_and_can_be_cancelled_twice() {
    let (scene, gate, id) = held_job(Stage::new()).await;
    scene.service.call("retry_job").path("id", &id).problem(409, "job_unfinished").await;
    for _ in 0..2 {
        let answer = scene.service.call("cancel_job").path("id", &id).send().await;
        assert_eq!((answer.status.as_u16(), answer.json()["id"].as_str()), (202, Some(id.as_str())));
    }
    gate.release();
    assert_eq!(scene.service.end_of(&id).await["state"], "cancelled");
    let again = scene.service.call("retry_job").path("id", &id).send().await;
    let job = again.json();
    assert_eq!(again.status.as_u16(), 202);
    assert_eq!(again.headers["location"].to_str().ok(), Some(format!("/api/v1/jobs/{}", text(&job, "id")).as_str()));
    assert_eq!(scene.service.end_of(text(&job, "id")).await["state"], "succeeded");
}

#[tokio::test]
async fn the_log_of_a_job_is_read_in_pages_and_by_level() {
    let scene = Stage::new().start().await;
    let job = scene.service.back_up("blog").await;
    let id = text(&job, "id");
    let whole = scene.service.call("get_job_log").path("id", id).ok().await;
    let lines = whole["items"].as_array().expect("lines");
    assert!(whole["next_cursor"].is_null() && lines.len() > 4);
    let expected: Vec<u64> = (1..=lines.len() as u64).collect();
    let read: Vec<u64> = lines.iter().map(|line| line["n"].as_u64().expect("a number")).collect();
    assert_eq!(read, expected, "numbers have no gaps");
    let (mut joined, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let call = scene.service.call("get_job_log").path("id", id).query("limit", 2).query("after", &after);
        let page = call.ok().await;
        joined.extend(page["items"].as_array().expect("lines").clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        after = next.to_owned();
    }
    assert_eq!(&joined, lines);
    let good = scene.service.call("get_job_log").path("id", id).query("level", "SUCCESS").ok().await;
    let good = good["items"].as_array().expect("lines").clone();
    assert!(
        !good.is_empty() && good.len() < lines.len() && good.iter().all(|line| line["level"] == "SUCCESS"),
        "{good:?}"
    );
    for (name, value) in [("after", "x"), ("limit", "0"), ("limit", "5001"), ("level", "LOUD")] {
        let problem =
            scene.service.call("get_job_log").path("id", id).query(name, value).problem(400, "invalid_query").await;
        assert_eq!(problem["errors"][0]["name"], name);
    }
}

#[tokio::test]
async fn a_log_is_downloaded_as_its_file() {
    let scene = Stage::new().start().await;
    let job = scene.service.back_up("blog").await;
    let id = text(&job, "id");
    let answer = scene.service.call("download_job_log").path("id", id).send().await;
    assert!(answer.headers["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/plain")));
    let disposition = answer.headers["content-disposition"].to_str().expect("text").to_owned();
    let name = disposition.strip_prefix("attachment; filename=\"").and_then(|rest| rest.strip_suffix('"'));
    let name = name.unwrap_or_else(|| panic!("{disposition}"));
    assert!(name.starts_with("backup_blog_") && name.contains(id), "{name}");
    let file = std::fs::read_to_string(scene.service.path("logs").join(name)).expect("the file");
    assert_eq!(answer.text, file);
    std::fs::remove_file(scene.service.path("logs").join(name)).expect("removed");
    for operation in ["get_job_log", "stream_job_log", "download_job_log"] {
        scene.service.client.call(operation).path("id", id).problem(404, "log_not_found").await;
    }
}

#[tokio::test]
async fn the_stream_of_an_ended_job_tells_the_rest_and_ends() {
    let scene = Stage::new().start().await;
    let job = scene.service.back_up("blog").await;
    let id = text(&job, "id");
    let count = scene.service.log_of(id).await.len() as u64;
    let told = async |after: u64| {
        let call = scene.service.call("stream_job_log").path("id", id).query("after", after);
        let mut events = Events::new(call.open().await);
        let (mut names, mut lines) = (Vec::new(), Vec::new());
        while let Some(event) = events.next().await {
            if event.name == "log" {
                lines.extend(numbers(&event));
            }
            if event.name == "end" {
                assert_eq!(event.data, json!({ "state": "succeeded" }));
            }
            names.push(event.name);
        }
        (names.join(" "), lines)
    };
    assert_eq!(told(0).await, ("log state end".to_owned(), (1..=count).collect()));
    assert_eq!(told(2).await, ("log state end".to_owned(), (3..=count).collect()));
    assert_eq!(told(count).await, ("state end".to_owned(), Vec::new()));
    assert_eq!(told(count + 1).await, ("reset log state end".to_owned(), (1..=count).collect()));
    scene.service.call("stream_job_log").path("id", id).query("after", "x").problem(400, "invalid_query").await;
    let call = scene.service.call("stream_job_log").path("id", id).header("last-event-id", "18c-x");
    call.problem(400, "invalid_query").await;
}

#[tokio::test]
async fn a_live_stream_resumes_exactly_by_header_and_by_parameter() {
    let (scene, gate, id) = held_job(Stage::new()).await;
    let open = || scene.service.call("stream_job_log").path("id", &id);
    let mut first = Events::new(open().open().await);
    let last = write_lines(&scene, &id, 700);
    assert_eq!(lines_until(&mut first, last).await, (1..=last).collect::<Vec<_>>());
    drop(first);
    let next = write_lines(&scene, &id, 30);
    let mut by_header = Events::new(open().header("last-event-id", &last.to_string()).open().await);
    assert_eq!(lines_until(&mut by_header, next).await, (last + 1..=next).collect::<Vec<_>>());
    let mut by_parameter = Events::new(open().query("after", last).open().await);
    assert_eq!(lines_until(&mut by_parameter, next).await, (last + 1..=next).collect::<Vec<_>>());
    // A browser sends its first address again, with a newer header.
    let mut by_both = Events::new(open().query("after", 1).header("last-event-id", &last.to_string()).open().await);
    assert_eq!(lines_until(&mut by_both, next).await, (last + 1..=next).collect::<Vec<_>>());
    gate.release();
    for events in [&mut by_header, &mut by_parameter, &mut by_both] {
        let (mut lines, mut names) = (Vec::new(), Vec::new());
        while let Some(event) = events.next().await {
            if event.name == "log" {
                lines.extend(numbers(&event));
            }
            if event.name == "state" {
                names.push(text(&event.data, "state").to_owned());
            }
            if event.name == "end" {
                names.push("end".to_owned());
            }
        }
        assert_eq!(lines, (next + 1..=next + lines.len() as u64).collect::<Vec<_>>());
        assert_eq!(names.last().map(String::as_str), Some("end"));
        assert_eq!(names.iter().rev().nth(1).map(String::as_str), Some("succeeded"), "{names:?}");
    }
    let whole = scene.service.call("get_job_log").path("id", &id).query("limit", 5000).ok().await;
    assert!(whole["items"].as_array().is_some_and(|lines| lines.len() as u64 > next));
}

#[tokio::test]
async fn a_stream_that_is_open_does_not_hold_up_the_end_of_the_service() {
    let (scene, gate, id) = held_job(Stage::new()).await;
    let mut events = Events::new(scene.service.call("stream_job_log").path("id", &id).open().await);
    assert_eq!(events.expect().await.name, "log");
    gate.release();
    scene.service.stop().await;
    while events.next().await.is_some() {}
}

#[tokio::test]
async fn who_set_a_job_off_is_known() {
    let scene = Stage::new().start().await;
    let body = json!({ "dry_run": true });
    let call = || scene.service.call("backup_stack").path("name", "blog").json(body.clone());
    let by_api = call().ok().await;
    scene.service.end_of(text(&by_api, "id")).await;
    let by_cli = call().header("user-agent", "mainstay-cli/0.1.0").ok().await;
    scene.service.end_of(text(&by_cli, "id")).await;
    let cookie = format!("mainstay_session={}", scene.service.client.token.as_deref().expect("a token"));
    let browser = scene.service.client.with_token(None);
    let call = browser.call("backup_stack").path("name", "blog").json(body.clone());
    let by_hand = call.header("cookie", &cookie).header("x-requested-with", "mainstay").ok().await;
    scene.service.end_of(text(&by_hand, "id")).await;
    assert_eq!([&by_api, &by_cli, &by_hand].map(|job| text(job, "trigger")), ["api", "cli", "manual"]);
}
