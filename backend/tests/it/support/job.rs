//! Looking into a job's JSON.

use serde_json::Value;

pub(crate) fn step<'a>(job: &'a Value, name: &str) -> &'a Value {
    job["steps"].as_array().expect("steps").iter().find(|s| s["name"] == name).expect("the step")
}

pub(crate) fn target<'a>(job: &'a Value, kind: &str) -> &'a Value {
    job["targets"].as_array().expect("targets").iter().find(|t| t["kind"] == kind).expect("the target")
}

pub(crate) fn id(job: &Value) -> &str {
    job["id"].as_str().expect("an id")
}
