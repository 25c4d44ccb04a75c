//! Labels → plans in both formats, as files: `testdata/<case>.yaml` is a compose file, and what becomes of it lies beside.
//! After a wanted change, `INSTA_UPDATE=always cargo test -p mainstay --lib backrest` writes them anew.

use serde_json::{Value, json};

use super::plan::{Format, Settings};
use super::testing::{containers_of, mount, notes_of};
use super::{render, wanted};
use crate::domain::stack::{Mount, MountKind};

/// Everything that becomes of a compose file.
fn outcome(compose: &str, backrest: Option<&[Mount]>, settings: &Settings) -> Value {
    let repos = ["default".to_owned(), "nas".to_owned()];
    let containers = containers_of(compose);
    let (plans, skipped) = wanted(&containers, &repos, backrest, settings);
    let all = plans.iter().map(|plan| {
        let native = render(plan, Format::Native);
        json!({
            "native": native.value,
            "forgotten_by_us": native.own_retention.map(|keep| keep.policy.to_string()),
            "sidecar": render(plan, Format::Sidecar).value,
            "aliases": plan.aliases,
            "notes": notes_of(plan),
        })
    });
    let why = skipped.iter().map(|skipped| format!("{}: {}", skipped.container, skipped.why));
    json!({"plans": all.collect::<Vec<_>>(), "skipped": why.collect::<Vec<_>>()})
}

fn check(name: &str, compose: &str, backrest: Option<&[Mount]>, settings: &Settings) {
    insta::with_settings!({snapshot_path => "testdata", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_json_snapshot!(name, outcome(compose, backrest, settings));
    });
}

macro_rules! golden {
    ($($name:ident),+ $(,)?) => {
        $(#[test]
        fn $name() {
            let compose = include_str!(concat!("testdata/", stringify!($name), ".yaml"));
            check(stringify!($name), compose, None, &Settings::default());
        })+
    };
}

golden!(seed_db, later_vocabulary, paths, retention, doubtful, collisions);

#[test]
fn as_backrest_sees_it() {
    let backrest = [
        mount(MountKind::Bind, None, "/var/lib/docker/volumes", "/docker_volumes"),
        mount(MountKind::Bind, None, "/srv", "/userdata"),
        mount(MountKind::Volume, Some("backrest_data"), "/var/lib/docker/volumes/backrest_data/_data", "/data"),
    ];
    check("as_backrest_sees_it", include_str!("testdata/paths.yaml"), Some(&backrest), &Settings::default());
}

/// The lines that backrest-sidecar's documentation promises for this very service.
#[test]
fn the_dry_run_of_the_sidecar_is_reproduced() {
    let settings = Settings { plan_id_prefix: String::new(), ..Settings::default() };
    let containers = containers_of(include_str!("testdata/seed_db.yaml"));
    let (plans, skipped) = wanted(&containers, &["default".to_owned()], None, &settings);
    assert_eq!((plans.len(), skipped.len()), (1, 0));
    assert_eq!(
        render(&plans[0], Format::Sidecar).value,
        json!({
            "id": "stack_db",
            "repo": "default",
            "schedule": "15 3 * * *",
            "sources": ["/var/lib/docker/volumes/stack_pgdata/_data"],
            "exclude": ["/var/lib/docker/volumes/stack_pgdata/_data/pg_wal"],
            "hooks": {"pre": ["sh -c 'docker stop $SELF'"], "post": ["sh -c 'docker start $SELF'"]},
            "retention": {"spec": "daily=7,weekly=4,monthly=6"},
        })
    );
}

/// The example that people copy: its two services, as its own Backrest sees them.
#[test]
fn the_example_becomes_plans() {
    let compose = include_str!("../../../examples/backrest/compose.yaml");
    let containers = containers_of(compose);
    let backrest = containers.iter().find(|container| container.name == "backrest").expect("Backrest");
    check("example", compose, Some(&backrest.mounts), &Settings::default());
}
