//! `mainstay resume`: with the service, without it, and where nothing else would start.

use std::path::Path;

use mainstay::docker::ContainerEngine as _;
use mainstay::domain::clock::SystemClock;
use mainstay::store::Store;
use serde_json::Value;

use crate::support::engine::{Lab, Recipe};
use crate::support::process::{Process, mainstay, write_config};
use crate::support::stack::{SampleStack, Shape};
use crate::support::store;

struct Scene {
    lab: Lab,
    root: tempfile::TempDir,
    stack: SampleStack,
    config: std::path::PathBuf,
}

impl Scene {
    async fn set(left_out: &str) -> Option<Self> {
        let lab = Lab::open(left_out).await?;
        let root = tempfile::tempdir().expect("a directory");
        let config = write_config(root.path(), &store::new_database(root.path()).await, &[]);
        let stack = SampleStack::up(&lab, &root.path().join("stacks"), Shape::default()).await;
        Some(Self { lab, root, stack, config })
    }

    /// Kills a service that holds the stack at rest.
    async fn kill_at_rest(&self) {
        let mut process = Process::start(&self.config, &[("MAINSTAY_PAUSE_AT", "quiesce.after")]);
        process.client().await.call("backup_stack").path("name", &self.stack.name).ok().await;
        process.wait_for_line("paused at quiesce.after");
        process.kill();
        assert_eq!(self.stack.is_up(&self.lab).await, (false, false));
    }
}

/// Runs the command; returns its exit code, what it printed as JSON, and what it said.
fn resume(config: &Path, arguments: &[&str]) -> (i32, Value, String) {
    let output = mainstay().args(["resume", "--json", "--config"]).arg(config).args(arguments).output().expect("run");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let printed = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap_or(-1), printed, said)
}

fn states(report: &Value) -> Vec<&str> {
    let items = report["items"].as_array().expect("items");
    items.iter().map(|one| one["state"].as_str().expect("a state")).collect()
}

#[tokio::test]
async fn without_a_service_and_with_a_broken_file_what_was_stopped_comes_back() {
    let Some(scene) = Scene::set("resume without a service").await else { return };
    let other = scene.lab.created("never-started", Recipe::default()).await;
    scene.kill_at_rest().await;
    // A service would not start with these; what is at rest does not care.
    let text = std::fs::read_to_string(&scene.config).expect("a file");
    let text = text
        .replace("backup_dir: ", "backup_dir: /proc/nowhere\nbackup_dri: ")
        .replace("log_dir: ", "log_dir: /proc/x #");
    std::fs::write(&scene.config, format!("{text}retention_days: many\n")).expect("written");
    let (code, report, said) = resume(&scene.config, &["--dry-run"]);
    assert_eq!((code, states(&report).as_slice()), (0, ["pending", "pending"].as_slice()), "{said}");
    assert_eq!(scene.stack.is_up(&scene.lab).await, (false, false), "a dry run starts nothing");
    let (code, report, said) = resume(&scene.config, &["--stack", "another"]);
    assert_eq!((code, report["items"].as_array().map(Vec::len)), (0, Some(0)), "{said}");
    assert_eq!(scene.stack.is_up(&scene.lab).await, (false, false), "another stack was asked for");
    let (code, report, said) = resume(&scene.config, &[]);
    assert_eq!((code, states(&report).as_slice()), (0, ["back", "back"].as_slice()), "{said}");
    assert!(said.contains("many"), "the mistakes are told: {said}");
    assert_eq!(scene.stack.is_up(&scene.lab).await, (true, true));
    assert!(!scene.lab.engine.inspect_container(&other).await.expect("a container").is_up(), "never ours");
    let (code, report, _) = resume(&scene.config, &[]);
    assert_eq!((code, report["items"].as_array().map(Vec::len)), (0, Some(0)), "nothing is left");
}

#[tokio::test]
async fn what_cannot_be_started_is_told_and_is_a_failure() {
    let Some(scene) = Scene::set("resume of a container that cannot be started").await else { return };
    scene.kill_at_rest().await;
    // A file cannot be mounted over a directory, so the engine refuses to start the container.
    let data = scene.root.path().join("stacks").join(&scene.stack.name).join("data");
    std::fs::remove_dir_all(&data).expect("removed");
    std::fs::write(&data, "in the way").expect("written");
    let (code, report, said) = resume(&scene.config, &[]);
    assert_eq!((code, states(&report).as_slice()), (1, ["back", "failed"].as_slice()), "{said} {report}");
    assert!(report["items"][1]["message"].as_str().is_some_and(|m| m.contains("could not start")), "{report}");
    assert_eq!(scene.stack.is_up(&scene.lab).await, (true, false));
}

#[tokio::test]
async fn a_living_job_keeps_what_it_holds_and_the_service_is_asked() {
    let Some(scene) = Scene::set("resume beside a living job").await else { return };
    let mut process = Process::start(&scene.config, &[("MAINSTAY_PAUSE_AT", "quiesce.after")]);
    process.client().await.call("backup_stack").path("name", &scene.stack.name).ok().await;
    process.wait_for_line("paused at quiesce.after");
    let address = process.base.trim_start_matches("http://").to_owned();
    let output =
        mainstay().args(["resume", "--json", "--config"]).arg(&scene.config).env("MAINSTAY_LISTEN", &address).output();
    let output = output.expect("run");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!((output.status.code(), states(&report).as_slice()), (Some(1), ["held", "held"].as_slice()), "{said}");
    assert_eq!(scene.stack.is_up(&scene.lab).await, (false, false), "nothing is started under a capture");
    // Without the address the store is found taken: nothing is done behind the back of the service.
    let (code, _, said) = resume(&scene.config, &[]);
    assert!(code == 1 && said.contains("another Mainstay"), "{code} {said}");
    process.kill();
    let store =
        Store::connect(&store::database_of(&scene.config), std::sync::Arc::new(SystemClock)).await.expect("a store");
    assert_eq!(store.list_journal().await.expect("the journal").len(), 2);
    let (code, report, said) = resume(&scene.config, &[]);
    assert_eq!((code, states(&report).as_slice()), (0, ["back", "back"].as_slice()), "the job is gone: {said}");
}
