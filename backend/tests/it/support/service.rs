//! The true application on a port of its own, with a store and directories of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mainstay::app::{Builder, Running};
use mainstay::config::{LoadOptions, Loaded, load};
use mainstay::docker::SharedEngine;
use mainstay::docker::scripted::ScriptedEngine;
use mainstay::domain::clock::{ManualClock, SharedClock, SystemClock};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Call, Client};
use super::store;

/// The password of every test service.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A service under test.
pub(crate) struct Service {
    pub(crate) running: Running,
    pub(crate) client: Client,
    pub(crate) root: TempDir,
    pub(crate) clock: Option<Arc<ManualClock>>,
}

/// What a service under test is like.
pub(crate) struct Setup {
    root: TempDir,
    docker: SharedEngine,
    clock: Option<Arc<ManualClock>>,
    extra: Vec<String>,
}

impl Setup {
    /// A service on a scripted engine.
    pub(crate) fn scripted(engine: &ScriptedEngine) -> Self {
        Self::on(engine.shared())
    }

    /// A service on any engine.
    pub(crate) fn on(docker: SharedEngine) -> Self {
        let root = tempfile::tempdir().expect("a directory");
        for directory in ["stacks", "backups", "logs"] {
            std::fs::create_dir(root.path().join(directory)).expect("made");
        }
        Self { root, docker, clock: None, extra: Vec::new() }
    }

    /// A line more in the configuration file.
    pub(crate) fn config(mut self, line: &str) -> Self {
        self.extra.push(line.to_owned());
        self
    }

    /// A clock that stands still until it is moved.
    pub(crate) fn manual_clock(mut self) -> Self {
        let start = chrono::DateTime::from_timestamp(1_790_000_000, 0).expect("a valid time");
        self.clock = Some(Arc::new(ManualClock::new(start)));
        self
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) async fn start(self) -> Service {
        let url = store::new_database(self.root.path()).await;
        let loaded = load_config(self.root.path(), &url, &self.extra);
        let clock: SharedClock = self.clock.clone().map_or_else(|| Arc::new(SystemClock) as _, |c| c as _);
        let running = Builder::new(loaded).clock(clock).docker(self.docker).start().await.expect("the service starts");
        let client = sign_in(&running.address()).await;
        Service { running, client, root: self.root, clock: self.clock }
    }
}

/// Writes a configuration file and loads it.
pub(crate) fn load_config(root: &Path, database_url: &str, extra: &[String]) -> Loaded {
    let path = root.join("config.yml");
    std::fs::write(&path, config_text(root, database_url, extra)).expect("written");
    load(&LoadOptions { explicit_path: Some(path), ..LoadOptions::default() }).expect("a valid configuration")
}

/// The configuration file of a test service.
pub(crate) fn config_text(root: &Path, database_url: &str, extra: &[String]) -> String {
    let root = root.display();
    let mut text = format!(
        "stacks_dir: {root}/stacks\nbackup_dir: {root}/backups\nlog_dir: {root}/logs\nstaging_dir: {root}/staging\n\
         database_url: '{database_url}'\nlisten: 127.0.0.1:0\n"
    );
    if !extra.iter().any(|line| line.starts_with("health_timeout:")) {
        text += "health_timeout: 10s\n";
    }
    if !extra.iter().any(|line| line.starts_with("verify:")) {
        text += "verify: { fraction: 0 }\n";
    }
    if !extra.iter().any(|line| line.starts_with("auth:")) {
        text += &format!("auth: {{ password: '{PASSWORD}' }}\n");
    }
    for line in extra {
        text += line;
        text.push('\n');
    }
    text
}

/// Makes a stack directory with a compose file.
pub(crate) fn write_stack(root: &Path, name: &str, compose: &str) -> PathBuf {
    let directory = root.join("stacks").join(name);
    std::fs::create_dir_all(&directory).expect("made");
    std::fs::write(directory.join("compose.yaml"), compose).expect("written");
    directory
}

impl Service {
    /// A request to an operation.
    pub(crate) fn call(&self, operation: &str) -> Call {
        self.client.call(operation)
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// Backs a stack up and waits for the end; returns the job.
    pub(crate) async fn back_up(&self, stack: &str) -> Value {
        let job = self.call("backup_stack").path("name", stack).ok().await;
        self.end_of(job["id"].as_str().expect("an id")).await
    }

    /// Waits for the end of a job.
    pub(crate) async fn end_of(&self, id: &str) -> Value {
        wait_for_end(&self.client, id).await
    }

    /// Moves the manual clock, and signs in again: the session may have ended meanwhile.
    pub(crate) async fn advance(&mut self, by: chrono::Duration) {
        self.clock.as_ref().expect("a manual clock").advance(by);
        self.client = sign_in(&self.running.address()).await;
    }

    /// The lines of a job's log.
    pub(crate) async fn log_of(&self, id: &str) -> Vec<String> {
        let page = self.call("get_job_log").path("id", id).query("limit", 500).ok().await;
        let lines = page["items"].as_array().expect("items");
        lines
            .iter()
            .map(|l| format!("{} {}", l["level"].as_str().unwrap_or("?"), l["message"].as_str().unwrap_or("?")))
            .collect()
    }

    /// Names of the files in `backups`, but for the indexes beside the archives.
    pub(crate) fn archives(&self) -> Vec<String> {
        list(&self.path("backups")).into_iter().filter(|name| !name.ends_with(".index")).collect()
    }

    pub(crate) async fn stop(self) -> TempDir {
        self.running.stop().await;
        self.root
    }
}

/// A client with a session of its own.
pub(crate) async fn sign_in(base: &str) -> Client {
    let client = Client::new(base, None);
    let login = client.call("log_in").json(json!({ "password": PASSWORD })).ok().await;
    client.with_token(login["token"].as_str())
}

/// Names of the files in a directory, sorted.
pub(crate) fn list(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let mut names: Vec<String> =
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Waits for the end of a job by its stream: no polling.
pub(crate) async fn wait_for_end(client: &Client, id: &str) -> Value {
    let watch = async {
        let mut stream = client.call("stream_job_log").path("id", id).open().await;
        while stream.chunk().await.expect("a chunk").is_some() {}
    };
    tokio::time::timeout(Duration::from_secs(120), watch).await.expect("the job ends in time");
    let job = client.call("get_job").path("id", id).ok().await;
    assert!(!matches!(job["state"].as_str(), Some("queued" | "running")), "the stream ended before the job: {job}");
    job
}
