//! Who may work on what: never two jobs on one stack, on one container outside of all stacks, or for one instance.
//!
//! A backup of a stack takes its stack when it is asked for, so that whoever asks for a second one is told. A run of a
//! plan takes its instance then, and what it brings to rest only when that is known: all of it or nothing, so that two
//! runs never wait for each other.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::job::{Job, JobKind};
use crate::domain::names::{InstanceId, StackName};

use super::live::LiveJob;
use super::submit::SubmitError;
use super::{JobEngine, Live};

impl JobEngine {
    /// Takes the stacks and the instances of `jobs`, all or none. Jobs that are asked for together may share an instance.
    pub(super) fn claim(&self, jobs: &[Job]) -> Result<(), SubmitError> {
        // Made before the lock is taken: it opens the log's file, and a directory may hang.
        let made: Vec<Arc<LiveJob>> = jobs.iter().map(|job| self.make_live(job.clone())).collect();
        let mut live = self.live();
        live.refuse_taken(jobs)?;
        for (job, made) in jobs.iter().zip(made) {
            if let Some(instance) = instance_of(job) {
                live.instances.entry(instance).or_default().insert(job.id.clone());
            } else if let Some(stack) = stack_of(job) {
                live.stacks.insert(stack.clone(), job.id.clone());
            }
            live.jobs.insert(job.id.clone(), made);
        }
        Ok(())
    }

    /// Kept by who works for an instance, so that jobs that share one run one after the other.
    pub(super) fn turn_of(&self, instance: &InstanceId) -> Arc<tokio::sync::Mutex<()>> {
        self.live().turns.entry(instance.clone()).or_default().clone()
    }

    /// Takes every one of `names` for `job`, or none. Returns who is in the way.
    pub(super) fn try_take(&self, job: &LiveJob, names: &BTreeSet<StackName>) -> Option<StackName> {
        let mut live = self.live();
        let is_taken = |name: &&StackName| live.stacks.get(*name).is_some_and(|other| other != job.id());
        if let Some(taken) = names.iter().find(is_taken) {
            return Some(taken.clone());
        }
        live.stacks.extend(names.iter().map(|name| (name.clone(), job.id().clone())));
        None
    }

    /// Waits until `job` has all of `names`; `tell` hears of the first that is in the way. Does not end by itself.
    pub(super) async fn take_all(&self, job: &LiveJob, names: &BTreeSet<StackName>, tell: impl FnOnce(&StackName)) {
        let mut tell = Some(tell);
        loop {
            let given_back = self.0.given_back.notified();
            tokio::pin!(given_back);
            // From here on nothing that is given back is missed.
            given_back.as_mut().enable();
            let Some(taken) = self.try_take(job, names) else { return };
            if let Some(tell) = tell.take() {
                tell(&taken);
            }
            given_back.await;
        }
    }

    /// Gives back the stacks of a job, which stays at work.
    pub(super) fn give_back_stacks(&self, job: &LiveJob) {
        self.live().stacks.retain(|_, owner| owner != job.id());
        self.0.given_back.notify_waiters();
    }

    /// Gives back everything that `jobs` had.
    pub(super) fn release(&self, jobs: &[Job]) {
        let mut live = self.live();
        for job in jobs {
            live.jobs.remove(&job.id);
            live.stacks.retain(|_, owner| *owner != job.id);
            live.instances.retain(|_, owners| {
                owners.remove(&job.id);
                !owners.is_empty()
            });
        }
        drop(live);
        self.0.given_back.notify_waiters();
    }
}

impl Live {
    fn refuse_taken(&self, jobs: &[Job]) -> Result<(), SubmitError> {
        let mut taken: Vec<&StackName> = Vec::new();
        for job in jobs {
            if let Some(instance) = instance_of(job) {
                if let Some(other) = self.instances.get(&instance).and_then(|owners| owners.first()) {
                    return Err(SubmitError::InstanceConflict { instance, job: other.clone() });
                }
            } else if let Some(stack) = stack_of(job) {
                let other = self.stacks.get(stack).or_else(|| taken.contains(&stack).then_some(&job.id));
                if let Some(other) = other {
                    return Err(SubmitError::Conflict { stack: stack.clone(), job: other.clone() });
                }
                taken.push(stack);
            } else if let Some(plan) = job.plan.as_ref().filter(|_| job.kind == JobKind::Backup)
                && let Some(other) = self.jobs.values().find(|other| other.now().plan.as_ref() == Some(plan))
            {
                return Err(SubmitError::PlanConflict { plan: plan.clone(), job: other.id().clone() });
            }
        }
        Ok(())
    }
}

/// The stack that a job works on. Who only reads what was stored of it is in nobody's way.
fn stack_of(job: &Job) -> Option<&StackName> {
    job.stack.as_ref().filter(|_| !job.kind.only_reads())
}

/// The instance that a job works for.
pub(super) fn instance_of(job: &Job) -> Option<InstanceId> {
    job.instance.as_deref().and_then(|id| id.parse().ok())
}
