//! Step 4: what can be read while everything runs, so that little is left for the stop.
//!
//! A backend that reads in place does so itself. For one that reads a copy, the copy is made here, and the one at rest
//! takes over what certainly did not change. Whatever goes wrong costs a longer stop and nothing else, unless the backend
//! says that it can store nothing as things are.

use crate::backends::archive::Staged;
use crate::backends::{BackendError, Reads, Session, Source};
use crate::domain::log::Level;
use crate::domain::size::human_bytes;

use super::super::backend_work::to_stop;
use super::super::chain;
use super::capture::Material;
use super::parties::Parties;
use super::piece::Piece;
use super::{Cx, Found, Stop, count, stage};

/// What is to be done beforehand.
pub(super) struct Plan {
    sources: Vec<Source>,
    copies: Vec<Piece>,
}

impl Plan {
    pub(super) const fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.copies.is_empty()
    }
}

/// Chooses what is read or copied beforehand. A copy is worth it only where something is going to rest for it.
pub(super) async fn choose(cx: Cx<'_>, found: &Found, material: &Material<'_>) -> Result<Plan, Stop> {
    let sources = material.sources(cx);
    if material.desk.reads != Reads::Staged {
        return Ok(Plan { sources, copies: Vec::new() });
    }
    let parties = cx.unless_cancelled(Parties::choose(cx.engine, &found.scene, &found.resolved)).await?;
    let rests = |piece: &&Piece| parties.of(piece).any(|party| !party.choice.held.is_empty());
    let copies = material.open_pieces(cx).filter(|piece| piece.is_here()).filter(rests).cloned().collect();
    Ok(Plan { sources, copies })
}

pub(super) async fn run(
    cx: Cx<'_>,
    plan: Plan,
    material: &mut Material<'_>,
    session: &mut dyn Session,
) -> Result<String, Stop> {
    let mut done = count(plan.sources.len().max(plan.copies.len()), "target");
    done += if plan.copies.is_empty() { " read while everything runs" } else { " copied while everything runs" };
    for piece in plan.copies {
        match Box::pin(stage::copy_beforehand(cx, material.resolved, material.desk, &piece)).await {
            Ok(copied) => drop(material.beforehand.insert((piece.kind, piece.name), copied)),
            Err(Stop::Cancelled) => return Err(Stop::Cancelled),
            Err(Stop::Failed(why)) => {
                remove(cx, material).await;
                return Ok(longer(cx, &why));
            }
        }
    }
    if plan.sources.is_empty() {
        return Ok(done);
    }
    match session.precopy(&plan.sources).await {
        Ok(()) => Ok(done),
        Err(error @ (BackendError::Cancelled | BackendError::NotReady(_) | BackendError::Absent(_))) => {
            Err(to_stop("the data cannot be stored, so nothing was stopped", &error))
        }
        Err(error) => Ok(longer(cx, &chain(&error))),
    }
}

fn longer(cx: Cx<'_>, why: &str) -> String {
    let why = format!("nothing was read beforehand, so the stop takes longer: {why}");
    cx.live.log.write(Level::Warning, why.clone());
    why
}

/// Writes down how much of a copy was made beforehand.
pub(super) fn tell(cx: Cx<'_>, piece: &Piece, staged: &Staged) {
    if staged.bytes_taken_over > 0 {
        let about = format!("{} {}", piece.kind, piece.name);
        let (before, now) = (human_bytes(staged.bytes_taken_over), human_bytes(staged.bytes));
        cx.live.log.write_about(Level::Info, Some(&about), format!("{before} copied before the stop, {now} during it"));
    }
}

/// Removes what is left of the copies, which nobody may take for data.
pub(super) async fn remove(cx: Cx<'_>, material: &mut Material<'_>) {
    material.beforehand.clear();
    let staging = material.desk.staging.clone();
    let removed = tokio::task::spawn_blocking(move || staging.remove_beforehand()).await;
    if let Err(error) = removed.unwrap_or_else(|e| Err(std::io::Error::other(e))) {
        cx.live.log.write(Level::Warning, format!("a copy could not be removed from the staging directory: {error}"));
    }
}
