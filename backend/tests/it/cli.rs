//! The command line, as the true binary.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::engine::Lab;
use crate::support::process::{Process, mainstay, write_config};
use crate::support::stack::{SampleStack, Shape};
use crate::support::store;

async fn config(root: &Path) -> std::path::PathBuf {
    let url = store::new_database(root).await;
    write_config(root, &url, &[])
}

fn run(config: &Path, args: &[&str]) -> Output {
    mainstay().arg("--config").arg(config).args(args).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("no JSON ({e}): {output:?}"))
}

#[tokio::test]
async fn every_mistake_of_a_configuration_is_told_at_once() {
    let root = tempfile::tempdir().expect("a directory");
    let path = root.path().join("config.yml");
    std::fs::write(&path, "stacks_dir: stacks\nretenton_days: 7\narchive:\n  level: 42\n").expect("written");
    let output = run(&path, &["serve", "--check-config"]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    for part in ["config.yml:1:", "config.yml:2:", "did you mean 'retention_days'", "config.yml:4:"] {
        assert!(errors.contains(part), "no '{part}' in:\n{errors}");
    }
    let (head, lines) = errors.split_once('\n').expect("lines");
    assert_eq!(head, "mainstay: the configuration has 3 mistakes:");
    let place = format!("{}:", path.display());
    assert!(lines.lines().all(|line| line.starts_with(&place)), "an editor can jump to each line:\n{errors}");
}

#[tokio::test]
async fn a_single_mistake_is_one_line() {
    let root = tempfile::tempdir().expect("a directory");
    let path = root.path().join("config.yml");
    std::fs::write(&path, "retenton_days: 7\n").expect("written");
    let errors = text(&run(&path, &["serve", "--check-config"]).stderr);
    assert!(errors.starts_with(&format!("mainstay: {}:1:", path.display())) && errors.lines().count() == 1, "{errors}");
}

#[tokio::test]
async fn a_good_configuration_is_said_to_be_good() {
    let root = tempfile::tempdir().expect("a directory");
    let output = run(&config(root.path()).await, &["serve", "--check-config"]);
    assert!(output.status.success() && text(&output.stdout).contains("is valid"), "{output:?}");
}

#[tokio::test]
async fn the_document_is_printed_as_it_is_checked_in() {
    let output = mainstay().arg("openapi").output().expect("the binary runs");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/openapi.json");
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text(&output.stdout) == checked_in, "openapi/openapi.json is stale: run `make openapi`");
}

#[tokio::test]
async fn the_schema_is_made_by_a_command_of_its_own() {
    let root = tempfile::tempdir().expect("a directory");
    let config = config(root.path()).await;
    for _ in 0..2 {
        let output = run(&config, &["migrate"]);
        assert!(output.status.success(), "{output:?}");
    }
}

#[tokio::test]
async fn health_is_asked_of_the_running_service() {
    let root = tempfile::tempdir().expect("a directory");
    let config = config(root.path()).await;
    let nobody =
        mainstay().arg("--config").arg(&config).arg("healthcheck").env("MAINSTAY_URL", "http://127.0.0.1:9").output();
    assert_eq!(nobody.expect("the binary runs").status.code(), Some(1));
    let service = Process::start(&config, &[]);
    let output = mainstay().arg("--config").arg(&config).arg("healthcheck").env("MAINSTAY_URL", &service.base).output();
    assert!(output.expect("the binary runs").status.success());
}

#[tokio::test]
async fn commands_work_with_and_without_a_running_service() {
    let Some(lab) = Lab::open("commands on a real stack").await else { return };
    let root = tempfile::tempdir().expect("a directory");
    let config = config(root.path()).await;
    let stack = SampleStack::up(&lab, &root.path().join("stacks"), Shape::default()).await;

    let stacks = json(&run(&config, &["stacks", "--json"]));
    let listed = stacks["items"].as_array().expect("items").iter().any(|s| s["name"] == stack.name.as_str());
    assert!(listed, "{stacks:#}");
    let alone = run(&config, &["backup", &stack.name]);
    assert_eq!(alone.status.code(), Some(0), "{alone:?}");
    assert!(text(&alone.stderr).contains("capture"), "a line for each step: {alone:?}");

    let service = Process::start(&config, &[]);
    let beside = |args: &[&str]| {
        let output = mainstay().arg("--config").arg(&config).args(args).env("MAINSTAY_URL", &service.base).output();
        output.expect("the binary runs")
    };
    let jobs = json(&beside(&["backup", &stack.name, "--json"]));
    assert_eq!((jobs[0]["state"].as_str(), jobs[0]["trigger"].as_str()), (Some("succeeded"), Some("cli")), "{jobs:#}");
    assert_eq!(stack.is_up(&lab).await, (true, true));
    assert_eq!(beside(&["backup", "nothere"]).status.code(), Some(1));
    let doctor = beside(&["doctor", "--json"]);
    assert!(json(&doctor)["checks"].as_array().is_some_and(|checks| checks.len() > 8), "{doctor:?}");
    let table = text(&beside(&["stacks"]).stdout);
    assert!(table.lines().any(|line| line.starts_with(&stack.name) && line.contains("yes")), "{table}");

    // A volume that became empty is no success: the exit code says so.
    let emptied = Path::new("/var/lib/docker/volumes").join(&stack.volume).join("_data/log");
    let stopped = lab.engine_stop(&stack.db).await;
    assert!(stopped && std::fs::remove_file(&emptied).is_ok(), "the test empties {}", emptied.display());
    assert_eq!(beside(&["backup", &stack.name]).status.code(), Some(3));
}
