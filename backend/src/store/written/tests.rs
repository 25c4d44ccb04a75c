//! Instances and plans through a real database file.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use super::super::{Store, StoreError};
use crate::domain::clock::ManualClock;
use crate::domain::job::Quiesce;
use crate::domain::plan::{
    DatabaseKind, Destination, Hook, Hooks, ImageCredentials, ImageSettings, Instance, MissedRun, Origin, Plan,
    PullPolicy, ResticSettings, Target, What,
};
use crate::domain::repository::RepositoryUrl;
use crate::domain::schedule::Schedule;

/// What must never be found in the database file.
const SECRET: &str = "hunter2-secret";

async fn open(directory: &tempfile::TempDir) -> Store {
    let url = format!("sqlite://{}", directory.path().join("store.db").display());
    Store::connect(&url, Arc::new(ManualClock::new(chrono::DateTime::UNIX_EPOCH))).await.expect("a store")
}

fn hooks() -> Hooks {
    let hook =
        |timeout| Hook { command: format!("echo {SECRET}").as_str().into(), container: Some("web".into()), timeout };
    Hooks { pre: vec![hook(None), hook(Some(Duration::from_millis(1500)))], post: vec![hook(None)] }
}

fn target(what: What) -> Target {
    Target {
        what,
        origin: Origin::Api,
        paths: vec!["a/b".into()],
        stop_attached: Some(true),
        hooks: hooks(),
        database: Some(DatabaseKind::Mariadb),
        dump_args: vec![SECRET.into(), "--clean".into()],
        excludes: vec!["*.tmp".into()],
        tags: vec!["t".into()],
    }
}

fn targets() -> Vec<Target> {
    let stack = What::Stack("blog".parse().expect("a name"));
    [What::Volume("v".into()), What::Database("d".into()), stack, What::Path("/srv".into())].map(target).into()
}

fn instance(destination: Destination) -> Instance {
    Instance {
        drill: None,
        id: "nas".parse().expect("an id"),
        origin: Origin::Api,
        destination,
        env: [("RESTIC_PASSWORD".to_owned(), SECRET.into())].into(),
        schedule: Some(Schedule::parse("0 2 * * *", "nas").expect("a schedule")),
        timezone: Some(chrono_tz::Europe::Berlin),
        retention: "3d:2w:1m".parse().expect("a retention"),
        restic_timeout: Some(Duration::from_mins(5)),
        stop_attached: Some(false),
        quiesce: Some(Quiesce::Pause),
        missed_run: MissedRun::Once,
        is_enabled: true,
        hooks: hooks(),
        excludes: vec!["cache".into()],
        tags: vec!["daily".into()],
        targets: targets(),
    }
}

fn restic() -> Destination {
    Destination::Restic(ResticSettings {
        repository: RepositoryUrl::new(&format!("rest:https://me:{SECRET}@host/")),
        check_schedule: Some(Schedule::parse("0 5 * * 0", "nas").expect("a schedule")),
        check_subset: Some("5%".into()),
        adopts_old_snapshots: true,
    })
}

fn image() -> Destination {
    let credentials = ImageCredentials { username: "me".into(), password: SECRET.into() };
    Destination::CustomImage(ImageSettings {
        image: "example/tool:1".into(),
        pull: PullPolicy::Never,
        credentials: Some(credentials),
        timeout: Some(Duration::from_mins(10)),
        memory_bytes: Some(512 << 20),
        milli_cpus: Some(1500),
    })
}

fn plan() -> Plan {
    Plan {
        drill: None,
        id: "weekly".parse().expect("an id"),
        origin: Origin::Api,
        instance: "nas".parse().expect("an id"),
        targets: targets(),
        excludes: vec!["x".into()],
        schedule: None,
        timezone: chrono_tz::Asia::Tokyo,
        missed_run: MissedRun::Skip,
        hooks: hooks(),
        quiesce: Quiesce::Stop,
        stop_attached: true,
        retention: "1d:1w:1m".parse().expect("a retention"),
        is_enabled: false,
        warnings: Vec::new(),
    }
}

/// Everything of a value, secrets in the clear: `Debug` hides them, so they are looked at one by one.
fn secrets_of(instance: &Instance) -> Vec<String> {
    use secrecy::ExposeSecret as _;
    let mut all: Vec<String> = instance.env.values().map(|value| value.expose_secret().to_owned()).collect();
    for hooks in instance.targets.iter().map(|target| &target.hooks).chain([&instance.hooks]) {
        all.extend(hooks.pre.iter().chain(&hooks.post).map(|hook| hook.command.expose_secret().to_owned()));
    }
    all.extend(instance.targets.iter().flat_map(|target| &target.dump_args).map(|arg| arg.expose_secret().to_owned()));
    match &instance.destination {
        Destination::Archive => {}
        Destination::Restic(settings) => all.push(settings.repository.expose().to_owned()),
        Destination::CustomImage(settings) => {
            all.extend(settings.credentials.iter().map(|known| known.password.expose_secret().to_owned()));
        }
    }
    all
}

#[tokio::test]
async fn what_is_recorded_is_read_back_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(&directory).await;
    for destination in [Destination::Archive, restic(), image()] {
        let saved = instance(destination);
        store.save_instance(&saved).await.expect("saved");
        let all = store.list_instances().await.expect("listed");
        let [read] = all.as_slice() else { panic!("one instance, replaced each time: {all:?}") };
        let read = read.content.as_ref().expect("it can be read");
        assert_eq!(format!("{read:?}"), format!("{saved:?}"));
        assert_eq!(secrets_of(read), secrets_of(&saved));
    }
    store.save_plan(&plan()).await.expect("saved");
    let all = store.list_plans().await.expect("listed");
    assert_eq!(format!("{:?}", all[0].content.as_ref().expect("read")), format!("{:?}", plan()));
    assert!(
        store.delete_plan(&plan().id).await.expect("removed") && !store.delete_plan(&plan().id).await.expect("gone")
    );
    let id = "nas".parse().expect("an id");
    assert!(store.delete_instance(&id).await.expect("removed") && !store.delete_instance(&id).await.expect("gone"));
    assert!(store.list_instances().await.expect("listed").is_empty());
}

#[tokio::test]
async fn no_secret_is_in_any_file_of_the_store() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(&directory).await;
    store.save_instance(&instance(restic())).await.expect("saved");
    store.save_plan(&plan()).await.expect("saved");
    let find = |needle: &str| {
        let files =
            std::fs::read_dir(directory.path()).expect("a directory").map(|entry| entry.expect("an entry").path());
        let has = |path: &std::path::Path| {
            let bytes = std::fs::read(path).expect("a file");
            bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
        };
        files.filter(|path| has(path)).count()
    };
    assert_eq!(find(SECRET), 0);
    assert!(find("RESTIC_PASSWORD") > 0, "the search would find it: names are in the clear");
    store.close().await.expect("closed");
    assert_eq!(find(SECRET), 0);
    let mode = std::fs::metadata(directory.path().join("secret.key")).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn without_the_key_nothing_is_lost_and_nothing_is_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(&directory).await;
    store.save_instance(&instance(restic())).await.expect("saved");
    store.close().await.expect("closed");
    let (key, away) = (directory.path().join("secret.key"), directory.path().join("away"));
    std::fs::rename(&key, &away).expect("moved");

    let store = open(&directory).await;
    let read = store.list_instances().await.expect("the list is there");
    let reason = read[0].content.as_ref().expect_err("its secrets cannot be read").to_string();
    assert!(reason.contains("put the file") && reason.contains("secret.key"), "{reason}");
    assert!(matches!(store.save_plan(&plan()).await, Err(StoreError::Secrets(_))), "no second key");
    assert!(!key.exists());

    std::fs::write(&key, "ab".repeat(32)).expect("another key");
    let read = store.list_instances().await.expect("the list is there");
    let reason = read[0].content.as_ref().expect_err("another key").to_string();
    assert!(reason.contains("put the former key back"), "{reason}");
    store.close().await.expect("closed");

    std::fs::rename(&away, &key).expect("moved back");
    let read = open(&directory).await.list_instances().await.expect("listed");
    assert_eq!(secrets_of(read[0].content.as_ref().expect("readable again")), secrets_of(&instance(restic())));
}
