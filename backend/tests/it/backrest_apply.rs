//! Plans into a Backrest: by its API, and by its file with a real container and real file systems.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mainstay::backrest::RenderedPlan;
use mainstay::backrest::apply::{
    After, ApiApply, ApiClient, ApiError, Applied, ApplyError, BackrestContainer, Credentials, FileApply, FileError,
    Outcome, by_api, by_file, read_by_api,
};
use mainstay::backrest::document::Document;
use mainstay::backrest::merge::{Merge, Orphans, merge};
use mainstay::docker::ContainerEngine as _;
use mainstay::docker::scripted::{CallKind, ScriptedEngine, running_container};
use mainstay::domain::clock::SystemClock;
use mainstay::domain::stack::ContainerState;
use serde_json::{Value, json};

use crate::disk::SmallDisk;
use crate::support::backrest::{FakeBackrest, Fault};
use crate::support::engine::{Lab, Recipe};

const GUID: &str = "3f1c0a9de47b52860b9c1d7ea25f4836c0d1e2f3a4b5968778695a4b3c2d1e0f";

/// A configuration with users, a plan of somebody's, and a password.
fn config() -> Value {
    json!({"modno": 7, "version": 6, "instance": "dock-host-1",
        "repos": [{"id": "default", "uri": "/repo", "guid": GUID, "password": "SECRET-OF-THE-REPO"}],
        "plans": [{"id": "theirs", "repo": "default", "paths": ["/x"], "schedule": {"cron": "0 1 * * *"}, "iexcludes": ["*.T"]}],
        "auth": {"disabled": true, "users": [{"name": "ops", "passwordBcrypt": "HASH"}]}})
}

fn plan(id: &str) -> RenderedPlan {
    let value = json!({"id": id, "repo": "default", "paths": ["/b", "/a"], "hooks": [], "excludes": [],
        "schedule": {"cron": "0 2 * * *", "clock": "CLOCK_LOCAL"}, "retention": {"policyTimeBucketed": {"daily": 7}}});
    RenderedPlan { id: id.to_owned(), aliases: Vec::new(), value, own_retention: None }
}

/// Wants one plan.
fn wants(id: &str) -> impl Fn(&Document) -> Merge + Send + Sync + use<> {
    let (plan, owned) = (plan(id), BTreeSet::from([id.to_owned()]));
    move |document| merge(document, std::slice::from_ref(&plan), &owned, Orphans::Disable)
}

fn client(fake: &FakeBackrest) -> ApiClient {
    ApiClient::new(fake.address(), Credentials::None).expect("a client")
}

async fn apply_within(client: &ApiClient, patience: Duration) -> Result<Applied, ApplyError> {
    by_api(&ApiApply { client, patience, clock: &SystemClock }, &wants("s_web")).await
}

async fn apply(client: &ApiClient) -> Result<Applied, ApplyError> {
    apply_within(client, Duration::ZERO).await
}

/// An error with all that caused it, as logs tell it.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[tokio::test]
async fn a_plan_goes_to_the_running_backrest_once_and_nothing_else_changes() {
    let fake = FakeBackrest::start(config());
    let before = fake.config();
    let applied = apply(&client(&fake)).await.expect("applied");
    assert_eq!((applied.outcome, applied.notes), (Outcome::Sent, Vec::<String>::new()));
    assert_eq!(fake.plan_ids(), ["s_web", "theirs"]);
    let mut after = fake.config();
    after["plans"].as_array_mut().expect("plans").remove(0);
    assert_eq!(after, before, "with users, their hashes, repositories and the plan of somebody");

    let again = apply(&client(&fake)).await.expect("applied");
    assert_eq!((again.outcome, fake.saves()), (Outcome::Unchanged, 1));
}

#[tokio::test]
async fn a_save_by_somebody_else_in_between_is_kept() {
    let fake = FakeBackrest::start(config());
    fake.fault("SetConfig", 1, Fault::SaveByOther("newer"));
    let applied = apply(&client(&fake)).await.expect("applied");
    assert_eq!(applied.outcome, Outcome::Sent);
    assert_eq!(fake.plan_ids(), ["newer", "s_web", "theirs"]);
}

#[tokio::test]
async fn saves_by_others_without_end_are_given_up() {
    let fake = FakeBackrest::start(config());
    for nth in 1..=9 {
        fake.fault("SetConfig", nth, Fault::SaveByOther("newer"));
    }
    let error = apply(&client(&fake)).await.expect_err("contended");
    assert!(matches!(error, ApplyError::Contended(5)), "{error:?}");
    assert_eq!(fake.saves(), 0);
}

#[tokio::test]
async fn nothing_that_is_queued_or_in_progress_is_thrown_away() {
    let fake = FakeBackrest::start(config());
    fake.add_operation(json!({"planId": "theirs", "status": "STATUS_INPROGRESS", "operationBackup": {}}));
    let applied = apply(&client(&fake)).await.expect("no error");
    let Outcome::Deferred { why } = &applied.outcome else { panic!("{:?}", applied.outcome) };
    assert!(why.contains("'theirs' is in progress"), "{why}");
    assert_eq!(fake.saves(), 0);

    let asked = fake.calls().len();
    let client = client(&fake);
    let end = async {
        while fake.calls()[asked..].iter().all(|call| call != "GetOperations") {
            tokio::task::yield_now().await;
        }
        fake.end_operations();
    };
    let (applied, ()) = tokio::join!(apply_within(&client, Duration::from_secs(60)), end);
    assert_eq!(applied.expect("applied").outcome, Outcome::Sent);
    assert_eq!(fake.thrown_away(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_queued_run_is_waited_for() {
    let fake = FakeBackrest::start(config());
    fake.add_operation(
        json!({"planId": "theirs", "status": "STATUS_PENDING", "unixTimeStartMs": "1000", "operationForget": {}}),
    );
    let applied = apply(&client(&fake)).await.expect("no error");
    assert!(matches!(applied.outcome, Outcome::Deferred { .. }), "{:?}", applied.outcome);
    assert_eq!(fake.thrown_away(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_save_that_nobody_heard_of_is_repeated() {
    let fake = FakeBackrest::start(config());
    fake.fault("SetConfig", 1, Fault::Unheard);
    let applied = apply(&client(&fake)).await.expect("applied");
    assert_eq!((applied.outcome, applied.notes), (Outcome::Sent, Vec::<String>::new()));
    assert_eq!(fake.saves(), 2);
}

#[tokio::test]
async fn a_repository_that_is_still_to_be_made_leaves_the_plan_unplanned_and_that_is_told() {
    let mut start = config();
    start["repos"][0] = json!({"id": "default", "uri": "/repo", "autoInitialize": true});
    let fake = FakeBackrest::start(start);
    let applied = apply(&client(&fake)).await.expect("applied");
    assert_eq!(applied.notes, ["Backrest has not planned a run of 's_web' yet"]);
}

#[tokio::test]
async fn a_save_that_is_answered_and_lost_is_told() {
    let fake = FakeBackrest::start(config());
    fake.fault("SetConfig", 1, Fault::Lost);
    let error = apply(&client(&fake)).await.expect_err("not there");
    assert!(matches!(&error, ApplyError::NotTaken(ids) if ids == &["s_web"]), "{error:?}");
}

#[tokio::test]
async fn backrest_is_told_who_asks() {
    let fake = FakeBackrest::start(config());
    fake.require("Basic b3BzOmh1bnRlcjI=");
    let with_password = fake.address().replace("http://", "http://ops:hunter2@");
    let of_address = ApiClient::new(&with_password, Credentials::None).expect("a client");
    assert_eq!(apply(&of_address).await.expect("applied").outcome, Outcome::Sent);
    let basic = Credentials::Basic { user: "ops".to_owned(), password: "hunter2".to_owned().into() };
    let basic = ApiClient::new(fake.address(), basic).expect("a client");
    assert_eq!(apply(&basic).await.expect("applied").outcome, Outcome::Unchanged);
    fake.require("Bearer a-token");
    let bearer = ApiClient::new(fake.address(), Credentials::Bearer("a-token".to_owned().into())).expect("a client");
    assert_eq!(apply(&bearer).await.expect("applied").outcome, Outcome::Unchanged);

    for wrong in [of_address, client(&fake)] {
        let error = apply(&wrong).await.expect_err("401");
        assert!(matches!(error, ApplyError::Api(ApiError::Unauthorized(_))), "{error:?}");
        let told = format!("{} {wrong:?}", chain(&error));
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[tokio::test]
async fn a_backrest_that_answers_with_an_error_is_told_without_what_it_sent() {
    for (method, status) in
        [("GetConfig", 409), ("GetConfig", 500), ("SetConfig", 500), ("GetOperations", 502), ("GetConfig", 302)]
    {
        let fake = FakeBackrest::start(config());
        fake.fault(method, 1, Fault::Status(status));
        let error = apply(&client(&fake)).await.expect_err("refused");
        let ApplyError::Api(ApiError::Rejected { status: told, .. }) = &error else { panic!("{error:?}") };
        assert_eq!(*told, status);
        assert!(!chain(&error).contains("SECRET"), "{}", chain(&error));
        assert_eq!((fake.saves(), fake.plan_ids()), (0, vec!["theirs".to_owned()]));
    }
}

#[tokio::test]
async fn a_backrest_that_hangs_is_given_up_and_a_lost_answer_is_looked_after() {
    let fake = FakeBackrest::start(config());
    let impatient = client(&fake).with_limit(Duration::from_millis(300));
    fake.fault("GetConfig", 1, Fault::Hang);
    let error = apply(&impatient).await.expect_err("no answer");
    assert!(matches!(error, ApplyError::Api(ApiError::TimedOut { method: "GetConfig", .. })), "{error:?}");
    fake.fault("SetConfig", 1, Fault::Hang);
    assert_eq!(apply(&impatient).await.expect("the second time").outcome, Outcome::Sent);
    assert_eq!(fake.plan_ids(), ["s_web", "theirs"]);
}

#[tokio::test]
async fn nobody_at_the_address_is_told() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://ops:hunter2@{}", free.local_addr().expect("an address"));
    drop(free);
    let client = ApiClient::new(&address, Credentials::None).expect("a client");
    let error = read_by_api(&client).await.expect_err("nobody");
    assert!(matches!(error, ApplyError::Api(ApiError::Unreachable { .. })), "{error:?}");
    assert!(!chain(&error).contains("hunter2"), "{}", chain(&error));
    for wrong in ["ftp://x", "backrest:9898", "", "http://"] {
        assert!(ApiClient::new(wrong, Credentials::None).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn what_backrest_would_refuse_is_not_sent() {
    let fake = FakeBackrest::start(config());
    let mut bad = plan("s_web");
    bad.value["repo"] = json!("gone");
    let join = move |document: &Document| merge(document, std::slice::from_ref(&bad), &BTreeSet::new(), Orphans::Keep);
    let client = client(&fake);
    let apply = ApiApply { client: &client, patience: Duration::ZERO, clock: &SystemClock };
    let error = by_api(&apply, &join).await.expect_err("refused");
    assert!(matches!(error, ApplyError::Refused(_)), "{error:?}");
    assert!(fake.calls().iter().all(|call| call != "SetConfig"));
}

#[tokio::test]
async fn what_the_running_backrest_takes_stops_no_plan() {
    let mut start = config();
    start["plans"][0]["hooks"] = json!([{"actionCommand": {"command": "x"}, "actionSlack": {"template": "x"}}]);
    let fake = FakeBackrest::start(start);
    let problems = read_by_api(&client(&fake)).await.expect("a configuration").problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(apply(&client(&fake)).await.expect("applied").outcome, Outcome::Sent);
    assert_eq!(fake.plan_ids(), ["s_web", "theirs"]);
}

#[tokio::test]
async fn a_plan_is_run_now() {
    let fake = FakeBackrest::start(config());
    client(&fake).run_plan("theirs", Duration::from_secs(5)).await.expect("run");
    let unknown = client(&fake).run_plan("nobodys", Duration::from_secs(5)).await;
    assert!(matches!(unknown, Err(ApiError::Rejected { status: 404, .. })), "{unknown:?}");
    fake.fault("Backup", 3, Fault::Hang);
    client(&fake).run_plan("theirs", Duration::from_millis(200)).await.expect("it runs for a long time");
}

/// Ends at once with a configuration that has a certain plan, as Backrest does with one that it does not take.
const PICKY: &str = "grep -q refuse_me /config/config.json && exit 1
trap 'exit 0' TERM
while :; do sleep 0.05; done";

/// Writes the configuration into a directory of the host.
fn save_in(directory: &Path) {
    std::fs::write(directory.join("config.json"), config().to_string()).expect("written");
}

fn plans_in(directory: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(directory.join("config.json")).expect("a file");
    let tree: Value = serde_json::from_str(&text).expect("JSON");
    tree["plans"].as_array().expect("plans").iter().map(|plan| plan["id"].as_str().expect("an id").to_owned()).collect()
}

async fn apply_file(directory: &Path, after: After<'_>, id: &str) -> Result<Applied, ApplyError> {
    let path = directory.join("config.json");
    let apply =
        FileApply { path: &path, format: None, if_missing: None, after, patience: Duration::ZERO, clock: &SystemClock };
    by_file(&apply, &wants(id)).await
}

fn of_lab<'a>(lab: &'a Lab, name: &'a str) -> After<'a> {
    After::Container(BackrestContainer {
        engine: &lab.engine,
        name,
        probe: None,
        up_within: Duration::from_secs(30),
        settle: Duration::from_millis(1500),
    })
}

#[tokio::test]
async fn a_real_container_is_stopped_for_the_file_and_runs_with_it() {
    let Some(lab) = Lab::open("Backrest's container").await else { return };
    let directory = tempfile::tempdir().expect("a directory");
    save_in(directory.path());
    let binds = vec![format!("{}:/config", directory.path().display())];
    let name = lab.running("backrest", Recipe { script: PICKY, binds, ..Recipe::default() }).await;
    let before = lab.engine.inspect_container(&name).await.expect("the container");
    let applied = apply_file(directory.path(), of_lab(&lab, &name), "s_web").await.expect("applied");
    let Outcome::Restarted { stopped_ms } = applied.outcome else { panic!("{:?}", applied.outcome) };
    assert!(stopped_ms > 0);
    let after = lab.engine.inspect_container(&name).await.expect("the container");
    assert!(after.is_up() && after.started_at > before.started_at && after.container.id == before.container.id);
    assert_eq!(plans_in(directory.path()), ["s_web", "theirs"]);
}

#[tokio::test]
async fn a_real_container_that_ends_with_the_new_file_runs_again_with_the_old_one() {
    let Some(lab) = Lab::open("a Backrest that does not come up").await else { return };
    for restarts_always in [false, true] {
        let directory = tempfile::tempdir().expect("a directory");
        save_in(directory.path());
        let binds = vec![format!("{}:/config", directory.path().display())];
        let recipe = Recipe { script: PICKY, binds, restarts_always, ..Recipe::default() };
        let name = lab.running(if restarts_always { "again" } else { "once" }, recipe).await;
        let error = apply_file(directory.path(), of_lab(&lab, &name), "refuse_me").await.expect_err("it ends");
        assert!(matches!(error, ApplyError::NotUp { is_restored: true, .. }), "{error:?}");
        assert_eq!(plans_in(directory.path()), ["theirs"]);
        assert!(lab.engine.inspect_container(&name).await.expect("the container").is_up());
    }
}

#[tokio::test]
async fn a_real_container_where_restic_runs_is_left_alone() {
    let Some(lab) = Lab::open("a Backrest at work").await else { return };
    let directory = tempfile::tempdir().expect("a directory");
    save_in(directory.path());
    let binds = vec![format!("{}:/config", directory.path().display())];
    let script = "printf '#!/bin/sh\\ntouch /config/at-work; while :; do sleep 0.05; done' >/tmp/restic
        chmod +x /tmp/restic; /tmp/restic & trap 'exit 0' TERM; while :; do sleep 0.05; done";
    let name = lab.running("busy", Recipe { script, binds, ..Recipe::default() }).await;
    let begun = std::time::Instant::now();
    while !directory.path().join("at-work").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never began");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let applied = apply_file(directory.path(), of_lab(&lab, &name), "s_web").await.expect("no error");
    let Outcome::Deferred { why } = applied.outcome else { panic!("{:?}", applied.outcome) };
    assert!(why.contains("'restic' runs"), "{why}");
    assert_eq!(plans_in(directory.path()), ["theirs"]);
}

/// A Backrest that would notice a stop.
fn scripted() -> ScriptedEngine {
    let engine = ScriptedEngine::new();
    engine.add_container(running_container("b1", "backrest"));
    engine
}

fn of_scripted(engine: &ScriptedEngine) -> After<'_> {
    After::Container(BackrestContainer {
        engine,
        name: "backrest",
        probe: None,
        up_within: Duration::from_secs(5),
        settle: Duration::ZERO,
    })
}

#[tokio::test]
async fn a_full_disk_and_a_read_only_one_cost_no_stop_and_leave_the_file() {
    let (directory, engine) = (tempfile::tempdir().expect("a directory"), scripted());
    let disk = SmallDisk::over(directory.path(), "size=64k");
    save_in(directory.path());
    let filler = std::fs::write(directory.path().join("filler"), vec![1_u8; 1 << 20]);
    assert!(filler.is_err(), "the disk is full");
    let error = apply_file(directory.path(), of_scripted(&engine), "s_web").await.expect_err("no room");
    assert!(matches!(error, ApplyError::File(FileError::Full { .. })), "{error:?}");
    assert_eq!(plans_in(directory.path()), ["theirs"]);
    disk.read_only();
    let error = apply_file(directory.path(), of_scripted(&engine), "s_web").await.expect_err("read-only");
    assert!(matches!(error, ApplyError::File(FileError::ReadOnly { .. })), "{error:?}");
    assert_eq!(plans_in(directory.path()), ["theirs"]);
    assert!(engine.changes().is_empty(), "{:?}", engine.changes());
}

#[tokio::test]
async fn a_file_that_is_mounted_by_itself_is_explained_and_costs_no_stop() {
    let (directory, engine) = (tempfile::tempdir().expect("a directory"), scripted());
    save_in(directory.path());
    let mounted = SmallDisk::over_itself(&directory.path().join("config.json"));
    let error = apply_file(directory.path(), of_scripted(&engine), "s_web").await.expect_err("mounted");
    assert!(matches!(error, ApplyError::File(FileError::SingleFileMount(_))), "{error:?}");
    assert!(error.to_string().contains("mount the directory"), "{error}");
    assert!(engine.changes().is_empty(), "{:?}", engine.changes());
    drop(mounted);
}

#[tokio::test]
async fn a_rename_that_fails_while_backrest_stands_still_brings_it_back_with_its_file() {
    let (directory, engine) = (tempfile::tempdir().expect("a directory"), scripted());
    save_in(directory.path());
    let path = directory.path().join("config.json");
    let mounted = Arc::new(Mutex::new(None));
    let put = Arc::clone(&mounted);
    // Everything was tried before the stop, and all was well then.
    engine.run_at_nth(CallKind::Stop, 1, move |_| *put.lock().expect("held") = Some(SmallDisk::over_itself(&path)));
    let error = apply_file(directory.path(), of_scripted(&engine), "s_web").await.expect_err("no rename");
    assert!(matches!(error, ApplyError::File(FileError::SingleFileMount(_))), "{error:?}");
    assert_eq!(engine.state_of("b1"), Some(ContainerState::Running));
    assert_eq!(plans_in(directory.path()), ["theirs"]);
    assert!(mounted.lock().expect("held").take().is_some(), "it was stopped");
    let left = [".config.json.mainstay-new", ".config.json.mainstay-stopped"];
    assert!(left.iter().all(|name| !directory.path().join(name).exists()), "nothing is left beside it");
    apply_file(directory.path(), of_scripted(&engine), "s_web").await.expect("applied");
    assert_eq!(plans_in(directory.path()), ["s_web", "theirs"]);
}
