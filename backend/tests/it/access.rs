//! Who gets in, and how far.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use chrono::Duration;
use mainstay::app::Builder;
use mainstay::docker::scripted::ScriptedEngine;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::process::{mainstay, write_config};
use crate::support::scene::{Scene, Stage};
use crate::support::service::{PASSWORD, load_config};
use crate::support::store;

/// Makes a token and returns a client that has it.
async fn with_scope(scene: &Scene, scope: &str) -> Client {
    let token = scene.service.call("create_token").json(json!({ "name": scope, "scope": scope })).ok().await;
    scene.service.client.with_token(token["token"].as_str())
}

#[tokio::test]
async fn a_session_is_a_cookie_and_a_token_and_ends_for_both() {
    let scene = Stage::new().start().await;
    let stranger = scene.service.client.with_token(None);
    let answer = stranger.call("log_in").json(json!({ "password": PASSWORD })).send().await;
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    let cookie = answer.headers["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.starts_with(&format!("mainstay_session={token};")), "{cookie}");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = format!("mainstay_session={token}");
    let me = stranger.call("get_me").header("cookie", &cookie).ok().await;
    assert_eq!((&me["via"], &me["scope"]), (&json!("cookie"), &json!("admin")), "{me}");
    let me = stranger.with_token(Some(&token)).call("get_me").ok().await;
    assert_eq!(me["via"], "bearer", "{me}");
    stranger.call("log_out").header("cookie", &cookie).problem(403, "csrf").await;
    let out = stranger.call("log_out").header("cookie", &cookie).header("x-requested-with", "test").send().await;
    assert_eq!(out.status.as_u16(), 204, "{}", out.text);
    stranger.call("get_me").header("cookie", &cookie).problem(401, "unauthenticated").await;
    stranger.with_token(Some(&token)).call("get_me").problem(401, "unauthenticated").await;
}

#[tokio::test]
async fn a_session_ends_at_its_time() {
    let scene = Stage::new()
        .manual_clock()
        .config(&format!("auth: {{ password: '{PASSWORD}', session_ttl: 2h }}"))
        .start()
        .await;
    let clock = scene.service.clock.clone().expect("a manual clock");
    clock.advance(Duration::minutes(119));
    scene.service.call("get_me").ok().await;
    clock.advance(Duration::minutes(1));
    scene.service.call("get_me").problem(401, "unauthenticated").await;
}

#[tokio::test]
async fn tokens_are_made_listed_used_and_removed() {
    let scene = Stage::new().manual_clock().start().await;
    let body = json!({ "name": "monitoring", "scope": "read", "expires_in_days": 30 });
    let answer = scene.service.call("create_token").json(body).send().await;
    assert_eq!(answer.status.as_u16(), 201, "{}", answer.text);
    let made = answer.json();
    let (id, secret) = (made["id"].as_str().expect("an id"), made["token"].as_str().expect("a secret"));
    let list = scene.service.call("list_tokens").ok().await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "no session: {list:#}");
    assert_eq!((&list["items"][0]["id"], &list["items"][0]["last_used_at"]), (&json!(id), &Value::Null));
    assert!(!list.to_string().contains(secret), "a secret is told once");
    let program = scene.service.client.with_token(Some(secret));
    assert_eq!(program.call("get_me").ok().await["name"], "monitoring");
    assert!(scene.service.call("list_tokens").ok().await["items"][0]["last_used_at"].is_string());
    assert_eq!(
        scene.service.call("list_tokens").query("sessions", true).ok().await["items"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(scene.service.call("delete_token").path("id", id).send().await.status.as_u16(), 204);
    program.call("get_me").problem(401, "unauthenticated").await;
    scene.service.call("delete_token").path("id", id).problem(404, "token_not_found").await;
    scene.service.call("delete_token").path("id", "../tokens").problem(400, "invalid_path").await;
}

#[tokio::test]
async fn a_token_ends_at_its_time() {
    let scene = Stage::new()
        .manual_clock()
        .config(&format!("auth: {{ password: '{PASSWORD}', session_ttl: 100d }}"))
        .start()
        .await;
    let clock = scene.service.clock.clone().expect("a manual clock");
    let body = json!({ "name": "short", "scope": "read", "expires_in_days": 1 });
    let made = scene.service.call("create_token").json(body).ok().await;
    let program = scene.service.client.with_token(made["token"].as_str());
    clock.advance(Duration::hours(24) - Duration::milliseconds(1));
    program.call("get_status").ok().await;
    clock.advance(Duration::milliseconds(1));
    program.call("get_status").problem(401, "unauthenticated").await;
    assert_eq!(scene.service.call("list_tokens").ok().await["items"], json!([]));
}

#[tokio::test]
async fn a_wrong_token_opens_nothing() {
    let scene = Stage::new().start().await;
    for wrong in ["wrong", "mst_0000", "'; DROP TABLE tokens; --"] {
        let answer = scene.service.client.with_token(Some(wrong)).call("get_status").send().await;
        assert_eq!(answer.status.as_u16(), 401, "{wrong}");
        assert!(answer.headers["www-authenticate"].to_str().expect("text").starts_with("Bearer"));
        assert!(!answer.text.contains(wrong), "what was sent is not repeated: {}", answer.text);
    }
}

#[tokio::test]
async fn a_scope_opens_what_it_says_and_no_more() {
    let scene = Stage::new().start().await;
    let reader = with_scope(&scene, "read").await;
    reader.call("get_status").ok().await;
    reader.call("get_metrics").send().await;
    reader.call("backup_stack").path("name", "blog").problem(403, "forbidden").await;
    reader
        .call("start_compat_backup")
        .header("content-type", FORM)
        .with(|r| r.body("stack=blog"))
        .problem(403, "forbidden")
        .await;
    reader.call("list_tokens").problem(403, "forbidden").await;
    let operator = with_scope(&scene, "operate").await;
    let job = operator.call("backup_stack").path("name", "blog").ok().await;
    scene.service.end_of(job["id"].as_str().expect("an id")).await;
    let body = json!({ "name": "mine", "scope": "admin" });
    let problem = operator.call("create_token").json(body).problem(403, "forbidden").await;
    assert!(problem["detail"].as_str().expect("a detail").contains("'admin'"), "{problem}");
    operator.call("delete_token").path("id", "tok_019aa3f1c2d47c3e9f00112233445566").problem(403, "forbidden").await;
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn bad_bodies_get_a_clear_answer() {
    let scene = Stage::new().start().await;
    let post = |body: &'static str| {
        scene.service.call("create_token").header("content-type", "application/json").with(move |r| r.body(body))
    };
    for body in
        ["{", "[]", "7", "null", r#"{"name": 7, "scope": "read"}"#, r#"{"name": "a", "scope": "root"}"#, "{}{}", ""]
    {
        post(body).problem(400, "invalid_body").await;
    }
    let problem = post(r#"{"name": "a", "scope": "read", "expires": 7}"#).problem(400, "invalid_body").await;
    assert_eq!(problem["errors"][0]["name"], "expires", "{problem}");
    let problem = post(r#"{"scope": "read"}"#).problem(400, "invalid_body").await;
    assert_eq!(problem["errors"][0]["name"], "name", "{problem}");
    scene
        .service
        .call("create_token")
        .header("content-type", "text/plain")
        .with(|r| r.body("{}"))
        .problem(415, "unsupported_media_type")
        .await;
    scene.service.call("list_tokens").query("session", true).problem(400, "invalid_query").await;
}

#[tokio::test]
async fn wrong_passwords_are_slowed_down() {
    let scene = Stage::new().manual_clock().start().await;
    let stranger = scene.service.client.with_token(None);
    let try_with = |password: &str| stranger.call("log_in").json(json!({ "password": password }));
    for _ in 0..5 {
        try_with("wrong").problem(401, "unauthenticated").await;
    }
    let answer = try_with(PASSWORD).send().await;
    assert_eq!(answer.status.as_u16(), 429, "{}", answer.text);
    let wait: i64 = answer.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    scene.service.clock.clone().expect("a manual clock").advance(Duration::seconds(wait));
    try_with(PASSWORD).ok().await;
}

#[tokio::test]
async fn authentication_can_be_switched_off_by_a_setting() {
    let root = tempfile::tempdir().expect("a directory");
    let url = store::new_database(root.path()).await;
    let loaded = load_config(root.path(), &url, &["auth: { disabled: true }".to_owned()]);
    let running = Builder::new(loaded).docker(ScriptedEngine::new().shared()).start().await.expect("started");
    let client = Client::new(&running.address(), None);
    let me = client.call("get_me").ok().await;
    assert_eq!((&me["via"], &me["scope"]), (&json!("nothing"), &json!("admin")), "{me}");
    assert_eq!(client.call("get_info").ok().await["is_auth_required"], false);
    client.call("create_token").json(json!({ "name": "a", "scope": "read" })).ok().await;
    let forged = client.call("create_token").json(json!({ "name": "a", "scope": "admin" }));
    forged.header("origin", "https://evil.example").problem(403, "csrf").await;
    running.stop().await;
}

/// Starts the binary, collects what it says until it answers, and ends it.
fn first_words(config: &std::path::Path) -> Vec<String> {
    let mut child = mainstay()
        .args(["serve", "--config"])
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut words = Vec::new();
    for line in BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok) {
        let is_up = line.contains("answers at");
        words.push(line);
        if is_up {
            break;
        }
    }
    child.kill().and_then(|()| child.wait()).expect("ended");
    words
}

#[tokio::test]
async fn the_first_start_without_a_password_makes_one_and_shows_it_once() {
    let root = tempfile::tempdir().expect("a directory");
    let url = store::new_database(root.path()).await;
    let no_engine = format!("docker_host: unix://{}/none.sock", root.path().display());
    let config = write_config(root.path(), &url, &["auth: { session_ttl: 12h }".to_owned(), no_engine]);
    let words = tokio::task::spawn_blocking(move || [first_words(&config), first_words(&config)]).await.expect("both");
    let is_password = |line: &str| line.split('-').map(str::len).eq([4, 4, 4]);
    let shown = words.map(|lines| lines.iter().filter(|line| is_password(line.trim())).cloned().collect::<Vec<_>>());
    assert!(shown[0].len() == 1 && shown[1].is_empty(), "{shown:?}");
    let password = shown[0][0].trim();
    let log: String = crate::support::service::list(&root.path().join("logs"))
        .iter()
        .filter_map(|name| std::fs::read_to_string(root.path().join("logs").join(name)).ok())
        .collect();
    assert!(!log.contains(password), "the log keeps what it is told");
    let loaded = load_config(root.path(), &url, &["auth: { session_ttl: 12h }".to_owned()]);
    let running = Builder::new(loaded).docker(ScriptedEngine::new().shared()).start().await.expect("started");
    let client = Client::new(&running.address(), None);
    client.call("log_in").json(json!({ "password": password })).ok().await;
    running.stop().await;
}
