//! Merges: what is touched, what is not, and that a second one changes nothing.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::backrest::testing::containers_of;
use crate::backrest::{Settings, render, wanted as wanted_plans};

const TOP: &str = r#""version": 6, "instance": "h", "repos": [{"id": "default", "uri": "/r", "autoInitialize": true}]"#;

fn native(plans: &str) -> Document {
    let text = format!("{{\"modno\": 4, {TOP}, \"plans\": [{plans}], \"later\": {{\"x\": 1.10}}}}");
    Document::parse(text.as_bytes(), None).expect("a configuration")
}

fn wanted(id: &str, paths: &[&str]) -> RenderedPlan {
    let value = json!({"id": id, "repo": "default", "paths": paths,
        "schedule": {"cron": "0 2 * * *", "clock": "CLOCK_LOCAL"}, "retention": {"policyKeepLastN": 7}});
    RenderedPlan { id: id.to_owned(), aliases: Vec::new(), value, own_retention: None }
}

fn owned(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// The words of all changes: `id kind`.
fn words(merge: &Merge) -> Vec<String> {
    merge.changes.iter().map(|change| format!("{} {}", change.id, change.kind.as_str())).collect()
}

#[test]
fn a_plan_comes_without_touching_another_byte() {
    let foreign = r#"{ "paths":["/z" , "/a"],"id" : "mine","repo":"default", "n": 1.50, "future": {"q":[ ]} }"#;
    let merge = merge(&native(foreign), &[wanted("s_web", &["/w"])], &owned(&[]), Orphans::Delete);
    assert_eq!(words(&merge), ["s_web added"]);
    let text = merge.document.to_text();
    assert!(text.contains(foreign), "{text}");
    assert!(text.contains("\"later\": {\"x\": 1.10}"), "{text}");
    assert_eq!(merge.changes[0].lines[2], "+ paths: /w", "{:?}", merge.changes[0].lines);
    assert_eq!(merge.owned(), owned(&["s_web"]));
    assert_eq!(merge.scheduled(), ["s_web"]);
    insta::assert_snapshot!(text);
}

#[test]
fn a_plan_that_means_the_same_is_not_written_anew() {
    let there = r#"{"retention":{"policyKeepLastN":"7"},"repo":"default","id":"s_web","paths":["/b","/a"],"hooks":[],
        "schedule":{"clock":"CLOCK_LOCAL","cron":"0 2 * * *"}}"#;
    let mut plan = wanted("s_web", &["/a", "/b"]);
    plan.value["excludes"] = json!([]);
    let merge = merge(&native(there), &[plan], &owned(&[]), Orphans::Delete);
    assert_eq!(words(&merge), ["s_web unchanged"]);
    assert!(!merge.is_change());
    assert!(merge.document.to_text().contains(there));
}

#[test]
fn what_a_person_added_to_a_plan_of_ours_stays() {
    let there = r#"{"id":"s_web","repo":"default","paths":["/old"],"excludes":["/old/x"],"iexcludes":["*.TMP"],
        "backup_flags":["--one-file-system"],"hooks":[{"conditions":["CONDITION_SNAPSHOT_START"],"actionCommand":{"command":"old"}},
        {"conditions":["CONDITION_ANY_ERROR"],"actionDiscord":{"webhookUrl":"https://chat.example/SECRET"}}]}"#;
    let mut plan = wanted("s_web", &["/new"]);
    plan.value["hooks"] = json!([{"conditions": ["CONDITION_SNAPSHOT_END"], "actionCommand": {"command": "new"}}]);
    let merge = merge(&native(there), &[plan], &owned(&["s_web"]), Orphans::Delete);
    let fields = ["excludes", "hooks", "paths", "retention", "schedule"].map(str::to_owned).to_vec();
    assert_eq!(merge.changes[0].kind, ChangeKind::Changed { fields });
    let after = merge.document.find_plan("s_web").expect("the plan");
    assert_eq!(after["backup_flags"], json!(["--one-file-system"]));
    assert_eq!(after["iexcludes"], json!(["*.TMP"]));
    assert_eq!(after.get("excludes"), None, "labels decide this one");
    let hooks = after["hooks"].as_array().expect("hooks");
    assert_eq!(hooks.len(), 2, "{hooks:?}");
    assert_eq!(hooks[0]["actionCommand"]["command"], "new");
    assert_eq!(hooks[1]["actionDiscord"]["webhookUrl"], "https://chat.example/SECRET");
    let lines = merge.changes[0].lines.join("\n");
    assert!(lines.contains("- paths: /old") && lines.contains("+ paths: /new"), "{lines}");
    assert!(!lines.contains("SECRET"), "{lines}");
}

#[test]
fn a_foreign_plan_with_the_id_stays_and_the_refusal_is_told() {
    let there = r#"{"id":"s_web","repo":"default","paths":["/theirs"]}"#;
    let merge = merge(&native(there), &[wanted("s_web", &["/ours"])], &owned(&[]), Orphans::Delete);
    assert_eq!(words(&merge), ["s_web refused"]);
    assert!(!merge.is_change());
    assert!(merge.owned().is_empty() && merge.scheduled().is_empty());
}

#[test]
fn a_plan_of_an_earlier_tool_is_adopted_under_its_id_and_only_once() {
    let there = r#"{"id":"backrest_sidecar_web","repo":"default","paths":["/var/lib/docker/volumes/shop_www/_data"]}"#;
    let mut plan = wanted("backrest_sidecar_shop_web", &["/docker_volumes/shop_www/_data"]);
    plan.aliases = vec!["nothing_here".to_owned(), "backrest_sidecar_web".to_owned()];
    let first = merge(&native(there), &[plan.clone()], &owned(&[]), Orphans::Delete);
    assert_eq!(words(&first), ["backrest_sidecar_web adopted"]);
    assert_eq!(
        first.document.find_plan("backrest_sidecar_web").expect("the plan")["paths"],
        json!(["/docker_volumes/shop_www/_data"])
    );
    assert_eq!(first.document.plan_ids().count(), 1);
    let second = merge(&first.document, &[plan], &first.owned(), Orphans::Delete);
    assert_eq!(words(&second), ["backrest_sidecar_web unchanged"]);
}

#[test]
fn a_plan_of_other_data_is_not_adopted() {
    let there = r#"{"id":"backrest_sidecar_db","repo":"default","paths":["/docker_volumes/shop_data/_data"]}"#;
    let mut plan = wanted("backrest_sidecar_blog_db", &["/docker_volumes/blog_data/_data"]);
    plan.aliases = vec!["backrest_sidecar_db".to_owned()];
    let merge = merge(&native(there), &[plan], &owned(&["backrest_sidecar_db"]), Orphans::Keep);
    assert_eq!(words(&merge), ["backrest_sidecar_blog_db added", "backrest_sidecar_db left"]);
}

#[test]
fn an_alias_that_another_workload_has_as_its_id_is_not_adopted() {
    let there = r#"{"id":"s_web","repo":"default","paths":["/old"]}"#;
    let mut plan = wanted("s_shop_web", &["/shop"]);
    plan.aliases = vec!["s_web".to_owned()];
    let merge = merge(&native(there), &[plan, wanted("s_web", &["/old2"])], &owned(&["s_web"]), Orphans::Keep);
    assert_eq!(words(&merge), ["s_shop_web added", "s_web changed"]);
}

#[test]
fn plans_whose_workload_is_gone_are_left_disabled_or_removed() {
    let there = r#"{"id":"s_a","repo":"default","paths":["/a"],"schedule":{"cron":"0 2 * * *"},"iexcludes":["x"]},
        {"id":"other","repo":"default","paths":["/a"],"schedule":{"cron":"0 2 * * *"}}"#;
    let ours = owned(&["s_a", "s_never_there"]);
    let of = |orphans| merge(&native(there), &[], &ours, orphans);
    assert_eq!(words(&of(Orphans::Keep)), ["s_a left"]);
    let disabled = of(Orphans::Disable);
    assert_eq!(words(&disabled), ["s_a disabled"]);
    assert_eq!(disabled.document.find_plan("s_a").expect("the plan")["schedule"], json!({"disabled": true}));
    assert_eq!(words(&merge(&disabled.document, &[], &ours, Orphans::Disable)), ["s_a left"], "once");
    assert_eq!(disabled.owned(), owned(&["s_a"]), "so that it comes back with its workload");
    let removed = of(Orphans::Delete);
    assert_eq!(words(&removed), ["s_a removed"]);
    assert_eq!(removed.document.plan_ids().collect::<Vec<_>>(), ["other"]);
}

#[test]
fn the_format_of_the_sidecar_gets_its_own_members_and_no_others() {
    let text = r#"{"repos":[{"id":"default","type":"s3","url":"s3:x","env":{}}],"plans":[
        {"id":"s_db","repo":"default","schedule":"0 2 * * *","sources":["/b","/a"],"hooks":{"pre":["x"]},"retention":{"spec":"daily=7"}}]}"#;
    let current = Document::parse(text.as_bytes(), None).expect("a configuration");
    let value = json!({"id": "s_db", "repo": "default", "schedule": "0 2 * * *", "sources": ["/a", "/b"],
        "exclude": [], "hooks": {"pre": ["x"], "post": []}, "retention": {"spec": "daily=7"}});
    let mut plan = RenderedPlan { id: "s_db".to_owned(), aliases: Vec::new(), value, own_retention: None };
    let ours = owned(&["s_db", "s_gone"]);
    assert!(!merge(&current, &[plan.clone()], &ours, Orphans::Disable).is_change());
    plan.value["retention"] = json!({});
    let merged = merge(&current, &[plan], &ours, Orphans::Disable);
    assert_eq!(merged.changes[0].lines, ["- retention: {\"spec\":\"daily=7\"}", "+ retention: {}"]);
    assert_eq!(words(&merge(&current, &[], &ours, Orphans::Disable)), ["s_db left"], "it cannot be disabled there");
}

#[test]
fn the_examples_that_people_copy_take_the_plans_of_every_kind_of_label() {
    let examples = [
        (include_str!("../../../../examples/backrest/config.native.json"), Format::Native),
        (include_str!("../../../../examples/backrest/config.sidecar.json"), Format::Sidecar),
    ];
    let stacks = [
        include_str!("../testdata/seed_db.yaml"),
        include_str!("../testdata/later_vocabulary.yaml"),
        include_str!("../testdata/paths.yaml"),
        include_str!("../testdata/retention.yaml"),
        include_str!("../testdata/doubtful.yaml"),
        include_str!("../testdata/collisions.yaml"),
    ];
    for (text, format) in examples {
        let current = Document::parse(text.as_bytes(), None).expect("a configuration");
        assert_eq!((current.format(), current.problems()), (format, Vec::new()));
        let mut count = 0;
        for stack in stacks {
            let (plans, _) = wanted_plans(&containers_of(stack), &current.repo_ids(), None, &Settings::default());
            let plans: Vec<RenderedPlan> = plans.iter().map(|plan| render(plan, format)).collect();
            count += plans.len();
            let first = merge(&current, &plans, &owned(&[]), Orphans::Delete);
            assert_eq!(first.document.problems(), Vec::<String>::new(), "{stack}");
            // As another program writes the same.
            let tree: Value = serde_json::from_str(&first.document.to_text()).expect("JSON");
            let again = canonical::value(&tree, format).to_string();
            let again = Document::parse(again.as_bytes(), Some(format)).expect("a configuration");
            assert!(!merge(&again, &plans, &first.owned(), Orphans::Delete).is_change(), "{stack}");
        }
        assert!(count > 10, "{count} plans were made");
    }
}

/// Any JSON, with numbers that no usual reader keeps.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        "[1-9][0-9]{18,30}",
        "-?[0-9]\\.[0-9]{1,20}(e[1-9])?",
        "[a-z€\"\\\\ ]{0,6}".prop_map(|text| Value::from(text).to_string()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let pairs = prop::collection::btree_map("[a-zA-Z_]{1,6}", inner.clone(), 0..3);
        let object = pairs.prop_map(|pairs| {
            let members: Vec<String> = pairs.iter().map(|(name, value)| format!("\"{name}\" : {value}")).collect();
            format!("{{{}}}", members.join(", "))
        });
        prop_oneof![prop::collection::vec(inner, 0..3).prop_map(|items| format!("[{}]", items.join(" ,"))), object]
    })
}

/// A plan of somebody else, with members that nobody knows.
fn any_foreign() -> impl Strategy<Value = (String, String)> {
    let extra = prop::collection::btree_map("x[a-z]{1,5}", any_json(), 0..4);
    ("f_[a-z]{1,4}", prop::collection::vec("/[a-z]{1,5}", 1..3), extra).prop_map(|(id, paths, extra)| {
        let extra: String = extra.iter().map(|(name, value)| format!(", \"{name}\":{value}")).collect();
        let paths = json!(paths);
        (id.clone(), format!("{{\"id\":\"{id}\" ,\"repo\":\"default\",\"paths\": {paths}{extra}}}"))
    })
}

/// A plan of ours, as it may be there or be wanted.
fn any_ours() -> impl Strategy<Value = (String, RenderedPlan)> {
    let extra = prop::collection::btree_map("x[a-z]{1,5}", any_json(), 0..3);
    let rest =
        (prop::collection::vec("/[a-z]{1,3}", 1..4), prop::collection::vec("[a-z*]{1,4}", 0..3), 0..60_u8, 0..4_u8);
    ("s_[a-c]{1,2}", rest, extra).prop_map(|(id, (paths, excludes, minute, keep), extra)| {
        let mut plan = wanted(&id, &[]);
        plan.aliases = vec![format!("{id}_old")];
        plan.value["paths"] = json!(paths);
        plan.value["excludes"] = json!(excludes);
        plan.value["schedule"]["cron"] = json!(format!("{minute} 2 * * *"));
        plan.value["retention"] =
            if keep == 0 { json!({"policyKeepAll": true}) } else { json!({"policyKeepLastN": keep}) };
        let extra: String = extra.iter().map(|(name, value)| format!(", \"{name}\":{value}")).collect();
        let text = plan.value.to_string();
        (format!("{}{extra}}}", &text[..text.len() - 1]), plan)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// A thousand configurations with plans of others and unknown members, each merged twice.
    #[test]
    fn a_second_merge_changes_nothing_and_what_is_foreign_is_identical(
        foreign in prop::collection::vec(any_foreign(), 0..4),
        there in prop::collection::vec(any_ours(), 0..4),
        now in prop::collection::vec(any_ours(), 0..4),
        is_adopted in any::<bool>(),
        unknown in any_json(),
        orphans in prop_oneof![Just(Orphans::Keep), Just(Orphans::Disable), Just(Orphans::Delete)],
    ) {
        let unique = |texts: Vec<(String, String)>| texts.into_iter().collect::<std::collections::BTreeMap<_, _>>();
        let foreign = unique(foreign);
        let rename = |id: &str| if is_adopted { format!("{id}_old") } else { id.to_owned() };
        let there = unique(there.into_iter().map(|(text, plan)| {
            let old = rename(&plan.id);
            (old.clone(), text.replacen(&format!("\"{}\"", plan.id), &format!("\"{old}\""), 1))
        }).collect());
        let mut wanted: Vec<RenderedPlan> = now.into_iter().map(|(_, plan)| plan).collect();
        wanted.sort_by(|a, b| a.id.cmp(&b.id));
        wanted.dedup_by(|a, b| a.id == b.id);
        let plans: Vec<&str> = foreign.values().chain(there.values()).map(String::as_str).collect();
        let text = format!("{{{TOP}, \"plans\": [{}], \"unknown\": {unknown}}}", plans.join(",\n "));
        let current = Document::parse(text.as_bytes(), None).expect("a configuration");
        let ours: BTreeSet<String> = there.keys().cloned().collect();

        let first = merge(&current, &wanted, &ours, orphans);
        let written = first.document.to_text();
        for text in foreign.values() {
            prop_assert!(written.contains(text.as_str()), "{text} in {written}");
        }
        let end = format!("\"unknown\": {unknown}\n}}\n");
        prop_assert!(written.ends_with(&end), "{unknown} in {written}");
        let expected = wanted.len() + foreign.len();
        prop_assert!(first.document.plan_ids().count() >= expected);
        let ids: BTreeSet<&str> = first.document.plan_ids().collect();
        prop_assert_eq!(ids.len(), first.document.plan_ids().count(), "an id twice");
        for plan in &wanted {
            let is_there = [plan.id.as_str(), plan.aliases[0].as_str()].iter().any(|id| ids.contains(id));
            prop_assert!(is_there, "{} in {:?}", plan.id, ids);
        }

        let again = Document::parse(written.as_bytes(), None).expect("what was written can be read");
        let second = merge(&again, &wanted, &first.owned(), orphans);
        prop_assert!(!second.is_change(), "{:?}", second.changes);
        prop_assert_eq!(second.document.to_text(), written);
        prop_assert_eq!(second.owned(), first.owned());
    }
}
