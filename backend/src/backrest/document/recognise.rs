//! Which of the two formats a configuration has.
//!
//! Writing one into a file of the other is worse than writing nothing: Backrest does not start with what the sidecar
//! writes. So signs are looked for, and where they are missing or contradict each other a person decides.

use serde_json::Value;

use super::DocumentError;
use crate::backrest::Format;

/// Finds the format of a configuration, or checks that it may have the one that was `said`.
///
/// # Errors
/// When it has signs of both or of none and nobody said which, or when it has signs of the other one only.
pub fn recognise(tree: &Value, said: Option<Format>) -> Result<Format, DocumentError> {
    let (native, sidecar) = (find_native(tree), find_sidecar(tree));
    match (said, native, sidecar) {
        (Some(said @ Format::Native), None, Some(sign)) | (Some(said @ Format::Sidecar), Some(sign), None) => {
            Err(DocumentError::OtherFormat { said, sign })
        }
        (Some(said), ..) => Ok(said),
        (None, Some(_), None) => Ok(Format::Native),
        (None, None, Some(_)) => Ok(Format::Sidecar),
        (None, Some(native), Some(sidecar)) => Err(DocumentError::Mixed { native, sidecar }),
        (None, None, None) => Err(DocumentError::Unclear),
    }
}

/// A sign of Backrest's own format.
fn find_native(tree: &Value) -> Option<String> {
    let own = ["version", "instance", "modno", "auth", "sync", "multihost"];
    let member = own.iter().find(|name| tree.get(**name).is_some()).map(|name| format!("'{name}'"));
    let in_repo = |repo: &Value| {
        let named = find_key(repo, &["uri", "guid", "autoInitialize", "prunePolicy", "checkPolicy", "forgetPolicy"]);
        named.or_else(|| repo.get("env").is_some_and(Value::is_array).then_some("env"))
    };
    let in_plan = |plan: &Value| {
        find_key(plan, &["paths", "excludes", "iexcludes", "backup_flags"])
            .or_else(|| plan.get("schedule").is_some_and(Value::is_object).then_some("schedule"))
            .or_else(|| plan.get("hooks").is_some_and(Value::is_array).then_some("hooks"))
    };
    member.or_else(|| find_in(tree, "repos", in_repo)).or_else(|| find_in(tree, "plans", in_plan))
}

/// A sign of the sidecar's format.
fn find_sidecar(tree: &Value) -> Option<String> {
    let in_repo = |repo: &Value| {
        let named = find_key(repo, &["url", "type"]);
        named.or_else(|| repo.get("env").is_some_and(Value::is_object).then_some("env"))
    };
    let in_plan = |plan: &Value| {
        find_key(plan, &["sources", "exclude"])
            .or_else(|| plan.get("schedule").is_some_and(Value::is_string).then_some("schedule"))
            .or_else(|| plan.get("hooks").is_some_and(Value::is_object).then_some("hooks"))
    };
    find_in(tree, "repos", in_repo).or_else(|| find_in(tree, "plans", in_plan))
}

fn find_key<'a>(object: &Value, names: &[&'a str]) -> Option<&'a str> {
    names.iter().find(|name| object.get(**name).is_some()).copied()
}

/// The first sign in a list, with its place.
fn find_in<'a>(tree: &Value, list: &str, sign: impl Fn(&Value) -> Option<&'a str>) -> Option<String> {
    let items = tree.get(list)?.as_array()?.iter().enumerate();
    items.filter_map(|(at, item)| sign(item).map(|sign| format!("'{sign}' in {list}[{at}]"))).next()
}
