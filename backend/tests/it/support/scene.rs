//! A stack on a scripted engine: `db` with a named volume, `app` that depends on it.

use std::path::{Path, PathBuf};

use mainstay::docker::scripted::{Call, ScriptedEngine, running_container};
use mainstay::docker::{ContainerDetail, ContainerEngine as _, EngineVolume};
use mainstay::domain::stack::{ContainerState, Mount, MountKind, labels};

use super::service::{Service, Setup, write_stack};

/// The compose file of every scripted stack.
const COMPOSE: &str = "services:\n  db:\n    image: img\n    volumes: [\"db:/data\"]\n  app:\n    image: img\n    depends_on: [db]\nvolumes:\n  db: {}\n";

/// A service with one stack, `blog`, whose containers are scripted.
pub(crate) struct Scene {
    pub(crate) engine: ScriptedEngine,
    pub(crate) service: Service,
}

/// A scene before its service starts.
pub(crate) struct Stage {
    pub(crate) engine: ScriptedEngine,
    pub(crate) setup: Setup,
}

impl Stage {
    /// A stage with the stack `blog`.
    pub(crate) fn new() -> Self {
        let engine = ScriptedEngine::new();
        let stage = Self { setup: Setup::scripted(&engine), engine };
        stage.add_stack("blog");
        stage
    }

    /// Adds a stack with running containers `<name>-db` and `<name>-app`, and a volume with one file.
    pub(crate) fn add_stack(&self, name: &str) {
        let root = self.setup.root();
        let directory = write_stack(root, name, COMPOSE);
        std::fs::write(directory.join("notes.txt"), "remember the milk\n").expect("written");
        let volume = volume_directory(root, name);
        std::fs::create_dir_all(&volume).expect("made");
        std::fs::write(volume.join("rows"), "1\n2\n3\n").expect("written");
        self.engine.add_volume(EngineVolume {
            name: format!("{name}_db"),
            driver: "local".to_owned(),
            mountpoint: volume.clone(),
            options: [].into(),
            labels: [].into(),
        });
        let mount = Mount {
            kind: MountKind::Volume,
            volume: Some(format!("{name}_db")),
            source: volume,
            destination: "/data".into(),
            is_writable: true,
        };
        self.engine.add_container(member(name, "db", &directory, vec![mount], ""));
        self.engine.add_container(member(name, "app", &directory, Vec::new(), "db:service_started:false"));
    }

    /// Changes a container before the service starts.
    pub(crate) fn change(self, id: &str, change: impl FnOnce(&mut ContainerDetail)) -> Self {
        let found = futures_util::FutureExt::now_or_never(self.engine.inspect_container(id));
        let mut detail = found.expect("at once").expect("the container");
        change(&mut detail);
        self.engine.add_container(detail);
        self
    }

    /// Puts a label on a container.
    pub(crate) fn label(self, id: &str, name: &str, value: &str) -> Self {
        self.change(id, |detail| drop(detail.container.labels.insert(name.to_owned(), value.to_owned())))
    }

    pub(crate) fn config(mut self, line: &str) -> Self {
        self.setup = self.setup.config(line);
        self
    }

    pub(crate) fn manual_clock(mut self) -> Self {
        self.setup = self.setup.manual_clock();
        self
    }

    pub(crate) async fn start(self) -> Scene {
        Scene { service: self.setup.start().await, engine: self.engine }
    }
}

/// Where the content of a stack's volume lies.
pub(crate) fn volume_directory(root: &Path, stack: &str) -> PathBuf {
    root.join("volumes").join(stack)
}

fn member(stack: &str, service: &str, directory: &Path, mounts: Vec<Mount>, depends_on: &str) -> ContainerDetail {
    let mut detail = running_container(&format!("{stack}-{service}"), &format!("{stack}-{service}-1"));
    let pairs = [
        (labels::PROJECT, stack.to_owned()),
        (labels::SERVICE, service.to_owned()),
        (labels::NUMBER, "1".to_owned()),
        (labels::ONEOFF, "False".to_owned()),
        (labels::WORKING_DIR, directory.display().to_string()),
        (labels::CONFIG_FILES, directory.join("compose.yaml").display().to_string()),
        (labels::DEPENDS_ON, depends_on.to_owned()),
    ];
    detail.container.labels = pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    detail.container.mounts = mounts;
    detail
}

impl Scene {
    /// Requests that changed a container, such as `stop blog-app`.
    pub(crate) fn changes(&self) -> Vec<String> {
        let word = |call: &Call| match call {
            Call::Stop(id, _) => format!("stop {id}"),
            Call::Start(id) => format!("start {id}"),
            Call::Pause(id) => format!("pause {id}"),
            Call::Unpause(id) => format!("unpause {id}"),
            other => panic!("{other:?} changes nothing"),
        };
        self.engine.changes().iter().map(word).collect()
    }

    pub(crate) fn states(&self) -> [Option<ContainerState>; 2] {
        ["blog-db", "blog-app"].map(|id| self.engine.state_of(id))
    }

    /// Content of a file of the only archive, by `tar`.
    pub(crate) fn read_from_archive(&self, entry: &str) -> String {
        let archives = self.service.archives();
        let [archive] = archives.as_slice() else { panic!("not one archive: {archives:?}") };
        let path = self.service.path("backups").join(archive);
        let top = archive.trim_end_matches(".tar.gz").trim_end_matches(".tar.zst");
        let output = std::process::Command::new("tar").arg("-xOf").arg(path).arg(format!("{top}/{entry}")).output();
        let output = output.expect("tar");
        assert!(output.status.success(), "{entry}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }
}

/// Both containers run.
pub(crate) const BOTH_UP: [Option<ContainerState>; 2] = [Some(ContainerState::Running), Some(ContainerState::Running)];
