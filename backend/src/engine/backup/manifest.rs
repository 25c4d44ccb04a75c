//! What the manifest says of the stack, beside its targets.

use serde_json::{Map, Value, json};

use crate::domain::job::{Job, StepName};

use super::{Cx, Resolved};

/// Everything of the manifest but version and targets. The containers' inspect has its secrets taken out.
pub(super) fn describe(cx: Cx<'_>, resolved: &Resolved) -> Map<String, Value> {
    let job = cx.live.now();
    let mut map = Map::new();
    let mut put = |key: &str, value: Value| map.insert(key.to_owned(), value);
    put("stack", json!(resolved.stack.name));
    put("host", json!(resolved.stack.host));
    put("job_id", json!(job.id));
    put("created_at", json!(job.started_at));
    put("mainstay_version", json!(cx.engine.0.settings.version));
    put("quiesce", json!(resolved.party.mode));
    put("stopped_ms", json!(job.stopped_ms));
    put("strategy", json!(job.strategy));
    // The job's verdict; `state` below says what the writer alone saw of a target.
    put("results", json!(job.targets));
    put("timings", timings(&job));
    put("images", images(resolved));
    put("containers", resolved.party.details.values().map(|d| d.redacted.clone()).collect());
    put("networks", networks(resolved));
    put("volumes", json!(resolved.stack.volumes));
    put("excluded", excluded(resolved));
    map
}

fn timings(job: &Job) -> Value {
    let step = |name: StepName| {
        let step = job.find_step(name)?;
        Some(json!({ "step": name, "started_at": step.started_at?, "finished_at": step.finished_at }))
    };
    StepName::ALL.iter().filter_map(|&name| step(name)).collect()
}

fn images(resolved: &Resolved) -> Value {
    let image = |d: &crate::docker::ContainerDetail| json!({ "image": d.container.image, "id": d.image_id });
    let mut images: Vec<Value> = resolved.party.details.values().map(image).collect();
    images.sort_by_key(ToString::to_string);
    images.dedup();
    images.into()
}

fn networks(resolved: &Resolved) -> Value {
    let mut names: Vec<&String> = resolved.party.details.values().flat_map(|d| &d.networks).collect();
    names.sort_unstable();
    names.dedup();
    json!(names)
}

fn excluded(resolved: &Resolved) -> Value {
    let left_out = resolved.targets.iter().filter_map(|t| {
        let reason = t.excluded.as_ref()?;
        Some(json!({ "kind": t.kind, "name": t.name, "reason": reason }))
    });
    left_out.collect()
}
