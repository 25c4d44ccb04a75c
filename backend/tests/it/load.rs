//! Dumps of real servers come back by the product's own code, and what is wrong with a dump is told before it is loaded.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mainstay::databases::load::{LoadError, LoadRequest, Loaded, RestingRedis, load};
use mainstay::databases::{DumpRequest, dump};
use mainstay::docker::{ContainerDetail, ContainerEngine as _};
use mainstay::domain::clock::{Clock as _, SystemClock};
use mainstay::domain::log::Level;
use tokio_util::sync::CancellationToken;

use crate::support::docker::in_container;
use crate::support::engine::{Lab, Recipe};

const PATIENCE: Duration = Duration::from_secs(60);

async fn inspect(lab: &Lab, name: &str) -> ContainerDetail {
    lab.engine.inspect_container(name).await.expect("a container")
}

/// Dumps a container into a directory.
async fn dump_of(lab: &Lab, name: &str) -> (tempfile::TempDir, PathBuf) {
    let to = tempfile::tempdir().expect("a directory");
    let (container, cancel) = (inspect(lab, name).await, CancellationToken::new());
    let dumped = dump(DumpRequest {
        engine: &lab.engine,
        container: &container,
        kind: None,
        args: &[],
        to: to.path(),
        cancel: &cancel,
        stall_timeout: PATIENCE,
        say: &|_, _| {},
    });
    let path = dumped.await.expect("a dump").path;
    (to, path)
}

fn quiet(_: Level, _: String) {}

fn request<'a>(
    lab: &'a Lab,
    container: &'a ContainerDetail,
    dump: &'a Path,
    cancel: &'a CancellationToken,
) -> LoadRequest<'a> {
    LoadRequest {
        engine: &lab.engine,
        container,
        kind: None,
        args: &[],
        dump,
        question: None,
        now: SystemClock.now(),
        cancel,
        stall_timeout: PATIENCE,
        progress: &|_| {},
        say: &quiet,
    }
}

async fn load_into(lab: &Lab, name: &str, dump: &Path, question: Option<&str>) -> Result<Loaded, LoadError> {
    let (container, cancel) = (inspect(lab, name).await, CancellationToken::new());
    load(LoadRequest { question, ..request(lab, &container, dump, &cancel) }).await
}

/// A copy of a dump with a part of its text replaced.
fn changed(dump: &Path, from: &str, to: &str) -> PathBuf {
    let text = fs::read_to_string(dump).expect("a dump");
    assert!(text.contains(from), "the dump has no '{from}'");
    let path = dump.with_extension("changed");
    fs::write(&path, text.replacen(from, to, 1)).expect("written");
    path
}

fn cut(dump: &Path) -> PathBuf {
    let content = fs::read(dump).expect("a dump");
    let path = dump.with_extension("cut");
    fs::write(&path, &content[..content.len() / 2]).expect("written");
    path
}

#[tokio::test]
async fn postgres_is_loaded_over_what_is_there_and_the_old_stays_beside() {
    let Some(lab) = Lab::open("loads of PostgreSQL").await else { return };
    let env = ["POSTGRES_USER=keeper", "POSTGRES_PASSWORD=geheim-pg", "POSTGRES_DB=shop"];
    let recipe = || Recipe { image: "mainstay-test/postgres:local", env: &env, ..Recipe::default() };
    let server = lab.healthy("pg", recipe()).await;
    let sql =
        |name: &str, db: &str, text: &str| in_container(name, &format!("psql -U keeper -d {db} -Atqc \"{text}\""));
    sql(
        &server,
        "shop",
        "create role clerk login; create table t(x text); alter table t owner to clerk; insert into t values ('kept'), ('äö')",
    );
    sql(&server, "postgres", "create table standard(n int); insert into standard values (7)");
    let (_root, dump) = dump_of(&lab, &server).await;
    sql(&server, "shop", "drop table t; create table later(n int)");

    let loaded =
        load_into(&lab, &server, &dump, Some("select count(*) from pg_database where datname = 'shop';")).await;
    let loaded = loaded.expect("loaded");
    assert_eq!(loaded.answer.as_deref(), Some("1"));
    assert_eq!(sql(&server, "shop", "select x from t order by x"), "kept\näö\n");
    assert_eq!(sql(&server, "shop", "select tableowner from pg_tables where tablename = 't'"), "clerk\n");
    assert_eq!(sql(&server, "postgres", "select n from standard"), "7\n");
    let kept = loaded.set_aside.iter().find(|name| name.starts_with("shop_before_")).expect("the old one");
    assert_eq!(sql(&server, kept, "select count(*) from later"), "0\n", "what was there is not lost");
    assert_eq!(sql(&server, "shop", "select count(*) from pg_tables where tablename = 'later'"), "0\n");

    let new = lab.healthy("pg-new", recipe()).await;
    let loaded = load_into(&lab, &new, &dump, None).await.expect("loaded");
    assert!(loaded.set_aside.is_empty(), "a new server holds nothing: {loaded:?}");
    assert_eq!(sql(&new, "shop", "select x from t order by x"), "kept\näö\n");
}

#[tokio::test]
async fn postgres_is_as_it_was_when_a_load_fails() {
    let Some(lab) = Lab::open("failing loads of PostgreSQL").await else { return };
    let env = ["POSTGRES_PASSWORD=geheim-pg", "POSTGRES_DB=shop"];
    let recipe = Recipe { image: "mainstay-test/postgres:local", env: &env, ..Recipe::default() };
    let server = lab.healthy("pg-bad", recipe).await;
    let sql = |text: &str| in_container(&server, &format!("psql -U postgres -d shop -Atqc \"{text}\""));
    sql("create table t(x text); insert into t values ('kept')");
    let (_root, dump) = dump_of(&lab, &server).await;
    sql("insert into t values ('later')");
    let databases = || sql("select string_agg(datname, ' ' order by datname) from pg_database");
    let before = databases();

    let half = load_into(&lab, &server, &cut(&dump), None).await.expect_err("half a dump");
    assert!(matches!(half, LoadError::NotWhole { .. }), "{half}");
    let newer = changed(&dump, "-- Dumped from database version 1", "-- Dumped from database version 9");
    let newer = load_into(&lab, &server, &newer, None).await.expect_err("a dump of a newer release");
    assert!(newer.to_string().contains("which is older; nothing was loaded"), "{newer}");
    let broken = changed(&dump, "COPY public.t (x)", "COPY public.t (y)");
    let broken = load_into(&lab, &server, &broken, None).await.expect_err("a statement that fails");
    assert!(matches!(&broken, LoadError::Refused { first, .. } if first.contains("42703")), "{broken}");
    in_container(
        &server,
        "mv /usr/local/bin/psql /usr/local/bin/true-psql; printf '#!/bin/sh\\ncase $* in *VERBOSITY*) head -n 30 | true-psql \"$@\"; exit 3;; esac\\nexec true-psql \"$@\"\\n' >/usr/local/bin/psql; chmod +x /usr/local/bin/psql",
    );
    let ended = load_into(&lab, &server, &dump, None).await.expect_err("a tool that ends half way");
    assert!(matches!(ended, LoadError::Failed { exit_code: 3, .. }), "{ended}");
    assert_eq!(databases(), before, "nothing is left beside");
    assert_eq!(sql("select x from t order by x"), "kept\nlater\n", "nothing was lost");
}

#[tokio::test]
async fn mariadb_is_loaded_and_a_failure_says_where() {
    let Some(lab) = Lab::open("loads of MariaDB").await else { return };
    let env = ["MARIADB_ROOT_PASSWORD=geheim-root", "MARIADB_DATABASE=shop"];
    let recipe = Recipe { image: "mainstay-test/mariadb:local", env: &env, ..Recipe::default() };
    let server = lab.healthy("my", recipe).await;
    let sql = |text: &str| in_container(&server, &format!("MYSQL_PWD=geheim-root mariadb -u root -N -e \"{text}\""));
    sql("create table shop.t(x int primary key, y text); insert into shop.t values (1, 'kept'), (2, 'äö')");
    sql("create user clerk@'%' identified by 'pw'; grant select on shop.* to clerk@'%'");
    sql("create function shop.twice(n int) returns int deterministic return 2 * n");
    let look =
        || [sql("select * from shop.t order by x"), sql("select shop.twice(21)"), sql("show grants for clerk@'%'")];
    let before = look();
    let (_root, dump) = dump_of(&lab, &server).await;
    sql("drop database shop; drop user clerk@'%'");
    let question = "select count(*) from information_schema.schemata where schema_name = 'shop'";
    let loaded = load_into(&lab, &server, &dump, Some(question)).await.expect("loaded");
    assert_eq!(loaded.answer.as_deref(), Some("1"));
    assert_eq!(look(), before);

    let half = load_into(&lab, &server, &cut(&dump), None).await.expect_err("half a dump");
    assert!(matches!(half, LoadError::NotWhole { .. }), "{half}");
    let newer = changed(&dump, "-- Server version\t", "-- Server version\t9");
    let newer = load_into(&lab, &server, &newer, None).await.expect_err("a dump of a newer release");
    assert!(matches!(newer, LoadError::ServerTooOld { .. }), "{newer}");
    let broken = changed(&dump, "INSERT INTO `t`", "INSERT INTO `nowhere`");
    let broken = load_into(&lab, &server, &broken, None).await.expect_err("a statement that fails");
    assert!(broken.to_string().contains("nowhere"), "{broken}");
}

#[tokio::test]
async fn redis_is_loaded_when_it_starts_and_refuses_what_it_would_not_read() {
    let Some(lab) = Lab::open("loads of Redis").await else { return };
    let server = lab.healthy("redis", Recipe { image: "mainstay-test/redis:local", ..Recipe::default() }).await;
    in_container(&server, "redis-cli set k kept && redis-cli rpush l 1 2 3");
    let (_root, dump) = dump_of(&lab, &server).await;
    in_container(&server, "redis-cli flushall && redis-cli set later 1");

    let (container, cancel) = (inspect(&lab, &server).await, CancellationToken::new());
    let wanted = request(&lab, &container, &dump, &cancel);
    let resting = RestingRedis::look(&wanted).await.expect("a server that can be loaded");
    assert!(lab.engine_stop(&server).await);
    resting.fill(&wanted).await.expect("filled");
    lab.engine.start_container(&server).await.expect("started");
    let loaded = resting.wait(&wanted, PATIENCE).await.expect("loaded");
    assert_eq!(loaded.answer.as_deref(), Some("2"));
    assert_eq!(
        in_container(&server, "redis-cli get k; redis-cli lrange l 0 -1; redis-cli exists later"),
        "kept\n1\n2\n3\n0\n"
    );
    assert!(in_container(&server, "ls").contains("dump.rdb.before-"), "what was there is not lost");

    let mut content = fs::read(&dump).expect("a dump");
    let version = content.windows(9).position(|bytes| bytes == b"redis-ver").expect("a release") + 10;
    content[version] = b'9';
    let end = content.len() - 8;
    content[end..].fill(0);
    let newer = dump.with_extension("newer");
    fs::write(&newer, content).expect("written");
    let wanted_newer = LoadRequest { dump: &newer, ..wanted };
    let error = RestingRedis::look(&wanted_newer).await.expect_err("a dump of a newer release");
    assert!(matches!(error, LoadError::ServerTooOld { .. }), "{error}");
    let half = cut(&dump);
    let error = RestingRedis::look(&LoadRequest { dump: &half, ..wanted }).await.expect_err("half a dump");
    assert!(matches!(error, LoadError::NotWhole { .. }), "{error}");
    in_container(&server, "redis-cli config set appendonly yes");
    let error = RestingRedis::look(&wanted).await.expect_err("an append-only file");
    assert!(error.to_string().contains("append-only"), "{error}");
}

#[tokio::test]
async fn a_load_that_is_cancelled_ends_and_puts_back() {
    let Some(lab) = Lab::open("cancelled loads").await else { return };
    let env = ["POSTGRES_PASSWORD=geheim-pg", "POSTGRES_DB=shop"];
    let recipe = Recipe { image: "mainstay-test/postgres:local", env: &env, ..Recipe::default() };
    let server = lab.healthy("pg-cancel", recipe).await;
    let sql = |text: &str| in_container(&server, &format!("psql -U postgres -d shop -Atqc \"{text}\""));
    sql("create table t(x text); insert into t values ('kept')");
    let (_root, dump) = dump_of(&lab, &server).await;
    let endless = changed(&dump, "COPY public.t (x)", "select pg_sleep(600);\nCOPY public.t (x)");
    let (container, cancel) = (inspect(&lab, &server).await, CancellationToken::new());
    let sleeps =
        "until psql -U postgres -Atqc 'select query from pg_stat_activity' | grep -q pg_sleep.600; do sleep 0.1; done";
    let waiting = {
        let (server, cancel) = (server.clone(), cancel.clone());
        tokio::task::spawn_blocking(move || {
            in_container(&server, sleeps);
            cancel.cancel();
        })
    };
    let error = load(request(&lab, &container, &endless, &cancel)).await.expect_err("cancelled");
    assert!(matches!(error, LoadError::Cancelled), "{error}");
    waiting.await.expect("ended");
    assert_eq!(sql("select x from t"), "kept\n");
}
