//! An overview as the text that Prometheus reads.
//!
//! Everything is measured when it is asked for, so each scrape has a registry of its own: a stack that is gone leaves
//! no stale series. To add a number, add a line to [`fill`]; a name that was published stays.

use chrono::{DateTime, Utc};
use prometheus::{Encoder, Error, GaugeVec, Opts, Registry, TextEncoder};

use crate::domain::job::JobState;
use crate::domain::stack::StackState;
use crate::engine::overview::{Overview, StackOverview};

/// What is told of a plan.
#[derive(Debug)]
pub(super) struct PlanNumbers {
    pub(super) plan: String,
    pub(super) instance: String,
    pub(super) last_success_at: Option<DateTime<Utc>>,
    pub(super) last_state: Option<JobState>,
    pub(super) next_run_at: Option<DateTime<Utc>>,
}

/// The text format of what there is.
pub(super) fn expose(
    overview: &Overview,
    stacks: &[StackOverview],
    plans: &[PlanNumbers],
    version: &str,
) -> Result<String, Error> {
    let sheet = Sheet(Registry::new());
    fill(&sheet, overview, stacks, version)?;
    fill_plans(&sheet, plans)?;
    let mut text = Vec::new();
    TextEncoder::new().encode(&sheet.0.gather(), &mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn fill(sheet: &Sheet, overview: &Overview, stacks: &[StackOverview], version: &str) -> Result<(), Error> {
    sheet.family("build_info", "The release.", &["version"])?.with_label_values(&[version]).set(1.0);
    let states = sheet.family("stacks", "How many stacks are in this state.", &["state"])?;
    for (state, word) in STACK_STATES {
        let count = stacks.iter().filter(|s| s.stack.state == state).count();
        states.with_label_values(&[word]).set(float(count));
    }
    let running = overview.running_jobs.iter().filter(|job| job.state == JobState::Running).count();
    sheet.one("jobs_running", "How many jobs are at work.", float(running))?;
    fill_backups(sheet, stacks)?;
    sheet.one("stored_bytes", "Bytes of all archives.", float(overview.backups.stored_bytes))?;
    if let Some(free) = overview.free_bytes {
        sheet.one("free_bytes", "Bytes that are free where archives land.", float(free))?;
    }
    let reachable = if overview.view.engine.reachable { 1.0 } else { 0.0 };
    sheet.one("engine_reachable", "Whether the Docker Engine answers.", reachable)
}

fn fill_backups(sheet: &Sheet, stacks: &[StackOverview]) -> Result<(), Error> {
    let success = "last_success_timestamp_seconds";
    let success = sheet.family(success, "When the last good backup ended, as a Unix time.", &["stack"])?;
    let last = sheet.family("last_job_state", "1 for the state of the stack's last backup.", &["stack", "state"])?;
    let stopped = "For how long the last backup held a container of the stack at rest.";
    let stopped = sheet.family("stopped_seconds", stopped, &["stack"])?;
    for stack in stacks {
        let name = stack.stack.name.as_str();
        if let Some(at) = stack.last_success_at {
            success.with_label_values(&[name]).set(float(at.timestamp_millis()) / 1000.0);
        }
        let Some(job) = &stack.last_job else { continue };
        last.with_label_values(&[name, job.state.as_str()]).set(1.0);
        if let Some(ms) = job.stopped_ms {
            stopped.with_label_values(&[name]).set(float(ms) / 1000.0);
        }
    }
    Ok(())
}

fn fill_plans(sheet: &Sheet, plans: &[PlanNumbers]) -> Result<(), Error> {
    let labels = &["plan", "instance"];
    let success = "When the last good run of the plan ended, as a Unix time.";
    let success = sheet.family("plan_last_success_timestamp_seconds", success, labels)?;
    let next = sheet.family("plan_next_run_timestamp_seconds", "When the plan runs next, as a Unix time.", labels)?;
    let last = "1 for the state of the plan's last run.";
    let last = sheet.family("plan_last_job_state", last, &["plan", "instance", "state"])?;
    let seconds = |at: DateTime<Utc>| float(at.timestamp_millis()) / 1000.0;
    for plan in plans {
        let names = [plan.plan.as_str(), plan.instance.as_str()];
        if let Some(at) = plan.last_success_at {
            success.with_label_values(&names).set(seconds(at));
        }
        if let Some(at) = plan.next_run_at {
            next.with_label_values(&names).set(seconds(at));
        }
        if let Some(state) = plan.last_state {
            last.with_label_values(&[names[0], names[1], state.as_str()]).set(1.0);
        }
    }
    Ok(())
}

const STACK_STATES: [(StackState, &str); 4] = [
    (StackState::Running, "running"),
    (StackState::Partial, "partial"),
    (StackState::Stopped, "stopped"),
    (StackState::Unknown, "unknown"),
];

struct Sheet(Registry);

impl Sheet {
    fn family(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec, Error> {
        let family = GaugeVec::new(Opts::new(format!("mainstay_{name}"), help), labels)?;
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }

    fn one(&self, name: &str, help: &str, value: f64) -> Result<(), Error> {
        self.family(name, help, &[])?.with_label_values::<&str>(&[]).set(value);
        Ok(())
    }
}

/// Whole numbers beyond 2^53 lose their last digits, which no chart shows.
#[expect(clippy::cast_precision_loss, reason = "the text format has nothing but floats")]
fn float(number: impl TryInto<i64>) -> f64 {
    number.try_into().unwrap_or(i64::MAX) as f64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::discovery::View;
    use crate::domain::ids::JobId;
    use crate::domain::job::{Job, JobKind, Progress, Trigger};
    use crate::domain::stack::{Stack, StackSource};
    use crate::store::BackupSummary;

    fn job() -> Job {
        let at = DateTime::UNIX_EPOCH;
        Job {
            id: JobId::new(at),
            kind: JobKind::Backup,
            state: JobState::Partial,
            stack: Some("blog".parse().expect("a name")),
            instance: None,
            plan: None,
            trigger: Trigger::Api,
            quiesce: None,
            is_dry_run: false,
            queued_at: at,
            started_at: None,
            finished_at: None,
            progress: Progress::default(),
            steps: Vec::new(),
            targets: Vec::new(),
            stopped_ms: Some(2140),
            strategy: None,
            bytes_captured_while_stopped: None,
            bytes_read: 0,
            bytes_stored: 0,
            snapshot_id: None,
            error: None,
            log_file: String::new(),
        }
    }

    fn stack() -> StackOverview {
        let stack = Stack {
            name: "blog".parse().expect("a name"),
            host: "local".into(),
            state: StackState::Running,
            source: StackSource::Directory,
            directory: None,
            directory_name: None,
            compose_files: Vec::new(),
            services: Vec::new(),
            volumes: Vec::new(),
            binds: Vec::new(),
            skip_stop: false,
            quiesce: None,
            warnings: Vec::new(),
        };
        let last_success_at = DateTime::from_timestamp_millis(1_800_000_000_500);
        StackOverview { stack, last_job: Some(job()), last_success_at, is_protected: true, last_drill: None }
    }

    fn overview() -> Overview {
        Overview {
            view: Arc::new(View::empty(DateTime::UNIX_EPOCH)),
            running_jobs: vec![Job { state: JobState::Queued, ..job() }, Job { state: JobState::Running, ..job() }],
            backups: Arc::new(BackupSummary { stored_bytes: 52_428_800, ..BackupSummary::default() }),
            protected_by_plans: [].into(),
            free_bytes: None,
        }
    }

    #[test]
    fn backups_of_a_stack_are_told_by_its_name() {
        let at = DateTime::from_timestamp(1_800_000_000, 0);
        let plan = PlanNumbers {
            plan: "nightly".into(),
            instance: "nas".into(),
            last_success_at: at,
            last_state: Some(JobState::Succeeded),
            next_run_at: None,
        };
        let text = expose(&overview(), &[stack()], &[plan], "1.2.3").expect("text");
        for line in [
            "mainstay_stacks{state=\"running\"} 1",
            "mainstay_jobs_running 1",
            "mainstay_last_success_timestamp_seconds{stack=\"blog\"} 1800000000.5",
            "mainstay_last_job_state{stack=\"blog\",state=\"partial\"} 1",
            "mainstay_stopped_seconds{stack=\"blog\"} 2.14",
            "mainstay_stored_bytes 52428800",
            "mainstay_engine_reachable 0",
            "mainstay_plan_last_success_timestamp_seconds{instance=\"nas\",plan=\"nightly\"} 1800000000",
            "mainstay_plan_last_job_state{instance=\"nas\",plan=\"nightly\",state=\"succeeded\"} 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing in:\n{text}");
        }
        assert!(!text.contains("plan_next_run_timestamp_seconds{"), "it is not scheduled");
        assert!(!text.contains("mainstay_free_bytes"), "what is not known is not told");
    }
}
