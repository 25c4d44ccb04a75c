//! Two services on one PostgreSQL database, as on two machines: they share no directory.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::process::{Process, mainstay, write_config};
use crate::support::store::{new_postgres_database, psql};

/// The session that has the claim.
const HOLDER: &str = "SELECT pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                      WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()";

fn holder(url: &str) -> String {
    let output = psql(url, HOLDER).output().expect("psql");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

struct Scene {
    url: String,
    root: tempfile::TempDir,
    config: std::path::PathBuf,
}

impl Scene {
    async fn set() -> Self {
        let (url, root) = (new_postgres_database().await, tempfile::tempdir().expect("a directory"));
        let config = write_config(root.path(), &url, &[]);
        Self { url, root, config }
    }
}

/// Ends the session that has the claim, and takes it; keeps it until it is dropped.
struct Usurper(Child);

impl Usurper {
    fn of(url: &str) -> Self {
        let key = HOLDER.replacen("pid", "classid::int, objid::bigint", 1);
        let output = psql(url, &key).output().expect("psql");
        let text = String::from_utf8(output.stdout).expect("text");
        let (class, object) = text.trim().split_once('|').expect("a lock");
        let object = i64::from(object.parse::<u32>().expect("a number").cast_signed());
        let sql = format!(
            "SELECT pg_terminate_backend({}); SELECT pg_advisory_lock({class}, {object}::int); SELECT pg_sleep(120)",
            holder(url)
        );
        let mut command = psql(url, &sql);
        Self(command.stdout(Stdio::null()).spawn().expect("psql"))
    }
}

impl Drop for Usurper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_second_service_on_another_machine_is_refused() {
    let scene = Scene::set().await;
    let first = Process::start(&scene.config, &[]);
    let elsewhere = scene.root.path().join("elsewhere");
    let config = write_config(&elsewhere, &scene.url, &[]);
    let second = mainstay().arg("serve").arg("--config").arg(&config).output().expect("the binary runs");
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && text.contains("another Mainstay works with this database"), "{text}");
    assert!(text.contains("127.0.0.1"), "it says who: {text}");
    assert!(first.terminate());
    let third = Process::start(&config, &[]);
    assert!(third.terminate());
}

#[tokio::test]
async fn a_connection_that_is_lost_is_told_and_the_claim_taken_again() {
    let scene = Scene::set().await;
    let mut process = Process::start(&scene.config, &[]);
    let before = holder(&scene.url);
    assert!(!before.is_empty());
    let ended = psql(&scene.url, &format!("SELECT pg_terminate_backend({before})")).output().expect("psql");
    assert!(ended.status.success());
    process.wait_for_line("it is there again");
    let after = holder(&scene.url);
    assert!(!after.is_empty() && after != before, "{before} {after}");
    assert!(process.terminate());
}

#[tokio::test]
async fn a_service_whose_database_was_taken_over_ends_itself() {
    let scene = Scene::set().await;
    let mut process = Process::start(&scene.config, &[]);
    let usurper = Usurper::of(&scene.url);
    let began = Instant::now();
    process.wait_for_line("taken over");
    assert!(!process.wait_for_end(), "it says that something is wrong");
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    drop(usurper);
}
