//! Whether a running Backrest may be given a configuration now.
//!
//! Each one has it throw its queue away: the forgetting that follows a backup, and every run that someone waits for.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::client::{ApiClient, ApiError};
use crate::domain::clock::Clock;

/// How many of the newest operations are looked at.
const LOOKED_AT: u32 = 500;

/// How long after its end a backup still has work in the queue.
const AFTER_A_BACKUP: TimeDelta = TimeDelta::seconds(10);

/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// What Backrest is still at when there is no more time to wait.
pub(super) async fn wait_until_idle(
    client: &ApiClient,
    instance: &str,
    patience: Duration,
    clock: &dyn Clock,
) -> Result<Option<String>, ApiError> {
    // An installation without a name can run nothing, and a selector without one is refused.
    if instance.is_empty() {
        return Ok(None);
    }
    let begun = Instant::now();
    loop {
        let operations = client.operations(&json!({"instanceId": instance}), LOOKED_AT).await?;
        let Some(work) = operations.iter().find_map(|operation| find_work(operation, clock.now())) else {
            return Ok(None);
        };
        if begun.elapsed() >= patience {
            return Ok(Some(work));
        }
        sleep(ASK_EVERY.min(patience)).await;
    }
}

/// When Backrest runs each of its plans next, as it says itself.
///
/// # Errors
/// When it does not answer.
pub async fn find_next_runs(client: &ApiClient, instance: &str) -> Result<BTreeMap<String, DateTime<Utc>>, ApiError> {
    let mut next = BTreeMap::new();
    // An installation without a name can run nothing, and a selector without one is refused.
    if instance.is_empty() {
        return Ok(next);
    }
    for operation in client.operations(&json!({"instanceId": instance}), LOOKED_AT).await? {
        let is_backup = operation.get("operationBackup").is_some() && operation["status"] == "STATUS_PENDING";
        if let (true, Some(plan), Some(at)) =
            (is_backup, operation["planId"].as_str(), time(&operation, "unixTimeStartMs"))
        {
            let first = next.entry(plan.to_owned()).or_insert(at);
            *first = at.min(*first);
        }
    }
    Ok(next)
}

/// What an operation has Backrest do now or at once.
fn find_work(operation: &Value, now: DateTime<Utc>) -> Option<String> {
    let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default();
    let plan = text("planId");
    match text("status") {
        "STATUS_INPROGRESS" => Some(format!("an operation of plan '{plan}' is in progress")),
        "STATUS_PENDING" if time(operation, "unixTimeStartMs")? <= now => {
            Some(format!("an operation of plan '{plan}' is queued"))
        }
        _ if operation.get("operationBackup").is_some() => {
            let since = now - time(operation, "unixTimeEndMs")?;
            // The clock of Backrest may be a little ahead.
            let has_just_ended = since < AFTER_A_BACKUP && since > -AFTER_A_BACKUP;
            has_just_ended.then(|| format!("a backup of plan '{plan}' has just ended, and its retention follows"))
        }
        _ => None,
    }
}

/// A time, which is written as a text or a number of milliseconds; 0 is none.
fn time(operation: &Value, name: &str) -> Option<DateTime<Utc>> {
    let value = operation.get(name)?;
    let millis = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    DateTime::from_timestamp_millis(millis).filter(|_| millis > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000, 0).expect("a time")
    }

    fn at(seconds: i64) -> String {
        (now() + TimeDelta::seconds(seconds)).timestamp_millis().to_string()
    }

    #[test]
    fn what_runs_is_queued_or_has_just_ended_is_work() {
        let busy = [
            json!({"status": "STATUS_INPROGRESS", "planId": "a", "operationPrune": {}}),
            json!({"status": "STATUS_PENDING", "planId": "a", "unixTimeStartMs": at(-1), "operationForget": {}}),
            json!({"status": "STATUS_SUCCESS", "unixTimeEndMs": at(-3), "operationBackup": {}}),
            json!({"status": "STATUS_ERROR", "unixTimeEndMs": at(2), "operationBackup": {}}),
        ];
        for operation in busy {
            assert!(find_work(&operation, now()).is_some(), "{operation}");
        }
    }

    #[test]
    fn what_waits_for_its_time_or_is_long_over_is_none() {
        let idle = [
            json!({"status": "STATUS_PENDING", "unixTimeStartMs": at(3600), "operationBackup": {}}),
            json!({"status": "STATUS_SUCCESS", "unixTimeEndMs": at(-60), "operationBackup": {}}),
            json!({"status": "STATUS_SUCCESS", "unixTimeEndMs": at(-1), "operationStats": {}}),
        ];
        for operation in idle {
            assert!(find_work(&operation, now()).is_none(), "{operation}");
        }
    }
}
