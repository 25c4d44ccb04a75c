//! Everything is gone but the backups: one command on a host with an empty store brings it back.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use mainstay::docker::ContainerEngine as _;
use serde_json::json;
use tempfile::TempDir;

use crate::support::engine::Lab;
use crate::support::process::{Process, mainstay, write_config};
use crate::support::restic::{PASSWORD, Repository};
use crate::support::service::{Service, Setup};
use crate::support::stack::{SampleStack, Shape};
use crate::support::store::{is_postgres, new_database};

/// What can be seen of a file: mode, owner, size, time, link target, content.
type Seen = (u32, u32, u32, u64, i64, i64, Vec<u8>);

/// Everything below `root`, by its path.
fn look(root: &Path) -> BTreeMap<PathBuf, Seen> {
    let (mut seen, mut todo) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(path) = todo.pop() {
        let meta = fs::symlink_metadata(&path).expect("there");
        let content = if meta.is_symlink() {
            fs::read_link(&path).expect("a link").as_os_str().as_bytes().to_vec()
        } else if meta.is_file() {
            fs::read(&path).expect("a file")
        } else {
            todo.extend(fs::read_dir(&path).expect("a directory").map(|entry| entry.expect("an entry").path()));
            Vec::new()
        };
        let size = if meta.is_dir() { 0 } else { meta.len() };
        let below = path.strip_prefix(root).expect("below").to_owned();
        seen.insert(below, (meta.mode(), meta.uid(), meta.gid(), size, meta.mtime(), meta.mtime_nsec(), content));
    }
    seen
}

fn assert_same(what: &str, original: &Path, copy: &Path) {
    let (original, copy) = (look(original), look(copy));
    assert_eq!(original.keys().collect::<Vec<_>>(), copy.keys().collect::<Vec<_>>());
    for (path, seen) in &original {
        let same = copy.get(path) == Some(seen);
        let told = |seen: Option<&Seen>| seen.map(|s| (format!("{:o}", s.0), s.1, s.2, s.3, s.4, s.5));
        assert!(same, "{what}: {} differs: {:?} is {:?} now", path.display(), told(Some(seen)), told(copy.get(path)));
    }
}

/// A stack on the real engine whose containers rest, with odd things in its volume.
struct Host {
    lab: Lab,
    service: Service,
    stack: SampleStack,
    volume: PathBuf,
    /// What the volume and the directory of the stack held.
    kept: TempDir,
}

async fn volume_path(lab: &Lab, name: &str) -> Option<PathBuf> {
    let volumes = lab.engine.list_volumes().await.expect("volumes");
    volumes.into_iter().find(|volume| volume.name == name).map(|volume| volume.mountpoint)
}

impl Host {
    async fn open(left_out: &str, config: &str) -> Option<Self> {
        let lab = Lab::open(left_out).await?;
        let setup = Setup::on(Arc::new(lab.engine.clone())).config(config);
        let shape = Shape { is_stopped: true, ..Shape::default() };
        let stack = SampleStack::up(&lab, &setup.root().join("stacks"), shape).await;
        let volume = volume_path(&lab, &stack.volume).await.expect("the volume");
        fs::create_dir_all(volume.join("deep/down")).expect("made");
        fs::write(volume.join("deep/down/file ä"), vec![7; 300_000]).expect("written");
        fs::set_permissions(volume.join("deep"), fs::Permissions::from_mode(0o2750)).expect("set");
        std::os::unix::fs::chown(volume.join("deep/down/file ä"), Some(1234), Some(4321)).expect("owned");
        symlink("../nowhere", volume.join("link")).expect("linked");
        let kept = tempfile::tempdir().expect("a directory");
        let directory = setup.root().join("stacks").join(&stack.name);
        for (from, to) in [(&volume, "volume"), (&directory, "directory")] {
            let status = Command::new("cp").arg("-a").arg(from).arg(kept.path().join(to)).status().expect("cp");
            assert!(status.success());
        }
        Some(Self { lab, service: setup.start().await, stack, volume, kept })
    }

    /// Containers, volume, stack directory, store, logs and archives go.
    async fn lose_everything(self) -> (Lab, SampleStack, TempDir) {
        let Self { lab, service, stack, volume, kept } = self;
        drop(service.stop().await);
        for container in [&stack.app, &stack.db] {
            lab.engine.remove_container(container).await.expect("removed");
        }
        lab.engine.remove_volume(&stack.volume).await.expect("removed");
        assert!(!volume.exists());
        (lab, stack, kept)
    }
}

/// Runs a command on a host with an empty store.
async fn run(host: &Path, args: &[&str], env: &[(&str, &str)]) -> Output {
    let config = write_config(host, &new_database(host).await, &[]);
    let mut command = mainstay();
    command.arg("--config").arg(config).args(args).env_remove("RESTIC_PASSWORD").envs(env.iter().copied());
    tokio::task::spawn_blocking(move || command.output().expect("the binary runs")).await.expect("an end")
}

/// `knows_directory`: whether the time of the stack directory itself was stored. Of a stack restic gets what is in it.
async fn assert_all_is_back(
    host: &Path,
    (lab, stack, kept): &(Lab, SampleStack, TempDir),
    output: &Output,
    knows_directory: bool,
) {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("docker compose up -d"), "it says what is left to do: {said}");
    let volume = volume_path(lab, &stack.volume).await.expect("the volume is made again");
    assert_same("volume", &kept.path().join("volume"), &volume);
    let directory = host.join("stacks").join(&stack.name);
    let was = kept.path().join("directory");
    if !knows_directory {
        let meta = fs::metadata(&was).expect("there");
        let times = fs::FileTimes::new().set_modified(meta.modified().expect("a time"));
        fs::File::open(&directory).and_then(|opened| opened.set_times(times)).expect("set");
    }
    assert_same("directory", &was, &directory);
    assert!(lab.engine.inspect_container(&stack.db).await.is_err(), "nothing is started");
}

#[tokio::test]
async fn a_directory_of_archives_is_enough() {
    let Some(host) = Host::open("a new host out of archives", "retention_days: 7").await else { return };
    let job = host.service.back_up(&host.stack.name).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let usb = tempfile::tempdir().expect("a directory");
    for name in host.service.archives() {
        fs::copy(host.service.path("backups").join(&name), usb.path().join(&name)).expect("copied");
    }
    let lost = host.lose_everything().await;
    let new = tempfile::tempdir().expect("a directory");
    let from = usb.path().display().to_string();
    let output = run(new.path(), &["restore", "--from", &from], &[]).await;
    assert_all_is_back(new.path(), &lost, &output, true).await;
}

#[tokio::test]
async fn a_restic_repository_is_enough() {
    let place = tempfile::tempdir().expect("a directory");
    let repository = Repository(place.path().join("repository"));
    let at = repository.0.display().to_string();
    let config = format!("instances:\n  - id: nas\n    repository: {at}\n    env: {{RESTIC_PASSWORD: {PASSWORD}}}\n");
    let Some(host) = Host::open("a new host out of a repository", &config).await else { return };
    let body = json!({"instance": "nas"});
    let job = host.service.call("backup_stack").path("name", &host.stack.name).json(body).ok().await;
    let job = host.service.end_of(job["id"].as_str().expect("an id")).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let lost = host.lose_everything().await;
    let new = tempfile::tempdir().expect("a directory");
    let refused = run(new.path(), &["restore", "--from", &at], &[]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--password-file"), "{refused:?}");
    let password = new.path().join("password");
    fs::write(&password, format!("{PASSWORD}\n")).expect("written");
    let password = password.display().to_string();
    let args = ["restore", "--from", &at, "--stack", &lost.1.name, "--password-file", &password];
    let output = run(new.path(), &args, &[]).await;
    assert_all_is_back(new.path(), &lost, &output, false).await;
}

#[tokio::test]
async fn the_store_and_its_key_bring_instances_back() {
    if is_postgres() {
        return;
    }
    let old = tempfile::tempdir().expect("a directory");
    let config = write_config(old.path(), &new_database(old.path()).await, &[]);
    let process = Process::start(&config, &[]);
    let client = process.client().await;
    let spec = json!({"id": "nas", "backend": "restic", "repository": "/srv/restic", "env": {"RESTIC_PASSWORD": "x"}});
    client.call("create_instance").json(spec).ok().await;
    drop(process);
    let new = tempfile::tempdir().expect("a directory");
    let status = Command::new("cp").arg("-a").arg(old.path().join("store")).arg(new.path()).status().expect("cp");
    assert!(status.success() && new.path().join("store/secret.key").exists());
    let config = write_config(new.path(), &new_database(new.path()).await, &[]);
    let process = Process::start(&config, &[]);
    let instance = process.client().await.call("get_instance").path("id", "nas").ok().await;
    assert_eq!((&instance["repository"], &instance["env_keys"]), (&json!("/srv/restic"), &json!(["RESTIC_PASSWORD"])));
}
