//! The routes of the stack archiver that Mainstay replaces, as its clients call them.

use mainstay::docker::scripted::CallKind;
use serde_json::json;

use crate::support::client::{Answer, Client};
use crate::support::scene::{Scene, Stage};

const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";
const FORM: &str = "application/x-www-form-urlencoded";

async fn post(client: &Client, accept: &str, body: &'static str) -> Answer {
    let call = client.call("start_compat_backup").header("accept", accept).header("content-type", FORM);
    call.with(move |request| request.body(body)).send().await
}

#[tokio::test]
async fn a_form_starts_a_job_per_stack_and_the_status_shows_it() {
    let stage = Stage::new().config("skip_stop: [wiki]");
    stage.add_stack("wiki");
    let gate = stage.engine.block_nth(CallKind::Stop, 1);
    let scene = stage.start().await;
    let status = scene.service.call("get_compat_status").ok().await;
    assert_eq!(status["backup_in_progress"], false);
    let stacks = json!([{"name": "blog", "running": true, "skip_stop": false}, {"name": "wiki", "running": true, "skip_stop": true}]);
    assert_eq!(status["stacks"], stacks);
    assert!(status["timestamp"].is_string());
    let answer = post(&scene.service.client, "*/*", "stack=blog&stack=wiki").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (202, &json!("started")), "{}", answer.text);
    gate.reached().await;
    assert_eq!(scene.service.call("get_compat_status").ok().await["backup_in_progress"], true);
    let second = post(&scene.service.client, "*/*", "stack=blog").await;
    assert_eq!((second.status.as_u16(), &second.json()["code"]), (409, &json!("job_conflict")), "{}", second.text);
    gate.release();
    for job in answer.json()["jobs"].as_array().expect("jobs") {
        assert_eq!(scene.service.end_of(job["id"].as_str().expect("an id")).await["state"], "succeeded");
    }
    assert_eq!(scene.service.archives().len(), 2);
}

#[tokio::test]
async fn a_browser_is_led_back_to_the_dashboard() {
    let scene = Stage::new().start().await;
    let answer = post(&scene.service.client, BROWSER, "stack=blog").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["location"]),
        (303, &"/".parse().expect("a value")),
        "{}",
        answer.text
    );
    let jobs = scene.service.call("list_jobs").ok().await;
    assert_eq!(
        (&jobs["items"][0]["stack"], &jobs["items"][0]["trigger"]),
        (&json!("blog"), &json!("manual")),
        "{jobs:#}"
    );
    scene.service.end_of(jobs["items"][0]["id"].as_str().expect("an id")).await;
}

#[tokio::test]
async fn a_selection_with_a_mistake_starts_nothing() {
    let scene = Stage::new().start().await;
    for (body, status, code) in [
        ("", 400, "invalid_body"),
        ("other=blog", 400, "invalid_body"),
        ("stack=blog&stack=nothere", 404, "stack_not_found"),
        ("stack=blog&stack=..%2F..%2Fetc", 400, "invalid_name"),
        ("stack=a%00b", 400, "invalid_name"),
    ] {
        let answer = post(&scene.service.client, BROWSER, body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (status, &json!(code)), "{body}: {}", answer.text);
    }
    assert_eq!(scene.service.call("list_jobs").ok().await["items"], json!([]));
}

/// A form as a browser sends it with the session's cookie.
async fn post_as_browser(scene: &Scene, site: &str) -> Answer {
    let cookie = format!("mainstay_session={}", scene.service.client.token.as_deref().expect("a session"));
    let call = scene.service.client.with_token(None).call("start_compat_backup").header("cookie", &cookie);
    let call = call.header("sec-fetch-site", site).header("accept", BROWSER).header("content-type", FORM);
    call.with(|request| request.body("stack=blog")).send().await
}

#[tokio::test]
async fn a_form_of_another_site_starts_nothing() {
    let scene = Stage::new().start().await;
    let forged = post_as_browser(&scene, "cross-site").await;
    assert_eq!((forged.status.as_u16(), &forged.json()["code"]), (403, &json!("csrf")));
    assert_eq!(scene.service.call("list_jobs").ok().await["items"], json!([]));
    assert_eq!(post_as_browser(&scene, "same-origin").await.status.as_u16(), 303);
}

#[tokio::test]
async fn the_log_comes_as_lines_of_text() {
    let scene = Stage::new().config("timezone: Europe/Berlin").start().await;
    scene.service.back_up("blog").await;
    let log = scene.service.call("get_compat_logs").query("lines", 3).ok().await;
    let lines = log["logs"].as_array().expect("lines");
    assert_eq!((log["count"].as_u64(), lines.len()), (Some(3), 3), "{log:#}");
    let line = lines[2].as_str().expect("text");
    let (at, rest) = line.split_at(19);
    assert!(chrono::NaiveDateTime::parse_from_str(at, "%Y-%m-%d %H:%M:%S").is_ok() && rest.starts_with(" ["), "{line}");
    for lines in ["abc", "-1", "0", "501", "99999999999999999999", ""] {
        let problem = scene.service.call("get_compat_logs").query("lines", lines).problem(400, "invalid_query").await;
        assert_eq!(problem["errors"][0]["name"], "lines");
    }
}

#[tokio::test]
async fn the_settings_hold_no_secret() {
    let scene = Stage::new().config("retention_days: 3").start().await;
    let config = scene.service.call("get_compat_config").ok().await;
    for key in
        ["stacks_dir", "backup_dir", "log_dir", "include_data", "skip_stop", "retention_days", "log_retention_days"]
    {
        assert!(config.get(key).is_some(), "{key}: {config:#}");
    }
    assert_eq!(config["retention_days"], 3);
    assert!(!config.to_string().contains("correct horse"), "{config:#}");
}

#[tokio::test]
async fn pages_of_logs_are_the_dashboards_for_browsers_and_data_for_programs() {
    let scene = Stage::new().start().await;
    std::fs::write(scene.service.path("logs/a.log"), "a line\n").expect("written");
    let stranger = scene.service.client.with_token(None);
    let page = stranger.call("list_compat_logs").header("accept", BROWSER).send().await;
    assert!(page.status.is_success() && page.text.to_lowercase().starts_with("<!doctype html>"), "{}", page.text);
    let page = stranger.call("get_compat_log").path("name", "a.log").header("accept", BROWSER).send().await;
    assert!(page.text.to_lowercase().starts_with("<!doctype html>") && !page.text.contains("a line"), "{}", page.text);
    stranger.call("list_compat_logs").problem(401, "unauthenticated").await;
    stranger.call("get_compat_log").path("name", "a.log").problem(401, "unauthenticated").await;
    stranger.call("download_compat_log").path("name", "a.log").problem(401, "unauthenticated").await;
    let list = scene.service.call("list_compat_logs").ok().await;
    assert!(list["items"].as_array().expect("files").iter().any(|file| file["name"] == "a.log"), "{list:#}");
    assert_eq!(scene.service.call("get_compat_log").path("name", "a.log").send().await.text, "a line\n");
    let saved = scene.service.call("download_compat_log").path("name", "a.log").send().await;
    assert_eq!(saved.headers["content-disposition"], "attachment; filename=\"a.log\"");
    assert_eq!(saved.text, "a line\n");
    scene.service.call("download_compat_log").path("name", "missing.log").problem(404, "log_not_found").await;
}
