//! Taking a restore back: what it brought and what it kept change places once more, by the same exchanges.

use crate::domain::ids::JobId;
use crate::domain::job::{StepName, TargetResult, TargetState};
use crate::domain::restore::{Destination, Exchange, RestoreOrder, RestoreRecord, RootStamp, Side, Swaps, TargetName};
use crate::engine::plan_run::Mounted;
use crate::engine::steps::{StepResult, Stop, count};

use super::exchange::{inode_of, is_at};
use super::replace::{Rest, at_rest};
use super::{Aftermath, Cx, targets};

struct Found {
    before: RestoreRecord,
    rest: Rest,
}

impl StepResult for Found {
    fn detail(&self) -> Option<String> {
        Some(format!("{} to take back", count(self.before.swaps.exchanges.len(), "exchange")))
    }
}

/// Every step.
pub(super) async fn run(cx: Cx<'_>, id: &JobId, record: &mut RestoreRecord, after: &mut Aftermath) -> Result<(), Stop> {
    let found = Box::pin(cx.step(StepName::Resolve, cx.unless_cancelled(find(cx, id)))).await?;
    let swaps = Swaps {
        exchanges: found.before.swaps.exchanges.iter().rev().map(Exchange::inverted).collect(),
        stamps: found.before.swaps.stamps.iter().map(RootStamp::inverted).collect(),
    };
    let preflight = cx.unless_cancelled(check(swaps.clone()));
    Box::pin(cx.step(StepName::Preflight, preflight)).await?;
    let plan = move || Ok(swaps);
    Box::pin(at_rest(cx, &found.rest, record, after, plan)).await?;
    for name in names_of(&found.before) {
        targets::succeed(cx.live, &name, Some(format!("as before the restore {id}")));
    }
    Ok(())
}

async fn find(cx: Cx<'_>, id: &JobId) -> Result<Found, Stop> {
    let before = cx.engine.0.parts.store.find_restore(id).await;
    let before = before.map_err(|e| Stop::because("the record of the restore cannot be read", &e))?;
    let before = before.filter(RestoreRecord::can_be_undone);
    let before = before.ok_or_else(|| Stop::failed(format!("the restore {id} cannot be taken back any more")))?;
    let paths = cx.engine.0.parts.discovery.path_map();
    let place = |exchange: &Exchange| paths.find_host(&exchange.root).map(Mounted::Path);
    let mut places: Vec<Mounted> = before.swaps.exchanges.iter().filter_map(place).collect();
    places.dedup();
    let is_whole = matches!(&before.order, RestoreOrder::Restore(wish)
        if wish.targets.is_empty() && wish.paths.is_empty() && wish.destination == Destination::InPlace);
    let rest = Rest { places, whole: cx.live.now().stack.filter(|_| is_whole) };
    let result = |name: TargetName| TargetResult {
        kind: name.kind,
        name: name.name,
        state: TargetState::Pending,
        size_bytes: 0,
        message: None,
    };
    let results: Vec<TargetResult> = names_of(&before).into_iter().map(result).collect();
    cx.live.change(|job| job.targets = results);
    Ok(Found { before, rest })
}

/// Looks whether both sides are where the restore left them.
async fn check(swaps: Swaps) -> Result<String, Stop> {
    let look = move || {
        for exchange in &swaps.exchanges {
            let is_there =
                is_at(exchange, Side::Old).map_err(|e| Stop::because("what was kept cannot be found", &e))?;
            let kept = exchange.new.is_none_or(|inode| inode_of(&exchange.other_place()).ok().flatten() == Some(inode));
            if !is_there || !kept {
                let place = exchange.place();
                let why = "it is not as the restore left it, or what was kept was removed";
                return Err(Stop::failed(format!(
                    "{} cannot be taken back: {why}; nothing was touched",
                    place.display()
                )));
            }
        }
        Ok("everything is as the restore left it".to_owned())
    };
    let looked = tokio::task::spawn_blocking(look).await;
    looked.unwrap_or_else(|_| Err(Stop::failed("a defect in Mainstay ended the look at the data; see the system log")))
}

/// The targets that were put in place.
fn names_of(record: &RestoreRecord) -> Vec<TargetName> {
    let mut names: Vec<TargetName> = Vec::new();
    for exchange in &record.swaps.exchanges {
        if !names.contains(&exchange.target) {
            names.push(exchange.target.clone());
        }
    }
    names
}
