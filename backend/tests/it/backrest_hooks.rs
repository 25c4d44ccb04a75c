//! The hooks of a plan of Backrest, run as Backrest runs them, on a real engine with Docker's own command line.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use mainstay::backrest::apply::start_forgotten;
use mainstay::backrest::{Format, Settings, render, wanted};
use mainstay::docker::ContainerEngine as _;
use mainstay::domain::stack::{ContainerState, labels};

use crate::support::engine::{Lab, POLITE, Recipe};

/// A service of three containers, one of which does not run, and one that `compose run` made.
struct Quiesced {
    lab: Lab,
    state: tempfile::TempDir,
    stop: String,
    start: String,
    names: [String; 4],
}

impl Quiesced {
    async fn open(left_out: &str) -> Option<Self> {
        let lab = Lab::open(left_out).await?;
        let project = lab.name("hooks");
        let volume = lab.volume("hooks").await;
        let pairs = |is_oneoff: &'static str| {
            vec![
                (labels::PROJECT, project.as_str()),
                (labels::SERVICE, "db"),
                (labels::ONEOFF, is_oneoff),
                ("backrest.enable", "true"),
                ("backrest.hooks.template", "simple-stop-start"),
            ]
        };
        let recipe = |pairs| Recipe { labels: pairs, binds: vec![format!("{volume}:/data")], ..Recipe::default() };
        let names = [
            lab.running("hooks-1", recipe(&pairs("False"))).await,
            lab.running("hooks-2", recipe(&pairs("False"))).await,
            lab.created("hooks-3", recipe(&pairs("False"))).await,
            lab.running("hooks-once", recipe(&pairs("True"))).await,
        ];
        let ours: BTreeSet<&String> = names.iter().collect();
        let mut containers = lab.engine.list_containers().await.expect("a list");
        containers.retain(|container| ours.contains(&container.name));
        let (plans, skipped) = wanted(&containers, &["default".to_owned()], None, &Settings::default());
        assert_eq!((plans.len(), skipped.len()), (1, 0), "{plans:?} {skipped:?}");
        let rendered = render(&plans[0], Format::Native).value;
        let script = |place: usize| {
            let command = &rendered["hooks"][place]["actionCommand"]["command"];
            command.as_str().expect("a command").replace("{{\"{{\"}}", "{{")
        };
        let (stop, start) = (script(0), script(1));
        Some(Self { lab, state: tempfile::tempdir().expect("a directory"), stop, start, names })
    }

    /// Hands a script to the interpreter of its first line, as Backrest does.
    fn run(&self, script: &str) -> bool {
        let mut child = Command::new("sh")
            .arg("-eu")
            .env("BACKREST_DATA", self.state.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut stdin = child.stdin.take().expect("an input");
        stdin.write_all(script.as_bytes()).expect("taken");
        drop(stdin);
        child.wait().expect("an end").success()
    }

    /// Which of the containers run.
    async fn up(&self) -> [bool; 4] {
        let mut up = [false; 4];
        for (name, is_up) in self.names.iter().zip(&mut up) {
            let detail = self.lab.engine.inspect_container(name).await.expect("a container");
            *is_up = detail.container.state == ContainerState::Running;
        }
        up
    }
}

#[tokio::test]
async fn the_hooks_start_what_they_stopped_and_nothing_else() {
    let Some(scene) = Quiesced::open("hooks of Backrest").await else { return };
    assert!(scene.run(&scene.stop));
    assert_eq!(scene.up().await, [false, false, false, true]);
    assert!(scene.run(&scene.start));
    assert_eq!(scene.up().await, [true, true, false, true]);
}

#[tokio::test]
async fn a_killed_backrest_starts_them_at_the_next_run() {
    let Some(scene) = Quiesced::open("hooks of Backrest, killed").await else { return };
    assert!(scene.run(&scene.stop));
    // The container of one is made anew while Backrest is gone.
    scene.lab.engine.remove_container(&scene.names[1]).await.expect("removed");
    assert!(scene.run(&scene.stop), "what is gone keeps nothing from being stopped");
    assert!(scene.run(&scene.start));
    let detail = scene.lab.engine.inspect_container(&scene.names[0]).await.expect("a container");
    assert_eq!(detail.container.state, ContainerState::Running);
}

/// A container that stands for Backrest's, with what its hooks wrote down in it.
async fn backrest_with_note(lab: &Lab, name: &str, script: &str, id: &str, age: &str) -> String {
    let env = ["BACKREST_DATA=/data"];
    let script = format!("mkdir /data; echo {id} >/data/mainstay-shop_db.ids; {age}; {script}");
    let backrest = lab.running(name, Recipe { script: &script, env: &env, ..Recipe::default() }).await;
    let written = "until [ -s /data/mainstay-shop_db.ids ]; do sleep 0.05; done; sleep 0.2";
    crate::support::docker::in_container(&backrest, written);
    backrest
}

#[tokio::test]
async fn what_hooks_of_a_killed_backrest_stopped_is_started_before_its_next_run() {
    let Some(lab) = Lab::open("what hooks of a killed Backrest stopped").await else { return };
    let down = lab.created("db", Recipe::default()).await;
    let id = lab.engine.inspect_container(&down).await.expect("a container").container.id;
    let is_up = async || lab.engine.inspect_container(&down).await.expect("a container").is_up();
    let (old, young) = ("touch -d '2026-01-01 00:00:00' /data/mainstay-shop_db.ids", "true");
    let restic = "printf '#!/bin/sh\\nwhile :; do sleep 0.05; done' >/bin/restic; chmod +x /bin/restic; restic &";
    let restic = format!("{restic} {POLITE}");
    for (name, script, age, why) in [
        ("young", POLITE, young, "the run may still be at work"),
        ("at-work", restic.as_str(), old, "a restic runs in Backrest's container"),
    ] {
        let backrest = backrest_with_note(&lab, name, script, &id, age).await;
        start_forgotten(&lab.engine, &backrest, &|_| {}).await.expect("looked at");
        assert!(!is_up().await, "{why}");
    }
    let backrest = backrest_with_note(&lab, "idle", POLITE, &id, old).await;
    let told = std::sync::Mutex::new(Vec::new());
    let tell = |line: mainstay::backrest::line::Line| told.lock().expect("whole").push(line.to_string());
    start_forgotten(&lab.engine, &backrest, &tell).await.expect("looked at");
    assert!(is_up().await, "{told:?}");
    assert!(told.lock().expect("whole")[0].contains("was killed before it could start it"), "{told:?}");
    assert_eq!(crate::support::docker::in_container(&backrest, "ls /data"), "", "the note is done with");
    start_forgotten(&lab.engine, &backrest, &tell).await.expect("looked at");
    assert_eq!(told.lock().expect("whole").len(), 1, "there is nothing more to do");
}
