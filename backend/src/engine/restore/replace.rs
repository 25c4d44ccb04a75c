//! Steps 4 to 6: what uses the data rests, old and new change places, and the same containers run again.
//!
//! What changes places is committed before the first of it does. From then on there are two ends only: all of it was
//! made, or all of it was taken back; whatever happens in between, containers are started after that and not before.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::domain::job::StepName;
use crate::domain::log::Level;
use crate::domain::names::StackName;
use crate::domain::restore::{Exchange, RestorePhase, RestoreRecord, Side, Swaps, TargetName};
use crate::engine::plan_run::{Mounted, Scene, name_of};
use crate::engine::quiesce::{NotBack, Touched};
use crate::engine::rest::Party;
use crate::engine::steps::{Stop, count, guarded};
use crate::engine::{chain, pause_point};

use super::exchange::{ExchangeError, bring};
use super::parties::{self, Resting};
use super::prepare::save;
use super::recovery::STORE_PATIENCE;
use super::swaps::bring_all;
use super::{Aftermath, Cx};

/// What rests while data changes places.
pub(super) struct Rest {
    /// What changes.
    pub(super) places: Vec<Mounted>,
    /// A stack of which all rests.
    pub(super) whole: Option<StackName>,
}

/// Has `plan` find what changes places once everything rests, and does it. On an error the old data is in place, unless
/// `record` says otherwise.
pub(super) async fn at_rest<P>(
    cx: Cx<'_>,
    rest: &Rest,
    record: &mut RestoreRecord,
    after: &mut Aftermath,
    plan: P,
) -> Result<(), Stop>
where
    P: FnOnce() -> Result<Swaps, Stop> + Send + 'static,
{
    let mut parties = cx.unless_cancelled(lock(cx, rest)).await?;
    let touched = Touched::default();
    let done = guarded(async {
        Box::pin(cx.step(StepName::Quiesce, bring_to_rest(cx, &mut parties, &touched))).await?;
        Box::pin(cx.step(StepName::Replace, replace(cx, record, plan))).await
    });
    let done = done.await;
    if record.phase == RestorePhase::Exchanging && !take_back(cx, record).await {
        after.not_back = leave_at_rest(cx, &parties);
        cx.engine.leave_undecided(record.clone()).await;
        return done.map(drop);
    }
    after.not_back = Box::pin(cx.resume(&parties, &touched)).await;
    done.map(drop)
}

/// Takes every stack that is concerned, and looks once more who rests.
async fn lock(cx: Cx<'_>, rest: &Rest) -> Result<Vec<Party>, Stop> {
    let mut taken = BTreeSet::new();
    loop {
        let scene = Scene::look(cx.engine).await?;
        let Resting { parties, names, problems } =
            parties::choose(cx.engine, &scene, &rest.places, rest.whole.as_ref()).await?;
        if let [first, ..] = problems.as_slice() {
            return Err(Stop::failed(format!("{first}; nothing was touched")));
        }
        if names.is_subset(&taken) {
            return Ok(parties);
        }
        let log = &cx.live.log;
        let all: BTreeSet<StackName> = names.union(&taken).cloned().collect();
        // What is taken is given back first: two jobs must not wait for each other.
        cx.engine.give_back_stacks(cx.live);
        cx.engine
            .take_all(cx.live, &all, |stack| {
                log.write(Level::Info, format!("waits for the job that works on '{stack}'"));
            })
            .await;
        for stack in &all {
            cx.bring_back_leftovers(stack).await?;
        }
        taken = all;
    }
}

/// Takes the stacks of the containers that dumps are loaded into.
pub(super) async fn lock_for_load(cx: Cx<'_>, dumps: &[(TargetName, String, PathBuf)]) -> Result<(), Stop> {
    let scene = Scene::look(cx.engine).await?;
    let mut names = BTreeSet::new();
    for (_, container, _) in dumps {
        if let Some(container) = scene.find_container(container) {
            names.insert(name_of(&scene, container)?);
        }
    }
    let log = &cx.live.log;
    let take = cx.engine.take_all(cx.live, &names, |stack| {
        log.write(Level::Info, format!("waits for the job that works on '{stack}'"));
    });
    cx.unless_cancelled(async {
        take.await;
        Ok(())
    })
    .await
}

async fn bring_to_rest(cx: Cx<'_>, parties: &mut [Party], touched: &Touched) -> Result<String, Stop> {
    for party in parties.iter() {
        for note in party.choice.notes.iter().chain(&party.choice.describe()) {
            cx.live.log.write(Level::Info, note.clone());
        }
    }
    if parties.iter().all(|party| party.choice.held.is_empty()) {
        return Ok("no container uses the data".to_owned());
    }
    cx.quiesce(parties, touched).await
}

async fn replace<P>(cx: Cx<'_>, record: &mut RestoreRecord, plan: P) -> Result<String, Stop>
where
    P: FnOnce() -> Result<Swaps, Stop> + Send + 'static,
{
    let planned = tokio::task::spawn_blocking(plan).await;
    record.swaps =
        planned.map_err(|_| Stop::failed("a defect in Mainstay ended the look at the data; see the system log"))??;
    if record.swaps.exchanges.is_empty() {
        return Err(Stop::failed("there is nothing that could be put in place"));
    }
    record.phase = RestorePhase::Exchanging;
    let saved = tokio::time::timeout(STORE_PATIENCE, save(cx, record)).await;
    if let Err(stop) = saved.unwrap_or_else(|_| Err(Stop::failed("the store does not answer, so nothing was touched")))
    {
        // Whether it was written or not: nothing has changed places.
        record.phase = RestorePhase::Unpacking;
        return Err(stop);
    }
    pause_point::reach("replace.recorded").await;
    exchange(cx, &record.swaps).await?;
    pause_point::reach("replace.made").await;
    cx.engine.note_outcome(record, Side::New).await;
    Ok(format!("{} in place", count(record.swaps.exchanges.len(), "exchange")))
}

/// The first alone, so that a kill can be tried after it.
async fn exchange(cx: Cx<'_>, swaps: &Swaps) -> Result<(), Stop> {
    let first: Vec<Exchange> = swaps.exchanges.iter().take(1).cloned().collect();
    run(move || first.iter().try_for_each(|exchange| bring(exchange, Side::New))).await?;
    pause_point::reach("replace.first").await;
    if cx.live.cancel.is_cancelled() && swaps.exchanges.len() > 1 {
        return Err(Stop::Cancelled);
    }
    let all = swaps.clone();
    run(move || bring_all(&all, Side::New)).await
}

async fn run(work: impl FnOnce() -> Result<(), ExchangeError> + Send + 'static) -> Result<(), Stop> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|_| Stop::failed("a defect in Mainstay ended the exchange; see the system log"))?;
    done.map_err(|error| Stop::because("old and new data could not change places", &error))
}

/// Takes back what was made of it. Returns whether the old data is in place again.
async fn take_back(cx: Cx<'_>, record: &mut RestoreRecord) -> bool {
    let swaps = record.swaps.clone();
    let taken_back = tokio::task::spawn_blocking(move || bring_all(&swaps, Side::Old)).await;
    let why = match taken_back {
        Ok(Ok(())) => {
            cx.engine.note_outcome(record, Side::Old).await;
            cx.live.log.write(Level::Warning, "what had changed places was taken back; the old data is in place");
            return true;
        }
        Ok(Err(error)) => chain(&error),
        Err(_) => "a defect in Mainstay ended it; see the system log".to_owned(),
    };
    let message = format!("what had changed places could not be taken back yet, so what uses it stays at rest: {why}");
    cx.live.log.write(Level::Error, message);
    false
}

/// The containers stay in the stop journal; the replay starts them once it is decided which data they find.
fn leave_at_rest(cx: Cx<'_>, parties: &[Party]) -> Vec<NotBack> {
    cx.live.set_holding(false);
    let held = parties.iter().flat_map(|party| &party.choice.held);
    let reason = "it stays at rest until it is decided which data it finds; that is tried again";
    held.map(|held| NotBack { name: held.name.clone(), reason: reason.to_owned() }).collect()
}
