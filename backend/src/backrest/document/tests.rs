//! Reading and writing of configurations, and what is refused.

use serde_json::{Value, json};

use super::*;

/// A configuration as Backrest writes it, with two plans, users and an unknown member.
const NATIVE: &str = r#"{
  "modno": 3, "version": 6, "instance": "dock-host-1",
  "repos": [{
    "id": "default", "uri": "s3:https://s3.example.net/b",
    "guid": "3f1c0a9de47b52860b9c1d7ea25f4836c0d1e2f3a4b5968778695a4b3c2d1e0f",
    "env": ["A=${B}"], "prunePolicy": {"schedule": {"cron": "0 5 1 * *"}, "maxUnusedBytes": "9007199254740993", "maxUnusedPercent": 10.10}
  }],
  "plans": [
    {"id": "a", "repo": "default", "paths": ["/x"], "schedule": {"disabled": true}},
    {"id": "b", "repo": "default", "paths": ["/y"], "retention": {"policyKeepAll": true}}
  ],
  "future": {"z": 1.50, "a": 123456789012345678901234567890},
  "auth": {"users": [{"name": "ops", "passwordBcrypt": "********"}]}
}"#;

/// A configuration of the sidecar.
const SIDECAR: &str = r#"{"repos": [{"id": "default", "type": "s3", "url": "s3:x", "env": {}}],
  "plans": [{"id": "p", "repo": "default", "schedule": "0 2 * * *", "sources": ["/a"], "hooks": {"pre": ["x"]}}]}"#;

fn parse(text: &str) -> Document {
    Document::parse(text.as_bytes(), None).expect("a configuration")
}

/// The example with one change to its tree.
fn changed(change: impl FnOnce(&mut Value)) -> Document {
    let mut tree: Value = serde_json::from_str(NATIVE).expect("JSON");
    change(&mut tree);
    Document::parse(tree.to_string().as_bytes(), Some(Format::Native)).expect("a configuration")
}

#[test]
fn every_piece_is_written_as_it_was_read() {
    let text = parse(NATIVE).to_text();
    for piece in ["\"9007199254740993\"", "10.10", "1.50", "123456789012345678901234567890", "{\"z\": 1.50, \"a\": 123"]
    {
        assert!(text.contains(piece), "{piece} in {text}");
    }
    let again = parse(&text);
    assert_eq!(again.to_text(), text, "what was written once is written the same again");
    assert!(again.means_the_same(&parse(NATIVE)));
    assert!(
        text.find("\"modno\"") < text.find("\"plans\"") && text.find("\"plans\"") < text.find("\"auth\""),
        "the order stays"
    );
}

#[test]
fn the_format_is_recognised_by_what_is_in_it() {
    assert_eq!(parse(NATIVE).format(), Format::Native);
    assert_eq!(parse(SIDECAR).format(), Format::Sidecar);
    for text in [r#"{"plans": [{"id": "a", "paths": ["/x"]}]}"#, r#"{"repos": [{"id": "a", "uri": "/r"}]}"#] {
        assert_eq!(parse(text).format(), Format::Native, "{text}");
    }
    let unclear = Document::parse(b"{\"repos\": [], \"plans\": []}", None);
    assert!(matches!(unclear, Err(DocumentError::Unclear)), "{unclear:?}");
    assert_eq!(Document::parse(b"{}", Some(Format::Sidecar)).expect("said so").format(), Format::Sidecar);
}

#[test]
fn a_file_of_one_format_is_never_taken_for_one_of_the_other() {
    let native = Document::parse(NATIVE.as_bytes(), Some(Format::Sidecar));
    assert!(matches!(native, Err(DocumentError::OtherFormat { .. })), "{native:?}");
    let sidecar = Document::parse(SIDECAR.as_bytes(), Some(Format::Native));
    assert!(matches!(sidecar, Err(DocumentError::OtherFormat { .. })), "{sidecar:?}");
    let mixed = r#"{"version": 6, "plans": [{"id": "a", "sources": ["/x"]}]}"#;
    let error = Document::parse(mixed.as_bytes(), None).expect_err("both");
    assert!(error.to_string().contains("'sources' in plans[0]"), "{error}");
    assert!(Document::parse(mixed.as_bytes(), Some(Format::Native)).is_ok(), "a person decides");
}

#[test]
fn what_is_no_configuration_is_refused() {
    for text in ["", "  \n", "{", "[]", "nonsense", "{\"version\": 6,}", "{\"version\": 6} x"] {
        assert!(Document::parse(text.as_bytes(), None).is_err(), "{text}");
    }
    assert!(matches!(Document::parse(b"{\"version\": 6, \"plans\": {}}", None), Err(DocumentError::NotAList { .. })));
    let twice = r#"{"version": 6, "repos": [{"id": "a", "uri": "x", "id": "b"}]}"#;
    assert!(matches!(Document::parse(twice.as_bytes(), None), Err(DocumentError::Syntax(_))), "a member twice");
    let large = vec![b' '; MAX_BYTES + 1];
    assert!(matches!(Document::parse(&large, None), Err(DocumentError::TooLarge(_))));
    assert!(parse(r#"{"version": 6, "plans": null}"#).plan_ids().next().is_none(), "null is none");
}

#[test]
fn the_smallest_configuration_is_one_that_backrest_takes() {
    let document = Document::empty(Format::Native, "nas \"1\"");
    assert_eq!(document.problems(), Vec::<String>::new());
    assert_eq!(document.doubts(), Vec::<String>::new());
    assert_eq!(parse(&document.to_text()).instance(), "nas \"1\"");
    let sidecar: Value = serde_json::from_str(&Document::empty(Format::Sidecar, "x").to_text()).expect("JSON");
    assert_eq!(sidecar, json!({"repos": [], "plans": []}));
}

#[test]
fn spellings_of_the_same_mean_the_same() {
    let one = changed(|_| {});
    let other = changed(|tree| {
        tree["plans"].as_array_mut().expect("plans").reverse();
        tree["modno"] = json!("99");
        let repo = &mut tree["repos"][0];
        repo["prune_policy"] = json!({"schedule": {"cron": "0 5 1 * *", "clock": "CLOCK_DEFAULT"},
            "max_unused_bytes": 9_007_199_254_740_993_i64, "max_unused_percent": 10.1});
        repo.as_object_mut().expect("a repo").remove("prunePolicy");
        tree["plans"][0]["hooks"] = json!([]);
        tree["plans"][0]["excludes"] = Value::Null;
    });
    assert!(one.means_the_same(&other), "{}\n{}", canonical::document(&one), canonical::document(&other));
    let third = changed(|tree| tree["plans"][0]["paths"] = json!(["/x", "/z"]));
    assert!(!one.means_the_same(&third));
}

#[test]
fn an_empty_object_is_something_for_backrest_and_nothing_for_the_sidecar() {
    let plan = json!({"id": "a", "retention": {}});
    assert_eq!(canonical::value(&plan, Format::Native), plan);
    assert_eq!(canonical::value(&plan, Format::Sidecar), json!({"id": "a"}));
    assert_eq!(canonical::value(&json!({"n": 10.0, "m": 2.5, "backup_flags": ["x"]}), Format::Native)["n"], json!(10));
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let document = changed(|tree| {
        tree["version"] = json!(1);
        tree["auth"] = json!({"users": [{"name": "x"}]});
        tree["repos"].as_array_mut().expect("repos").push(json!({"id": "default", "env": ["SECRETVALUE"]}));
        tree["plans"][0] = json!({"id": "_x_", "repo": "gone", "paths": ["", "/a"], "schedule": {"cron": "@daily"}});
        tree["plans"][1] = json!({"id": "b", "repo": "default", "retention": {}, "schedule": {}});
    });
    let problems = document.problems();
    let expected = [
        "version: Backrest does not start with 1",
        "auth.users[0]: has no 'passwordBcrypt'",
        "repos[1] 'default': the id is there twice",
        "repos[1] 'default': has no 'uri'",
        "repos[1] 'default': has neither 'guid' nor 'autoInitialize'",
        "repos[1] 'default': an entry of 'env' with 11 characters has no '='",
        "plans[0] '_x_': an id that begins and ends with '_' is one of Backrest's own",
        "plans[0] '_x_': the repository 'gone' is not in the configuration",
        "plans[0] '_x_': has an empty path",
        "plans[1] 'b': has no 'paths'",
        "plans[1] 'b': 'retention' has none of policyKeepLastN, policyTimeBucketed, policyKeepAll",
    ];
    for sentence in expected {
        assert!(problems.iter().any(|problem| problem == sentence), "{sentence} in {problems:#?}");
    }
    assert!(problems.iter().any(|problem| problem.starts_with("plans[0] '_x_': 'schedule.cron' is '@daily'")));
    assert!(problems.iter().any(|problem| problem.starts_with("plans[1] 'b': 'schedule' says nothing")));
    assert!(!problems.concat().contains("SECRETVALUE"));
}

#[test]
fn the_shape_that_the_sidecar_writes_is_refused_in_a_file_of_backrest() {
    let document = changed(|tree| {
        tree["plans"][0] = json!({"id": "p", "repo": "default", "schedule": "0 2 * * *", "sources": ["/a"],
            "hooks": {"pre": ["x"]}, "retention": {"spec": "daily=7"}});
        tree["repos"][0]["env"] = json!({});
    });
    let problems = document.problems().join("\n");
    for part in
        ["'env' is no list", "'schedule' is no object", "'hooks' is no list", "has no 'paths'", "'retention' has none"]
    {
        assert!(problems.contains(part), "{part} in {problems}");
    }
}

#[test]
fn what_backrest_takes_is_taken() {
    let document = changed(|tree| {
        tree["repos"] = json!([{"id": "local", "uri": "/repos/lab", "autoInitialize": true,
            "forgetPolicy": {"schedule": {"disabled": true}},
            "checkPolicy": {"schedule": {"maxFrequencyDays": 30, "clock": "CLOCK_LAST_RUN_TIME"}, "readDataSubsetPercent": 2.5}}]);
        tree["plans"] = json!([
            {"id": "wiki", "repo": "local", "paths": ["/a"], "iexcludes": ["*.TMP"], "schedule": {"cron": "30 */6 * * MON-FRI"},
             "retention": {"policyKeepLastN": 14}, "backup_flags": ["--one-file-system"]},
            {"id": "flags", "repo": "local", "backup_flags": ["--files-from /x"], "schedule": {"maxFrequencyHours": "4"}}]);
        tree["auth"] = json!({"disabled": true});
    });
    assert_eq!(document.problems(), Vec::<String>::new());
    assert_eq!(document.doubts(), Vec::<String>::new());
}

#[test]
fn what_loads_and_breaks_later_is_a_doubt() {
    let document = changed(|tree| {
        tree["version"] = json!(7);
        tree["instance"] = json!("");
        tree["plans"][0]["id"] = json!("a,b");
        tree["plans"][1]["hooks"] = json!([{"conditions": ["CONDITION_SNAPSHOT_START"], "actionWebhook": {}}]);
        tree["repos"][0]["forgetPolicy"] =
            json!({"schedule": {"cron": "0 0 * * *"}, "retention": {"policyKeepAll": true}});
    });
    assert_eq!(document.problems(), Vec::<String>::new());
    let doubts = document.doubts().join("\n");
    for part in [
        "7 is newer than 6",
        "instance: is empty",
        "plans[0] 'a,b'",
        "plans[1] 'b' hooks[0]",
        "'forgetPolicy' is enabled",
    ] {
        assert!(doubts.contains(part), "{part} in {doubts}");
    }
}
