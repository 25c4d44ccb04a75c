//! What the service says of itself: health, readiness, summary, self-test, numbers, and answers to what does not exist.

use std::time::Duration;

use futures_util::StreamExt as _;
use mainstay::docker::scripted::CallKind;
use mainstay::engine::events::Event;
use mainstay::engine::hub::HubItem;
use serde_json::{Value, json};

use crate::support::raw::send_raw;
use crate::support::scene::{Scene, Stage};
use crate::support::service::Service;

const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

/// Makes the engine come or go, and waits until the service has noticed.
async fn set_reachable(scene: &Scene, is_reachable: bool) {
    let mut events = Box::pin(scene.service.running.engine().events().subscribe(None));
    scene.engine.set_reachable(is_reachable);
    let noticed = async {
        while let Some(item) = events.next().await {
            if matches!(item, HubItem::Item { value: Event::Engine { is_reachable: now }, .. } if now == is_reachable) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), noticed).await.expect("the service notices");
}

fn address(service: &Service, path: &str) -> String {
    format!("{}{path}", service.client.base)
}

#[tokio::test]
async fn health_readiness_and_the_document_need_no_token() {
    let scene = Stage::new().start().await;
    let stranger = scene.service.client.with_token(None);
    assert_eq!(stranger.call("get_health").ok().await, json!({ "status": "ok" }));
    assert_eq!(stranger.call("get_readiness").ok().await, json!({ "ready": true, "reasons": [] }));
    assert_eq!(stranger.call("get_openapi").ok().await["openapi"], "3.1.0");
    for operation in ["get_info", "get_status", "get_doctor", "get_metrics", "list_hosts", "get_compat_status"] {
        stranger.call(operation).problem(401, "unauthenticated").await;
    }
}

#[tokio::test]
async fn a_lost_engine_makes_it_unready_until_it_is_back() {
    let scene = Stage::new().start().await;
    set_reachable(&scene, false).await;
    let answer = scene.service.call("get_readiness").send().await;
    assert_eq!(answer.status.as_u16(), 503, "{}", answer.text);
    assert_eq!(answer.json(), json!({ "ready": false, "reasons": ["the Docker Engine does not answer"] }));
    let host = scene.service.call("list_hosts").ok().await["items"][0].clone();
    assert!(host["state"] == "unreachable" && host["message"].is_string(), "{host}");
    let status = scene.service.call("get_status").ok().await;
    assert_eq!(status["engine"]["is_reachable"], false, "{status:#}");
    assert_eq!(status["stacks"]["found"], 1, "the directory is still seen: {status:#}");
    assert_eq!(scene.service.call("get_health").ok().await["status"], "ok", "the process lives");
    set_reachable(&scene, true).await;
    assert_eq!(scene.service.call("get_readiness").ok().await["ready"], true);
    assert_eq!(scene.service.call("list_hosts").ok().await["items"][0]["state"], "reachable");
}

#[tokio::test]
async fn a_service_that_starts_without_an_engine_says_so_and_recovers() {
    let stage = Stage::new();
    stage.engine.set_reachable(false);
    let scene = stage.start().await;
    assert_eq!(scene.service.call("get_readiness").send().await.status.as_u16(), 503);
    set_reachable(&scene, true).await;
    assert_eq!(scene.service.call("get_readiness").ok().await["ready"], true);
    assert_eq!(scene.service.call("get_status").ok().await["stacks"]["running"], 1);
}

#[tokio::test]
async fn the_installation_is_described() {
    let scene = Stage::new().config("node_name: nas").config("timezone: Europe/Berlin").start().await;
    let info = scene.service.call("get_info").ok().await;
    assert_eq!((&info["node_name"], &info["timezone"]), (&json!("nas"), &json!("Europe/Berlin")), "{info}");
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    assert!(
        info["is_auth_required"] == true
            && info["features"] == json!(["archive", "restic", "custom_image", "instances", "plans"]),
        "{info}"
    );
}

#[tokio::test]
async fn the_summary_follows_a_backup() {
    let stage = Stage::new();
    let gate = stage.engine.block_nth(CallKind::Stop, 1);
    let scene = stage.start().await;
    let before = scene.service.call("get_status").ok().await;
    assert_eq!(before["stacks"], json!({ "found": 1, "running": 1, "protected": 0, "overdue": 0 }), "{before:#}");
    assert!(before["last_success_at"].is_null() && before["bytes_stored"] == 0, "{before:#}");
    let job = scene.service.call("backup_stack").path("name", "blog").ok().await;
    gate.reached().await;
    let during = scene.service.call("get_status").ok().await;
    assert_eq!((&during["running_jobs"][0]["id"], &during["last_results"]), (&job["id"], &json!([])), "{during:#}");
    gate.release();
    scene.service.end_of(job["id"].as_str().expect("an id")).await;
    let after = scene.service.call("get_status").ok().await;
    assert_eq!(after["running_jobs"], json!([]), "{after:#}");
    assert_eq!(
        (&after["last_results"][0]["id"], &after["last_results"][0]["state"]),
        (&job["id"], &json!("succeeded"))
    );
    assert_eq!(after["stacks"]["protected"], 1, "{after:#}");
    assert!(after["last_success_at"].is_string() && after["bytes_stored"].as_u64() > Some(0), "{after:#}");
    assert!(after["backup_disk"]["free_bytes"].as_u64() > Some(0), "{after:#}");
}

fn check<'a>(doctor: &'a Value, name: &str) -> &'a Value {
    doctor["checks"].as_array().expect("checks").iter().find(|check| check["name"] == name).expect(name)
}

#[tokio::test]
async fn the_self_test_finds_faults_and_says_what_to_do() {
    let scene = Stage::new().start().await;
    let sound = scene.service.call("get_doctor").ok().await;
    for name in [
        "docker.reachable",
        "docker.containers",
        "docker.volumes",
        "store.writable",
        "backup_dir.writable",
        "log_dir.writable",
    ] {
        assert_eq!(check(&sound, name)["state"], "ok", "{sound:#}");
    }
    assert!(sound["checks"].as_array().expect("checks").iter().all(|c| c["state"] == "ok" || c["remedy"].is_string()));
    scene.engine.set_reachable(false);
    std::fs::remove_dir(scene.service.path("backups")).expect("removed");
    std::fs::write(scene.service.path("backups"), "in the way").expect("written");
    let broken = scene.service.call("get_doctor").ok().await;
    assert_eq!(broken["state"], "failed");
    for name in ["docker.reachable", "backup_dir.writable"] {
        let check = check(&broken, name);
        assert!(check["state"] == "failed" && check["remedy"].is_string(), "{check:#}");
    }
}

#[tokio::test]
async fn numbers_tell_of_the_last_backup() {
    let scene = Stage::new().start().await;
    scene.service.back_up("blog").await;
    let answer = scene.service.call("get_metrics").send().await;
    assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4");
    let value = |series: &str| -> f64 {
        let line = answer.text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in:\n{}", answer.text)).parse().expect("a number")
    };
    for (series, expected) in [
        ("mainstay_stacks{state=\"running\"}", 1.0),
        ("mainstay_stacks{state=\"stopped\"}", 0.0),
        ("mainstay_jobs_running", 0.0),
        ("mainstay_last_job_state{stack=\"blog\",state=\"succeeded\"}", 1.0),
        ("mainstay_engine_reachable", 1.0),
    ] {
        assert!((value(series) - expected).abs() < f64::EPSILON, "{series}: {}", answer.text);
    }
    assert!(value("mainstay_last_success_timestamp_seconds{stack=\"blog\"}") > 1.7e9);
    assert!(value("mainstay_stored_bytes") > 0.0 && value("mainstay_free_bytes") > 0.0);
    assert!(value("mainstay_stopped_seconds{stack=\"blog\"}") >= 0.0);
    assert!(answer.text.contains(&format!("mainstay_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn unknown_paths_below_api_are_problems_and_never_the_dashboard() {
    let scene = Stage::new().start().await;
    let http = &scene.service.client.http;
    for path in ["/api", "/api/", "/api/v1", "/api/v1/nothing", "/api/v2/jobs", "/api/v1/jobs/", "/api/index.html"] {
        let answer = http.get(address(&scene.service, path)).header("accept", BROWSER).send().await.expect("an answer");
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (404, &"application/problem+json".parse().expect("a value")),
            "{path}"
        );
        assert_eq!(answer.json::<Value>().await.expect("JSON")["code"], "not_found", "{path}");
    }
    for path in ["/", "/jobs", "/stacks/blog"] {
        let answer = http.get(address(&scene.service, path)).header("accept", BROWSER).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        assert!(answer.text().await.expect("text").to_lowercase().starts_with("<!doctype html>"), "{path}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let scene = Stage::new().start().await;
    for (method, path, allow) in [
        ("DELETE", "/api/v1/status", "GET, HEAD"),
        ("GET", "/api/v1/auth/login", "POST"),
        ("PUT", "/api/v1/auth/tokens", "GET, HEAD, POST"),
        ("POST", "/readyz", "GET, HEAD"),
        ("GET", "/backup", "POST"),
        ("OPTIONS", "/api/v1/logs", "GET, HEAD"),
    ] {
        let request =
            scene.service.client.http.request(method.parse().expect("a method"), address(&scene.service, path));
        let answer = request.send().await.expect("an answer");
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["allow"].to_str().expect("text")),
            (405, allow),
            "{method} {path}"
        );
        assert_eq!(answer.json::<Value>().await.expect("JSON")["code"], "method_not_allowed");
    }
}

#[tokio::test]
async fn every_answer_forbids_to_be_framed_or_guessed() {
    let scene = Stage::new().start().await;
    for path in ["/", "/api/v1/status", "/healthz", "/logs"] {
        let answer = scene.service.client.http.get(address(&scene.service, path)).send().await.expect("an answer");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(answer.headers()["x-frame-options"], "DENY", "{path}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let scene = Stage::new().start().await;
    let length = 2 * 1024 * 1024;
    // The body never comes: whoever waited for it would not answer.
    let head = format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nhost: mainstay\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    let (head, body) = send_raw(&scene.service.client.base, head).await;
    assert!(head.starts_with("http/1.1 413 "), "{head}");
    let problem: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&problem["code"], &problem["status"]), (&json!("payload_too_large"), &json!(413)));
}
