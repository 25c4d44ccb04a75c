//! A rig with an instance: what it stores, and what must hold after a kill of one of its runs.
//!
//! What a backend keeps is looked at with its own means: the bare restic, `tar`, the engine's list of containers. To add a
//! backend, add it to [`Backend`]; every `match` tells what has to be known of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::archive::sound_archives;
use crate::cx::Cx;
use crate::host::image_of;
use crate::judge::SOON;
use crate::restic::{PASSWORD, Repository, find_file};
use crate::rig::{Rig, Setup};
use crate::served::{Launch, Served};
use crate::stack::{IMAGE, Part, Stack};

/// Keeps every snapshot.
pub(crate) const KEEP: &str = "min_keep: 99";
/// Drops all but the last one of a day.
pub(crate) const DROP: &str = "retention: '1d:0:0'";
/// What the image does: it looks whether the data is there, some of it only later.
const SCRIPT: &str = "#!/bin/sh\nset -eu\ncd /backup\necho begun\nsleep 1\ntest -s \"$(find . -name payload)\"\nfind . -name compose.yaml | grep -q .\n";
/// A container with something to dump.
const DATABASE: &str = "mainstay-test/redis:local";

/// What stores the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Restic,
    Image,
    Archive,
}

/// A rig whose stack an instance stores.
pub(crate) struct Site {
    pub(crate) rig: Rig,
    backend: Backend,
    pub(crate) instance: String,
    /// What was there before the fault, and must be there after it.
    earlier: Vec<String>,
    /// Whether the next success drops what is ours of it.
    is_dropped_later: bool,
}

impl Site {
    /// A site that has stored once, where somebody else stores as well; `keep` is a line about retention.
    pub(crate) async fn up(cx: &Cx, backend: Backend, keep: &str) -> Self {
        Self::with(cx, backend, keep, Stack::usual(), "").await
    }

    /// The same with a database that is dumped.
    pub(crate) async fn with_database(cx: &Cx) -> Self {
        let server = Part { image: DATABASE, ..Part::new("cache").script("exec redis-server") };
        let parts = Stack::usual().into_iter().chain([server]).collect();
        let site = Self::with(cx, Backend::Restic, KEEP, parts, ", {db: STACK-cache-1}").await;
        site.rig.host.is_healthy(&site.rig.container("cache")).await;
        site
    }

    async fn with(cx: &Cx, backend: Backend, keep: &str, parts: Vec<Part>, targets: &str) -> Self {
        let stores = match backend {
            Backend::Restic => format!("repository: 'ROOT/repository', env: {{RESTIC_PASSWORD: {PASSWORD}}}, {keep}"),
            Backend::Image => format!("custom_image: '{}', pull: never", image_of("STACK")),
            Backend::Archive => format!("backend: archive, {keep}"),
        };
        let hook = |command: &str| format!("{{container: STACK-app-1, command: '{command}'}}");
        let (pre, post) = (hook("touch /srv/switched-off"), hook("rm /srv/switched-off"));
        let line = format!(
            "instances: [{{id: STACK-i, {stores}, hooks: {{pre: [{pre}], post: [{post}]}}, targets: [{{stack: STACK}}{targets}]}}]"
        );
        let rig = Setup::new().parts(parts).config(&line).up(cx).await;
        let instance = format!("{}-i", rig.stack.name);
        Self { rig, backend, instance, earlier: Vec::new(), is_dropped_later: keep == DROP }
    }

    /// Stores once, and lets somebody else store something at the same place. Returns how long the run took.
    pub(crate) async fn store_before(&mut self) -> Duration {
        if self.backend == Backend::Image {
            build_image(&image_of(&self.rig.stack.name));
        }
        let served = self.rig.serve().await;
        let began = Instant::now();
        self.run(&served).await;
        let took = began.elapsed();
        served.terminate().await;
        if self.backend == Backend::Restic {
            let file = self.rig.config.to_str().expect("UTF-8");
            self.repository().restic(&["backup", "--host=elsewhere", "--time=2026-01-02 03:04:05", file]);
        }
        self.earlier = self.stored();
        took
    }

    /// From now on only the newest has to stay of what is there; it and what somebody else stored.
    pub(crate) fn expect_only_the_last(&mut self) {
        let last = self.repository().snapshots().iter().rfind(|snapshot| !is_elsewhere(snapshot)).map(id_of);
        self.earlier = self.stored_elsewhere().into_iter().chain(last).collect();
    }

    fn stored_elsewhere(&self) -> Vec<String> {
        self.repository().snapshots().iter().filter(|snapshot| is_elsewhere(snapshot)).map(id_of).collect()
    }

    /// Begins a run that pauses at `place`, for good or until the gate is opened.
    pub(crate) async fn pause_at(&self, place: &str, has_gate: bool) -> (Served, String) {
        let launch = if has_gate { Launch::paused_until(place, &self.rig.gate()) } else { Launch::paused_at(place) };
        let served = self.rig.spawn(&launch).ready().await;
        let id = served.begin_run(&self.instance).await;
        served.paused_at(place).await;
        (served, id)
    }

    /// A run that goes well.
    pub(crate) async fn run(&self, served: &Served) {
        let id = served.begin_run(&self.instance).await;
        let job = served.end_of(&id).await;
        if job["state"] != "succeeded" {
            let log = served.client().call("get_job_log").path("id", &id).query("limit", 500).ok().await;
            panic!("a run that nothing disturbs: {job:#}\n{log:#}");
        }
    }

    pub(crate) fn repository(&self) -> Repository {
        Repository(self.rig.path("repository"))
    }

    /// The names of the locks in the repository. While one is written it bears a longer name.
    pub(crate) fn locks(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.rig.path("repository/locks")).expect("a directory");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
        names.filter(|name| name.len() == 64).collect()
    }

    /// Everything at once, after the next start: nothing was left, nothing is lost, and the next run goes well.
    pub(crate) async fn conclude(&mut self, again: Served) {
        self.rig.is_well(SOON).await;
        self.is_tidy().await;
        self.has_lost_nothing(&again).await;
        if self.is_dropped_later {
            self.earlier = self.stored_elsewhere();
            assert_eq!(self.earlier.len(), 1, "what somebody else stored");
        }
        self.run(&again).await;
        self.rig.settle().await;
        self.is_tidy().await;
        self.has_lost_nothing(&again).await;
        self.holds_the_truth().await;
        again.terminate().await;
        self.rig.is_well(Duration::ZERO).await;
    }

    /// Waits until nothing is left of a run: no staged file, no command that is owed, nothing of the backend.
    async fn is_tidy(&self) {
        let deadline = Instant::now() + SOON;
        loop {
            let left = self.left().await;
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "after {SOON:?} there is still: {}", left.join("; "));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        files_below(&self.rig.path("staging").join(&self.instance), &mut left);
        if self.rig.directory().join("data/switched-off").exists() {
            left.push("the command after the capture is owed".to_owned());
        }
        match self.backend {
            Backend::Restic if self.rig.path("repository/config").exists() => {
                left.extend(self.locks().into_iter().map(|lock| format!("lock {lock}")));
                let is_left = |snapshot: &&Value| {
                    ["mainstay-hot", "mainstay-unfinished"].iter().any(|tag| snapshot["tags"].to_string().contains(tag))
                };
                left.extend(self.repository().snapshots().iter().filter(is_left).map(|s| format!("snapshot {s}")));
            }
            Backend::Restic => {}
            Backend::Image => {
                left.extend(self.rig.host.labelled(&format!("mainstay.instance={}", self.instance)).await);
            }
            Backend::Archive => {
                let entries = std::fs::read_dir(self.rig.path("backups")).expect("a directory");
                let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
                left.extend(names.filter(|name| name.contains("partial")));
            }
        }
        left
    }

    /// What lies there and counts.
    fn stored(&self) -> Vec<String> {
        match self.backend {
            Backend::Restic => self.repository().snapshots().iter().map(id_of).collect(),
            Backend::Image => Vec::new(),
            Backend::Archive => {
                let archives = sound_archives(&self.rig.path("backups"));
                archives.iter().map(|archive| archive.display().to_string()).collect()
            }
        }
    }

    /// What was there is there, whole, and so is everything that is recorded.
    async fn has_lost_nothing(&self, served: &Served) {
        let stored = self.stored();
        for reference in &self.earlier {
            assert!(stored.contains(reference), "{reference} was there before, and now only {stored:?}");
        }
        let recorded = served.client().call("list_snapshots").query("instance", &self.instance).ok().await;
        for snapshot in recorded["items"].as_array().expect("items") {
            let reference = snapshot["reference"].as_str().expect("a reference");
            assert!(stored.iter().any(|id| id == reference), "{reference} is recorded, and there is only {stored:?}");
        }
        if self.backend == Backend::Restic {
            self.repository().restic(&["check"]);
        }
    }

    /// The last that was stored holds the volume as it was at rest. What an image stores it alone knows.
    async fn holds_the_truth(&self) {
        match self.backend {
            Backend::Restic => {
                let to = tempfile::tempdir().expect("a directory");
                self.repository().restore_latest(to.path());
                let read = |ending: &str| {
                    let file = find_file(to.path(), ending).unwrap_or_else(|| panic!("no {ending} in the snapshot"));
                    std::fs::read(file).expect("a file")
                };
                self.rig.is_the_truth(read("payload"), read("_data/log")).await;
            }
            Backend::Archive => {
                let last = self.stored().pop().expect("an archive");
                self.rig.holds_the_truth(Path::new(&last)).await;
            }
            Backend::Image => {}
        }
    }
}

fn is_elsewhere(snapshot: &Value) -> bool {
    snapshot["hostname"] == "elsewhere"
}

fn id_of(snapshot: &Value) -> String {
    snapshot["id"].as_str().expect("an id").to_owned()
}

fn files_below(directory: &Path, found: &mut Vec<String>) {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())).collect::<Vec<PathBuf>>() {
        if path.is_dir() { files_below(&path, found) } else { found.push(path.display().to_string()) }
    }
}

fn build_image(name: &str) {
    let context = tempfile::tempdir().expect("a directory");
    let lines = format!("FROM {IMAGE}\nCOPY backup.sh /backup.sh\n");
    std::fs::write(context.path().join("Dockerfile"), lines).expect("written");
    let script = context.path().join("backup.sh");
    std::fs::write(&script, SCRIPT).expect("written");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    let mut build = Command::new("docker");
    build.env("DOCKER_BUILDKIT", "0").args(["build", "--quiet", "--label", "mainstay.test=1", "--tag", name]);
    let output = build.arg(context.path()).output().expect("docker runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
