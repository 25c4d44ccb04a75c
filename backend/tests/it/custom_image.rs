//! Images that a user brings, run by a real engine.

use std::collections::BTreeMap;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mainstay::backends::archive::Codec;
use mainstay::backends::{
    ArchiveParts, BackendError, BackendParts, Report, RunRequest, Seen, Session, SharedBackend, Source, Stored, Work,
    build,
};
use mainstay::docker::{ContainerEngine, EngineError};
use mainstay::domain::clock::{Clock, SystemClock};
use mainstay::domain::ids::JobId;
use mainstay::domain::job::TargetKind;
use mainstay::domain::keep::KeepPolicy;
use mainstay::domain::log::Level;
use mainstay::domain::plan::{Destination, Hooks, ImageSettings, Instance, MissedRun, Origin, PullPolicy};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::support::engine::{IMAGE, Lab};

const RUN: &str = "20261127-020000";
/// No run may take longer, on a slow machine either.
const PATIENCE: Duration = Duration::from_secs(60);

/// Remembers what it is told, and wakes whoever waits for more.
#[derive(Default)]
struct Told {
    lines: Mutex<Vec<(Level, String)>>,
    more: Notify,
}

impl Report for Told {
    fn log(&self, level: Level, _: Option<&str>, message: String) {
        self.lines.lock().expect("the lines").push((level, message));
        self.more.notify_one();
    }

    fn progress(&self, _: Seen) {}
}

impl Told {
    fn lines(&self, level: Level) -> Vec<String> {
        let lines = self.lines.lock().expect("the lines");
        lines.iter().filter(|(of, _)| *of == level).map(|(_, line)| line.clone()).collect()
    }

    async fn wait_for(&self, text: &str) {
        let told = async {
            while !self.lines(Level::Info).iter().any(|line| line == text) {
                self.more.notified().await;
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("the image prints it");
    }
}

/// An instance with an image, and one volume staged.
struct Scene {
    lab: Lab,
    told: Arc<Told>,
    cancel: CancellationToken,
    staging: TempDir,
    id: String,
    settings: ImageSettings,
    env: BTreeMap<String, secrecy::SecretString>,
    job: JobId,
}

impl Scene {
    async fn open(left_out: &str) -> Option<Self> {
        let lab = Lab::open(left_out).await?;
        let settings = ImageSettings {
            image: IMAGE.to_owned(),
            pull: PullPolicy::Never,
            credentials: None,
            timeout: None,
            memory_bytes: None,
            milli_cpus: None,
        };
        let scene = Self {
            id: lab.name("photos"),
            lab,
            told: Arc::default(),
            cancel: CancellationToken::new(),
            staging: tempfile::tempdir().expect("a directory"),
            settings,
            env: BTreeMap::new(),
            job: JobId::new(SystemClock.now()),
        };
        let data = scene.run_dir().join("vol/data");
        std::fs::create_dir_all(&data).expect("directories");
        std::fs::write(data.join("file"), "staged\n").expect("a file");
        scene.lab.adopt_container(&scene.container());
        Some(scene)
    }

    /// The same with an image that runs this script as `/backup.sh`.
    async fn with_script(left_out: &str, script: &str) -> Option<Self> {
        let mut scene = Self::open(left_out).await?;
        scene.settings.image = scene.script_image("COPY backup.sh /backup.sh", script);
        Some(scene)
    }

    fn script_image(&self, lines: &str, script: &str) -> String {
        self.lab.image("tool", lines, &[("backup.sh", &format!("#!/bin/sh\n{script}\n"))])
    }

    fn run_dir(&self) -> PathBuf {
        self.staging.path().join(&self.id).join(RUN)
    }

    fn container(&self) -> String {
        format!("mainstay-custom-{}-{}", self.id, self.job)
    }

    fn backend(&self, staging_dir: PathBuf) -> SharedBackend {
        let instance = Instance {
            drill: None,
            id: self.id.parse().expect("an id"),
            origin: Origin::Config,
            destination: Destination::CustomImage(self.settings.clone()),
            env: self.env.clone(),
            schedule: None,
            timezone: None,
            retention: KeepPolicy::ALL,
            restic_timeout: None,
            stop_attached: None,
            quiesce: None,
            missed_run: MissedRun::Skip,
            is_enabled: true,
            hooks: Hooks::default(),
            excludes: Vec::new(),
            tags: Vec::new(),
            targets: Vec::new(),
        };
        let archives = ArchiveParts {
            backup_dir: "/no/such".into(),
            codec: Codec::Gzip { level: 1 },
            workers: 1,
            timezone: chrono_tz::UTC,
            version: "0.0.0",
        };
        let parts = BackendParts {
            docker: Arc::new(self.lab.engine.clone()),
            clock: Arc::new(SystemClock),
            node_name: "nas".to_owned(),
            cache_dir: staging_dir.join(".cache"),
            staging_dir,
            archives,
        };
        build(&instance, &parts)
    }

    fn work(&self) -> Work {
        let report = Arc::clone(&self.told) as Arc<dyn Report>;
        Work { report, cancel: self.cancel.clone(), stall_timeout: PATIENCE }
    }

    async fn session(&self, staging_dir: PathBuf) -> Box<dyn Session> {
        let request = RunRequest {
            instance: self.id.parse().expect("an id"),
            job: self.job.clone(),
            node_name: "nas".to_owned(),
            started_at: SystemClock.now(),
            run_dir: staging_dir.join(&self.id).join(RUN),
            excludes: Vec::new(),
            tags: Vec::new(),
        };
        self.backend(staging_dir).begin(request, self.work()).await.expect("a session")
    }

    fn source(&self) -> Source {
        let paths = vec![self.run_dir().join("vol/data")];
        Source { kind: TargetKind::Volume, name: "data".to_owned(), paths, is_live: false }
    }

    async fn run_from(&self, staging_dir: PathBuf) -> Result<Stored, BackendError> {
        let mut session = self.session(staging_dir).await;
        let outcome = tokio::time::timeout(PATIENCE, session.publish(&[self.source()])).await.expect("it ends");
        session.end().await;
        let left = self.lab.engine.inspect_container(&self.container()).await;
        assert!(matches!(left, Err(EngineError::NotFound { .. })), "the container is removed: {left:?}");
        outcome
    }

    async fn run(&self) -> Result<Stored, BackendError> {
        self.run_from(self.staging.path().to_owned()).await
    }

    /// What the script printed on its standard output.
    fn printed(&self) -> Vec<String> {
        let is_ours = |line: &String| line.starts_with("running the image") || line.starts_with("the image ended");
        self.told.lines(Level::Info).into_iter().filter(|line| !is_ours(line)).collect()
    }
}

#[tokio::test]
async fn every_shape_of_an_image_keeps_working() {
    let Some(mut scene) = Scene::open("the shapes of a custom image").await else { return };
    let script = "#!/bin/sh\necho \"$0 $# $1\"\n";
    let rows = [
        ("both", "COPY backup.sh /backup.sh\nENTRYPOINT [\"/backup.sh\"]", "/backup.sh 1 /backup.sh"),
        ("script", "COPY backup.sh /backup.sh\nCMD [\"/bin/false\"]", "/backup.sh 0"),
        ("entry", "COPY backup.sh /x/tool\nENTRYPOINT [\"/x/tool\"]", "/x/tool 1 /backup.sh"),
    ];
    for (suffix, lines, expected) in rows {
        scene.settings.image = scene.lab.image(suffix, lines, &[("backup.sh", script)]);
        *scene.told.lines.lock().expect("the lines") = Vec::new();
        scene.job = JobId::new(SystemClock.now());
        scene.backend(scene.staging.path().to_owned()).prepare(&scene.work(), false).await.expect("ready");
        scene.run().await.expect("stored");
        assert_eq!(scene.printed(), [expected], "{lines}");
    }
}

#[tokio::test]
async fn an_image_gets_its_data_and_variables_and_both_streams_are_told_apart() {
    let script = "cat $MAINSTAY_RUN_DIR/vol/data/file; ls /backup; cat no-such; touch /backup/written\n\
                  echo $TARGET $MARINA_INSTANCE_ID $MARINA_HOSTNAME $MAINSTAY_HOSTNAME $MAINSTAY_JOB_ID; echo $API_TOKEN";
    let Some(mut scene) = Scene::with_script("data and variables of a custom image", script).await else { return };
    for (name, value) in [("TARGET", "s3"), ("MARINA_HOSTNAME", "liar"), ("API_TOKEN", "hunter2-hunter2")] {
        scene.env.insert(name.to_owned(), value.into());
    }
    let stored = scene.run().await.expect("stored");
    assert_eq!((stored.bytes_read, stored.outcomes.len()), (7, 1));
    let told = format!("s3 {} nas nas {}", scene.id, scene.job);
    assert_eq!(scene.printed(), ["staged", RUN, &told, "***"]);
    let warnings = scene.told.lines(Level::Warning);
    assert!(matches!(warnings.as_slice(), [line] if line.contains("no-such")), "{warnings:?}");
    assert!(scene.staging.path().join(&scene.id).join("written").exists(), "the directory is mounted, not copied");
}

#[tokio::test]
async fn an_exit_code_is_a_failure() {
    let Some(scene) = Scene::with_script("the exit code of a custom image", "echo so far; exit 42").await else {
        return;
    };
    let error = scene.run().await.expect_err("failed");
    assert_eq!(error.to_string(), "the image ended with exit code 42");
    assert_eq!(scene.printed(), ["so far"]);
}

#[tokio::test]
async fn an_image_that_does_not_end_is_stopped_at_its_limit() {
    let script = "trap 'echo told to end; exit 0' TERM; echo begun; while :; do sleep 0.05; done";
    let Some(mut scene) = Scene::with_script("the limit of a custom image", script).await else { return };
    scene.settings.timeout = Some(Duration::from_secs(1));
    let error = scene.run().await.expect_err("too long");
    assert!(error.to_string().contains("did not end within 1 s and was stopped"), "{error}");
    assert_eq!(scene.printed(), ["begun", "told to end"], "the last words are heard");
}

#[tokio::test]
async fn a_cancel_ends_an_image_and_its_limits_are_set() {
    let script = "trap 'exit 0' TERM; echo begun; while :; do sleep 0.05; done";
    let Some(mut scene) = Scene::with_script("cancelling a custom image", script).await else { return };
    (scene.settings.memory_bytes, scene.settings.milli_cpus) = (Some(32 << 20), Some(500));
    let look = async {
        scene.told.wait_for("begun").await;
        let detail = scene.lab.engine.inspect_container(&scene.container()).await;
        scene.cancel.cancel();
        detail.expect("it runs")
    };
    let (outcome, detail) = tokio::join!(scene.run(), look);
    assert!(matches!(outcome, Err(BackendError::Cancelled)), "{outcome:?}");
    let told = |pointer: &str| detail.redacted.pointer(pointer).and_then(serde_json::Value::as_i64);
    assert_eq!((told("/HostConfig/Memory"), told("/HostConfig/NanoCpus")), (Some(32 << 20), Some(500_000_000)));
    let labels = &detail.container.labels;
    assert_eq!(labels.get("mainstay.custom-image").map(String::as_str), Some("1"));
    assert_eq!(labels.get("mainstay.instance"), Some(&scene.id));
    assert_eq!(labels.get("mainstay.job").map(String::as_str), Some(scene.job.as_str()));
}

#[tokio::test]
async fn an_image_that_needs_too_much_memory_says_so() {
    // The shell keeps what it captures.
    let script = "x=$(cat /dev/zero | tr '\\0' x | head -c 67108864); echo ${#x}";
    let Some(mut scene) = Scene::with_script("the memory of a custom image", script).await else { return };
    scene.settings.memory_bytes = Some(8 << 20);
    let error = scene.run().await.expect_err("too much").to_string();
    assert_eq!(error, "the image ended with exit code 137: it needed more memory than it may have");
}

#[tokio::test]
async fn what_a_kill_left_behind_is_swept() {
    let script = "echo begun; sleep 1000";
    let Some(scene) = Scene::with_script("leftovers of a custom image", script).await else { return };
    let staging_dir = scene.staging.path().to_owned();
    {
        let mut session = scene.session(staging_dir.clone()).await;
        let source = [scene.source()];
        tokio::select! {
            outcome = session.publish(&source) => panic!("it runs for long: {outcome:?}"),
            () = scene.told.wait_for("begun") => {}
        }
        // Nobody ends the session: the process is gone.
    }
    assert!(scene.lab.engine.inspect_container(&scene.container()).await.expect("it is left").is_up());
    let removed = scene.backend(staging_dir).sweep(&scene.work()).await.expect("swept");
    assert!(matches!(removed.as_slice(), [line] if line.contains(&scene.container())), "{removed:?}");
    let left = scene.lab.engine.inspect_container(&scene.container()).await;
    assert!(matches!(left, Err(EngineError::NotFound { .. })));
}

#[tokio::test]
async fn an_image_without_a_script_gets_a_clear_answer() {
    let Some(scene) = Scene::open("a custom image without a script").await else { return };
    let expected = "has no /backup.sh and no entry point";
    let backend = scene.backend(scene.staging.path().to_owned());
    let error = backend.prepare(&scene.work(), false).await.expect_err("nothing to run");
    assert!(matches!(error, BackendError::NotReady(_)) && error.to_string().contains(expected), "{error}");
    // Should the script vanish between both, the engine's words for it are understood.
    let error = scene.run().await.expect_err("nothing to run");
    assert!(error.to_string().contains(expected), "{error}");
}

#[tokio::test]
async fn a_script_that_may_not_be_executed_gets_a_clear_answer() {
    let Some(mut scene) = Scene::open("a custom image with a plain file").await else { return };
    let lines = "COPY backup.sh /backup.sh\nRUN chmod 644 /backup.sh";
    scene.settings.image = scene.script_image(lines, "true");
    let error = scene.run().await.expect_err("not executable");
    assert!(error.to_string().contains("chmod +x"), "{error}");
}

#[tokio::test]
async fn a_missing_image_is_not_ready() {
    let Some(mut scene) = Scene::open("a missing custom image").await else { return };
    for (policy, expected) in [(PullPolicy::Never, "is never pulled"), (PullPolicy::IfMissing, "cannot be pulled: ")] {
        scene.settings.image = "127.0.0.1:1/no/such:local".to_owned();
        scene.settings.pull = policy;
        let backend = scene.backend(scene.staging.path().to_owned());
        let error = backend.prepare(&scene.work(), false).await.expect_err("no image");
        assert!(matches!(error, BackendError::NotReady(_)) && error.to_string().contains(expected), "{error}");
    }
    scene.settings.image = "127.0.0.1:1/../x".to_owned();
    let backend = scene.backend(scene.staging.path().to_owned());
    assert!(matches!(backend.prepare(&scene.work(), false).await, Err(BackendError::NotReady(_))));
}

#[tokio::test]
async fn an_image_that_is_there_serves_when_it_cannot_be_pulled() {
    let Some(mut scene) = Scene::with_script("a custom image that cannot be pulled", "true").await else { return };
    scene.settings.pull = PullPolicy::Always;
    let backend = scene.backend(scene.staging.path().to_owned());
    let readiness = backend.prepare(&scene.work(), false).await.expect("ready");
    assert!(matches!(readiness.warnings.as_slice(), [line] if line.contains("the one that is there is used")));
    assert!(readiness.notes.iter().any(|note| note.contains("sha256:")), "{readiness:?}");
}

#[tokio::test]
async fn data_that_the_engine_cannot_see_goes_through_a_volume() {
    let script = "cat $MAINSTAY_RUN_DIR/vol/data/file; ls /backup; ls /backup/$(ls /backup)";
    let Some(scene) = Scene::with_script("a custom image and a volume", script).await else { return };
    // A path that only this process has: the engine's own descriptors are others.
    let open = std::fs::File::open(scene.staging.path()).expect("the directory");
    let hidden = rustix::io::fcntl_dupfd_cloexec(&open, 900).expect("a high number");
    let staging_dir = PathBuf::from(format!("/proc/self/fd/{}", hidden.as_raw_fd()));
    scene.run_from(staging_dir).await.expect("stored");
    let printed = scene.printed();
    assert!(printed[0].contains("copied into a volume"), "{printed:?}");
    assert_eq!(printed[1..], ["staged", RUN, "vol"]);
    let volumes = scene.lab.engine.list_volumes().await.expect("a list");
    assert!(!volumes.iter().any(|volume| volume.name == scene.container()), "the volume is removed");
}
