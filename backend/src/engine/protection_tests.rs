use chrono::TimeDelta;

use super::*;
use crate::docker::scripted::running_container;
use crate::domain::job::Quiesce;
use crate::domain::keep::KeepPolicy;
use crate::domain::plan::{Hooks, MissedRun, Origin, Target};
use crate::domain::schedule::Schedule;
use crate::domain::stack::{Mount, MountKind, Service, StackSource, StackState};

fn at(hours: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_035_200, 0).expect("a midnight") + TimeDelta::hours(hours)
}

/// `blog`, whose `db` uses the volume `blog_db`, with a bind mount outside of its directory and one inside.
fn blog() -> Stack {
    let mut db = running_container("blog-db", "blog-db-1").container;
    db.mounts = vec![Mount {
        kind: MountKind::Volume,
        volume: Some("blog_db".to_owned()),
        source: "/volumes/blog_db".into(),
        destination: "/data".into(),
        is_writable: true,
    }];
    let bind = |source: &str, is_inside_stack: bool, excluded: Option<&str>| Bind {
        source: source.into(),
        services: Vec::new(),
        is_inside_stack,
        excluded: excluded.map(str::to_owned),
    };
    let volume = |name: &str, options: &[(&str, &str)]| Volume {
        name: name.to_owned(),
        driver: "local".to_owned(),
        mountpoint: Some(format!("/volumes/{name}").into()),
        options: options.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect(),
        labels: [].into(),
        services: Vec::new(),
    };
    Stack {
        name: "blog".parse().expect("a name"),
        host: "local".to_owned(),
        state: StackState::Running,
        source: StackSource::Both,
        directory: Some("/stacks/blog".into()),
        directory_name: None,
        compose_files: Vec::new(),
        services: vec![Service { name: "db".to_owned(), image: None, depends_on: Vec::new(), containers: vec![db] }],
        volumes: vec![volume("blog_db", &[]), volume("cache", &[("type", "tmpfs")])],
        binds: vec![
            bind("/srv/blog/media", false, None),
            bind("/run/docker.sock", false, Some("a socket")),
            bind("/stacks/blog/conf", true, None),
        ],
        skip_stop: false,
        quiesce: None,
        warnings: Vec::new(),
    }
}

fn plan(targets: Vec<Target>) -> Plan {
    Plan {
        drill: None,
        id: "nas".parse().expect("an id"),
        origin: Origin::Config,
        instance: "nas".parse().expect("an id"),
        targets,
        excludes: Vec::new(),
        schedule: Some(Schedule::parse("0 2 * * *", "nas").expect("a schedule")),
        timezone: chrono_tz::UTC,
        missed_run: MissedRun::Skip,
        hooks: Hooks::default(),
        quiesce: Quiesce::Stop,
        stop_attached: false,
        retention: KeepPolicy::ALL,
        is_enabled: true,
        warnings: Vec::new(),
    }
}

fn part_of(what: What) -> Target {
    Target {
        what,
        origin: Origin::Config,
        paths: vec!["a".into()],
        stop_attached: None,
        hooks: Hooks::default(),
        database: None,
        dump_args: Vec::new(),
        excludes: Vec::new(),
        tags: Vec::new(),
    }
}

fn run(captured: &[(TargetKind, &str)]) -> GoodRun {
    let target = |&(kind, name): &(TargetKind, &str)| TargetResult {
        kind,
        name: name.to_owned(),
        state: TargetState::Succeeded,
        size_bytes: 1,
        message: None,
    };
    GoodRun { at: at(2), targets: captured.iter().map(target).collect() }
}

fn protected(stack: &Stack, plan: Plan, run: GoodRun, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let runs = GoodRuns::from([(plan.id.clone(), run)]);
    protected_by_plans(std::slice::from_ref(stack), &[Arc::new(plan)], &runs, now).into_values().next()
}

#[test]
fn all_of_its_data_must_have_been_captured() {
    use TargetKind::{Bind, Data, Database, Path, Volume};
    for (captured, expected) in [
        (&[(Volume, "blog_db"), (Path, "/srv"), (Data, "blog")][..], true),
        (&[(Database, "blog-db-1"), (Bind, "/srv/blog/media"), (Path, "/stacks/blog/conf")], true),
        (&[(Volume, "blog_db"), (Path, "/srv/blog")], false),
        (&[(Volume, "blog_db"), (Path, "/srv/other"), (Data, "blog")], false),
        (&[(Database, "other"), (Path, "/srv"), (Data, "blog")], false),
        (&[(Volume, "blog_db"), (Path, "/srv"), (Data, "wiki")], false),
        (&[], false),
    ] {
        let found = protected(&blog(), plan(Vec::new()), run(captured), at(3));
        assert_eq!(found, expected.then(|| at(2)), "{captured:?}");
    }
}

#[test]
fn only_a_whole_capture_of_a_plan_that_runs_counts() {
    let captured = [(TargetKind::Volume, "blog_db"), (TargetKind::Path, "/srv"), (TargetKind::Data, "blog")];
    let found = |plan: Plan, run: GoodRun, now: i64| protected(&blog(), plan, run, at(now)).is_some();
    assert!(found(plan(Vec::new()), run(&captured), 49), "one run was missed");
    assert!(!found(plan(Vec::new()), run(&captured), 50), "two were");
    assert!(found(Plan { schedule: None, ..plan(Vec::new()) }, run(&captured), 5000), "nothing is late on demand");
    assert!(!found(Plan { is_enabled: false, ..plan(Vec::new()) }, run(&captured), 3));
    for part in [What::Volume("blog_db".to_owned()), What::Path("/srv".into())] {
        assert!(!found(plan(vec![part_of(part)]), run(&captured), 3), "a part is not all of it");
    }
    let mut gaps = run(&captured);
    gaps.targets[0].state = TargetState::Partial;
    assert!(!found(plan(Vec::new()), gaps, 3));
}

#[test]
fn the_oldest_of_what_several_plans_captured_counts() {
    let (one, two) = (plan(Vec::new()), Plan { id: "other".parse().expect("an id"), ..plan(Vec::new()) });
    let late = GoodRun { at: at(4), ..run(&[(TargetKind::Path, "/")]) };
    let runs = GoodRuns::from([(one.id.clone(), run(&[(TargetKind::Volume, "blog_db")])), (two.id.clone(), late)]);
    let found = protected_by_plans(&[blog()], &[Arc::new(one), Arc::new(two)], &runs, at(5));
    assert_eq!(found.into_values().collect::<Vec<_>>(), [at(2)]);
}

#[test]
fn a_stack_without_data_needs_its_directory() {
    let bare = Stack { volumes: Vec::new(), binds: Vec::new(), ..blog() };
    assert!(protected(&bare, plan(Vec::new()), run(&[(TargetKind::Data, "blog")]), at(3)).is_some());
    assert!(protected(&bare, plan(Vec::new()), run(&[(TargetKind::Compose, "blog")]), at(3)).is_none());
}
