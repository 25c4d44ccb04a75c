//! What is written, and what its scripts do.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::*;
use crate::backrest::plan::{Settings, WantedSchedule};
use crate::backrest::testing::{container, plan_with, repos};
use crate::backrest::wanted::wanted;

fn plan(pairs: &[(&str, &str)]) -> WantedPlan {
    plan_with(&Settings::default(), pairs)
}

fn native(pairs: &[(&str, &str)]) -> RenderedPlan {
    render(&plan(pairs), Format::Native)
}

/// The script of the hook at a place.
fn script(rendered: &RenderedPlan, place: usize) -> String {
    rendered.value["hooks"][place]["actionCommand"]["command"].as_str().expect("a command").to_owned()
}

#[test]
fn a_retention_is_said_whole_or_left_to_us() {
    for (spec, expected) in [
        ("last=7", json!({"policyKeepLastN": 7})),
        ("daily=7,weekly=4", json!({"policyTimeBucketed": {"daily": 7, "weekly": 4}})),
        ("last=3,hourly=24,yearly=1", json!({"policyTimeBucketed": {"hourly": 24, "yearly": 1, "keepLastN": 3}})),
        ("none", json!({"policyKeepAll": true})),
        ("daily=7,nonsense", json!({"policyKeepAll": true})),
    ] {
        let rendered = native(&[("backrest.keep", spec)]);
        assert_eq!((&rendered.value["retention"], rendered.own_retention), (&expected, None), "{spec}");
    }
    for spec in ["within=90d", "daily=7,within=1y5m7d", "within-d=7d", "daily=unlimited", "daily=7,min_keep=3"] {
        let rendered = native(&[("backrest.keep", spec)]);
        assert_eq!(rendered.value["retention"], json!({"policyKeepAll": true}), "{spec}");
        assert_eq!(rendered.own_retention.expect("ours").spec, spec);
    }
}

#[test]
fn schedules_have_the_clock_that_they_need() {
    let schedule = |pairs: &[(&str, &str)]| native(pairs).value["schedule"].clone();
    assert_eq!(schedule(&[]), json!({"cron": "0 2 * * *", "clock": "CLOCK_LOCAL"}));
    assert_eq!(schedule(&[("backrest.catchup", "1")]), json!({"cron": "0 2 * * *", "clock": "CLOCK_LAST_RUN_TIME"}));
    assert_eq!(schedule(&[("backrest.schedule", "manual")]), json!({"disabled": true}));
    let manual = WantedPlan { schedule: WantedSchedule::Manual, ..plan(&[]) };
    assert_eq!(render(&manual, Format::Sidecar).value["schedule"], json!(""));
}

#[test]
fn a_template_sign_of_a_label_is_no_template() {
    let command = "docker ps --format '{{.Names}} {{{.ID}}'; echo {{.Repo.Password}}";
    let rendered = native(&[("backrest.pre", command)]);
    let script = script(&rendered, 0);
    assert_eq!(script.matches("{{").count(), script.matches("{{\"{{\"}}").count() * 2, "{script}");
    assert!(script.contains("{{\"{{\"}}.Repo.Password}}"), "{script}");
}

#[test]
fn what_comes_after_a_snapshot_comes_also_after_an_error() {
    for pairs in [
        [("backrest.pre", "docker stop $SELF"), ("backrest.post", "docker start $SELF")],
        [("backrest.pre", "sync"), ("backrest.post", "true")],
    ] {
        let hooks = native(&pairs).value["hooks"].clone();
        assert_eq!(hooks[0]["conditions"], json!(["CONDITION_SNAPSHOT_START"]));
        assert_eq!(hooks[0]["onError"], "ON_ERROR_FATAL");
        assert_eq!(hooks[1]["conditions"], json!(["CONDITION_SNAPSHOT_END", "CONDITION_SNAPSHOT_ERROR"]));
        assert_eq!(hooks[1].get("onError"), None, "the default is not said");
    }
}

#[test]
fn the_pair_knows_containers_by_their_service_or_their_name() {
    let stop = script(&native(&[("backrest.hooks.template", "stop-start")]), 0);
    for part in ["project=shop'", "service=db'", "mainstay-backrest_sidecar_shop_db.ids"] {
        assert!(stop.contains(part), "{part} in {stop}");
    }
    let labels = [("backrest.enable", "true"), ("backrest.hooks.template", "stop-start")];
    let (plans, _) = wanted(&[container("my.box", &labels)], &repos(), None, &Settings::default());
    let stop = script(&render(&plans[0], Format::Native), 0);
    assert!(stop.contains(r"--filter 'name=^/my\.box$'"), "{stop}");
}

/// A `docker` that keeps its containers as files: those in `up` run, those in `known` exist; one in `broken` cannot be
/// stopped or started.
const DOCKER: &str = r#"#!/bin/sh
cd "$(dirname "$0")"
printf '%s\n' "$*" >>log
verb=$1; shift; for last in "$@"; do :; done
case "$verb" in
  ps) ls up ;;
  inspect) [ -e "known/$last" ] ;;
  stop) [ ! -e "broken/$last" ] && [ -e "known/$last" ] && rm -f "up/$last" ;;
  start) [ ! -e "broken/$last" ] && [ -e "known/$last" ] && : >"up/$last" ;;
esac
"#;

/// Where scripts run: `a` and `b` are up, `c` is not.
struct Shed(tempfile::TempDir);

impl Shed {
    fn new() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["up", "known", "broken", "state"] {
            std::fs::create_dir(dir.path().join(name)).expect("made");
        }
        let shed = Self(dir);
        let docker = shed.path("docker");
        std::fs::write(&docker, DOCKER).expect("written");
        std::fs::set_permissions(&docker, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        ["known/a", "known/b", "known/c", "up/a", "up/b"].iter().for_each(|name| shed.touch(name));
        shed
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn touch(&self, name: &str) {
        std::fs::write(self.path(name), "").expect("written");
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).expect("removed");
    }

    fn list(&self, name: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(name)).expect("a directory");
        let mut names: Vec<_> =
            entries.map(|e| e.expect("an entry").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Runs a script as Backrest does: the interpreter of its first line, the script at its standard input.
    async fn run(&self, script: &str) -> bool {
        let script = script.replace("{{\"{{\"}}", "{{");
        let line = script.lines().next().and_then(|line| line.strip_prefix("#!")).expect("an interpreter");
        let mut words = line.split_whitespace();
        let path = format!("{}:{}", self.0.path().display(), std::env::var("PATH").expect("a path"));
        let mut child = tokio::process::Command::new(words.next().expect("a program"))
            .args(words)
            .env("PATH", path)
            .env("BACKREST_DATA", self.path("state"))
            .current_dir(Path::new("/"))
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut stdin = child.stdin.take().expect("an input");
        // A shell that ends early closes it.
        stdin.write_all(script.as_bytes()).await.ok();
        drop(stdin);
        child.wait().await.expect("an end").success()
    }
}

fn pair() -> (String, String) {
    let rendered = native(&[("backrest.hooks.template", "stop-start")]);
    (script(&rendered, 0), script(&rendered, 1))
}

#[tokio::test]
async fn the_pair_starts_what_it_stopped_and_nothing_else() {
    let (shed, (stop, start)) = (Shed::new(), pair());
    assert!(shed.run(&stop).await);
    assert_eq!(shed.list("up"), Vec::<String>::new());
    assert!(shed.run(&start).await);
    assert_eq!((shed.list("up"), shed.list("state").len()), (vec!["a".to_owned(), "b".to_owned()], 0));
    assert!(shed.run(&start).await, "a second time there is nothing to do");
}

#[tokio::test]
async fn a_stop_that_fails_leaves_nothing_down() {
    let (shed, (stop, _)) = (Shed::new(), pair());
    shed.touch("broken/b");
    assert!(!shed.run(&stop).await, "there is no snapshot then");
    assert_eq!(shed.list("up"), ["a", "b"]);
}

#[tokio::test]
async fn what_a_killed_run_left_down_is_not_forgotten() {
    let (shed, (stop, start)) = (Shed::new(), pair());
    assert!(shed.run(&stop).await);
    // Backrest was killed here. The next run knows what the first one stopped.
    assert!(shed.run(&stop).await);
    assert!(shed.read("log").contains("start a"), "they were started before anything else");
    assert!(shed.run(&start).await);
    assert_eq!(shed.list("up"), ["a", "b"]);
}

#[tokio::test]
async fn what_cannot_be_started_stays_written_down() {
    let (shed, (stop, start)) = (Shed::new(), pair());
    assert!(shed.run(&stop).await);
    shed.touch("broken/b");
    assert!(!shed.run(&start).await, "it is told");
    assert_eq!(shed.list("up"), ["a"]);
    shed.remove("broken/b");
    assert!(shed.run(&start).await);
    assert_eq!(shed.list("up"), ["a", "b"]);
}

#[tokio::test]
async fn what_was_made_anew_meanwhile_is_no_longer_ours() {
    let (shed, (stop, start)) = (Shed::new(), pair());
    assert!(shed.run(&stop).await);
    shed.remove("known/b");
    assert!(shed.run(&start).await);
    assert_eq!((shed.list("up"), shed.list("state").len()), (vec!["a".to_owned()], 0));
}

/// A plan whose commands leave marks in the shed.
fn with_commands(shed: &Shed, pre: &[&str], post: &[&str]) -> (String, String) {
    let place = |command: &&str| command.replace("HERE", &shed.0.path().display().to_string());
    let plan = WantedPlan {
        pre: pre.iter().map(place).collect(),
        post: post.iter().map(place).collect(),
        containers: vec!["shop-db-1".to_owned()],
        ..plan(&[])
    };
    let rendered = render(&plan, Format::Native);
    (script(&rendered, 0), script(&rendered, 1))
}

#[tokio::test]
async fn commands_run_one_by_one_and_eat_no_script() {
    let shed = Shed::new();
    let (pre, post) = with_commands(
        &shed,
        &["cat", "exit 0", "echo \"it's $SELF\" >>HERE/seen", "echo {self} $$SELF ${SELF} '{{.X}}' >>HERE/seen"],
        &["echo one >>HERE/seen; false", "echo two >>HERE/seen"],
    );
    assert!(shed.run(&pre).await);
    assert_eq!(shed.read("seen"), "it's shop-db-1\nshop-db-1 shop-db-1 shop-db-1 {{.X}}\n");
    assert!(!shed.run(&post).await, "a failure is told");
    assert!(shed.read("seen").ends_with("one\ntwo\n"), "and the others run all the same");
}

#[tokio::test]
async fn a_command_that_fails_is_undone_at_once() {
    for failing in ["false", "echo 'open", "exit 3", "}", "kill -TERM $PPID"] {
        let shed = Shed::new();
        let (pre, _) = with_commands(&shed, &["docker stop a", failing, "docker stop b"], &["docker start a"]);
        assert!(!shed.run(&pre).await, "{failing}");
        assert_eq!(shed.list("up"), ["a", "b"], "{failing}");
    }
}

#[test]
fn the_same_plan_is_the_same_json() {
    let pairs = [("backrest.pre", "sync"), ("backrest.keep", "daily=1,last=2"), ("backrest.paths.exclude", "a,b")];
    for format in [Format::Native, Format::Sidecar] {
        let text = |plan: &WantedPlan| serde_json::to_string(&render(plan, format).value).expect("JSON");
        assert_eq!(text(&plan(&pairs)), text(&plan(&pairs)));
    }
    let bare = render(&plan(&[]), Format::Sidecar).value;
    assert_eq!((&bare["hooks"], bare.get("exclude")), (&json!({}), None::<&Value>));
}
