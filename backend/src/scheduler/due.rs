//! Whether something is to run now: a pure rule over what is recorded, what is asked for, and the time.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::names::{InstanceId, PlanId};
use crate::domain::plan::MissedRun;
use crate::domain::schedule::Schedule;
use crate::store::PlanRun;

/// A run that is late by no more than this is on time.
pub(super) const GRACE: TimeDelta = TimeDelta::minutes(2);

/// Something that runs by the clock.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// What is run.
    pub(super) work: Work,
    /// When.
    pub(super) schedule: Schedule,
    /// The zone of the schedule, unless it names one itself.
    pub(super) zone: Tz,
    /// What becomes of missed runs.
    pub(super) missed_run: MissedRun,
}

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    /// A plan, by the means of an instance.
    Plan(PlanId, InstanceId),
    /// A check of what an instance stored.
    Check(InstanceId),
    /// The verification of a share of all snapshots.
    Verifications,
    /// A drill of a plan's newest snapshot.
    Drill(PlanId),
    /// Drills of the newest archive of every stack.
    DrillsOfStacks,
}

/// What is to be done about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing: what is recorded holds.
    Wait,
    /// The next run is to be recorded: it is new, its schedule changed, or the clock was set back.
    Await(DateTime<Utc>),
    /// It is to run. `due` is the time that it runs for; `is_late` when it makes up for a missed run.
    Run { due: DateTime<Utc>, next: DateTime<Utc>, is_late: bool },
    /// Its time passed while nothing could run it, and it is not made up for.
    Miss { due: DateTime<Utc>, next: DateTime<Utc> },
}

impl Entry {
    /// What it is called in the store. No id has a colon, so that no check is taken for a plan.
    pub(super) fn name(&self) -> String {
        match &self.work {
            Work::Plan(plan, _) => plan.to_string(),
            Work::Check(instance) => format!("check:{instance}"),
            Work::Verifications => "verify:".to_owned(),
            Work::Drill(plan) => format!("drill:{plan}"),
            Work::DrillsOfStacks => "drill:".to_owned(),
        }
    }

    /// What it is called in a sentence.
    pub(super) fn title(&self) -> String {
        match &self.work {
            Work::Plan(plan, _) => format!("the plan '{plan}'"),
            Work::Check(instance) => format!("the check of instance '{instance}'"),
            Work::Verifications => "the verification of old snapshots".to_owned(),
            Work::Drill(plan) => format!("the drill of plan '{plan}'"),
            Work::DrillsOfStacks => "the drill of every stack".to_owned(),
        }
    }

    /// What the recorded time depends on: another text, or another zone, makes it void.
    pub(super) fn fingerprint(&self) -> String {
        format!("{} in {}", self.schedule.as_str(), self.schedule.own_zone().unwrap_or(self.zone).name())
    }

    pub(super) fn next_after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.schedule.next_after(at, self.zone)
    }

    /// A time as the zone's clocks show it.
    pub(super) fn show(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.schedule.own_zone().unwrap_or(self.zone)).format("%Y-%m-%d %H:%M %Z").to_string()
    }
}

/// Decides about one entry. `known` is what is recorded of it.
///
/// The clock may be anything from one call to the next. When it jumped ahead, runs in between are missed ones. When it was
/// set back, the run that was already done for a time that comes again is not repeated, and a next run further ahead than
/// the schedule's own is reckoned anew.
pub(super) fn decide(entry: &Entry, known: Option<&PlanRun>, now: DateTime<Utc>) -> Decision {
    let Some(next) = entry.next_after(now) else { return Decision::Wait };
    let Some(known) = known.filter(|known| known.schedule == entry.fingerprint()) else {
        return Decision::Await(next);
    };
    if known.next_run_at > now {
        let next = if known.last_due_at == Some(next) { entry.next_after(next).unwrap_or(next) } else { next };
        return if next < known.next_run_at { Decision::Await(next) } else { Decision::Wait };
    }
    let since = std::iter::successors(entry.next_after(now - GRACE), |at| entry.next_after(*at));
    let on_time = since.take_while(|at| *at <= now).last().filter(|at| known.last_due_at != Some(*at));
    let is_late = on_time.is_none() && now - known.next_run_at > GRACE;
    match entry.missed_run {
        MissedRun::Skip if is_late => Decision::Miss { due: known.next_run_at, next },
        _ => Decision::Run { due: on_time.unwrap_or(known.next_run_at), next, is_late },
    }
}

#[cfg(test)]
#[path = "due_tests.rs"]
mod tests;
