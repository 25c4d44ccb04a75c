//! Every label, and everything that is wrong with one.

use crate::backrest::plan::{Settings, WantedPlan, WantedSchedule};
use crate::backrest::testing::{notes_of, plan_with, repos, service, skipped_with};
use crate::backrest::wanted::wanted;
use crate::domain::keep::KeepPolicy;

fn plan(pairs: &[(&str, &str)]) -> WantedPlan {
    plan_with(&Settings::default(), pairs)
}

fn cron(fields: &str) -> WantedSchedule {
    WantedSchedule::Cron { fields: fields.to_owned(), is_caught_up: false }
}

#[test]
fn only_what_is_enabled_gets_a_plan() {
    let settings = Settings::default();
    for (value, count) in [("true", 1), ("YES", 1), ("1", 1), ("false", 0), ("0", 0)] {
        let (plans, skipped) = wanted(&[service("a", "b", &[("backrest.enable", value)])], &repos(), None, &settings);
        assert_eq!((plans.len(), skipped.len()), (count, 0), "{value}");
    }
    assert!(skipped_with(&settings, &[("backrest.enable", "ture")]).why.contains("neither true nor false"));
    assert!(skipped_with(&settings, &[("backrest.repo", "default")]).why.contains("without backrest.enable=true"));
    assert!(skipped_with(&settings, &[("backrest.enabled", "true")]).why.contains("without backrest.enable=true"));
    let (plans, skipped) =
        wanted(&[service("a", "b", &[("restic-compose-backup.volumes", "1")])], &[], None, &settings);
    assert_eq!((plans.len(), skipped.len()), (0, 0));
}

#[test]
fn the_repository_is_the_named_one_the_default_or_the_first() {
    let enabled = ("backrest.enable", "true");
    let settings = Settings::default();
    let make = |repos: &[&str], pairs: &[(&str, &str)]| {
        let repos: Vec<String> = repos.iter().map(|repo| (*repo).to_owned()).collect();
        let (plans, skipped) = wanted(&[service("a", "b", &[&[enabled], pairs].concat())], &repos, None, &settings);
        plans.first().map(|plan| plan.repo.clone()).ok_or_else(|| skipped[0].why.clone())
    };
    assert_eq!(make(&["nas", "default"], &[]).as_deref(), Ok("default"));
    assert_eq!(make(&["nas", "s3"], &[]).as_deref(), Ok("nas"));
    assert_eq!(make(&["nas", "s3"], &[("backrest.repo", "s3")]).as_deref(), Ok("s3"));
    assert!(make(&["nas"], &[("backrest.repo", "s4")]).expect_err("unknown").contains("'s4', which is not declared"));
    assert_eq!(make(&[], &[]), Err("no repository is declared".to_owned()));
}

#[test]
fn a_workload_that_is_skipped_says_which_plan_it_would_have() {
    let skipped = skipped_with(&Settings::default(), &[("backrest.enable", "true"), ("backrest.repo", "nowhere")]);
    assert!(skipped.ids.contains(&"backrest_sidecar_shop_db".to_owned()), "{skipped:?}");
    assert_eq!((skipped.project.as_deref(), skipped.container.as_str()), (Some("shop"), "shop-db-1"));
}

#[test]
fn a_schedule_that_backrest_would_not_understand_is_replaced_by_the_default() {
    assert_eq!(plan(&[("backrest.schedule", "15 3 * * *")]).schedule, cron("15 3 * * *"));
    assert_eq!(plan(&[("backrest.schedule", "")]).schedule, cron("0 2 * * *"));
    assert_eq!(plan(&[("backrest.schedule", "Manual")]).schedule, WantedSchedule::Manual);
    let doubtful = plan(&[("backrest.schedule", "0 2 L * *")]);
    assert_eq!(doubtful.schedule, cron("0 2 * * *"));
    assert!(notes_of(&doubtful)[0].starts_with("warning: backrest.schedule: '0 2 L * *' is not used"), "{doubtful:?}");
    let caught_up = plan(&[("backrest.catchup", "true")]).schedule;
    assert_eq!(caught_up, WantedSchedule::Cron { fields: "0 2 * * *".to_owned(), is_caught_up: true });
    let settings = Settings { default_schedule: "never".to_owned(), ..Settings::default() };
    assert!(skipped_with(&settings, &[("backrest.enable", "true")]).why.contains("the default schedule 'never'"));
}

#[test]
fn a_retention_is_followed_whole_or_not_at_all() {
    let policy = |spec: &str| plan(&[("backrest.keep", spec)]).keep.policy;
    let parsed = |spec: &str| spec.parse::<KeepPolicy>().expect(spec);
    assert_eq!(policy("daily=7,weekly=4,monthly=6"), parsed("daily=7,weekly=4,monthly=6"));
    assert_eq!(policy("last=7, daily=7 ,within=90d,"), parsed("last=7,daily=7,within=90d"));
    assert_eq!(policy("within-d=7d,within-w=1m"), parsed("within-daily=7d,within-weekly=1m"));
    assert_eq!(policy("--keep-daily=7"), parsed("daily=7"));
    assert_eq!(policy(""), parsed("daily=7,weekly=4"));
    for spec in ["none", "ALL"] {
        assert_eq!(policy(spec), KeepPolicy::ALL);
    }
    for spec in ["daily=7,dialy=4", "daily=x", "daily=7;weekly=4", "daily=0", "within=90"] {
        let doubtful = plan(&[("backrest.keep", spec)]);
        assert_eq!(doubtful.keep.policy, KeepPolicy::ALL, "{spec}");
        assert!(notes_of(&doubtful)[0].starts_with("warning: backrest.keep: everything is kept"), "{doubtful:?}");
        assert_eq!(doubtful.keep.spec, spec, "as written");
    }
}

#[test]
fn no_label_is_passed_over_in_silence() {
    let notes = notes_of(&plan(&[
        ("backrest.path.include", "/data"),
        ("backrest.quiesce", "true"),
        ("restic-compose-backup.volumes", "true"),
        ("stack-back.volumes.exclud", "x"),
        ("backrest.snapshot-start", "sync"),
        ("backrest.pre", "true"),
        ("backrest.repo", " "),
    ]));
    for part in [
        "warning: backrest.path.include: the label is not known; did you mean 'paths.include'?",
        "info: backrest.quiesce: only 'backup-once' stops",
        "info: restic-compose-backup.volumes: it chooses what 'backup-once'",
        "warning: stack-back.volumes.exclud: the label is not known; did you mean 'volumes.exclude'?",
        "warning: backrest.snapshot-start: it says otherwise than backrest.pre, which counts",
        "info: backrest.repo: it is empty",
    ] {
        assert!(notes.iter().any(|note| note.starts_with(part)), "{part}\n{notes:#?}");
    }
    let long = plan(&[("backrest.schedule", &"1,".repeat(3000))]);
    assert_eq!(long.schedule, cron("0 2 * * *"));
    assert!(notes_of(&long)[0].contains("6000 bytes"), "{long:?}");
}

#[test]
fn paths_lead_nowhere_else() {
    let settings = Settings::default();
    let all = [("backrest.enable", "true"), ("backrest.paths.include", "/data/../etc, etc ,/")];
    let skipped = skipped_with(&settings, &all);
    assert!(skipped.why.contains("nothing that the label backrest.paths.include names"), "{skipped:?}");
    let some = plan(&[
        ("backrest.paths.include", "/data/../etc,/data//a/./b/,/data/a/b"),
        ("backrest.paths.exclude", "/data/a/../../x,*.tmp,/,/data/cache/*,cache,*.tmp"),
    ]);
    let root = "/var/lib/docker/volumes/shop-db-1_data/_data";
    assert_eq!(some.paths, [format!("{root}/a/b")]);
    assert_eq!(some.excludes, ["*.tmp".to_owned(), format!("{root}/cache/*"), "cache".to_owned()]);
    assert_eq!(notes_of(&some).iter().filter(|note| note.contains("'..'")).count(), 2, "{some:?}");
}

#[test]
fn an_exclusion_of_everything_is_told() {
    let plan = plan(&[("backrest.paths.exclude", "/data")]);
    assert!(notes_of(&plan)[0].contains("it leaves out all of"), "{plan:?}");
}

#[test]
fn replicas_share_a_plan_and_what_they_say_differently_is_told() {
    let enabled = ("backrest.enable", "true");
    let mut second = service("shop", "db", &[enabled, ("backrest.keep", "last=1")]);
    (second.number, second.name) = (2, "shop-db-2".to_owned());
    second.mounts[0].source = "/var/lib/docker/volumes/other/_data".into();
    second.mounts[0].volume = Some("other".to_owned());
    let first = service("shop", "db", &[enabled, ("backrest.paths.include", "/data/x")]);
    let (plans, _) = wanted(&[second, first], &repos(), None, &Settings::default());
    assert_eq!(plans.len(), 1);
    assert_eq!(plans[0].containers, ["shop-db-1", "shop-db-2"]);
    assert_eq!(plans[0].paths.len(), 2, "{plans:?}");
    assert!(notes_of(&plans[0])[0].contains("the labels of 'shop-db-2' differ"), "{plans:?}");
}
