//! Bodies, and what is wrong with them.

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::*;
use crate::api::wire::{InstanceSpec, PlanSpec};
use crate::domain::job::Quiesce;
use crate::domain::keep::KeepPolicy;
use crate::domain::plan::{Destination, Instance, Plan};

fn instance(body: Value, former: Option<&Instance>) -> Result<Instance, ApiError> {
    read_instance(serde_json::from_value::<InstanceSpec>(body).expect("a body"), former)
}

fn plan(body: Value, former: Option<&Plan>) -> Result<Plan, ApiError> {
    let fallback = Fallback {
        timezone: Tz::Europe__Berlin,
        quiesce: Quiesce::Pause,
        stop_attached: true,
        retention: KeepPolicy::default(),
    };
    read_plan(serde_json::from_value::<PlanSpec>(body).expect("a body"), former, |id| {
        (id.as_str() == "nas").then_some(fallback)
    })
}

#[track_caller]
fn pointers<T: std::fmt::Debug>(result: Result<T, ApiError>) -> Vec<String> {
    let Err(ApiError::InvalidBody { errors, .. }) = result else { panic!("{result:?}") };
    errors.into_iter().filter_map(|error| error.pointer).collect()
}

#[test]
fn the_shortest_instances_are_enough() {
    let restic = instance(json!({"id": "nas", "repository": "/srv/restic"}), None).expect("an instance");
    assert!(matches!(restic.destination, Destination::Restic(_)) && restic.is_enabled);
    let image = instance(json!({"id": "own", "custom_image": "org/tool:1"}), None).expect("an instance");
    assert!(matches!(image.destination, Destination::CustomImage(_)));
    let archive = instance(json!({"id": "plain", "backend": "archive"}), None).expect("an instance");
    assert!(matches!(archive.destination, Destination::Archive));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let body = json!({
        "id": "../nas", "repository": "", "schedule": "", "timezone": "Europe/Berln", "restic_timeout": "soon",
        "check": {"subset": ""}, "env": {"1A": "x"}, "tags": ["a,b"], "exclude": [""],
        "hooks": {"pre": [{"command": " ", "timeout": "1"}], "post": [{"command": "x", "container": "a/b"}]},
        "targets": [
            {"kind": "volume", "name": "a/b"}, {"kind": "volume", "name": "v", "paths": ["ok", "../.."]},
            {"kind": "path", "name": "relative"}, {"kind": "db", "name": "db", "paths": ["x"]},
            {"kind": "volume", "name": "v"}, {"kind": "stack", "name": "..", "dump_args": []}
        ]
    });
    let found = pointers(instance(body, None));
    for pointer in [
        "/id",
        "/repository",
        "/schedule",
        "/timezone",
        "/restic_timeout",
        "/env/1A",
        "/tags/0",
        "/exclude/0",
        "/hooks/pre/0/command",
        "/hooks/pre/0/timeout",
        "/hooks/post/0/container",
        "/targets/0/name",
        "/targets/1/paths/1",
        "/targets/2/name",
        "/targets/3/paths",
        "/targets/4",
        "/targets/5/name",
    ] {
        assert!(found.iter().any(|p| p == pointer), "{pointer} is not among {found:?}");
    }
}

#[test]
fn the_backend_must_be_clear() {
    assert_eq!(pointers(instance(json!({"id": "a"}), None)), ["/backend"]);
    let both = json!({"id": "a", "repository": "/r", "custom_image": "i"});
    assert_eq!(pointers(instance(both, None)), ["/custom_image"]);
    let misplaced = json!({"id": "a", "repository": "/r", "pull": "never", "cpus": 1});
    assert_eq!(pointers(instance(misplaced, None)), ["/pull", "/cpus"]);
    assert_eq!(pointers(instance(json!({"id": "a", "backend": "restic"}), None)), ["/repository"]);
    let limits = json!({"id": "a", "custom_image": "i", "cpus": 0, "memory_bytes": 1, "timeout": "0"});
    assert_eq!(pointers(instance(limits, None)), ["/memory_bytes", "/timeout", "/cpus"]);
}

fn with_secrets() -> Instance {
    let body = json!({
        "id": "nas", "repository": "rest:https://me:geheim@nas/", "env": {"RESTIC_PASSWORD": "p1", "OTHER": "p2"},
        "hooks": {"pre": [{"command": "secret-command"}]},
        "targets": [{"kind": "db", "name": "db", "dump_args": ["-psecret"]}]
    });
    instance(body, None).expect("an instance")
}

#[test]
fn a_replacement_keeps_the_secrets_that_it_does_not_name() {
    let former = with_secrets();
    let Destination::Restic(settings) = &former.destination else { panic!("a repository") };
    let shown = settings.repository.to_string();
    let targets = json!([{"kind": "db", "name": "db"}]);
    let new = instance(json!({"repository": shown, "targets": targets}), Some(&former)).expect("an instance");
    let Destination::Restic(settings) = &new.destination else { panic!("a repository") };
    assert_eq!(settings.repository.expose(), "rest:https://me:geheim@nas/");
    assert_eq!(new.env["OTHER"].expose_secret(), "p2");
    assert_eq!(new.hooks.pre[0].command.expose_secret(), "secret-command");
    assert_eq!(new.targets[0].dump_args[0].expose_secret(), "-psecret");

    let body = json!({"repository": "/r", "env": {"RESTIC_PASSWORD": null}, "hooks": {}});
    let new = instance(body, Some(&former)).expect("an instance");
    assert_eq!(new.env.len(), 1);
    assert_eq!(new.env["RESTIC_PASSWORD"].expose_secret(), "p1");
    assert!(new.hooks.pre.is_empty() && new.targets.is_empty());
    let missing = json!({"repository": "/r", "env": {"NEW": null}});
    assert_eq!(pointers(instance(missing, Some(&former))), ["/env/NEW"]);
}

#[test]
fn credentials_stay_unless_they_are_named() {
    let body = json!({"id": "a", "custom_image": "i", "credentials": {"username": "u", "password": "p"}});
    let former = instance(body, None).expect("an instance");
    let user = |body: Value| {
        let Destination::CustomImage(image) = instance(body, Some(&former)).expect("an instance").destination else {
            panic!("an image")
        };
        image.credentials.map(|credentials| credentials.username)
    };
    assert_eq!(user(json!({"custom_image": "i"})).as_deref(), Some("u"));
    assert_eq!(user(json!({"custom_image": "i", "credentials": null})), None);
}

#[test]
fn an_id_does_not_change() {
    let former = with_secrets();
    assert_eq!(pointers(instance(json!({"id": "other", "repository": "/r"}), Some(&former))), ["/id"]);
    assert!(instance(json!({"id": "nas", "repository": "/r"}), Some(&former)).is_ok());
}

#[test]
fn a_plan_does_as_its_instance_where_it_says_nothing() {
    let body =
        json!({"id": "p", "instance": "nas", "targets": [{"kind": "volume", "name": "v", "paths": ["/a/", "b/./c"]}]});
    let plan = plan(body, None).expect("a plan");
    assert_eq!((plan.timezone, plan.quiesce, plan.stop_attached), (Tz::Europe__Berlin, Quiesce::Pause, true));
    assert_eq!(plan.targets[0].paths, [std::path::Path::new("a"), std::path::Path::new("b/c")]);
}

#[test]
fn a_plan_needs_an_instance_and_a_target() {
    let found = pointers(plan(json!({"instance": "other", "targets": []}), None));
    assert_eq!(found, ["/id", "/instance", "/targets"]);
}
