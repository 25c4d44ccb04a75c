//! A store with a past: 200 stacks that were backed up 500 times each.
//!
//! Nine of ten backups succeeded, the rest failed or were partial, and retention left the archives of the last month.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use chrono::{DateTime, Duration, Utc};
use mainstay::domain::clock::{Clock as _, SystemClock};
use mainstay::domain::ids::{JobId, SnapshotId};
use mainstay::domain::job::{Job, JobState};
use mainstay::domain::snapshot::Snapshot;
use mainstay::store::Store;
use serde_json::json;

use super::site::{Site, stack_name};

pub(crate) const STACKS: usize = 200;
const ROUNDS: usize = 500;
/// Rounds whose archives are still there.
const KEPT_ROUNDS: usize = 30;

/// Fills the store of `site` and makes its stacks.
pub(crate) async fn fill(site: &Site) -> Result<()> {
    let started = Instant::now();
    site.add_stacks(STACKS)?;
    let url = format!("sqlite://{}", site.path("state/mainstay.db").display());
    let store = Store::connect(&url, Arc::new(SystemClock)).await?;
    let first = SystemClock.now() - Duration::days(i64::try_from(ROUNDS)?);
    for round in 0..ROUNDS {
        let at = first + Duration::days(i64::try_from(round)?);
        let jobs = (0..STACKS).map(|stack| job(round, stack, at)).collect::<Result<Vec<_>>>()?;
        store.insert_jobs(&jobs).await?;
        for job in jobs.iter().filter(|job| job.snapshot_id.is_some()) {
            store.insert_snapshot(&snapshot(job, round)?).await?;
        }
    }
    store.close().await?;
    println!("{STACKS} stacks and {} jobs recorded in {:.0} s", STACKS * ROUNDS, started.elapsed().as_secs_f64());
    Ok(())
}

fn job(round: usize, stack: usize, at: DateTime<Utc>) -> Result<Job> {
    let at = at + Duration::seconds(i64::try_from(stack)?);
    let ended = at + Duration::seconds(40);
    let state = match (round * 7 + stack) % 20 {
        0 => JobState::Failed,
        1 => JobState::Partial,
        _ => JobState::Succeeded,
    };
    let name = stack_name(stack);
    let step = |step: &str| json!({"name": step, "state": "succeeded", "started_at": at, "finished_at": ended});
    let steps = ["resolve", "preflight", "quiesce", "capture", "resume", "publish", "verify", "retention", "report"];
    let target =
        |kind: &str, name: &str| json!({"kind": kind, "name": name, "state": "succeeded", "size_bytes": 1 << 20});
    Ok(serde_json::from_value(json!({
        "id": JobId::new(at), "kind": "backup", "state": state, "stack": name, "trigger": "api", "is_dry_run": false,
        "instance": if stack.is_multiple_of(2) { "nas" } else { "offsite" }, "plan": stack.is_multiple_of(4).then_some("nightly"),
        "queued_at": at, "started_at": at, "finished_at": ended,
        "progress": {"bytes_done": 1, "bytes_total": 1, "files_done": 9}, "steps": steps.map(step),
        "targets": [target("compose", &name), target("data", &name), target("volume", &format!("{name}_db"))],
        "stopped_ms": 2140, "bytes_read": 3 << 20, "bytes_stored": 1 << 20,
        "snapshot_id": (state != JobState::Failed).then(|| SnapshotId::new(ended)),
        "error": (state == JobState::Failed).then_some("the disk is full"), "log_file": format!("backup_{name}_{round}.log"),
    }))?)
}

fn snapshot(job: &Job, round: usize) -> Result<Snapshot> {
    let stack = job.stack.as_ref().map(ToString::to_string).unwrap_or_default();
    Ok(serde_json::from_value(json!({
        "id": job.snapshot_id, "job_id": job.id, "stack": stack, "host": "local", "instance": job.instance,
        "created_at": job.queued_at, "archive": format!("/opt/backups/{stack}_{round}.tar.gz"),
        "size_bytes": (1 << 20) + round, "content_bytes": 3 << 20, "entry_count": 9,
        "blake3": "0".repeat(64), "is_complete": job.state == JobState::Succeeded, "verified_at": job.finished_at,
        "removed_at": (round + KEPT_ROUNDS < ROUNDS).then_some(job.finished_at), "targets": job.targets,
    }))?)
}
