//! A plan of Backrest among those of Mainstay.

use chrono::{DateTime, Utc};

use super::{BackrestPlan, Executor, Hook, Hooks, JobSummary, MissedRun, Origin, Plan, Quiesce, short_duration, time};
use crate::domain::job::Job;
use crate::domain::schedule::Schedule;
use crate::engine::backrest as engine;

/// What such a plan on the wire is made of.
#[derive(Debug)]
pub struct BackrestPlanParts<'a> {
    /// The plan.
    pub seen: &'a engine::PlanSeen,
    /// The round that found it.
    pub round: &'a engine::Round,
    /// How it stands with Backrest.
    pub status: &'a engine::Status,
    /// The zone of Mainstay.
    pub timezone: String,
    /// Its newest job, which is a run that someone asked for here.
    pub last_job: Option<&'a Job>,
    /// When the last of those that went well ended.
    pub last_success_at: Option<DateTime<Utc>>,
}

impl From<BackrestPlanParts<'_>> for Plan {
    fn from(parts: BackrestPlanParts<'_>) -> Self {
        let BackrestPlanParts { seen, round, status, timezone, last_job, last_success_at } = parts;
        let plan = BackrestPlan::new(round, seen, &status.next_runs, false);
        let schedule = plan.schedule.as_deref();
        let wanted = &seen.wanted;
        Self {
            id: plan.id.clone(),
            origin: Origin::Label,
            executor: Executor::Backrest,
            instance: None,
            repository: Some(plan.repo.clone()),
            sources: plan.paths.clone(),
            targets: Vec::new(),
            excludes: plan.excludes.clone(),
            schedule_text: schedule.and_then(|text| Schedule::parse(text, &plan.id).ok()).map(|s| s.describe()),
            schedule: schedule.map(str::to_owned),
            timezone,
            missed_run: match wanted.schedule {
                engine::WantedSchedule::Cron { is_caught_up: true, .. } => MissedRun::Once,
                _ => MissedRun::Skip,
            },
            hooks: Hooks { pre: hooks(seen, wanted.pre.len()), post: hooks(seen, wanted.post.len()) },
            quiesce: if plan.quiesce { Quiesce::Stop } else { Quiesce::None },
            stop_attached: plan.quiesce,
            retention: plan.retention.clone(),
            enabled: true,
            next_run_at: plan.next_run_at,
            next_runs: plan.next_run_at.into_iter().collect(),
            last_job: last_job.map(JobSummary::from),
            last_success_at: last_success_at.map(time),
            drill: None,
            last_drill: None,
            warnings: warnings(seen, &plan),
            backrest: Some(plan),
        }
    }
}

/// The hooks that the plan has in Backrest; they run there, and their text may hold passwords.
fn hooks(seen: &engine::PlanSeen, commands: usize) -> Vec<Hook> {
    let limit = if seen.wanted.quiesce { engine::STOP_LIMIT } else { engine::COMMAND_LIMIT };
    let hook = || Hook { container: None, timeout: Some(short_duration(limit)) };
    std::iter::repeat_with(hook).take(if seen.wanted.quiesce { 1 } else { commands }).collect()
}

fn warnings(seen: &engine::PlanSeen, plan: &BackrestPlan) -> Vec<String> {
    let doubts = seen.wanted.notes.iter().filter(|note| note.level == engine::NoteLevel::Warning);
    let mut warnings: Vec<String> = doubts.map(ToString::to_string).collect();
    match seen.refusal() {
        Some(why) => warnings.push(format!("it was not written: {why}")),
        None if !plan.in_step => {
            warnings
                .push(format!("it is other in Backrest than labels want ({}), which was not applied yet", plan.state));
        }
        None => {}
    }
    warnings
}
