//! Rules of repositories.

use serde_json::Value;

use super::schedule::{self, Retention};
use super::{Findings, check_ids, find, list, place, text, texts};
use crate::backrest::document::{Document, id_of};

/// The length of a restic repository's id in hexadecimal digits.
const GUID_CHARS: usize = 64;

pub(super) fn check(document: &Document, findings: &mut Findings) {
    let tree = serde_json::json!({"repos": document.member("repos")});
    let repos = list(&tree, "repos", "repos", findings);
    check_ids("repos", repos.iter().map(id_of), findings);
    for (at, repo) in repos.iter().enumerate() {
        let place = place("repos", at, id_of(repo));
        if !repo.is_object() {
            findings.problem(&place, "is no object");
            continue;
        }
        if text(repo, "uri").is_empty() {
            findings.problem(&place, "has no 'uri'");
        }
        check_identity(repo, &place, findings);
        for item in texts(repo, "env", &place, findings).iter().filter(|item| !item.contains('=')) {
            // The text before the missing sign may be a secret's value.
            findings
                .problem(&place, format_args!("an entry of 'env' with {} characters has no '='", item.chars().count()));
        }
        check_policies(repo, &place, findings);
    }
}

/// A repository is known by its id, or is still to be made.
fn check_identity(repo: &Value, place: &str, findings: &mut Findings) {
    let guid = text(repo, "guid");
    let is_to_be_made = find(repo, "autoInitialize") == Some(&Value::Bool(true));
    match (guid.is_empty(), is_to_be_made) {
        (true, false) => findings.problem(place, "has neither 'guid' nor 'autoInitialize'"),
        (false, true) => findings.problem(place, "has both 'guid' and 'autoInitialize'"),
        (false, false) if guid.len() != GUID_CHARS => {
            findings.problem(place, format_args!("'guid' has {} characters instead of {GUID_CHARS}", guid.len()));
        }
        _ => {}
    }
}

fn check_policies(repo: &Value, place: &str, findings: &mut Findings) {
    for name in ["prunePolicy", "checkPolicy", "forgetPolicy"] {
        let Some(policy) = find(repo, name) else { continue };
        let is_enabled = find(policy, "schedule").is_some_and(|schedule| {
            schedule::check(schedule, &format!("{place} {name}"), findings);
            find(schedule, "disabled").is_none()
        });
        if name == "forgetPolicy" && is_enabled {
            let retention = schedule::retention(find(policy, "retention"), &format!("{place} {name}"), findings);
            if retention == Retention::Missing {
                findings.problem(place, "'forgetPolicy' is enabled and has no retention");
            }
            findings.doubt(place, "'forgetPolicy' is enabled, so the retention of its plans is not applied");
        }
    }
}
