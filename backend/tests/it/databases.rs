//! Real servers are dumped by a plan, lose their data, and come back by the commands that the documentation tells.

use mainstay::docker::bollard_engine::BollardEngine;
use serde_json::{Value, json};

use crate::support::docker::{docker, in_container, shell};
use crate::support::engine::{Lab, Recipe};
use crate::support::restic::{PASSWORD, Repository, find_file};
use crate::support::service::{Service, Setup};

/// The documented commands of one kind: the fenced block that begins with its name.
fn documented(kind: &str, container: &str) -> String {
    let text = include_str!("../../../examples/restore-databases.md");
    let mut blocks = text.split("```sh\n").skip(1).filter_map(|block| block.split_once("```"));
    let found = blocks.find(|(block, _)| block.starts_with(&format!("# {kind}\n")));
    let (block, _) = found.unwrap_or_else(|| panic!("no commands for {kind}"));
    // `db` is the name of the container there.
    block
        .replace(" db ", &format!(" {container} "))
        .replace(" db:", &format!(" {container}:"))
        .replace(" db\n", &format!(" {container}\n"))
}

/// A service with a plan that dumps one container into a restic repository.
async fn service(container: &str) -> (Service, Repository) {
    let setup = Setup::on(std::sync::Arc::new(BollardEngine::connect(None)));
    let repository = Repository(setup.root().join("repository"));
    let instance = format!(
        "instances: [{{id: nas, repository: '{}', env: {{RESTIC_PASSWORD: {PASSWORD}}}, targets: [{{db: {container}}}]}}]",
        repository.0.display()
    );
    (setup.config(&instance).start().await, repository)
}

async fn run(service: &Service) -> Value {
    let job = service.call("run_instance").path("id", "nas").ok().await;
    service.end_of(job["id"].as_str().expect("an id")).await
}

/// Dumps a container, and returns the directory with the dump.
async fn dump(container: &str, file: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let (service, repository) = service(container).await;
    let job = run(&service).await;
    let log = service.log_of(job["id"].as_str().expect("an id")).await.join("\n");
    assert_eq!(job["state"], "succeeded", "{job}\n{log}");
    assert!(!log.contains("geheim"), "{log}");
    let to = tempfile::tempdir().expect("a directory");
    repository.restore_latest(to.path());
    let dump = find_file(to.path(), &format!("dbs/{container}/{file}")).expect("a dump");
    let directory = dump.parent().expect("a parent").to_owned();
    service.stop().await;
    (to, directory)
}

fn restore(kind: &str, container: &str, directory: &std::path::Path) {
    let script = format!("set -e; cd \"$1\"; {}", documented(kind, container));
    shell(&script, &[directory.to_str().expect("UTF-8")], b"");
}

#[tokio::test]
async fn postgres_comes_back_with_its_roles_and_all_databases() {
    let Some(lab) = Lab::open("dumps of PostgreSQL").await else { return };
    let env = ["POSTGRES_USER=keeper", "POSTGRES_PASSWORD=geheim-pg", "POSTGRES_DB=shop"];
    let recipe = || Recipe { image: "mainstay-test/postgres:local", env: &env, ..Recipe::default() };
    let old = lab.healthy("pg-old", recipe()).await;
    in_container(
        &old,
        "psql -U keeper -d shop -qc \"create role clerk login; create table t(x text); alter table t owner to clerk; insert into t values ('kept'), ('äö');\"",
    );
    in_container(
        &old,
        "createdb -U keeper wiki && psql -U keeper -d wiki -qc 'create table pages(n int); insert into pages select generate_series(1, 500)'",
    );
    let look = |name: &str| {
        let tables = "select tableowner, tablename from pg_tables where schemaname = 'public'";
        ["shop", "wiki"].map(|db| in_container(name, &format!("psql -U keeper -d {db} -Atc \"{tables}\"")))
    };
    let before = look(&old);
    let (_root, directory) = dump(&old, "dump.sql").await;
    docker(&["rm", "-f", "-v", &old]);
    let new = lab.healthy("pg-new", recipe()).await;
    restore("postgres", &new, &directory);
    assert_eq!(look(&new), before);
    assert_eq!(in_container(&new, "psql -U keeper -d shop -Atc 'select x from t order by x'"), "kept\näö\n");
    assert_eq!(in_container(&new, "psql -U keeper -d wiki -Atc 'select count(*), sum(n) from pages'"), "500|125250\n");
}

#[tokio::test]
async fn mariadb_comes_back_with_users_and_routines() {
    let Some(lab) = Lab::open("dumps of MariaDB").await else { return };
    let env = ["MARIADB_ROOT_PASSWORD=geheim-root", "MARIADB_DATABASE=shop"];
    let recipe = || Recipe { image: "mainstay-test/mariadb:local", env: &env, ..Recipe::default() };
    let old = lab.healthy("my-old", recipe()).await;
    let sql =
        |name: &str, text: &str| in_container(name, &format!("MYSQL_PWD=geheim-root mariadb -u root -N -e \"{text}\""));
    sql(&old, "create table shop.t(x int primary key, y text); insert into shop.t values (1, 'kept'), (2, 'äö')");
    sql(&old, "create user clerk@'%' identified by 'pw'; grant select on shop.* to clerk@'%'");
    sql(&old, "create function shop.twice(n int) returns int deterministic return 2 * n");
    let look = |name: &str| {
        [
            sql(name, "select * from shop.t order by x"),
            sql(name, "select shop.twice(21)"),
            sql(name, "show grants for clerk@'%'"),
        ]
    };
    let before = look(&old);
    let (_root, directory) = dump(&old, "dump.sql").await;
    docker(&["rm", "-f", "-v", &old]);
    let new = lab.healthy("my-new", recipe()).await;
    restore("mariadb", &new, &directory);
    assert_eq!(look(&new), before);
}

#[tokio::test]
async fn redis_comes_back_with_every_key() {
    let Some(lab) = Lab::open("dumps of Redis").await else { return };
    let recipe = || Recipe { image: "mainstay-test/redis:local", ..Recipe::default() };
    let old = lab.healthy("redis-old", recipe()).await;
    in_container(&old, "redis-cli set k kept && redis-cli rpush l 1 2 3 && redis-cli setex t 90000 later");
    let (_root, directory) = dump(&old, "dump.rdb").await;
    docker(&["rm", "-f", "-v", &old]);
    let new = lab.healthy("redis-new", recipe()).await;
    restore("redis", &new, &directory);
    let wait = "until redis-cli ping | grep -q PONG; do sleep 0.05; done; redis-cli get k; redis-cli lrange l 0 -1; redis-cli get t";
    assert_eq!(in_container(&new, wait).split_whitespace().collect::<Vec<_>>(), ["kept", "1", "2", "3", "later"]);
}

/// Restores the database of a container out of the last snapshot, by the product.
async fn restore_by_job(service: &Service, snapshot: &Value, container: &str) {
    let id = snapshot.as_str().expect("a snapshot");
    let targets = json!([{"kind": "database", "name": container}]);
    let body = json!({"destination": "in_place", "targets": targets});
    let preview = service.call("preview_restore").path("id", id).json(body.clone()).ok().await;
    assert_eq!(preview["databases"][0]["name"], container, "{preview:#}");
    assert!(preview["problems"].to_string().contains("overwrite"), "{preview:#}");
    let body = json!({"destination": "in_place", "targets": targets, "overwrite": true});
    let job = service.call("restore_snapshot").path("id", id).json(body).ok().await;
    let job = service.end_of(job["id"].as_str().expect("an id")).await;
    let log = service.log_of(job["id"].as_str().expect("an id")).await.join("\n");
    assert_eq!(job["state"], "succeeded", "{job:#}\n{log}");
    assert!(!log.contains("geheim"), "{log}");
}

#[tokio::test]
async fn a_restore_loads_a_dump_into_the_server_that_runs() {
    let Some(lab) = Lab::open("restores of databases").await else { return };
    let env = ["POSTGRES_USER=keeper", "POSTGRES_PASSWORD=geheim-pg", "POSTGRES_DB=shop"];
    let recipe = Recipe { image: "mainstay-test/postgres:local", env: &env, ..Recipe::default() };
    let server = lab.healthy("pg-job", recipe).await;
    let ask = |text: &str| in_container(&server, &format!("psql -U keeper -d shop -Atqc \"{text}\""));
    ask("create table t(x text); insert into t values ('kept')");
    let (service, _repository) = service(&server).await;
    let snapshot = run(&service).await["snapshot_id"].clone();
    ask("update t set x = 'lost'; create table later(n int)");
    restore_by_job(&service, &snapshot, &server).await;
    assert_eq!(ask("select x from t"), "kept\n");
}

#[tokio::test]
async fn a_restore_of_redis_stops_and_starts_it() {
    let Some(lab) = Lab::open("restores of Redis").await else { return };
    let server = lab.healthy("redis-job", Recipe { image: "mainstay-test/redis:local", ..Recipe::default() }).await;
    in_container(&server, "redis-cli set k kept");
    let (service, _repository) = service(&server).await;
    let snapshot = run(&service).await["snapshot_id"].clone();
    in_container(&server, "redis-cli set k lost && redis-cli set later 1");
    restore_by_job(&service, &snapshot, &server).await;
    assert_eq!(in_container(&server, "redis-cli get k; redis-cli exists later"), "kept\n0\n");
}

#[tokio::test]
async fn a_dump_that_fails_leaves_no_snapshot_and_says_why() {
    let Some(lab) = Lab::open("failing dumps").await else { return };
    let env = ["POSTGRES_PASSWORD=geheim-pg"];
    let pg =
        lab.healthy("pg-bad", Recipe { image: "mainstay-test/postgres:local", env: &env, ..Recipe::default() }).await;
    let without_tool =
        lab.running("no-tool", Recipe { labels: &[("mainstay.db", "postgres")], ..Recipe::default() }).await;
    in_container(
        &pg,
        "mv /usr/local/bin/pg_dumpall /usr/local/bin/hidden; printf '#!/bin/sh\\necho half; exit 3\\n' >/usr/local/bin/pg_dumpall; chmod +x /usr/local/bin/pg_dumpall",
    );
    for (container, words) in [(&pg, "3"), (&without_tool, "pg_dumpall")] {
        let (service, repository) = service(container).await;
        let job = run(&service).await;
        assert_eq!(job["state"], "failed", "{job}");
        let said = job["targets"][0]["message"].as_str().unwrap_or_default();
        assert!(said.contains(words), "{said}");
        if repository.0.exists() {
            assert!(repository.snapshots().is_empty(), "no snapshot of half a dump");
        }
        assert!(!service.path("staging/nas").exists(), "nothing is left of it");
        service.stop().await;
    }
}
