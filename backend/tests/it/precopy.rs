//! What is read while a stack runs, and what that leaves for the stop.

use std::path::Path;

use mainstay::docker::scripted::{CallKind, ScriptedEngine};
use serde_json::Value;

use crate::support::job::{id, step, target};
use crate::support::scene::{BOTH_UP, Scene, Stage, volume_directory};

const MIB: usize = 1 << 20;

/// Content that no compressor makes smaller, in files that the stack's volume holds.
fn fill(stage: &Stage) {
    let volume = volume_directory(stage.setup.root(), "blog");
    for n in 0..12 {
        let mut noise = vec![0_u8; MIB];
        getrandom::fill(&mut noise).expect("random bytes");
        std::fs::write(volume.join(format!("noise-{n}")), noise).expect("written");
    }
}

/// Waits until what was written is old enough to be recognised as unchanged: its stamps must be older than the coarsest
/// clock of a file system.
async fn age() {
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
}

/// A stack with 12 MiB of data, whose first stop is preceded by `change`.
async fn scene(precopy: &str, change: impl FnOnce(&Path) + Send + 'static) -> Scene {
    let stage = Stage::new().config(&format!("archive: {{ precopy: {precopy} }}"));
    fill(&stage);
    let volume = volume_directory(stage.setup.root(), "blog");
    let scene = stage.start().await;
    age().await;
    scene.engine.run_at_nth(CallKind::Stop, 1, move |_: &ScriptedEngine| change(&volume));
    scene
}

fn number(job: &Value, key: &str) -> u64 {
    job[key].as_u64().unwrap_or_else(|| panic!("no {key}: {job:#}"))
}

#[tokio::test]
async fn what_changes_after_it_was_read_is_captured_as_it_is_at_rest() {
    for precopy in ["auto", "splice", "staging", "snapshot"] {
        let scene = scene(precopy, |volume| {
            std::fs::write(volume.join("rows"), "4\n5\n6\n").expect("same size");
            std::fs::write(volume.join("late"), "new").expect("written");
            std::fs::remove_file(volume.join("noise-0")).expect("removed");
        });
        let scene = scene.await;
        let job = scene.service.back_up("blog").await;
        assert_eq!((job["state"].as_str(), scene.states()), (Some("succeeded"), BOTH_UP), "{precopy}: {job:#}");
        let expected = if precopy == "staging" { "staging" } else { "splice" };
        assert_eq!(job["strategy"], expected, "{precopy}: this file system has no clones");
        assert_eq!(step(&job, "precopy")["state"], "succeeded");
        let at_rest = number(&job, "bytes_captured_while_stopped");
        assert!((9..MIB as u64).contains(&at_rest), "{precopy}: {at_rest} bytes of 11 MiB were read at rest");
        assert_eq!(scene.read_from_archive("volumes/blog_db/rows"), "4\n5\n6\n", "{precopy}");
        assert_eq!(scene.read_from_archive("volumes/blog_db/late"), "new", "{precopy}");
        assert!(target(&job, "volume")["size_bytes"].as_u64() > Some(11 * MIB as u64), "{job:#}");
        assert_eq!(scene.service.archives().len(), 1, "nothing is left but the archive");
    }
}

#[tokio::test]
async fn a_small_stack_is_read_at_rest_and_says_why() {
    let scene = Stage::new().start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!((&job["strategy"], &step(&job, "precopy")["state"]), (&"direct".into(), &"skipped".into()));
    assert!(number(&job, "bytes_captured_while_stopped") > 0);
    let log = scene.service.log_of(id(&job)).await;
    assert!(log.iter().any(|line| line.contains("strategy direct: only")), "{log:?}");
}

#[tokio::test]
async fn without_a_stop_nothing_is_read_twice() {
    let stage = Stage::new().config("skip_stop: [blog]");
    fill(&stage);
    let scene = stage.start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!((job["state"].as_str(), &job["strategy"]), (Some("succeeded"), &"direct".into()), "{job:#}");
    assert!(job["bytes_captured_while_stopped"].is_null());
}

#[tokio::test]
async fn the_next_archive_takes_over_what_the_last_one_holds() {
    let scene = scene("splice", |_| {}).await;
    assert_eq!(scene.service.back_up("blog").await["state"], "succeeded");
    let volume = volume_directory(scene.service.root.path(), "blog");
    let truth = std::fs::read(volume.join("noise-7")).expect("read");
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let detail = step(&job, "precopy")["detail"].as_str().expect("a detail").to_owned();
    assert!(detail.contains("taken over"), "{detail}");
    let newest = scene.service.archives().pop().expect("an archive");
    let top = newest.trim_end_matches(".tar.gz");
    let output = std::process::Command::new("tar")
        .args(["-xOf", &scene.service.path("backups").join(&newest).display().to_string()])
        .arg(format!("{top}/volumes/blog_db/noise-7"))
        .output()
        .expect("tar");
    assert!(output.stdout == truth, "the content is the same");
}
