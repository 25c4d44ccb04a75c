//! The way of a configuration into its file and its container, with faults at every step.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};

use super::*;
use crate::backrest::merge::{Orphans, merge};
use crate::backrest::{Format, RenderedPlan};
use crate::docker::scripted::{ScriptedEngine, running_container};
use crate::domain::clock::ManualClock;
use crate::domain::stack::ContainerState;

mod container;
mod file;

/// The container of every scene.
const ID: &str = "b1";

/// What a configuration begins with here.
const TOP: &str =
    r#""modno": 1, "version": 6, "instance": "h", "repos": [{"id": "default", "uri": "/r", "autoInitialize": true}]"#;

/// A directory with a configuration, and an engine with a running Backrest.
struct Scene {
    directory: tempfile::TempDir,
    engine: ScriptedEngine,
    clock: ManualClock,
}

impl Scene {
    fn new() -> Self {
        let engine = ScriptedEngine::new();
        engine.add_container(running_container(ID, "backrest"));
        let scene = Self {
            directory: tempfile::tempdir().expect("a directory"),
            engine,
            clock: ManualClock::new(DateTime::from_timestamp(1_000_000, 0).expect("a time")),
        };
        scene.save(&foreign("theirs"));
        scene
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("config.json")
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn save(&self, text: &str) {
        fs::write(self.path(), text).expect("written");
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).expect("a configuration")
    }

    /// The ids of the plans that the file has.
    fn plans(&self) -> Vec<String> {
        let tree: Value = serde_json::from_str(&self.text()).expect("JSON");
        let plans = tree["plans"].as_array().expect("plans").iter();
        plans.map(|plan| plan["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// The names of everything that lies in the directory, besides the lock.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).expect("a directory");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| !name.ends_with("-lock"));
        names.sort();
        names
    }

    fn state(&self) -> ContainerState {
        self.engine.state_of(ID).expect("the container")
    }

    fn container(&self) -> BackrestContainer<'_> {
        BackrestContainer {
            engine: &self.engine,
            name: "backrest",
            probe: None,
            up_within: Duration::from_secs(5),
            settle: Duration::from_millis(1),
        }
    }

    async fn apply(&self, after: After<'_>) -> Result<Applied, ApplyError> {
        let path = self.path();
        let apply = FileApply {
            path: &path,
            format: None,
            if_missing: None,
            after,
            patience: Duration::ZERO,
            clock: &self.clock,
        };
        by_file(&apply, &wants(&["s_web"])).await
    }

    async fn apply_with_stop(&self) -> Result<Applied, ApplyError> {
        self.apply(After::Container(self.container())).await
    }

    async fn recover(&self) -> Result<bool, ApplyError> {
        recover(&self.path(), self.container(), &self.clock).await
    }
}

/// A configuration with one plan of somebody else.
fn foreign(id: &str) -> String {
    format!("{{{TOP}, \"plans\": [{{\"id\": \"{id}\", \"repo\": \"default\", \"paths\": [\"/f\"], \"n\": 1.50}}]}}")
}

/// Wants plans with these ids, each of its own path.
fn wants(ids: &[&str]) -> impl Fn(&Document) -> Merge + Send + Sync + use<> {
    let plans: Vec<RenderedPlan> = ids.iter().map(|id| wanted(id, "default")).collect();
    move |document| merge(document, &plans, &BTreeSet::new(), Orphans::Keep)
}

fn wanted(id: &str, repo: &str) -> RenderedPlan {
    let value = json!({"id": id, "repo": repo, "paths": [format!("/{id}")]});
    RenderedPlan { id: id.to_owned(), aliases: Vec::new(), value, own_retention: None }
}
