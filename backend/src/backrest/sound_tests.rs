//! Whatever labels say, Backrest accepts the whole configuration, and a second run changes nothing.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::document::Document;
use super::merge::{Merge, Orphans, merge};
use super::plan::{Format, Settings};
use super::testing::{containers_of, service};
use super::{render, wanted};
use crate::domain::stack::{Container, Mount};

const NATIVE: &str = include_str!("../../../examples/backrest/config.native.json");
const SIDECAR: &str = include_str!("../../../examples/backrest/config.sidecar.json");

/// One run over a configuration.
fn reconcile(
    current: &Document,
    containers: &[Container],
    backrest: Option<&[Mount]>,
    owned: &BTreeSet<String>,
) -> Merge {
    let (plans, _) = wanted(containers, &current.repo_ids(), backrest, &Settings::default());
    let rendered: Vec<_> = plans.iter().map(|plan| render(plan, current.format())).collect();
    merge(current, &rendered, owned, Orphans::Disable)
}

fn words(merge: &Merge) -> Vec<String> {
    merge.changes.iter().map(|change| format!("{} {}", change.id, change.kind.as_str())).collect()
}

#[test]
fn the_example_is_merged_into_both_sample_configurations() {
    let containers = containers_of(include_str!("../../../examples/backrest/compose.yaml"));
    let backrest = containers.iter().find(|container| container.name == "backrest").expect("Backrest");
    let added = ["backrest_sidecar_backrest_example_db added", "backrest_sidecar_backrest_example_files added"];
    for (text, format, mounts) in
        [(NATIVE, Format::Native, Some(backrest.mounts.as_slice())), (SIDECAR, Format::Sidecar, None)]
    {
        let current = Document::parse(text.as_bytes(), None).expect("a configuration");
        assert_eq!((current.format(), current.problems()), (format, vec![]));
        let first = reconcile(&current, &containers, mounts, &BTreeSet::new());
        assert_eq!(words(&first), added);
        assert_eq!(first.document.problems(), Vec::<String>::new());
        let by_hand = if format == Format::Native { "by-hand" } else { "by_hand" };
        assert_eq!(first.document.find_plan(by_hand), current.find_plan(by_hand));
        let again = reconcile(&first.document, &containers, mounts, &first.owned());
        assert!(!again.is_change() && again.document.to_text() == first.document.to_text(), "{:?}", again.changes);
    }
}

/// Values that people, and people who mean harm, write.
fn value() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "true",
        "manual",
        "@daily",
        "T 3 * * *",
        "0 2 * * 7",
        "*/0 * * * *",
        "0 0 30 2 *",
        "last=7",
        "within=90d",
        "daily=0",
        "daily=7,weekly=4",
        "/data",
        "/data/../x",
        "/",
        "data",
        "a,b",
        "docker stop $SELF",
        "docker stop ",
        "echo 'x",
        "simple-stop-start",
        "none",
        "{{.Repo.Password}}",
        "default",
        "\u{0}",
        "",
    ]);
    prop_oneof![3 => known.prop_map(str::to_owned), 1 => "\\PC{0,20}", 1 => "[ -~]{0,30}"]
}

fn labels() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let names = vec![
        "backrest.schedule",
        "backrest.catchup",
        "backrest.paths.include",
        "backrest.paths.exclude",
        "backrest.pre",
        "backrest.post",
        "backrest.snapshot-start",
        "backrest.snapshot-end",
        "backrest.hooks.template",
        "backrest.keep",
    ];
    prop::collection::vec((prop::sample::select(names), value()), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn labels_never_make_a_configuration_that_is_refused(
        services in prop::collection::vec(("[a-c_-]{1,3}", "[a-c_.ß]{1,3}", labels()), 1..5),
        is_native: bool,
    ) {
        let containers: Vec<Container> = services.iter().map(|(project, name, labels)| {
            let pairs: Vec<(&str, &str)> = labels.iter().map(|(label, value)| (*label, value.as_str())).collect();
            service(project, name, &[&[("backrest.enable", "true")], pairs.as_slice()].concat())
        }).collect();
        let text = if is_native { NATIVE } else { SIDECAR };
        let current = Document::parse(text.as_bytes(), None).expect("a configuration");
        let first = reconcile(&current, &containers, None, &BTreeSet::new());
        prop_assert_eq!(first.document.problems(), Vec::<String>::new());
        let reread = Document::parse(first.document.to_text().as_bytes(), None).expect("what was written is read");
        let again = reconcile(&reread, &containers, None, &first.owned());
        prop_assert!(!again.is_change(), "{:?}", again.changes);
    }
}
