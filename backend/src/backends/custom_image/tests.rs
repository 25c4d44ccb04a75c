//! The backend over a scripted engine.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::owner::{INSTANCE, MADE_FOR_IMAGE, NODE};
use super::*;
use crate::backends::{Report, Seen, Source, SourceOutcome, Stored};
use crate::docker::scripted::{Call, CallKind, Program, ScriptedEngine, running_container};
use crate::docker::{ContainerSpec, EngineVolume, MountSource};
use crate::domain::clock::ManualClock;
use crate::domain::ids::JobId;
use crate::domain::job::{TargetKind, TargetState};
use crate::domain::log::Level;
use crate::domain::plan::PullPolicy;

const IMAGE: &str = "tools/backup:1.4";
const RUN: &str = "20261127-020000";

/// Remembers what it is told.
#[derive(Default)]
struct Told(Mutex<Vec<(Level, String)>>);

impl Report for Told {
    fn log(&self, level: Level, _: Option<&str>, message: String) {
        self.0.lock().expect("the lines").push((level, message));
    }

    fn progress(&self, _: Seen) {}
}

struct Scene {
    engine: ScriptedEngine,
    told: Arc<Told>,
    cancel: CancellationToken,
    staging: TempDir,
    settings: ImageSettings,
    env: BTreeMap<String, SecretString>,
}

impl Scene {
    /// An image that does this, and one volume staged.
    fn new(program: Program) -> Self {
        let engine = ScriptedEngine::new();
        engine.add_image(IMAGE, program);
        let staging = tempfile::tempdir().expect("a directory");
        let data = staging.path().join("photos").join(RUN).join("vol/data");
        std::fs::create_dir_all(&data).expect("directories");
        std::fs::write(data.join("file"), [7; 1000]).expect("a file");
        let settings = ImageSettings {
            image: IMAGE.to_owned(),
            pull: PullPolicy::IfMissing,
            credentials: None,
            timeout: None,
            memory_bytes: Some(64 << 20),
            milli_cpus: Some(500),
        };
        let scene = Self {
            engine,
            told: Arc::default(),
            cancel: CancellationToken::new(),
            staging,
            settings,
            env: BTreeMap::new(),
        };
        scene.show_run();
        scene
    }

    /// Lets every container of the job see the staged run.
    fn show_run(&self) {
        self.engine.add_path(&self.name(), Path::new("/backup").join(RUN), vec![Bytes::from_static(b"tar")]);
    }

    fn job() -> JobId {
        JobId::lowest_at(DateTime::UNIX_EPOCH)
    }

    fn name(&self) -> String {
        format!("mainstay-custom-photos-{}", Self::job())
    }

    fn backend(&self) -> CustomImageBackend {
        CustomImageBackend(Arc::new(Parts {
            docker: self.engine.shared(),
            clock: Arc::new(ManualClock::new(DateTime::UNIX_EPOCH)),
            owner: Owner { instance: "photos".parse().expect("an id"), node_name: "nas".to_owned() },
            settings: self.settings.clone(),
            env: self.env.clone(),
            staged: self.staging.path().join("photos"),
        }))
    }

    fn work(&self) -> Work {
        let (report, cancel) = (Arc::clone(&self.told) as Arc<dyn Report>, self.cancel.clone());
        Work { report, cancel, stall_timeout: Duration::from_secs(9) }
    }

    fn source(&self) -> Source {
        let path = self.staging.path().join("photos").join(RUN).join("vol/data");
        Source { kind: TargetKind::Volume, name: "data".to_owned(), paths: vec![path], is_live: false }
    }

    async fn run(&self) -> Result<Stored, BackendError> {
        let request = RunRequest {
            instance: "photos".parse().expect("an id"),
            job: Self::job(),
            node_name: "nas".to_owned(),
            started_at: DateTime::UNIX_EPOCH,
            run_dir: self.staging.path().join("photos").join(RUN),
            excludes: Vec::new(),
            tags: Vec::new(),
        };
        let mut session = self.backend().begin(request, self.work()).await.expect("a session");
        let outcome = session.publish(&[self.source()]).await;
        session.end().await;
        outcome
    }

    fn made(&self) -> ContainerSpec {
        self.engine.made().pop().expect("a container was made")
    }

    fn has(&self, level: Level, text: &str) -> bool {
        self.told.0.lock().expect("the lines").iter().any(|(of, line)| *of == level && line.contains(text))
    }

    async fn is_clean(&self) -> bool {
        let containers = self.engine.shared().list_containers().await.expect("a list");
        containers.is_empty() && self.engine.volume_names().is_empty()
    }
}

#[tokio::test]
async fn a_run_hands_over_what_images_rely_on() {
    let mut scene = Scene::new(Program::printing("one\ntw").out("o\n").err("careful"));
    for (name, value) in [("TARGET", "s3"), ("MARINA_HOSTNAME", "liar"), ("MAINSTAY_JOB_ID", "liar")] {
        scene.env.insert(name.to_owned(), value.into());
    }
    let stored = scene.run().await.expect("stored");
    let outcome = SourceOutcome {
        kind: TargetKind::Volume,
        name: "data".to_owned(),
        state: TargetState::Succeeded,
        size_bytes: 1000,
        message: None,
    };
    assert_eq!((stored.bytes_read, stored.outcomes, stored.reference), (1000, vec![outcome], None));

    let spec = scene.made();
    assert_eq!((spec.name, spec.command), (scene.name(), vec!["/backup.sh".to_owned()]));
    let env: Vec<_> = spec.env.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
    let job = Scene::job();
    let expected = [
        ("MAINSTAY_HOSTNAME", "nas"),
        ("MAINSTAY_INSTANCE_ID", "photos"),
        ("MAINSTAY_JOB_ID", job.as_str()),
        ("MAINSTAY_RUN_DIR", "/backup/20261127-020000"),
        ("MARINA_HOSTNAME", "nas"),
        ("MARINA_INSTANCE_ID", "photos"),
        ("TARGET", "s3"),
    ];
    assert_eq!(env, expected);
    assert_eq!((spec.memory_bytes, spec.milli_cpus), (Some(64 << 20), Some(500)));
    let [mount] = spec.mounts.try_into().expect("one mount");
    assert_eq!(mount.source, MountSource::HostPath(scene.staging.path().join("photos")));
    assert_eq!((mount.destination.as_path(), mount.is_read_only), (Path::new("/backup"), false));
    let labels = [MADE_FOR_IMAGE, INSTANCE, NODE, "mainstay.job"].map(|label| spec.labels[label].clone());
    assert_eq!(labels, ["1", "photos", "nas", job.as_str()]);

    assert!(scene.has(Level::Info, "one") && scene.has(Level::Info, "two") && scene.has(Level::Warning, "careful"));
    assert!(scene.is_clean().await);
}

#[tokio::test]
async fn an_exit_code_is_a_failure_and_says_what_it_means() {
    for (code, expected) in [
        (3, "the image ended with exit code 3"),
        (126, "the image ended with exit code 126: something in it may not be executed"),
        (127, "the image ended with exit code 127: a program that it calls is not in it"),
        (137, "the image ended with exit code 137: something killed it"),
    ] {
        let scene = Scene::new(Program::failing(code, "no\n"));
        assert_eq!(scene.run().await.expect_err("failed").to_string(), expected);
        assert!(scene.has(Level::Warning, "no"));
        assert!(scene.is_clean().await, "{code}");
    }
}

#[tokio::test]
async fn whatever_fails_leaves_nothing_behind() {
    let kinds = [CallKind::Create, CallKind::StreamPath, CallKind::Start, CallKind::Wait, CallKind::Output];
    for kind in kinds {
        for is_lost in [false, true] {
            let scene = Scene::new(Program::printing("x"));
            let error = ScriptedEngine::rejection("no space left on device");
            if is_lost {
                scene.engine.lose_nth_reply(kind, 1, error);
            } else {
                scene.engine.fail_nth(kind, 1, error);
            }
            // An output that cannot be read makes no good run a bad one.
            assert_eq!(scene.run().await.is_ok(), kind == CallKind::Output, "{kind:?}");
            assert!(scene.is_clean().await, "{kind:?} {is_lost}");
        }
    }
}

#[tokio::test]
async fn a_container_that_cannot_be_removed_at_once_is_removed_later() {
    let scene = Scene::new(Program::printing("x"));
    for nth in 1..4 {
        scene.engine.fail_nth(CallKind::Remove, nth, ScriptedEngine::rejection("busy"));
    }
    scene.run().await.expect("stored");
    assert!(scene.is_clean().await);
    let scene = Scene::new(Program::printing("x"));
    scene.engine.refuse(CallKind::Remove, &scene.name(), "busy");
    scene.run().await.expect("stored all the same");
    assert!(scene.has(Level::Warning, "could not be removed"));
}

#[tokio::test]
async fn the_script_that_is_missing_is_named() {
    let words = "OCI runtime create failed: exec: \"/backup.sh\": stat /backup.sh: no such file or directory: unknown";
    let scene = Scene::new(Program::default());
    scene.engine.fail_nth(CallKind::Start, 1, ScriptedEngine::rejection(words));
    let error = scene.run().await.expect_err("no script");
    assert!(error.to_string().contains("has no /backup.sh and no entry point"), "{error}");
    let scene = Scene::new(Program::default());
    let words = words.replace("stat /backup.sh: no such file or directory", "permission denied");
    scene.engine.fail_nth(CallKind::Start, 1, ScriptedEngine::rejection(&words));
    let error = scene.run().await.expect_err("not executable");
    assert!(error.to_string().contains("chmod +x"), "{error}");
}

#[tokio::test]
async fn an_image_that_does_not_end_is_stopped_at_its_limit() {
    let mut scene = Scene::new(Program::endless().out("begun\n"));
    scene.settings.timeout = Some(Duration::from_millis(50));
    let error = scene.run().await.expect_err("too long");
    assert!(error.to_string().contains("did not end within 0 s and was stopped"), "{error}");
    let is_stop = |call: &Call| matches!(call, Call::Stop(_, Some(grace)) if *grace == GRACE);
    assert!(scene.engine.calls().iter().any(is_stop), "it had its time to end");
    assert!(scene.has(Level::Info, "begun") && scene.is_clean().await);
}

#[tokio::test]
async fn a_cancel_ends_a_run_wherever_it_is() {
    for kind in [CallKind::Create, CallKind::Start, CallKind::Wait] {
        let scene = Scene::new(Program::endless());
        let cancel = scene.cancel.clone();
        scene.engine.run_at_nth(kind, 1, move |_| cancel.cancel());
        assert!(matches!(scene.run().await, Err(BackendError::Cancelled)), "{kind:?}");
        assert!(scene.is_clean().await, "{kind:?}");
    }
}

#[tokio::test]
async fn data_that_the_engine_cannot_see_goes_through_a_volume() {
    for is_elsewhere in [false, true] {
        let scene = Scene::new(Program::printing("x"));
        if is_elsewhere {
            // The path is there, on another host: what it holds is not what was staged.
            let error = crate::docker::EngineError::NotFound { what: "path".to_owned() };
            scene.engine.fail_nth(CallKind::StreamPath, 1, error);
        } else {
            let words = "invalid mount config for type \"bind\": bind source path does not exist: /x";
            scene.engine.fail_nth(CallKind::Create, 1, ScriptedEngine::rejection(words));
        }
        scene.run().await.expect("stored");
        assert_eq!(scene.made().mounts[0].source, MountSource::Volume(scene.name()));
        let [(_, to, tar)] = scene.engine.unpacked().try_into().expect("one archive");
        let names_run = tar.windows(RUN.len() + 1).any(|part| part.strip_suffix(b"/") == Some(RUN.as_bytes()));
        assert_eq!((to.as_path(), names_run), (Path::new("/backup"), true));
        assert!(scene.is_clean().await, "{is_elsewhere}");
    }
}

#[tokio::test]
async fn a_volume_that_cannot_be_filled_is_not_run_over() {
    let scene = Scene::new(Program::printing("x"));
    let words = "bind source path does not exist";
    scene.engine.fail_nth(CallKind::Create, 1, ScriptedEngine::rejection(words));
    scene.engine.fail_nth(CallKind::PutArchive, 1, ScriptedEngine::rejection("no space left on device"));
    assert!(scene.run().await.is_err());
    assert!(!scene.engine.calls().iter().any(|call| call.kind() == CallKind::Start));
    assert!(scene.is_clean().await);
}

#[tokio::test]
async fn nothing_staged_is_a_failure() {
    let scene = Scene::new(Program::printing("x"));
    std::fs::remove_dir_all(scene.staging.path().join("photos").join(RUN)).expect("removed");
    let error = scene.run().await.expect_err("nothing there");
    assert!(error.to_string().contains("nothing was staged"), "{error}");
    assert_eq!(scene.engine.calls(), []);
}

#[tokio::test]
async fn the_pull_policy_decides() {
    let rows = [
        // policy, there, in the registry → pulls, ready, warnings
        (PullPolicy::Never, true, false, 0, true, 0),
        (PullPolicy::Never, false, true, 0, false, 0),
        (PullPolicy::IfMissing, true, true, 0, true, 0),
        (PullPolicy::IfMissing, false, true, 1, true, 0),
        (PullPolicy::IfMissing, false, false, 1, false, 0),
        (PullPolicy::Always, true, true, 1, true, 0),
        (PullPolicy::Always, true, false, 1, true, 1),
        (PullPolicy::Always, false, false, 1, false, 0),
    ];
    for (policy, is_there, is_pullable, pulls, is_ready, warnings) in rows {
        let mut scene = Scene::new(Program::default());
        scene.engine = ScriptedEngine::new();
        scene.settings.pull = policy;
        if is_there {
            scene.engine.add_image(IMAGE, Program::default());
        }
        if is_pullable {
            scene.engine.add_pullable(IMAGE, Program::default());
        }
        scene.engine.add_path("mainstay-custom-photos", "/backup.sh", vec![Bytes::from_static(b"tar")]);
        let case = format!("{policy:?} {is_there} {is_pullable}");
        match scene.backend().prepare(&scene.work(), false).await {
            Ok(readiness) => assert_eq!((is_ready, readiness.warnings.len()), (true, warnings), "{case}"),
            Err(error) => assert!(!is_ready && matches!(error, BackendError::NotReady(_)), "{case}: {error}"),
        }
        let pulled = scene.engine.calls().iter().filter(|call| call.kind() == CallKind::Pull).count();
        assert_eq!(pulled, pulls, "{case}");
        assert!(scene.is_clean().await, "{case}");
    }
}

#[tokio::test]
async fn an_image_without_anything_to_run_is_not_ready() {
    let scene = Scene::new(Program::default());
    let error = scene.backend().prepare(&scene.work(), false).await.expect_err("no script");
    assert!(error.to_string().contains("has no /backup.sh"), "{error}");
    assert!(scene.is_clean().await);
}

#[tokio::test]
async fn leftovers_of_ours_are_swept_and_no_others() {
    let scene = Scene::new(Program::default());
    let labels = |instance: &str, node: &str| {
        [(MADE_FOR_IMAGE, "1"), (INSTANCE, instance), (NODE, node)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    };
    for (id, instance, node) in [("a1", "photos", "nas"), ("b2", "photos", "other"), ("c3", "music", "nas")] {
        let mut container = running_container(id, &format!("name-{id}"));
        container.container.labels = labels(instance, node);
        scene.engine.add_container(container);
        scene.engine.add_volume(EngineVolume {
            name: format!("volume-{id}"),
            driver: "local".to_owned(),
            mountpoint: "/x".into(),
            options: BTreeMap::new(),
            labels: labels(instance, node),
        });
    }
    scene.engine.add_container(running_container("d4", "of-a-user"));
    let removed = scene.backend().sweep(&scene.work()).await.expect("swept");
    assert_eq!(removed.len(), 2, "{removed:?}");
    let names: Vec<_> =
        scene.engine.shared().list_containers().await.expect("a list").into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["name-b2", "name-c3", "of-a-user"]);
    assert_eq!(scene.engine.volume_names(), ["volume-b2", "volume-c3"]);
}

#[tokio::test]
async fn what_the_image_does_itself_is_not_supported_here() {
    let scene = Scene::new(Program::default());
    let (backend, work) = (scene.backend(), scene.work());
    let restore = RestoreRequest { reference: "x".to_owned(), paths: Vec::new(), to: "/x".into() };
    let answers = [
        backend.snapshots(&work).await.err(),
        backend.forget(&work, &[]).await.err(),
        backend.check(&work).await.err(),
        backend.stats(&work).await.err(),
        backend.restore(&work, &restore).await.err(),
    ];
    assert!(answers.iter().all(|answer| matches!(answer, Some(BackendError::NotSupported(_)))), "{answers:?}");
}
