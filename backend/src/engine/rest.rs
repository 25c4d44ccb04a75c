//! Bringing what a job needs to rest, and back: whole stacks, some containers of one, containers that are in none.
//!
//! What is held together is a [`Party`]: the containers of one stack, or one container outside of all stacks. Each party
//! is locked, journaled and ordered by itself, all of them rest at the same time, and all come back whatever happened.
//! Nothing here decides who is held: that is [`super::quiesce::choose`] and whoever asks it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;

use crate::docker::{ContainerDetail, ContainerEngine};
use crate::domain::job::{Quiesce, StepName, StepState};
use crate::domain::log::Level;
use crate::domain::names::StackName;
use crate::domain::size::human_millis;
use crate::store::HeldContainer;

use super::pause_point;
use super::quiesce::{
    self, Ascent, Case, Choice, Descent, NotBack, OfJob, QuiesceError, Say, Standing, Touched, Watch, Witness,
};
use super::steps::{Cx, Stop, count};

/// How long the store may take after the containers were started.
const STORE_PATIENCE: Duration = Duration::from_secs(15);

/// Details of containers, by id.
pub(super) type Details = BTreeMap<String, ContainerDetail>;

/// Containers that are held together.
#[derive(Debug)]
pub(super) struct Party {
    /// The stack that they belong to, or the name of the container that is in none: what stop journal and locks go by.
    pub(super) name: StackName,
    /// Who is held, and who is not although it runs.
    pub(super) choice: Choice,
    /// What the engine knew of the containers before the stop.
    pub(super) details: Details,
    /// How they are brought to rest where no label says otherwise.
    pub(super) mode: Quiesce,
    /// Listens to what comes up meanwhile, from right before the stop.
    pub(super) watch: Option<Arc<Watch>>,
}

impl Party {
    /// Why no container is brought to rest.
    pub(super) const fn why_nothing_is_held(&self) -> &'static str {
        if self.choice.left.is_empty() {
            return "no container of the stack runs";
        }
        match self.mode {
            Quiesce::None => "captured without a stop, as asked",
            Quiesce::Stop | Quiesce::Pause => "no container of the stack is to be brought to rest",
        }
    }

    /// Who can tell whether the party stayed at rest.
    pub(super) fn witness<'a>(&'a self, docker: &'a dyn ContainerEngine) -> Witness<'a> {
        Witness { docker, stack: &self.name, choice: &self.choice, mode: self.mode, watch: self.watch.as_deref() }
    }

    /// The containers that must come back: those that the engine was asked about.
    pub(super) fn cases(&self, touched: &Touched) -> Vec<Case> {
        let case = |held: &HeldContainer| {
            if touched.is_open(&held.id) { Case::new(held.clone()) } else { Case::settled(held.clone()) }
        };
        self.choice.held.iter().filter(|held| touched.was_asked(&held.id)).map(case).collect()
    }

    /// The containers that the engine was never asked about. They are not ours to start, whatever became of them.
    fn spared(&self, touched: &Touched) -> impl Iterator<Item = &HeldContainer> {
        self.choice.held.iter().filter(|held| !touched.was_asked(&held.id))
    }
}

impl<R> Cx<'_, R> {
    /// Brings every party to rest. On an error some containers may already rest: the caller brings back all.
    pub(super) async fn quiesce(self, parties: &mut [Party], touched: &Touched) -> Result<String, Stop> {
        let parts = &self.engine.0.parts;
        let say =
            |level: Level, service: &str, message: String| self.live.log.write_about(level, Some(service), message);
        let watch = Arc::new(Watch::begin(&parts.docker, &parts.runtime).await);
        for party in parties.iter_mut() {
            party.watch = Some(Arc::clone(&watch));
            party.choice.held =
                quiesce::look_again(parts.docker.as_ref(), &party.choice, &say).await.map_err(to_stop)?;
        }
        let parties: Vec<&Party> = parties.iter().filter(|party| !party.choice.held.is_empty()).collect();
        if parties.is_empty() {
            return Ok("nothing was to be brought to rest any more".to_owned());
        }
        self.take(&parties).await;
        self.descend(&parties, touched, &say).await.map_err(to_stop)?;
        let names: Vec<&str> = parties.iter().map(|party| party.name.as_str()).collect();
        let held = parties.iter().map(|party| party.choice.held.len()).sum();
        Ok(format!("{} of {} brought to rest", count(held, "container"), names.join(", ")))
    }

    /// From here on no replay starts anything of the parties: one that is at work ends first.
    async fn take(self, parties: &[&Party]) {
        let mut alone = Vec::with_capacity(parties.len());
        for party in parties {
            alone.push(self.engine.0.replay.of(&party.name).lock_owned().await);
        }
        self.live.set_holding(true);
    }

    /// All parties at the same time. Once one cannot be brought to rest, no further container of the others is stopped.
    async fn descend(self, parties: &[&Party], touched: &Touched, say: Say<'_>) -> Result<(), QuiesceError> {
        let parts = &self.engine.0.parts;
        let docker = parts.docker.as_ref();
        let journal = &OfJob { store: &parts.store, job: self.live.id() };
        let cancel = &self.live.cancel.child_token();
        let descents = parties.iter().map(|party| {
            async move {
                let descent = Descent { docker, journal, choice: &party.choice, touched, cancel, say };
                let result = descent.run().await;
                if result.is_err() {
                    cancel.cancel();
                }
                result
            }
            .boxed()
        });
        let mut failures: Vec<QuiesceError> = join_all(descents).await.into_iter().filter_map(Result::err).collect();
        // The others only ended because of the one that failed.
        let first = failures.iter().position(|error| !matches!(error, QuiesceError::Cancelled)).unwrap_or(0);
        if failures.is_empty() { Ok(()) } else { Err(failures.swap_remove(first)) }
    }

    /// Brings every party back; nothing ends this early, and no start waits for the store. Returns what is not well
    /// again. `touched` knows which containers the engine was asked about.
    pub(super) async fn resume(self, parties: &[Party], touched: &Touched) -> Vec<NotBack> {
        let mut cases: Vec<Vec<Case>> = parties.iter().map(|party| party.cases(touched)).collect();
        let spared: Vec<&HeldContainer> = parties.iter().flat_map(|party| party.spared(touched)).collect();
        let held = cases.iter().map(Vec::len).sum();
        if held == 0 {
            self.live.set_holding(false);
            self.clear_journal(spared.into_iter()).await;
            self.skip(StepName::Resume, "nothing was at rest").await;
            return Vec::new();
        }
        pause_point::reach("resume.before").await;
        let docker = self.engine.0.parts.docker.as_ref();
        let say =
            |level: Level, service: &str, message: String| self.live.log.write_about(level, Some(service), message);
        let say: Say<'_> = &say;
        let (limit, hurry) = (self.engine.0.settings.health_timeout, &self.engine.0.shutdown);
        let ascents = parties.iter().zip(&mut cases).map(|(party, cases)| {
            let ascent = Ascent { docker, order: &party.choice.order, limit, hurry, say };
            async move { ascent.bring_back(cases).await }.boxed()
        });
        let began = tokio::time::timeout(STORE_PATIENCE, self.live.begin_step(StepName::Resume));
        let (_, returned) = tokio::join!(began, join_all(ascents));
        self.live.set_holding(false);
        let last_start = returned.iter().map(|r| r.last_start).max().unwrap_or_else(tokio::time::Instant::now);
        let stopped_ms = self.note_stopped(touched, last_start.into_std());
        let back = cases.iter().flatten().filter(|case| case.standing == Standing::Back).map(|case| &case.held);
        self.clear_journal(back.chain(spared)).await;
        let mut not_back: Vec<NotBack> = cases.iter().flatten().filter_map(Case::to_not_back).collect();
        not_back.extend(returned.into_iter().flat_map(|returned| returned.unmet));
        for party in parties {
            let is_back = |held: &&HeldContainer| not_back.iter().all(|n| n.name != held.name);
            let asked = party.choice.held.iter().filter(|held| touched.was_asked(&held.id));
            let back: Vec<HeldContainer> = asked.filter(is_back).cloned().collect();
            not_back.extend(quiesce::wait_until_well(docker, &back, &party.details, limit, hurry).boxed().await);
        }
        self.end_resume(held, stopped_ms, &not_back).await;
        not_back
    }

    /// The time at rest begins when the engine is first asked, not with the looks before.
    fn note_stopped(self, touched: &Touched, last_start: std::time::Instant) -> u64 {
        let stopped_for = touched.since().map(|since| last_start.saturating_duration_since(since)).unwrap_or_default();
        let stopped_ms = u64::try_from(stopped_for.as_millis()).unwrap_or(u64::MAX);
        self.live.change(|job| job.stopped_ms = Some(stopped_ms));
        self.live.log.write(Level::Info, format!("the stack was at rest for {}", human_millis(stopped_ms)));
        stopped_ms
    }

    /// Takes containers out of the stop journal: what is back, and what was never touched. A row that stays brings back
    /// what runs already, which is harmless.
    async fn clear_journal(self, back: impl Iterator<Item = &HeldContainer>) {
        let back: Vec<&str> = back.map(|held| held.id.as_str()).collect();
        if back.is_empty() {
            return;
        }
        let cleared = self.engine.0.parts.store.clear_journal(self.live.id(), &back);
        let problem = match tokio::time::timeout(STORE_PATIENCE, cleared).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => super::chain(&error),
            Err(_) => "the store does not answer".to_owned(),
        };
        self.live
            .log
            .write(Level::Warning, format!("the stop journal was not cleared, which is tried again: {problem}"));
    }

    async fn end_resume(self, held: usize, stopped_ms: u64, not_back: &[NotBack]) {
        for container in not_back {
            self.live
                .log
                .write(Level::Error, format!("container {} is not well again: {}", container.name, container.reason));
        }
        let (state, detail) = if not_back.is_empty() {
            (StepState::Succeeded, format!("{} back after {}", count(held, "container"), human_millis(stopped_ms)))
        } else {
            (StepState::Failed, format!("{} not well again", count(not_back.len(), "container")))
        };
        self.live.end_step(StepName::Resume, state, Some(detail)).await;
        pause_point::reach("resume.after").await;
    }
}

fn to_stop(error: QuiesceError) -> Stop {
    match error {
        QuiesceError::Cancelled => Stop::Cancelled,
        error => Stop::because("the stack could not be brought to rest", &error),
    }
}
