//! What fails on a real engine, and how the run ends: the rest is whole and comes back by the bare command, whatever ran
//! runs, nothing is left, nothing was dropped, and a sentence says what was wrong and what to do.
//!
//! One more failure is one more test here that ends with [`Site::assert_aftermath`].

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mainstay::docker::bollard_engine::BollardEngine;
use serde_json::{Value, json};

use crate::disk::SmallDisk;
use crate::support::docker::{docker, in_container};
use crate::support::engine::{Lab, POLITE, Recipe};
use crate::support::job::{id, step};
use crate::support::restic::{PASSWORD, Repository, find_file};
use crate::support::service::{Service, Setup, list};

/// A volume with a file, a container that writes to it, and a repository that is not made yet.
struct Ground {
    lab: Lab,
    setup: Setup,
    instance: String,
    data: String,
    writer: String,
}

impl Ground {
    async fn open(left_out: &str) -> Option<Self> {
        let lab = Lab::open(left_out).await?;
        let setup = Setup::on(std::sync::Arc::new(BollardEngine::connect(None)));
        let (instance, data) = (lab.name("nas"), lab.volume("data").await);
        let shared = setup.root().join("shared");
        std::fs::create_dir_all(shared.join("part")).expect("made");
        let script = format!("echo whole >/data/whole; {POLITE}");
        let binds = vec![format!("{data}:/data"), format!("{}:/shared", shared.display())];
        let labels = [("mainstay.db", "postgres")];
        let writer =
            lab.running("writer", Recipe { script: &script, binds, labels: &labels, ..Recipe::default() }).await;
        let deadline = Instant::now() + Duration::from_secs(20);
        while !in_container(&writer, "ls /data").contains("whole") {
            assert!(Instant::now() < deadline, "the writer writes nothing");
        }
        Some(Self { lab, setup, instance, data, writer })
    }

    fn below(&self, name: &str) -> PathBuf {
        self.setup.root().join(name)
    }

    /// An instance with a repository; `more` is what else stands in it, in YAML.
    fn restic(&self, more: &str) -> String {
        let (id, repository) = (&self.instance, self.below("repository"));
        format!("instances: [{{id: {id}, repository: '{}', retention: '1d:0:0', {more}}}]", repository.display())
    }

    /// The volume as a target whose writer rests for it.
    fn volume(&self) -> String {
        format!("{{volume: {}, stop_attached: true}}", self.data)
    }

    async fn start(self, config: &str) -> Site {
        let repository = Repository(self.below("repository"));
        let Self { lab, setup, instance, data, writer } = self;
        let service = setup.config(config).start().await;
        Site { lab, service, repository, instance, data, writer }
    }
}

/// The same with a service.
struct Site {
    lab: Lab,
    service: Service,
    repository: Repository,
    instance: String,
    data: String,
    writer: String,
}

impl Site {
    async fn submit(&self, instance: &str) -> String {
        let job = self.service.call("run_instance").path("id", instance).ok().await;
        id(&job).to_owned()
    }

    async fn run(&self) -> Value {
        self.service.end_of(&self.submit(&self.instance).await).await
    }

    async fn log_of(&self, job: &Value) -> String {
        self.service.log_of(id(job)).await.join("\n")
    }

    /// Since when the writer runs.
    fn up_since(&self) -> String {
        docker(&["inspect", "-f", "{{.State.Running}} {{.State.StartedAt}}", &self.writer])
    }

    /// Whatever ran runs, nothing is left of the run, and nothing was dropped after it.
    async fn assert_aftermath(&self, job: &Value) {
        assert!(self.up_since().starts_with("true"), "the writer is down: {job}");
        let rows = self.service.call("list_journal").ok().await;
        assert_eq!(rows["items"], json!([]), "{rows}");
        let instance = job["instance"].as_str().expect("an instance");
        assert!(!self.service.path("staging").join(instance).exists(), "something is left in the staging directory");
        let label = format!("label=mainstay.instance={instance}");
        assert_eq!(docker(&["ps", "-aq", "--filter", &label]), "", "a container is left");
        assert_eq!(step(job, "retention")["state"], "skipped", "retention runs after a success alone: {job}");
    }

    /// The volume is in the newest snapshot, for whoever has restic and the password.
    fn assert_volume_is_whole(&self) {
        let to = tempfile::tempdir().expect("a directory");
        self.repository.restore_latest(to.path());
        let file = find_file(to.path(), "whole").expect("the file of the volume");
        assert_eq!(std::fs::read_to_string(file).expect("a text"), "whole\n");
        self.repository.restic(&["check", "--read-data"]);
    }

    /// The state of a target, and what is said of it.
    fn target<'a>(&self, job: &'a Value, name: &str) -> (&'a str, &'a str) {
        let targets = job["targets"].as_array().expect("targets");
        let target = targets.iter().find(|target| target["name"] == name).expect("the target");
        (target["state"].as_str().expect("a state"), target["message"].as_str().unwrap_or_default())
    }

    /// The volume alone was captured, and the job says so.
    async fn assert_partial(&self, job: &Value, failed: &str, sentence: &str) {
        assert_eq!(job["state"], "partial", "{job}\n{}", self.log_of(job).await);
        let (state, said) = self.target(job, failed);
        assert!(state == "failed" && said.contains(sentence), "{state}: {said}");
        assert_eq!(self.target(job, &self.data).0, "succeeded", "{job}");
        let listed = self.service.call("list_snapshots").query("instance", &self.instance).ok().await;
        assert_eq!(listed["items"][0]["is_complete"], false, "{listed}");
        self.assert_aftermath(job).await;
    }
}

const ENV: &str = "env: {RESTIC_PASSWORD: geheim-restic}";

#[tokio::test]
async fn a_path_that_vanishes_fails_alone() {
    let Some(ground) = Ground::open("a path that vanishes").await else { return };
    assert_eq!(PASSWORD, "geheim-restic");
    let (volume, shared, writer) = (ground.volume(), ground.below("shared"), &ground.writer);
    let path = format!(
        "{{path: '{}', paths: [part], pre_hook: {{command: 'rm -r /shared/part', container: {writer}}}}}",
        shared.display()
    );
    let gone = ground.below("gone");
    let config = ground.restic(&format!("{ENV}, targets: [{volume}, {path}, {{path: '{}'}}]", gone.display()));
    let site = ground.start(&config).await;
    let job = site.run().await;
    site.assert_partial(&job, shared.to_str().expect("UTF-8"), "part is not there").await;
    let (state, said) = site.target(&job, gone.to_str().expect("UTF-8"));
    assert!(state == "failed" && said.contains("is not there"), "{state}: {said}");
    site.assert_volume_is_whole();
    site.service.stop().await;
}

#[tokio::test]
async fn a_command_before_the_capture_that_fails_costs_its_target() {
    let Some(ground) = Ground::open("a failing command before the capture").await else { return };
    let (volume, shared, writer) = (ground.volume(), ground.below("shared"), &ground.writer);
    let hook = format!("pre_hook: {{command: 'MYSQL_PWD=geheim-hook env; exit 3', container: {writer}}}");
    let path = format!("{{path: '{}', {hook}}}", shared.display());
    let config = ground.restic(&format!("{ENV}, targets: [{path}, {volume}]"));
    let site = ground.start(&config).await;
    let job = site.run().await;
    let sentence =
        format!("its command before the capture failed: the hook in container {} ended with exit code 3", site.writer);
    site.assert_partial(&job, shared.to_str().expect("UTF-8"), &sentence).await;
    let log = site.log_of(&job).await;
    assert!(log.contains("MYSQL_PWD=***") && !log.contains("geheim"), "{log}");
    site.assert_volume_is_whole();
    site.service.stop().await;
}

#[tokio::test]
async fn a_command_before_the_whole_run_that_fails_stops_nothing() {
    let Some(ground) = Ground::open("a failing command before a run").await else { return };
    let hooks = format!("hooks: {{pre: [{{command: 'exit 5', container: {}}}]}}", ground.writer);
    let config = ground.restic(&format!("{ENV}, {hooks}, targets: [{}]", ground.volume()));
    let site = ground.start(&config).await;
    let before = site.up_since();
    let job = site.run().await;
    let error = job["error"].as_str().unwrap_or_default();
    assert!(job["state"] == "failed" && error.contains("so nothing was stopped") && error.contains("code 5"), "{job}");
    assert_eq!(site.up_since(), before, "it was not stopped");
    assert_eq!(site.repository.snapshots(), [] as [Value; 0], "no snapshot of nothing");
    site.assert_aftermath(&job).await;
    site.service.stop().await;
}

#[tokio::test]
async fn a_command_after_the_capture_that_fails_is_told_and_costs_no_data() {
    let Some(ground) = Ground::open("a failing command after the capture").await else { return };
    let hooks = format!("hooks: {{post: [{{command: 'exit 4', container: {}}}]}}", ground.writer);
    let config = ground.restic(&format!("{ENV}, {hooks}, targets: [{}]", ground.volume()));
    let site = ground.start(&config).await;
    let job = site.run().await;
    let error = job["error"].as_str().unwrap_or_default();
    let sentence =
        format!("a command after the capture failed: the hook in container {} ended with exit code 4", site.writer);
    assert!(job["state"] == "partial" && error.contains(&sentence), "{job}");
    assert_eq!(site.target(&job, &site.data).0, "succeeded");
    site.assert_aftermath(&job).await;
    site.assert_volume_is_whole();
    site.service.stop().await;
}

#[tokio::test]
async fn a_dump_tool_that_is_missing_costs_the_database_alone() {
    let Some(ground) = Ground::open("a missing dump tool").await else { return };
    let config = ground.restic(&format!("{ENV}, targets: [{}, {{db: {}}}]", ground.volume(), ground.writer));
    let site = ground.start(&config).await;
    let job = site.run().await;
    let sentence = format!("container {} has no pg_dumpall; if it holds another database, say which", site.writer);
    site.assert_partial(&job, &site.writer, &sentence).await;
    site.assert_volume_is_whole();
    site.service.stop().await;
}

#[tokio::test]
async fn a_wrong_password_stops_nothing_and_makes_no_repository() {
    let Some(ground) = Ground::open("a wrong password").await else { return };
    let volume = ground.volume();
    let config = ground.restic(&format!("env: {{RESTIC_PASSWORD: falsches}}, targets: [{volume}]"));
    let site = ground.start(&config).await;
    site.repository.restic(&["init"]);
    let (files, before) = (list(&site.repository.0.join("keys")), site.up_since());
    let job = site.run().await;
    let error = job["error"].as_str().unwrap_or_default();
    assert!(job["state"] == "failed" && error.contains("set the right RESTIC_PASSWORD"), "{job}");
    assert!(!error.contains("falsches") && !site.log_of(&job).await.contains("falsches"));
    assert_eq!((list(&site.repository.0.join("keys")), site.up_since()), (files, before));
    let test = site.service.call("test_instance").path("id", &site.instance).ok().await;
    assert!(test["ok"] == false && test["error"].to_string().contains("RESTIC_PASSWORD"), "{test}");
    site.assert_aftermath(&job).await;
    site.service.stop().await;
}

/// A restic of another host that holds a repository for long.
struct Holder(Child);

impl Holder {
    fn of(repository: &Repository) -> Self {
        let script = "hostname elsewhere; exec restic check --read-data --limit-download 8";
        let mut command = Command::new("unshare");
        command.args(["--uts", "sh", "-c", script]).env("RESTIC_REPOSITORY", &repository.0);
        command.env("RESTIC_PASSWORD", PASSWORD).env("RESTIC_CACHE_DIR", repository.0.with_extension("other"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let holder = Self(child.expect("unshare runs; the tests run as root"));
        let deadline = Instant::now() + Duration::from_secs(30);
        // While it is written it bears a longer name.
        while !list(&repository.0.join("locks")).iter().any(|name| name.len() == 64) {
            assert!(Instant::now() < deadline, "no lock");
            std::thread::yield_now();
        }
        holder
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_repository_that_another_host_holds_is_waited_for_while_everything_runs() {
    let Some(ground) = Ground::open("a repository that is locked").await else { return };
    let config = ground.restic(&format!("{ENV}, targets: [{}]", ground.volume()));
    let site = ground.start(&config).await;
    // At eight kibibytes a second this takes minutes to read.
    in_container(&site.writer, "head -c 4000000 /dev/urandom >/data/noise");
    let first = site.run().await;
    assert_eq!(first["state"], "succeeded", "{first}");
    let before = site.up_since();
    let holder = Holder::of(&site.repository);
    let job = site.submit(&site.instance).await;
    let mut stream = site.service.call("stream_job_log").path("id", &job).open().await;
    let mut text = String::new();
    let told = async {
        while !text.contains("waiting for a lock of the repository: host elsewhere") {
            let chunk = stream.chunk().await.expect("a chunk");
            text += &String::from_utf8_lossy(&chunk.unwrap_or_else(|| panic!("the job has ended: {text}")));
        }
    };
    let is_told = tokio::time::timeout(Duration::from_secs(150), told).await.is_ok();
    assert!(is_told, "nobody tells of the lock: {text}");
    assert_eq!(site.up_since(), before, "nothing rests meanwhile");
    site.service.call("cancel_job").path("id", &job).ok().await;
    let job = site.service.end_of(&job).await;
    assert_eq!(job["state"], "cancelled", "{job}");
    site.assert_aftermath(&job).await;
    drop(holder);
    assert_eq!(list(&site.repository.0.join("locks")).len(), 1, "the lock of another is never removed");
    site.repository.restic(&["unlock", "--remove-all"]);
    site.assert_volume_is_whole();
    assert_eq!(site.run().await["state"], "succeeded", "once it is free");
    site.service.stop().await;
}

/// Instances with an image each: `(name, image, what else it has)`.
fn images(ground: &Ground, rows: &[(&str, &str, &str)]) -> String {
    let one = |(name, image, more): &(&str, &str, &str)| {
        let (id, volume) = (ground.lab.name(name), ground.volume());
        format!("\n  - {{id: {id}, custom_image: '{image}', pull: never, {more} targets: [{volume}]}}")
    };
    format!("instances:{}", rows.iter().map(one).collect::<String>())
}

#[tokio::test]
async fn an_image_that_fails_says_how() {
    let Some(ground) = Ground::open("failing images").await else { return };
    let script = |name: &str, text: &str| {
        ground.lab.image(name, "COPY backup.sh /backup.sh", &[("backup.sh", &format!("#!/bin/sh\n{text}\n"))])
    };
    let code = script("code", "echo half done; exit 25");
    let hung = script("hung", "trap 'exit 0' TERM; while :; do sleep 0.05; done");
    let bare = ground.lab.image("bare", "CMD [\"true\"]", &[]);
    let config = images(
        &ground,
        &[
            ("code", &code, ""),
            ("hung", &hung, "timeout: 1s,"),
            ("bare", &bare, ""),
            ("gone", "127.0.0.1:1/no/such:local", ""),
        ],
    );
    let site = ground.start(&config).await;
    for (name, sentence, is_stopped) in [
        ("code", "the image ended with exit code 25", true),
        ("hung", "did not end within 1 s and was stopped", true),
        (
            "bare",
            "has no /backup.sh and no entry point, so that there is nothing to run; put the script into it",
            false,
        ),
        ("gone", "is not there, and is never pulled; load it, or choose another pull policy", false),
    ] {
        let before = site.up_since();
        let job = site.service.end_of(&site.submit(&site.lab.name(name)).await).await;
        let error = job["error"].as_str().unwrap_or_default();
        assert!(job["state"] == "failed" && error.contains(sentence), "{name}: {job}");
        assert_eq!(site.up_since() != before, is_stopped, "what cannot succeed stops nothing: {name}");
        assert_ne!(job["targets"][0]["state"], "succeeded", "{job}");
        site.assert_aftermath(&job).await;
    }
    site.service.stop().await;
}

#[tokio::test]
async fn a_staging_directory_that_fills_up_costs_what_does_not_fit() {
    let Some(ground) = Ground::open("a full staging directory").await else { return };
    let shared = ground.below("shared");
    let script = "#!/bin/sh\nset -e; cat \"$MAINSTAY_RUN_DIR\"/vol/*/whole; ! find /backup -name grown | grep .\n";
    let image = ground.lab.image("tool", "COPY backup.sh /backup.sh", &[("backup.sh", script)]);
    let grow = "dd if=/dev/zero of=/shared/grown bs=1M count=4";
    let path =
        format!("{{path: '{}', pre_hook: {{command: '{grow}', container: {}}}}}", shared.display(), ground.writer);
    let config = format!(
        "instances: [{{id: {}, custom_image: '{image}', pull: never, targets: [{path}, {}]}}]",
        ground.instance,
        ground.volume()
    );
    let staging = ground.below("staging");
    std::fs::create_dir(&staging).expect("made");
    let disk = SmallDisk::over(&staging, "size=1m");
    let site = ground.start(&config).await;
    let job = site.run().await;
    let log = site.log_of(&job).await;
    assert_eq!(job["state"], "partial", "{job}\n{log}");
    let (state, said) = site.target(&job, shared.to_str().expect("UTF-8"));
    assert!(state == "failed" && said.contains("No space left") && said.contains("make room there"), "{said}");
    assert_eq!(site.target(&job, &site.data).0, "succeeded", "{job}\n{log}");
    assert!(log.contains("whole"), "the image got the rest: {log}");
    site.assert_aftermath(&job).await;
    assert_too_small_from_the_start(&site, &shared).await;
    site.service.stop().await;
    drop(disk);
}

/// What certainly does not fit is found out before anything is stopped.
async fn assert_too_small_from_the_start(site: &Site, shared: &Path) {
    assert!(shared.join("grown").exists());
    let before = site.up_since();
    let job = site.run().await;
    let error = job["error"].as_str().unwrap_or_default();
    assert!(error.contains("not enough space in") && error.contains("nothing was touched"), "{job}");
    assert_eq!(site.up_since(), before);
    site.assert_aftermath(&job).await;
}
