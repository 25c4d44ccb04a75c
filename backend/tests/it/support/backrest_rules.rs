//! What Backrest refuses in a configuration, and how it writes one. Written on its own, so that a mistake in Mainstay's
//! rules does not hide itself.

use serde_json::{Map, Value};

/// Members that a plan may have; others are dropped.
const OF_PLAN: &[&str] = &[
    "id",
    "repo",
    "paths",
    "excludes",
    "iexcludes",
    "schedule",
    "retention",
    "hooks",
    "backup_flags",
    "skipIfUnchanged",
];

/// Members that a repository may have.
const OF_REPO: &[&str] = &[
    "id",
    "uri",
    "guid",
    "password",
    "env",
    "flags",
    "prunePolicy",
    "checkPolicy",
    "forgetPolicy",
    "hooks",
    "autoUnlock",
    "autoInitialize",
    "commandPrefix",
    "shared",
    "originInstanceId",
];

/// Members of the top level.
const OF_TOP: &[&str] = &["modno", "version", "instance", "repos", "plans", "auth", "sync"];

/// The configuration as it is kept: sorted, without what is not known.
pub(crate) fn normalise(config: &Value) -> Value {
    let mut kept = only(config, OF_TOP);
    for (list, names) in [("repos", OF_REPO), ("plans", OF_PLAN)] {
        let items = config[list].as_array().cloned().unwrap_or_default();
        let mut items: Vec<Value> = items.iter().map(|item| Value::Object(only(item, names))).collect();
        items.sort_by_key(id_of);
        for item in &mut items {
            for set in ["paths", "env"] {
                if let Some(Value::Array(entries)) = item.get_mut(set) {
                    entries.sort_by_key(Value::to_string);
                }
            }
        }
        kept.insert(list.to_owned(), Value::Array(items));
    }
    Value::Object(kept)
}

fn only(object: &Value, names: &[&str]) -> Map<String, Value> {
    let members = object.as_object().cloned().unwrap_or_default();
    members.into_iter().filter(|(name, value)| names.contains(&name.as_str()) && !value.is_null()).collect()
}

fn id_of(item: &Value) -> String {
    item["id"].as_str().unwrap_or_default().to_owned()
}

/// Every mistake of a configuration.
pub(crate) fn find_mistakes(config: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let (repos, plans) = (items(config, "repos"), items(config, "plans"));
    for (kind, list) in [("repo", &repos), ("plan", &plans)] {
        for (at, item) in list.iter().enumerate() {
            let id = id_of(item);
            if id.is_empty() || (id.starts_with('_') && id.ends_with('_')) {
                found.push(format!("{kind} {at}: bad id"));
            }
            if list[..at].iter().any(|other| id_of(other) == id) {
                found.push(format!("{kind} {id}: duplicate id"));
            }
        }
    }
    for repo in &repos {
        check_repo(repo, &mut found);
    }
    for plan in &plans {
        check_plan(plan, &repos, &mut found);
    }
    found
}

fn items(config: &Value, name: &str) -> Vec<Value> {
    config[name].as_array().cloned().unwrap_or_default()
}

fn check_repo(repo: &Value, found: &mut Vec<String>) {
    let (id, guid) = (id_of(repo), repo["guid"].as_str().unwrap_or_default());
    if repo["uri"].as_str().unwrap_or_default().is_empty() {
        found.push(format!("repo {id}: uri is required"));
    }
    let is_known = guid.len() == 64;
    if is_known == (repo["autoInitialize"] == true) {
        found.push(format!("repo {id}: guid is required"));
    }
}

fn check_plan(plan: &Value, repos: &[Value], found: &mut Vec<String>) {
    let id = id_of(plan);
    if !repos.iter().any(|repo| repo["id"] == plan["repo"]) {
        found.push(format!("plan {id}: repo {} not found", plan["repo"]));
    }
    let paths = items(plan, "paths");
    if (paths.is_empty() && items(plan, "backup_flags").is_empty()) || paths.iter().any(|path| path == "") {
        found.push(format!("plan {id}: at least one path is required"));
    }
    let named = |value: &Value, names: &[&str]| names.iter().filter(|name| !value[**name].is_null()).count();
    let retention = &plan["retention"];
    if !retention.is_null() && named(retention, &["policyKeepLastN", "policyTimeBucketed", "policyKeepAll"]) != 1 {
        found.push(format!("plan {id}: retention policy must specify a policy"));
    }
    let schedule = &plan["schedule"];
    if !schedule.is_null() && named(schedule, &["disabled", "cron", "maxFrequencyDays", "maxFrequencyHours"]) != 1 {
        found.push(format!("plan {id}: bad schedule"));
    }
    if let Some(cron) = schedule["cron"].as_str().filter(|cron| cron.split_whitespace().count() != 5) {
        found.push(format!("plan {id}: bad cron {cron}"));
    }
}
