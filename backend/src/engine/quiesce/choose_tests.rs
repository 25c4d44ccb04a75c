//! Which containers are held, how, and in which order.

use std::sync::LazyLock;

use super::*;
use crate::docker::scripted::running_container;
use crate::domain::stack::labels;
use crate::engine::quiesce::testing::{Sample, stranger};

fn shown(choice: &Choice) -> String {
    choice.describe().iter().map(|line| line.split_once(": ").expect("a level").1).collect::<Vec<_>>().join(" | ")
}

fn left(choice: &Choice) -> Vec<(&str, &str, bool)> {
    choice.left.iter().map(|left| (left.name.as_str(), left.reason, left.is_meant)).collect()
}

#[test]
fn the_order_is_told_level_by_level() {
    let choice = Sample::new(&[("web", "app"), ("app", "db,cache"), ("db", ""), ("cache", "")]).choose(|_| {});
    let expected = [
        "start order, level 1 of 3: cache (stop within 10 s), db (stop within 10 s)",
        "start order, level 2 of 3: app (stop within 10 s)",
        "start order, level 3 of 3: web (stop within 10 s)",
    ];
    assert_eq!(choice.describe(), expected);
    assert!(choice.notes.is_empty() && choice.left.is_empty());
}

#[test]
fn the_stop_timeout_is_the_labels_then_the_configurations_then_its_own() {
    let minute = Some(Duration::from_secs(60));
    for (label, configured, own, expected, told) in [
        (Some("2m"), minute, Some(90), 120, Some(120)),
        (None, minute, Some(90), 60, Some(60)),
        (None, None, Some(90), 90, None),
        (None, None, None, 10, None),
        (Some("soon"), None, Some(90), 90, None),
        (Some("1500ms"), None, None, 2, Some(1)),
    ] {
        let mut sample = Sample::new(&[("db", "")]).with("db", |detail| detail.stop_timeout_secs = own);
        if let Some(label) = label {
            sample = sample.label("db", labels::STOP_TIMEOUT, label);
        }
        let choice = sample.choose(|question| question.stop_timeout = configured);
        let timeout = choice.timeouts.get("db").map(Duration::as_secs);
        assert_eq!((choice.held[0].stop_timeout_secs, timeout), (expected, told), "{label:?} {configured:?} {own:?}");
    }
}

#[test]
fn the_request_goes_before_the_label_and_the_label_before_the_stack() {
    for (requested, otherwise, expected) in [
        (None, Quiesce::Stop, "db (pause) | web (stop within 10 s)"),
        (None, Quiesce::None, "db (pause)"),
        (Some(Quiesce::Stop), Quiesce::None, "db (stop within 10 s) | app (stop within 10 s) | web (stop within 10 s)"),
        (Some(Quiesce::None), Quiesce::Stop, ""),
    ] {
        let sample = Sample::new(&[("web", "app"), ("app", "db"), ("db", "")]);
        let sample = sample.label("db", labels::QUIESCE, "pause").label("app", labels::QUIESCE, "none");
        let choice = sample.choose(|question| (question.requested, question.otherwise) = (requested, otherwise));
        assert_eq!(shown(&choice), expected, "{requested:?} {otherwise:?}");
        assert!(choice.left.iter().all(|left| left.is_meant), "{:?}", choice.left);
        if requested.is_none() {
            assert!(left(&choice).contains(&("app", "its label says so", true)), "{:?}", choice.left);
        }
    }
}

#[test]
fn what_must_not_be_touched_is_left_even_when_the_request_says_stop() {
    let own = running_container("own", "own");
    let sample = Sample::new(&[("own", ""), ("proxy", ""), ("run", ""), ("gone", ""), ("idle", ""), ("db", "")])
        .label("proxy", labels::SOCKET_PROXY, "true")
        .with("run", |detail| detail.container.is_oneoff = true)
        .with("gone", |detail| detail.redacted = serde_json::json!({"HostConfig": {"AutoRemove": true}}))
        .with("idle", |detail| detail.container.state = ContainerState::Paused);
    let choice = sample.choose_beside(Some(&own), &[], |question| question.requested = Some(Quiesce::Stop));
    assert_eq!(shown(&choice), "db (stop within 10 s)", "a paused one is left as it is");
    let names: Vec<&str> = left(&choice).iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, ["gone", "own", "proxy", "run"]);
    assert!(choice.left.iter().all(|left| !left.is_meant));
    assert!(choice.knows("db") && choice.knows("own") && !choice.knows("idle"));
}

#[test]
fn what_the_engine_knows_of_each_other_counts_as_a_dependency() {
    let redacted = |host: serde_json::Value| serde_json::json!({"HostConfig": host});
    let sample =
        Sample::new(&[("a-vpn", ""), ("b-net", ""), ("c-vol", ""), ("d-pid", ""), ("e-link", ""), ("z-base", "")])
            .with("a-vpn", |detail| detail.container.shares_network_of = Some("z-base".to_owned()))
            .with("b-net", |detail| {
                detail.redacted = serde_json::json!({"NetworkSettings": {"Networks": {"n": {"Links": ["a-vpn:vpn"]}}}});
            })
            .with("c-vol", |detail| detail.volumes_from = vec!["z-base".to_owned()])
            .with("d-pid", |detail| detail.redacted = redacted(serde_json::json!({"PidMode": "container:c-vol"})))
            .with("e-link", |detail| {
                detail.redacted = redacted(serde_json::json!({"Links": ["/d-pid:/e-link/alias"]}));
            });
    let choice = sample.choose(|_| {});
    let levels: Vec<String> =
        shown(&choice).replace(" (stop within 10 s)", "").split(" | ").map(str::to_owned).collect();
    assert_eq!(levels, ["z-base", "a-vpn, c-vol", "b-net, d-pid", "e-link"]);
}

#[test]
fn a_namespace_that_others_live_in_outlasts_the_rest() {
    let of = |label: &str| {
        let sample = Sample::new(&[("vpn", ""), ("app", "")]).label("app", labels::QUIESCE, label);
        sample.with("app", |detail| detail.container.shares_network_of = Some("vpn".to_owned()))
    };
    assert_eq!(shown(&of("stop").choose(|_| {})), "vpn (stop within 10 s) | app (stop within 10 s)");
    assert_eq!(shown(&of("pause").choose(|_| {})), "vpn (pause) | app (pause)");
    let choice = of("none").choose(|_| {});
    assert_eq!(shown(&choice), "vpn (pause)");
    assert!(choice.notes[0].contains("app shares its network"), "{:?}", choice.notes);
    let mut outsider = stranger("torrent");
    outsider.shares_network_of = Some("vpn".to_owned());
    let outsiders = [outsider];
    let choice = of("stop").choose_beside(None, &outsiders, |_| {});
    assert_eq!(shown(&choice), "vpn (pause) | app (stop within 10 s)", "one of another stack counts as well");
}

#[test]
fn circles_and_turned_orders_are_told() {
    let choice = Sample::new(&[("a", "b"), ("b", "a")]).choose(|_| {});
    assert_eq!(shown(&choice), "a (stop within 10 s) | b (stop within 10 s)");
    assert_eq!(choice.notes, ["services depend on each other in a circle: a, b; 'a' starts first"]);
    let choice = Sample::new(&[("app", "db"), ("db", "")]).label("db", labels::ORDER, "1").choose(|_| {});
    assert_eq!(shown(&choice), "app (stop within 10 s) | db (stop within 10 s)");
    assert_eq!(choice.notes, ["mainstay.order starts 'app' before 'db', on which it depends"]);
}

#[test]
fn an_order_leads_through_what_does_not_run() {
    let sample = Sample::new(&[("web", "app:service_healthy:false"), ("app", "db"), ("db", "")]);
    let choice = sample.with("app", |detail| detail.container.state = ContainerState::Exited).choose(|_| {});
    assert_eq!(shown(&choice), "db (stop within 10 s) | web (stop within 10 s)");
}

#[test]
fn replicas_are_held_beside_each_other() {
    let mut sample = Sample::new(&[("app", "db"), ("db", "")]);
    let mut second = sample.details["app"].clone();
    (second.container.id, second.container.name, second.container.number) = ("app2".into(), "app2".into(), 2);
    sample.details.insert("app2".into(), second);
    let choice = sample.choose(|_| {});
    assert_eq!(shown(&choice), "db (stop within 10 s) | app (stop within 10 s), app2 (stop within 10 s)");
}

#[test]
fn only_what_is_asked_for_is_held_and_the_rest_runs_on_purpose() {
    static ONLY: LazyLock<BTreeSet<String>> = LazyLock::new(|| BTreeSet::from(["db".to_owned()]));
    let choice = Sample::new(&[("db", ""), ("app", "db:service_started:false")]).choose(|q| q.only = Some(&ONLY));
    let held: Vec<&str> = choice.held.iter().map(|held| held.id.as_str()).collect();
    assert_eq!(held, ["db"]);
    assert!(choice.left.iter().all(|left| left.id == "app" && left.is_meant));
}
