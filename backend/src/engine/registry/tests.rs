//! The registry over a scripted engine and a real store.

use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::discovery::DiscoverySettings;
use crate::docker::EngineVolume;
use crate::docker::scripted::{ScriptedEngine, running_container};
use crate::domain::clock::ManualClock;
use crate::domain::plan::{DatabaseKind, Destination, Hooks, MissedRun, Origin, Target, What};

struct World {
    dir: tempfile::TempDir,
    engine: ScriptedEngine,
    discovery: Discovery,
    store: Store,
}

async fn world() -> World {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = Arc::new(ManualClock::new(chrono::DateTime::UNIX_EPOCH));
    let url = format!("sqlite://{}", dir.path().join("store.db").display());
    let store = Store::connect(&url, clock.clone()).await.expect("a store");
    let settings = DiscoverySettings {
        stacks_dir: dir.path().to_owned(),
        skip_stop: vec![],
        host: "local".to_owned(),
        excluded_paths: vec![],
    };
    let engine = ScriptedEngine::new();
    let discovery = Discovery::new(settings, engine.shared(), clock);
    World { dir, engine, discovery, store }
}

impl World {
    fn registry(&self, instances: Vec<Instance>) -> Registry {
        let defaults =
            PlanDefaults { timezone: chrono_tz::Europe::Berlin, quiesce: Quiesce::Pause, stop_attached: true };
        Registry::new(instances, defaults, self.store.clone(), self.discovery.clone())
    }

    async fn set_volume(&self, name: &str, labels: &[(&str, &str)]) {
        self.engine.add_volume(EngineVolume {
            name: name.to_owned(),
            driver: "local".to_owned(),
            mountpoint: "/x".into(),
            options: [].into(),
            labels: labels.iter().map(|&(label, value)| (label.to_owned(), value.to_owned())).collect(),
        });
        self.discovery.refresh().await;
    }

    async fn set_container(&self, name: &str, labels: &[(&str, &str)]) {
        let mut detail = running_container(name, name);
        detail.container.labels = labels.iter().map(|&(label, value)| (label.to_owned(), value.to_owned())).collect();
        self.engine.add_container(detail);
        self.discovery.refresh().await;
    }
}

fn instance(id: &str) -> Instance {
    Instance {
        drill: None,
        id: id.parse().expect("an id"),
        origin: Origin::Config,
        destination: Destination::Archive,
        env: [("TOKEN".to_owned(), "hunter2".into())].into(),
        schedule: None,
        timezone: None,
        retention: "7d:4w:6m".parse().expect("a retention"),
        restic_timeout: None,
        stop_attached: None,
        quiesce: None,
        missed_run: MissedRun::Skip,
        is_enabled: true,
        hooks: Hooks::default(),
        excludes: vec!["*.tmp".to_owned()],
        tags: vec!["nightly".to_owned()],
        targets: vec![],
    }
}

fn target(what: What, paths: &[&str]) -> Target {
    Target {
        what,
        origin: Origin::Config,
        paths: paths.iter().map(PathBuf::from).collect(),
        stop_attached: None,
        hooks: Hooks::default(),
        database: None,
        dump_args: vec![],
        excludes: vec![],
        tags: vec!["own".to_owned()],
    }
}

fn volume(name: &str, paths: &[&str]) -> Target {
    target(What::Volume(name.to_owned()), paths)
}

fn plan_of(registry: &Registry, id: &str) -> Arc<Plan> {
    registry.find_plan(&id.parse().expect("an id")).expect("a plan")
}

/// What a plan captures, with where it was written down.
fn shown(plan: &Plan) -> Vec<String> {
    let show = |target: &Target| {
        let (kind, name) = target.what.to_result_key();
        format!("{kind} {name} {}", target.origin)
    };
    plan.targets.iter().map(show).collect()
}

const NAS: [(&str, &str); 2] = [("dev.polarfox.marina.enabled", "true"), ("dev.polarfox.marina.instanceID", "nas")];

fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [&NAS[..], more].concat()
}

#[tokio::test]
async fn an_own_plan_has_what_the_instance_and_the_labels_say_each_thing_once() {
    let world = world().await;
    let mut nas = instance("nas");
    nas.targets = vec![volume("data", &["a"]), volume("data", &["b", "a"]), target(What::Path("/srv".into()), &[])];
    let registry = world.registry(vec![nas]);
    world.set_container("pg", &with(&[("dev.polarfox.marina.db", "postgres")])).await;
    world.set_volume("uploads", &with(&[("dev.polarfox.marina.stopAttached", "no")])).await;
    world.set_volume("data", &with(&[("dev.polarfox.marina.paths", "c")])).await;
    let plan = plan_of(&registry, "nas");
    assert_eq!(
        shown(&plan),
        ["volume data config", "path /srv config", "volume uploads label", "database pg label"],
        "what the instance names, then volumes, then databases"
    );
    assert_eq!(plan.targets[0].paths, ["a", "b"].map(PathBuf::from));
    assert_eq!(plan.targets[0].tags, ["own", "nightly"]);
    assert_eq!(
        (plan.targets[2].stop_attached, plan.targets[2].tags.clone()),
        (Some(false), vec!["nightly".to_owned()])
    );
    assert_eq!(plan.targets[3].database, Some(DatabaseKind::Postgres));
    assert_eq!(plan.warnings.len(), 2, "{:?}", plan.warnings);
    assert!(plan.warnings[0].contains("'data' is named twice") && plan.warnings[1].contains("by its labels"));
    assert_eq!((plan.origin, plan.instance.as_str(), plan.excludes.join(",")), (Origin::Config, "nas", "*.tmp".into()));
    assert_eq!((plan.timezone.name(), plan.quiesce, plan.stop_attached), ("Europe/Berlin", Quiesce::Pause, true));
    assert_eq!(registry.list_warnings(), Vec::<String>::new());
}

#[tokio::test]
async fn labels_count_as_soon_as_they_are_seen() {
    let world = world().await;
    let registry = world.registry(vec![instance("nas"), instance("s3")]);
    let mut changes = registry.subscribe();
    assert!(plan_of(&registry, "nas").warnings[0].contains("it captures nothing"));
    world.set_volume("data", &NAS).await;
    assert_eq!(shown(&plan_of(&registry, "nas")), ["volume data label"]);
    assert!(plan_of(&registry, "nas").warnings.is_empty());
    assert!(changes.has_changed().expect("open"));
    changes.mark_unchanged();
    world.discovery.refresh().await;
    registry.follow_labels();
    assert!(!changes.has_changed().expect("open"), "a look that finds the same is no change");
    // Paths alone are a change too.
    world.set_volume("data", &with(&[("dev.polarfox.marina.paths", "sub")])).await;
    registry.follow_labels();
    assert!(changes.has_changed().expect("open"));
    assert_eq!(plan_of(&registry, "nas").targets[0].paths, [PathBuf::from("sub")]);
    world.set_volume("data", &[("mainstay.enable", "true"), ("mainstay.instance", "s3")]).await;
    assert_eq!((shown(&plan_of(&registry, "nas")).len(), shown(&plan_of(&registry, "s3")).len()), (0, 1));
    world.engine.set_reachable(false);
    world.discovery.refresh().await;
    assert_eq!(shown(&plan_of(&registry, "s3")).len(), 1, "an engine that does not answer takes nothing away");
    world.engine.set_reachable(true);
    world.engine.remove_volume("data");
    world.discovery.refresh().await;
    assert_eq!(shown(&plan_of(&registry, "s3")).len(), 0);
}

#[tokio::test]
async fn events_of_the_engine_reach_whoever_subscribed() {
    let world = world().await;
    let registry = world.registry(vec![instance("nas")]);
    let (mut changes, mut seen) = (registry.subscribe(), world.discovery.subscribe());
    let cancel = tokio_util::sync::CancellationToken::new();
    let follow = async {
        while let Ok(change) = seen.recv().await {
            if change == crate::discovery::Change::Labels {
                registry.follow_labels();
            }
        }
    };
    let watch = async {
        let mut detail = running_container("pg", "pg");
        detail.container.labels = with(&[("dev.polarfox.marina.db", "postgres")])
            .into_iter()
            .map(|(label, value)| (label.to_owned(), value.to_owned()))
            .collect();
        world.engine.add_container(detail);
        world.engine.set_state("pg", crate::domain::stack::ContainerState::Exited);
        let change = tokio::time::timeout(Duration::from_secs(10), changes.changed());
        change.await.expect("in time").expect("open");
        assert_eq!(shown(&plan_of(&registry, "nas")), ["database pg label"]);
    };
    tokio::select! {
        () = world.discovery.run(std::time::Duration::from_secs(30), cancel) => {}
        () = follow => {}
        () = watch => {}
    }
}

#[tokio::test]
async fn what_labels_get_wrong_is_said() {
    let world = world().await;
    let registry = world.registry(vec![instance("nas")]);
    world.set_volume("a", &[("mainstay.enable", "true"), ("mainstay.instance", "nass")]).await;
    world.set_volume("b", &[("mainstay.enable", "true"), ("mainstay.instance", "../nas")]).await;
    world.set_container("c", &NAS).await;
    world.set_volume("d", &[("mainstay.instnace", "nas")]).await;
    let warnings = registry.list_warnings();
    for (warning, expected) in warnings.iter().zip([
        "volume 'a': it is not backed up: its labels name the instance 'nass', which does not exist; did you mean 'nas'?",
        "volume 'b': it is not backed up: its labels name the instance '../nas', which does not exist",
        "volume 'd': the label mainstay.instnace is not known; did you mean 'instance'?",
        "container 'c': it is enabled, but not backed up: of a container its database is captured",
    ]) {
        assert!(warning.starts_with(expected), "{warning}");
    }
    assert_eq!(warnings.len(), 4);
}

fn api_plan(registry: &Registry, id: &str, instance: &str) -> Plan {
    let own = plan_of(registry, "nas");
    let (id, instance) = (id.parse().expect("an id"), instance.parse().expect("an id"));
    Plan { id, instance, targets: vec![volume("x", &[])], ..Plan::clone(&own) }
}

#[tokio::test]
async fn what_the_api_makes_lasts() {
    let world = world().await;
    let registry = world.registry(vec![instance("nas")]);
    registry.load().await.expect("nothing yet");
    let mut changes = registry.subscribe();
    let made = registry.create_instance(instance("cloud")).await.expect("made");
    assert_eq!(made.origin, Origin::Api);
    registry.create_plan(api_plan(&registry, "weekly", "cloud")).await.expect("made");
    assert!(changes.has_changed().expect("open"));
    changes.mark_unchanged();
    let mut other = instance("cloud");
    other.targets = vec![volume("v", &[])];
    registry.replace_instance(other).await.expect("replaced");
    assert!(changes.has_changed().expect("open"));

    let again = world.registry(vec![instance("nas")]);
    again.load().await.expect("loaded");
    let ids: Vec<_> = again.list_plans().iter().map(|plan| plan.id.to_string()).collect();
    assert_eq!(ids, ["cloud", "nas", "weekly"]);
    assert_eq!(shown(&plan_of(&again, "cloud")), ["volume v api"]);
    assert_eq!(plan_of(&again, "weekly").origin, Origin::Api);
    assert!(again.list_warnings().is_empty());
    again.delete_plan(&"weekly".parse().expect("an id")).await.expect("removed");
    again.delete_instance(&"cloud".parse().expect("an id")).await.expect("removed");
    let last = world.registry(vec![]);
    last.load().await.expect("loaded");
    assert!(last.list_plans().is_empty());
}

#[tokio::test]
async fn ids_are_taken_once_and_what_is_written_elsewhere_is_read_only() {
    let world = world().await;
    let registry = world.registry(vec![instance("nas")]);
    registry.create_instance(instance("cloud")).await.expect("made");
    registry.create_plan(api_plan(&registry, "weekly", "cloud")).await.expect("made");
    let id = |text: &str| text.parse::<InstanceId>().expect("an id");
    let plan_id = |text: &str| text.parse::<PlanId>().expect("an id");
    for taken in ["nas", "cloud", "weekly"] {
        assert!(matches!(registry.create_instance(instance(taken)).await, Err(RegistryError::Taken(_))), "{taken}");
        let plan = api_plan(&registry, taken, "nas");
        assert!(matches!(registry.create_plan(plan).await, Err(RegistryError::Taken(_))), "{taken}");
    }
    assert!(matches!(registry.replace_instance(instance("nas")).await, Err(RegistryError::ReadOnly(_))));
    assert!(matches!(registry.replace_instance(instance("none")).await, Err(RegistryError::UnknownInstance(_))));
    assert!(matches!(registry.delete_instance(&id("nas")).await, Err(RegistryError::ReadOnly(_))));
    assert!(matches!(registry.delete_instance(&id("none")).await, Err(RegistryError::UnknownInstance(_))));
    assert!(matches!(registry.delete_instance(&id("cloud")).await, Err(RegistryError::InUse(_))));
    for own in ["nas", "cloud"] {
        assert!(matches!(registry.delete_plan(&plan_id(own)).await, Err(RegistryError::ReadOnly(_))));
        let plan = api_plan(&registry, own, "nas");
        assert!(matches!(registry.replace_plan(plan).await, Err(RegistryError::ReadOnly(_))));
    }
    assert!(matches!(registry.delete_plan(&plan_id("none")).await, Err(RegistryError::UnknownPlan(_))));
    let nowhere = api_plan(&registry, "weekly", "none");
    assert!(matches!(registry.replace_plan(nowhere).await, Err(RegistryError::UnknownInstance(_))));
}

#[tokio::test]
async fn the_configuration_goes_before_the_api() {
    let world = world().await;
    let before = world.registry(vec![instance("nas")]);
    before.create_instance(instance("cloud")).await.expect("made");
    before.create_plan(api_plan(&before, "weekly", "nas")).await.expect("made");
    // Later the file names an instance as the API did, another as a plan is called, and one is gone.
    let registry = world.registry(vec![instance("cloud"), instance("weekly")]);
    registry.load().await.expect("loaded");
    assert_eq!(plan_of(&registry, "cloud").origin, Origin::Config);
    assert_eq!(plan_of(&registry, "weekly").instance.as_str(), "weekly");
    let warnings = registry.list_warnings().join("\n");
    assert!(warnings.contains("the instance 'cloud' of the configuration takes the place"), "{warnings}");
    assert!(warnings.contains("the plan 'weekly' that was made through the API is left out"), "{warnings}");
    let registry = world.registry(vec![]);
    registry.load().await.expect("loaded");
    assert!(plan_of(&registry, "weekly").warnings[0].contains("there is no instance 'nas'"));
}

#[tokio::test]
async fn an_instance_whose_key_is_lost_is_shown_keeps_its_id_and_can_be_removed() {
    let world = world().await;
    world.registry(vec![]).create_instance(instance("cloud")).await.expect("made");
    let key = world.dir.path().join("secret.key");
    std::fs::write(&key, "0".repeat(64)).expect("another key");
    let url = format!("sqlite://{}", world.dir.path().join("store.db").display());
    let clock = Arc::new(ManualClock::new(chrono::DateTime::UNIX_EPOCH));
    let store = Store::connect(&url, clock).await.expect("a store");
    let registry = Registry::new(vec![], PlanDefaults::default(), store, world.discovery.clone());
    registry.load().await.expect("the service starts");
    assert!(registry.list_instances().is_empty() && registry.list_plans().is_empty());
    let unusable = registry.list_unusable();
    assert!(unusable.len() == 1 && unusable[0].reason.contains("put the former key back"), "{unusable:?}");
    assert!(registry.list_warnings()[0].starts_with("the instance 'cloud' cannot be used: its secrets"));
    world.set_volume("v", &[("mainstay.enable", "true"), ("mainstay.instance", "cloud")]).await;
    assert!(registry.list_warnings()[1].ends_with("the instance 'cloud' cannot be used"));
    assert!(matches!(registry.create_instance(instance("cloud")).await, Err(RegistryError::Taken(_))));
    assert!(matches!(registry.replace_instance(instance("cloud")).await, Err(RegistryError::UnknownInstance(_))));
    registry.delete_instance(&"cloud".parse().expect("an id")).await.expect("removed");
    assert!(registry.list_unusable().is_empty());
}
