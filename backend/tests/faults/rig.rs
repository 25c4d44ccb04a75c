//! A place for one run: directories, a configuration, a stack that runs, and how it all looked before the fault.

use std::path::{Path, PathBuf};

use crate::cx::Cx;
use crate::host::Host;
use crate::picture::Picture;
use crate::served::{Launch, Served};
use crate::stack::{Part, Stack};
use crate::store;

/// A line of the configuration: something is read while the stack runs, however small it is.
pub(crate) const SPLICE: &str = "archive: { precopy: splice }";

/// What a rig is made of.
pub(crate) struct Setup {
    host: Host,
    docker_host: Option<String>,
    parts: Vec<Part>,
    extra: Vec<String>,
    store_at: Option<PathBuf>,
}

impl Setup {
    /// The usual stack on the usual engine.
    pub(crate) fn new() -> Self {
        Self { host: Host::usual(), docker_host: None, parts: Stack::usual(), extra: Vec::new(), store_at: None }
    }

    pub(crate) fn on(self, host: &Host) -> Self {
        Self { host: host.clone(), ..self }
    }

    /// The service reaches the engine by this address, which may have faults of its own.
    pub(crate) fn through(self, address: &str) -> Self {
        Self { docker_host: Some(address.to_owned()), ..self }
    }

    pub(crate) fn parts(self, parts: Vec<Part>) -> Self {
        Self { parts, ..self }
    }

    /// One line more in the configuration file; in it, `STACK` is the stack's name and `ROOT` the directory of the run.
    pub(crate) fn config(mut self, line: &str) -> Self {
        self.extra.push(line.to_owned());
        self
    }

    /// The store is a SQLite file in this directory, whatever the suite runs on otherwise.
    pub(crate) fn store_at(self, directory: &Path) -> Self {
        Self { store_at: Some(directory.to_owned()), ..self }
    }

    pub(crate) async fn up(self, cx: &Cx) -> Rig {
        let root = tempfile::Builder::new().prefix("mst-faults-").tempdir().expect("a directory");
        for directory in ["stacks", "backups", "logs", "staging", "store"] {
            std::fs::create_dir(root.path().join(directory)).expect("made");
        }
        let database = match &self.store_at {
            Some(directory) => format!("sqlite://{}/mainstay.db", directory.display()),
            None => store::new_database(root.path()).await,
        };
        let address = self.docker_host.as_deref().unwrap_or(&self.host.address);
        let config = root.path().join("config.yml");
        let name = cx.name();
        let text = config_text(root.path(), &database, address, &self.extra).replace("STACK", &name);
        std::fs::write(&config, text.replace("ROOT", &root.path().display().to_string())).expect("written");
        cx.made(&self.host, &name);
        let stack = Stack::up(&self.host, &root.path().join("stacks"), &name, self.parts).await;
        let before = self.host.picture(&name).await;
        Rig { cx: cx.clone(), host: self.host, root, config, database, stack, before }
    }
}

fn config_text(root: &Path, database: &str, docker_host: &str, extra: &[String]) -> String {
    let root = root.display();
    let mut text = format!(
        "stacks_dir: {root}/stacks\nbackup_dir: {root}/backups\nlog_dir: {root}/logs\nstaging_dir: {root}/staging\n\
         database_url: '{database}'\ndocker_host: '{docker_host}'\nlisten: 127.0.0.1:0\nhealth_timeout: 4s\n\
         auth: {{ disabled: true }}\n"
    );
    for line in extra {
        text += line;
        text.push('\n');
    }
    text
}

/// A place for one run.
pub(crate) struct Rig {
    pub(crate) cx: Cx,
    pub(crate) host: Host,
    pub(crate) root: tempfile::TempDir,
    pub(crate) config: PathBuf,
    pub(crate) database: String,
    pub(crate) stack: Stack,
    pub(crate) before: Picture,
}

impl Rig {
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// A file that ends a pause when it is made.
    pub(crate) fn gate(&self) -> PathBuf {
        self.path("gate")
    }

    pub(crate) fn open_gate(&self) {
        std::fs::write(self.gate(), "").expect("written");
    }

    /// The stack's directory.
    pub(crate) fn directory(&self) -> PathBuf {
        self.path("stacks").join(&self.stack.name)
    }

    pub(crate) fn spawn(&self, launch: &Launch) -> Served {
        Served::spawn(&self.cx, &self.config, launch)
    }

    /// Starts the service and waits until it answers.
    pub(crate) async fn serve(&self) -> Served {
        self.spawn(&Launch::default()).ready().await
    }

    /// Starts the service, begins a backup and waits until it pauses at `place`, until the gate is opened.
    pub(crate) async fn pause_at(&self, place: &str) -> (Served, String) {
        let served = self.spawn(&Launch::paused_until(place, &self.gate())).ready().await;
        let id = served.begin(&self.stack.name).await;
        served.paused_at(place).await;
        (served, id)
    }

    /// One stack more, beside the first.
    pub(crate) async fn other_stack(&self) -> Stack {
        let name = self.cx.name();
        self.cx.made(&self.host, &name);
        Stack::up(&self.host, &self.path("stacks"), &name, Stack::usual()).await
    }

    pub(crate) fn container(&self, service: &str) -> String {
        self.stack.container(service)
    }

    pub(crate) async fn now(&self) -> Picture {
        self.host.picture(&self.stack.name).await
    }
}
