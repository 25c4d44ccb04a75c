//! Drills: what was stored is brought back where it harms nobody, and looked at; nothing of it stays.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use mainstay::docker::ContainerEngine as _;
use mainstay::docker::bollard_engine::BollardEngine;
use mainstay::engine::PAUSE_PLACES_OF_DRILLS;
use serde_json::{Value, json};

use crate::support::docker::{docker, in_container};
use crate::support::engine::{IMAGE, Lab, Recipe};
use crate::support::job::{id, step, target};
use crate::support::process::{Process, write_config};
use crate::support::restic::PASSWORD;
use crate::support::scene::Stage;
use crate::support::service::{Service, Setup, list, wait_for_end};
use crate::support::store;

async fn drill_plan(service: &Service) -> Value {
    ended(service, service.call("drill_plan").path("id", "nas").ok().await).await
}

async fn drill_stack(service: &Service) -> Value {
    ended(service, service.call("drill_stack").path("name", "blog").ok().await).await
}

async fn ended(service: &Service, job: Value) -> Value {
    assert_eq!(job["kind"], "drill");
    service.end_of(id(&job)).await
}

/// Nothing of a drill is left in the staging directory.
fn assert_no_scratch(service: &Service) {
    let staging = service.path("staging");
    let left: Vec<String> = if staging.exists() { list(&staging) } else { Vec::new() };
    assert!(left.iter().all(|name| !name.starts_with(".mainstay-drill-")), "{left:?}");
}

#[tokio::test]
async fn an_archive_is_brought_back_compared_and_gone_again() {
    let scene = Stage::new().start().await;
    scene.service.call("drill_stack").path("name", "blog").problem(409, "nothing_stored").await;
    let made = scene.service.back_up("blog").await;
    let before = scene.changes();
    let job = drill_stack(&scene.service).await;
    let log = scene.service.log_of(id(&job)).await.join("\n");
    assert_eq!(job["state"], "succeeded", "{job:#}\n{log}");
    assert_eq!(job["snapshot_id"], made["snapshot_id"]);
    assert_eq!(target(&job, "volume")["state"], "succeeded", "{job:#}");
    assert_eq!(scene.changes(), before, "no container was touched");
    assert_no_scratch(&scene.service);
    let stack = scene.service.call("get_stack").path("name", "blog").ok().await;
    assert_eq!((&stack["last_drill"]["job"], &stack["last_drill"]["state"]), (&job["id"], &json!("succeeded")));
    assert!(stack["last_drill"]["at"].is_string() && stack["last_drill"]["message"].is_null(), "{stack:#}");
    let snapshot = made["snapshot_id"].as_str().expect("a snapshot");
    let again = scene.service.call("drill_snapshot").path("id", snapshot).ok().await;
    assert_eq!(scene.service.end_of(id(&again)).await["state"], "succeeded");
}

#[tokio::test]
async fn a_damaged_archive_fails_its_drill() {
    let scene = Stage::new().start().await;
    fs::write(scene.service.path("volumes/blog/large"), random(300_000)).expect("written");
    scene.service.back_up("blog").await;
    let archive = scene.service.path("backups").join(&scene.service.archives()[0]);
    let file = fs::OpenOptions::new().read(true).write(true).open(&archive).expect("the archive");
    let middle = file.metadata().expect("a size").len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, middle).expect("a byte");
    file.write_all_at(&[byte[0] ^ 1], middle).expect("written");
    let job = drill_stack(&scene.service).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert!(job["error"].as_str().is_some_and(|error| error.contains("could not be unpacked")), "{job:#}");
    assert_no_scratch(&scene.service);
    let stack = scene.service.call("get_stack").path("name", "blog").ok().await;
    assert_eq!(stack["last_drill"]["state"], "failed");
    assert!(stack["last_drill"]["message"].is_string(), "{stack:#}");
}

fn random(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).expect("random bytes");
    bytes
}

/// A service with a plan over some databases and a volume, by archives or by restic.
async fn service(lab: &Lab, destination: &str, containers: &[&str], drill: &str) -> Service {
    let volume = lab.volume("files").await;
    let writer = Recipe { binds: vec![format!("{volume}:/data")], ..Recipe::default() };
    let writer = lab.running("writer", writer).await;
    in_container(&writer, "mkdir -p /data/a && echo kept >/data/a/file && chmod 640 /data/a/file");
    let setup = Setup::on(Arc::new(BollardEngine::connect(None)));
    let destination = destination.replace("ROOT", &setup.root().display().to_string());
    let databases: String = containers.iter().map(|name| format!(", {{db: {name}}}")).collect();
    let instance =
        format!("instances: [{{id: nas, {destination}, targets: [{{volume: {volume}}}{databases}], drill: {drill}}}]");
    let service = setup.config(&instance).start().await;
    let run = service.call("run_instance").path("id", "nas").ok().await;
    let made = service.end_of(id(&run)).await;
    assert_eq!(made["state"], "succeeded", "{made:#}");
    service
}

#[tokio::test]
async fn databases_are_loaded_into_throw_away_servers_and_asked() {
    let Some(lab) = Lab::open("drills of databases").await else { return };
    let env = ["POSTGRES_USER=keeper", "POSTGRES_PASSWORD=geheim-pg", "POSTGRES_DB=shop"];
    let pg = lab.healthy("pg", Recipe { image: "mainstay-test/postgres:local", env: &env, ..Recipe::default() }).await;
    in_container(&pg, "psql -U keeper -d shop -qc 'create table t(n int); insert into t values (1)'");
    let env = ["MARIADB_ROOT_PASSWORD=geheim-root", "MARIADB_DATABASE=shop"];
    let my = lab.healthy("my", Recipe { image: "mainstay-test/mariadb:local", env: &env, ..Recipe::default() }).await;
    let redis = lab.healthy("redis", Recipe { image: "mainstay-test/redis:local", ..Recipe::default() }).await;
    in_container(&redis, "redis-cli set k kept");
    let restic = format!("repository: ROOT/repository, env: {{RESTIC_PASSWORD: {PASSWORD}}}");
    for destination in ["backend: archive", restic.as_str()] {
        let service = service(&lab, destination, &[&pg, &my, &redis], "{memory: 512m, cpus: 1}").await;
        let job = drill_plan(&service).await;
        let log = service.log_of(id(&job)).await.join("\n");
        assert_eq!(job["state"], "succeeded", "{destination}: {job:#}\n{log}");
        assert!(!log.contains("geheim"), "{log}");
        for found in job["targets"].as_array().expect("targets").iter().filter(|target| target["kind"] == "database") {
            assert!(found["message"].as_str().is_some_and(|told| told.contains("it answers")), "{found}");
        }
        assert_eq!(containers_of(id(&job)), "");
        assert_no_scratch(&service);
        let plan = service.call("get_plan").path("id", "nas").ok().await;
        assert_eq!((&plan["last_drill"]["job"], &plan["drill"]["milli_cpus"]), (&job["id"], &json!(1000)));
        service.stop().await;
        remove_volume_of(&lab).await;
    }
}

/// The next service of the same test makes its own.
async fn remove_volume_of(lab: &Lab) {
    lab.engine.remove_container(&lab.name("writer")).await.expect("removed");
    lab.engine.remove_volume(&lab.name("files")).await.expect("removed");
}

fn containers_of(job: &str) -> String {
    docker(&["ps", "-aq", "--filter", "label=mainstay.drill", "--filter", &format!("label=mainstay.job={job}")])
}

#[tokio::test]
async fn an_answer_of_nothing_and_a_command_that_finds_something_fail_the_drill() {
    let Some(lab) = Lab::open("drills with questions and commands").await else { return };
    let env = ["POSTGRES_PASSWORD=geheim-pg"];
    let pg =
        lab.healthy("pg-ask", Recipe { image: "mainstay-test/postgres:local", env: &env, ..Recipe::default() }).await;
    let asks = "{query: \"select count(*) from pg_roles where rolname = 'nobody'\"}";
    let asking = service(&lab, "backend: archive", &[&pg], asks).await;
    let job = drill_plan(&asking).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert!(job["error"].as_str().is_some_and(|error| error.contains("is '0'")), "{job:#}");
    asking.stop().await;
    remove_volume_of(&lab).await;

    for (script, state) in [("grep -r kept /restored/volumes", "succeeded"), ("touch /restored/x", "failed")] {
        let command = format!("{{image: '{IMAGE}', command: [sh, -c, '{script}']}}");
        let commanding = service(&lab, "backend: archive", &[], &command).await;
        let job = drill_plan(&commanding).await;
        assert_eq!((&job["state"], &step(&job, "command")["state"]), (&json!(state), &json!(state)), "{job:#}");
        assert_no_scratch(&commanding);
        commanding.stop().await;
        remove_volume_of(&lab).await;
    }
}

#[tokio::test]
async fn what_a_kill_leaves_of_a_drill_is_gone_after_the_next_start() {
    let Some(lab) = Lab::open("killed drills").await else { return };
    let redis = lab.healthy("redis-kill", Recipe { image: "mainstay-test/redis:local", ..Recipe::default() }).await;
    in_container(&redis, "redis-cli set k kept");
    let root = tempfile::tempdir().expect("a directory");
    let url = store::new_database(root.path()).await;
    let drill = format!("{{image: '{IMAGE}', command: ['true']}}");
    let instance = format!("instances: [{{id: nas, backend: archive, targets: [{{db: {redis}}}], drill: {drill}}}]");
    let config = write_config(root.path(), &url, &[instance]);
    let process = Process::start(&config, &[]);
    let client = process.client().await;
    let run = client.call("run_instance").path("id", "nas").ok().await;
    assert_eq!(wait_for_end(&client, id(&run)).await["state"], "succeeded");
    assert!(process.terminate());
    for place in PAUSE_PLACES_OF_DRILLS {
        let mut process = Process::start(&config, &[("MAINSTAY_PAUSE_AT", place)]);
        let job = process.client().await.call("drill_plan").path("id", "nas").ok().await;
        process.wait_for_line(&format!("paused at {place}"));
        process.kill();
        let process = Process::start(&config, &[]);
        let left = list(&root.path().join("staging"));
        assert!(left.iter().all(|name| !name.starts_with(".mainstay-drill-")), "{place}: {left:?}");
        assert_eq!(containers_of(id(&job)), "", "{place}");
        let ended = process.client().await.call("get_job").path("id", id(&job)).ok().await;
        assert_eq!(ended["state"], "interrupted", "{place}");
        assert!(process.terminate());
    }
}
