//! Rules of plans.

use serde_json::Value;

use super::{Findings, check_ids, find, list, place, schedule, text, texts};
use crate::backrest::document::{Document, Plan};

/// What a hook may do, as far as Backrest really does it.
const ACTIONS: &[&str] = &[
    "actionCommand",
    "actionDiscord",
    "actionSlack",
    "actionGotify",
    "actionShoutrrr",
    "actionHealthchecks",
    "actionTelegram",
];

pub(super) fn check(document: &Document, findings: &mut Findings) {
    let repos = document.repo_ids();
    check_ids("plans", document.plan_ids(), findings);
    for (at, plan) in document.plans().iter().enumerate() {
        check_one(plan, &place("plans", at, plan.id()), &repos, findings);
    }
}

fn check_one(plan: &Plan, place: &str, repos: &[String], findings: &mut Findings) {
    let value = &plan.value;
    if !value.is_object() {
        findings.problem(place, "is no object");
        return;
    }
    let is_usual = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
    if !plan.id().chars().all(is_usual) {
        findings.doubt(place, "the id has characters that Backrest does not take in its own forms");
    }
    match text(value, "repo") {
        "" => findings.problem(place, "has no 'repo'"),
        repo if !repos.iter().any(|known| known == repo) => {
            findings.problem(place, format_args!("the repository '{repo}' is not in the configuration"));
        }
        _ => {}
    }
    check_paths(value, place, findings);
    for name in ["excludes", "iexcludes"] {
        texts(value, name, place, findings);
    }
    if let Some(when) = find(value, "schedule") {
        schedule::check(when, place, findings);
    }
    schedule::retention(find(value, "retention"), place, findings);
    for (at, hook) in list(value, "hooks", place, findings).iter().enumerate() {
        check_hook(hook, &format!("{place} hooks[{at}]"), findings);
    }
}

fn check_paths(plan: &Value, place: &str, findings: &mut Findings) {
    let flags = texts(plan, "backup_flags", place, findings);
    let count = list(plan, "paths", place, findings).len();
    if count == 0 && flags.is_empty() {
        findings.problem(place, "has no 'paths'");
    }
    if texts(plan, "paths", place, findings).iter().any(|path| path.is_empty()) {
        findings.problem(place, "has an empty path");
    }
}

fn check_hook(hook: &Value, place: &str, findings: &mut Findings) {
    let actions: Vec<&str> = ACTIONS.iter().copied().filter(|action| find(hook, action).is_some()).collect();
    match actions.as_slice() {
        [_] => {}
        [] => findings.doubt(place, "does nothing that Backrest knows, which makes every hook of the same event fail"),
        several => findings.problem(place, format_args!("has {}, only one is allowed", several.join(" and "))),
    }
    texts(hook, "conditions", place, findings);
}
