//! Rules of the sidecar's format.

use serde_json::Value;

use super::{Findings, check_ids, list, place, text, texts};
use crate::backrest::document::{Document, id_of};

pub(super) fn check(document: &Document, findings: &mut Findings) {
    let tree = serde_json::json!({"repos": document.member("repos")});
    let repos = list(&tree, "repos", "repos", findings);
    check_ids("repos", repos.iter().map(id_of), findings);
    check_ids("plans", document.plan_ids(), findings);
    let known = document.repo_ids();
    for (at, plan) in document.plans().iter().enumerate() {
        check_plan(&plan.value, &place("plans", at, plan.id()), &known, findings);
    }
}

fn check_plan(plan: &Value, place: &str, repos: &[String], findings: &mut Findings) {
    if !plan.is_object() {
        findings.problem(place, "is no object");
        return;
    }
    let repo = text(plan, "repo");
    if !repos.iter().any(|known| known == repo) {
        findings.problem(place, format_args!("the repository '{repo}' is not in the configuration"));
    }
    if texts(plan, "sources", place, findings).is_empty() {
        findings.problem(place, "has no 'sources'");
    }
    texts(plan, "exclude", place, findings);
    if plan.get("schedule").is_some_and(|schedule| !schedule.is_string()) {
        findings.problem(place, "'schedule' is no text");
    }
}
