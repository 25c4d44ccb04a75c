//! Backups of a stack, on a scripted engine where a fault or an order matters. What is stopped and comes back is in
//! `quiesce.rs`.

use mainstay::docker::ContainerEngine as _;
use mainstay::docker::scripted::{CallKind, ScriptedEngine};
use mainstay::domain::stack::ContainerState;
use serde_json::{Value, json};

use crate::support::job::{id, step, target};
use crate::support::scene::{BOTH_UP, Stage, volume_directory};
use crate::support::service::list;
use crate::support::store;

#[tokio::test]
async fn a_backup_stops_in_reverse_order_captures_and_starts_again() {
    let scene = Stage::new().start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(scene.changes(), ["stop blog-app", "stop blog-db", "start blog-db", "start blog-app"]);
    let names: Vec<&str> =
        job["steps"].as_array().expect("steps").iter().map(|s| s["name"].as_str().expect("a name")).collect();
    let before = ["resolve", "preflight", "precopy", "quiesce", "capture", "resume"];
    assert_eq!(names, [&before[..], &["publish", "verify", "retention", "report"]].concat());
    let is_well = |s: &Value| s["state"] == if s["name"] == "precopy" { "skipped" } else { "succeeded" };
    assert!(job["steps"].as_array().expect("steps").iter().all(is_well), "{job:#}");
    assert!(job["stopped_ms"].is_u64() && job["snapshot_id"].is_string() && job["error"].is_null(), "{job:#}");
    assert_eq!(scene.read_from_archive("volumes/blog_db/rows"), "1\n2\n3\n");
    assert_eq!(scene.read_from_archive("data/notes.txt"), "remember the milk\n");
    assert!(scene.read_from_archive("compose/compose.yaml").starts_with("services:"));
    let manifest: Value = serde_json::from_str(&scene.read_from_archive("manifest.json")).expect("JSON");
    assert_eq!((manifest["version"].as_u64(), manifest["stack"].as_str()), (Some(1), Some("blog")));
    let kinds: Vec<&Value> = manifest["targets"].as_array().expect("targets").iter().map(|t| &t["kind"]).collect();
    assert_eq!(kinds, ["compose", "data", "volume"]);
    assert!(manifest["stopped_ms"].is_u64(), "{manifest:#}");
}

#[tokio::test]
async fn a_stack_that_was_stopped_stays_stopped() {
    let stage = Stage::new();
    for container in ["blog-db", "blog-app"] {
        stage.engine.set_state(container, ContainerState::Exited);
    }
    let scene = stage.start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert!(scene.changes().is_empty() && job["stopped_ms"].is_null());
    assert_eq!(step(&job, "resume")["state"], "skipped");
}

#[tokio::test]
async fn of_a_partly_running_stack_only_the_running_part_is_touched() {
    let stage = Stage::new();
    stage.engine.set_state("blog-app", ContainerState::Exited);
    let scene = stage.start().await;
    scene.service.back_up("blog").await;
    assert_eq!(scene.changes(), ["stop blog-db", "start blog-db"]);
}

#[tokio::test]
async fn a_stack_in_skip_stop_is_captured_without_a_stop() {
    let scene = Stage::new().config("skip_stop: [blog]").start().await;
    let stack = scene.service.call("get_stack").path("name", "blog").ok().await;
    assert_eq!(stack["skip_stop"], true);
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert!(scene.changes().is_empty());
    assert_eq!(scene.read_from_archive("volumes/blog_db/rows"), "1\n2\n3\n");
}

#[tokio::test]
async fn a_request_may_ask_for_a_pause() {
    let scene = Stage::new().start().await;
    let job = scene.service.call("backup_stack").path("name", "blog").json(json!({ "quiesce": "pause" })).ok().await;
    scene.service.end_of(id(&job)).await;
    assert_eq!(scene.changes(), ["pause blog-app", "pause blog-db", "unpause blog-db", "unpause blog-app"]);
}

#[tokio::test]
async fn a_second_job_on_a_stack_is_refused_and_named() {
    let stage = Stage::new();
    let gate = stage.engine.block_nth(CallKind::Stop, 1);
    let scene = stage.start().await;
    let first = scene.service.call("backup_stack").path("name", "blog").ok().await;
    gate.reached().await;
    let problem = scene.service.call("backup_stack").path("name", "blog").problem(409, "job_conflict").await;
    assert_eq!(problem["job_id"], first["id"]);
    gate.release();
    assert_eq!(scene.service.end_of(id(&first)).await["state"], "succeeded");
    assert_eq!(scene.service.back_up("blog").await["state"], "succeeded", "the stack is free again");
}

#[tokio::test]
async fn several_stacks_get_a_job_each_and_wait_for_their_turn() {
    let stage = Stage::new();
    stage.add_stack("wiki");
    let gate = stage.engine.block_nth(CallKind::Stop, 1);
    let scene = stage.start().await;
    let body = json!({ "stacks": ["blog", "wiki"] });
    let jobs = scene.service.call("backup_stacks").json(body).ok().await;
    let ids: Vec<String> = jobs["items"].as_array().expect("jobs").iter().map(|j| id(j).to_owned()).collect();
    assert_eq!(ids.len(), 2);
    gate.reached().await;
    let second = scene.service.call("get_job").path("id", &ids[1]).ok().await;
    assert_eq!(second["state"], "queued", "one at a time by default");
    gate.release();
    for id in ids {
        assert_eq!(scene.service.end_of(&id).await["state"], "succeeded");
    }
    assert_eq!(scene.service.archives().len(), 2);
}

#[tokio::test]
async fn one_unknown_stack_starts_nothing() {
    let scene = Stage::new().start().await;
    let body = json!({ "stacks": ["blog", "nothere"] });
    scene.service.call("backup_stacks").json(body).problem(404, "stack_not_found").await;
    assert_eq!(scene.service.call("list_jobs").ok().await["items"], json!([]));
}

#[tokio::test]
async fn without_an_engine_nothing_is_touched_and_the_reason_is_told() {
    let scene = Stage::new().start().await;
    scene.engine.set_reachable(false);
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert_eq!(step(&job, "resolve")["state"], "failed");
    assert!(job["error"].as_str().expect("an error").contains("cannot be reached"), "{job:#}");
}

#[tokio::test]
async fn a_backup_dir_that_cannot_be_written_to_fails_before_the_stop() {
    let scene = Stage::new().start().await;
    let backups = scene.service.path("backups");
    std::fs::remove_dir(&backups).expect("removed");
    std::fs::write(&backups, "a file in the way").expect("written");
    let job = scene.service.back_up("blog").await;
    assert_eq!(
        (job["state"].as_str(), step(&job, "preflight")["state"].as_str()),
        (Some("failed"), Some("failed")),
        "{job:#}"
    );
    assert!(scene.changes().is_empty());
}

#[tokio::test]
async fn a_volume_that_cannot_be_read_from_here_is_streamed_through_the_engine() {
    let stage = Stage::new();
    std::fs::remove_dir_all(volume_directory(stage.setup.root(), "blog")).expect("removed");
    let tree = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(tree.path().join("data")).expect("made");
    std::fs::write(tree.path().join("data/rows"), "streamed\n").expect("written");
    let tar = std::process::Command::new("tar").arg("-C").arg(tree.path()).args(["-c", "data"]).output().expect("tar");
    stage.engine.add_path("blog-db", "/data", vec![tar.stdout.into()]);
    let scene = stage.start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(scene.read_from_archive("volumes/blog_db/rows"), "streamed\n");
}

#[tokio::test]
async fn a_target_that_cannot_be_reached_makes_the_job_partial() {
    let stage = Stage::new();
    std::fs::remove_dir_all(volume_directory(stage.setup.root(), "blog")).expect("removed");
    let scene = stage.start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "partial", "{job:#}");
    assert_eq!(target(&job, "volume")["state"], "failed");
    assert_eq!(target(&job, "compose")["state"], "succeeded");
    assert_eq!(step(&job, "retention")["state"], "skipped", "only a success drops anything");
}

#[tokio::test]
async fn a_volume_that_became_empty_is_not_a_success() {
    let scene = Stage::new().start().await;
    assert_eq!(scene.service.back_up("blog").await["state"], "succeeded");
    std::fs::remove_file(volume_directory(scene.service.root.path(), "blog").join("rows")).expect("removed");
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "partial", "{job:#}");
    assert!(target(&job, "volume")["message"].as_str().expect("a message").contains("empty now"), "{job:#}");
    for state in ["partial", "partial", "succeeded"] {
        assert_eq!(scene.service.back_up("blog").await["state"], state, "what stays empty is meant in the end");
    }
}

#[tokio::test]
async fn an_empty_volume_is_doubtful_while_its_past_cannot_be_read() {
    let scene = Stage::new().start().await;
    assert_eq!(scene.service.back_up("blog").await["state"], "succeeded");
    std::fs::remove_file(volume_directory(scene.service.root.path(), "blog").join("rows")).expect("removed");
    let url = store::database_of(&scene.service.path("config.yml"));
    store::execute(&url, "UPDATE snapshots SET targets = '\"not a list\"'").await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "partial", "{job:#}");
    let message = target(&job, "volume")["message"].as_str().expect("a message").to_owned();
    assert!(message.contains("cannot be told"), "{message}");
}

#[tokio::test]
async fn the_manifest_says_of_a_doubtful_target_what_the_job_says() {
    let scene = Stage::new().start().await;
    let blog = volume_directory(scene.service.root.path(), "blog");
    assert_eq!(scene.service.back_up("blog").await["state"], "succeeded");
    std::fs::remove_file(blog.join("rows")).expect("removed");
    let first = scene.service.archives().remove(0);
    let job = scene.service.back_up("blog").await;
    std::fs::remove_file(scene.service.path("backups").join(first)).expect("removed");
    let manifest: Value = serde_json::from_str(&scene.read_from_archive("manifest.json")).expect("JSON");
    assert_eq!((&job["state"], &manifest["results"]), (&"partial".into(), &job["targets"]), "{manifest:#}");
}

#[tokio::test]
async fn an_archive_whose_name_is_taken_meanwhile_leaves_no_record() {
    let scene = Stage::new().start().await;
    let backups = scene.service.path("backups");
    let take_the_name = move |_: &ScriptedEngine| {
        let partial = list(&backups).into_iter().find(|n| n.ends_with(".partial")).expect("an unfinished file");
        let (top, _) = partial.trim_start_matches('.').split_once(".job_").expect("a stack and its time");
        std::fs::write(backups.join(format!("{top}.tar.gz")), "mine").expect("written");
    };
    scene.engine.run_at_nth(CallKind::Start, 1, take_the_name);
    let job = scene.service.back_up("blog").await;
    assert_eq!((job["state"].as_str(), scene.states()), (Some("failed"), BOTH_UP), "{job:#}");
    assert!(job["error"].as_str().expect("an error").contains("could not be given its name"), "{job:#}");
    let [left] = scene.service.archives().try_into().expect("one file");
    assert_eq!(std::fs::read_to_string(scene.service.path("backups").join(left)).expect("text"), "mine");
    let snapshots = scene.service.call("list_snapshots").ok().await;
    assert_eq!(snapshots["items"].as_array().map(Vec::len), Some(0), "{snapshots}");
}

#[tokio::test]
async fn a_volume_that_is_gone_is_not_a_success() {
    let scene = Stage::new().start().await;
    assert_eq!(scene.service.back_up("blog").await["state"], "succeeded");
    for container in ["blog-db", "blog-app"] {
        scene.engine.remove_container(container);
    }
    scene.engine.remove_volume("blog_db");
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "partial", "{job:#}");
}

#[tokio::test]
async fn while_volumes_cannot_be_listed_nothing_is_touched() {
    let scene = Stage::new().start().await;
    scene.engine.fail_next(CallKind::ListVolumes, ScriptedEngine::rejection("the proxy says no"));
    let job = scene.service.back_up("blog").await;
    assert_eq!(
        (job["state"].as_str(), step(&job, "resolve")["state"].as_str()),
        (Some("failed"), Some("failed")),
        "{job:#}"
    );
    assert!(scene.changes().is_empty());
}

#[tokio::test]
async fn a_dry_run_touches_nothing() {
    let scene = Stage::new().start().await;
    let job = scene.service.call("backup_stack").path("name", "blog").json(json!({ "dry_run": true })).ok().await;
    let job = scene.service.end_of(id(&job)).await;
    assert_eq!((job["state"].as_str(), job["dry_run"].as_bool()), (Some("succeeded"), Some(true)));
    assert!(scene.changes().is_empty() && scene.service.archives().is_empty());
    let log = scene.service.log_of(id(&job)).await.join("\n");
    assert!(log.contains("would stop container blog-app-1"), "{log}");
}

#[tokio::test]
async fn a_job_is_tried_again_as_a_new_one() {
    let scene = Stage::new().start().await;
    scene.engine.set_reachable(false);
    let failed = scene.service.back_up("blog").await;
    scene.engine.set_reachable(true);
    let again = scene.service.call("retry_job").path("id", id(&failed)).ok().await;
    assert_ne!(again["id"], failed["id"]);
    assert_eq!(scene.service.end_of(id(&again)).await["state"], "succeeded");
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_job() {
    let scene = Stage::new().start().await;
    let ask = || scene.service.call("backup_stack").path("name", "blog").header("idempotency-key", "night-1");
    let first = ask().ok().await;
    scene.service.end_of(id(&first)).await;
    assert_eq!(ask().ok().await["id"], first["id"]);
    let other = ask().json(json!({ "dry_run": true })).send().await;
    assert_eq!(other.status.as_u16(), 422, "the key belongs to another request: {}", other.text);
    assert_eq!(scene.service.archives().len(), 1);
}

#[tokio::test]
async fn retention_drops_what_is_recorded_and_old_and_nothing_else() {
    let mut scene = Stage::new().manual_clock().config("retention_days: 7").start().await;
    scene.service.back_up("blog").await;
    scene.service.advance(chrono::Duration::days(8)).await;
    let foreign = scene.service.path("backups/blog_2001-01-01_00-00-00.tar.gz");
    std::fs::write(&foreign, "someone else's").expect("written");
    let job = scene.service.back_up("blog").await;
    assert_eq!(
        step(&job, "retention")["detail"].as_str().map(|d| d.starts_with("1 archive dropped")),
        Some(true),
        "{job:#}"
    );
    let archives = scene.service.archives();
    assert_eq!(archives.len(), 2, "{archives:?}");
    assert!(foreign.exists());
    let snapshots = scene.service.call("list_snapshots").query("stack", "blog").ok().await;
    assert_eq!(snapshots["items"].as_array().expect("items").len(), 1);
    scene.service.advance(chrono::Duration::days(400)).await;
    scene.engine.set_reachable(false);
    scene.service.back_up("blog").await;
    assert_eq!(scene.service.archives().len(), 2, "a failed job drops nothing");
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_drops_nothing_until_the_time_is_confirmed() {
    let mut scene = Stage::new().manual_clock().config("retention_days: 7").start().await;
    for _ in 0..3 {
        scene.service.back_up("blog").await;
        scene.service.advance(chrono::Duration::days(1)).await;
    }
    scene.service.advance(chrono::Duration::days(365)).await;
    for nth in 1..=3 {
        let job = scene.service.back_up("blog").await;
        assert_eq!(job["state"], "succeeded", "{job:#}");
        assert_eq!(scene.service.archives().len(), 3 + nth, "nothing is dropped yet");
        let log = scene.service.log_of(job["id"].as_str().expect("an id")).await;
        assert!(log.iter().any(|line| line.starts_with("WARNING the clock may have jumped")), "{log:#?}");
        scene.service.advance(chrono::Duration::days(1)).await;
    }
    scene.service.back_up("blog").await;
    assert_eq!(scene.service.archives().len(), 4, "three backups confirm the time");
}

#[tokio::test]
async fn two_backups_of_the_same_second_get_two_names() {
    let scene = Stage::new().manual_clock().start().await;
    for _ in 0..2 {
        assert_eq!(scene.service.back_up("blog").await["state"], "succeeded");
    }
    assert_eq!(scene.service.archives().len(), 2);
}

#[tokio::test]
async fn zstd_is_the_alternative() {
    let scene = Stage::new().config("archive: { compression: zstd, level: 3 }").start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(scene.read_from_archive("volumes/blog_db/rows"), "1\n2\n3\n");
    assert!(scene.service.archives()[0].ends_with(".tar.zst"));
}

#[tokio::test]
async fn what_keeps_running_although_it_writes_makes_the_job_partial() {
    let stage = Stage::new();
    let mut one_off = futures_util::FutureExt::now_or_never(stage.engine.inspect_container("blog-db"));
    let mut one_off = one_off.take().expect("at once").expect("the container");
    one_off.container.id = "blog-db-run".to_owned();
    one_off.container.name = "blog-db-run-1".to_owned();
    one_off.container.is_oneoff = true;
    stage.engine.add_container(one_off);
    let scene = stage.start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "partial", "{job:#}");
    assert!(!scene.changes().iter().any(|change| change.ends_with("blog-db-run")), "it is left alone");
    assert!(target(&job, "volume")["message"].as_str().expect("a message").contains("one-off"), "{job:#}");
}
