//! Commands, and that none of them leaves a container down.

use super::*;
use crate::backrest::plan::WantedPlan;
use crate::backrest::testing::{notes_of, plan_with};

fn plan(pairs: &[(&str, &str)]) -> WantedPlan {
    plan_with(&Settings::default(), pairs)
}

#[test]
fn a_stop_and_a_start_of_itself_become_the_pair() {
    for (pre, post) in [
        ("sh -c 'docker stop $SELF'", "sh -c 'docker start $SELF'"),
        ("docker stop $SELF", "docker start $SELF"),
        ("docker stop -t 30 {self}", "docker start {self}"),
        ("docker container stop --time=30 ${SELF}", "docker container start \"$SELF\""),
        ("docker stop shop-db-1", "docker start shop-db-1"),
        ("/bin/sh -c \"docker stop $$SELF\"", "docker start $$SELF"),
    ] {
        let plan = plan(&[("backrest.pre", pre), ("backrest.post", post)]);
        assert!(plan.quiesce, "{pre}");
        assert_eq!((plan.pre, plan.post), (vec![pre.to_owned()], vec![post.to_owned()]), "as written");
    }
    let plan = plan(&[("backrest.snapshot-start", "docker stop $SELF")]);
    assert!(plan.quiesce, "a start that was forgotten is not forgotten by the pair");
    assert_eq!(plan.post, ["docker start shop-db-1"]);
}

#[test]
fn what_compose_took_away_is_understood_and_told() {
    let plan = plan(&[("backrest.pre", "sh -c 'docker stop '"), ("backrest.post", "sh -c 'docker start '")]);
    assert!(plan.quiesce);
    assert_eq!(plan.pre, ["docker stop shop-db-1"]);
    assert!(notes_of(&plan).iter().any(|note| note.starts_with("warning") && note.contains("$$SELF")), "{plan:?}");
}

#[test]
fn other_commands_stay_commands() {
    for (pre, post) in [
        ("docker stop other", "docker start other"),
        ("docker stop $SELF && sync", "docker start $SELF"),
        ("sh -c 'docker stop $SELF; docker stop x'", "docker start $SELF"),
        ("docker stop $SELF", "docker start $SELF; curl http://x"),
        ("sync", ""),
        ("rm -f /tmp/stop", ""),
        ("docker exec db fsfreeze -f /data", "docker exec db fsfreeze -u /data"),
    ] {
        let plan = plan(&[("backrest.pre", pre), ("backrest.post", post)]);
        assert!(!plan.quiesce && plan.pre == [pre], "{pre}: {plan:?}");
    }
}

#[test]
fn a_stop_that_nothing_undoes_is_not_done() {
    for pre in ["docker stop other", "docker compose -p x down", "podman pause $SELF", "sh -c 'docker stop a b'"] {
        let plan = plan(&[("backrest.pre", pre), ("backrest.post", "sync")]);
        assert_eq!((plan.pre.len(), plan.post.len(), plan.quiesce), (0, 1, false), "{pre}");
        assert!(notes_of(&plan)[0].contains("nothing") || notes_of(&plan)[0].contains("no command"), "{plan:?}");
    }
}

#[test]
fn templates_are_read_and_have_no_effect_beside_commands() {
    for name in ["simple-stop-start", "Stop-Start", "quiesce-stop-start"] {
        let plan = plan(&[("backrest.hooks.template", name)]);
        assert!(plan.quiesce && plan.pre == ["docker stop shop-db-1"] && plan.post == ["docker start shop-db-1"]);
    }
    assert!(!plan(&[("backrest.hooks.template", "none")]).quiesce);
    let unknown = plan(&[("backrest.hooks.template", "freeze")]);
    assert!(!unknown.quiesce && notes_of(&unknown)[0].contains("no template 'freeze'"), "{unknown:?}");
    let beside = plan(&[("backrest.hooks.template", "stop-start"), ("backrest.pre", "sync")]);
    assert!(!beside.quiesce && beside.pre == ["sync"], "{beside:?}");
}

#[test]
fn commands_need_leave_and_the_pair_does_not() {
    let settings = Settings { allow_commands: false, ..Settings::default() };
    let refused = plan_with(&settings, &[("backrest.pre", "sync"), ("backrest.post", "sync")]);
    assert_eq!((refused.pre.len(), refused.post.len()), (0, 0));
    assert!(notes_of(&refused)[0].contains("not allowed"), "{refused:?}");
    assert!(plan_with(&settings, &[("backrest.pre", "docker stop $SELF")]).quiesce);
}

#[test]
fn backrest_never_stops_itself() {
    let settings = Settings { never_stopped: ["shop-db-1".to_owned()].into(), ..Settings::default() };
    let plan = plan_with(&settings, &[("backrest.hooks.template", "simple-stop-start")]);
    assert!(!plan.quiesce && plan.pre.is_empty(), "{plan:?}");
    assert!(notes_of(&plan)[0].contains("there would be no backup"), "{plan:?}");
}

#[test]
fn odd_text_is_told() {
    let several = plan(&[("backrest.pre", "sync, sleep 1, echo 'a,b'")]);
    assert_eq!(several.pre, ["sync", "sleep 1", "echo 'a,b'"]);
    assert!(notes_of(&several)[0].contains("3 commands"), "{several:?}");
    let open = plan(&[("backrest.pre", "echo 'a, b")]);
    assert!(notes_of(&open)[0].contains("not closed"), "{open:?}");
    let control = plan(&[("backrest.pre", "echo \u{1b}[31m")]);
    assert!(control.pre.is_empty() && notes_of(&control)[0].contains("ignored"), "{control:?}");
}
