//! Steps 6 to 8: what is to rest is brought to rest, the data made safe, and the same containers started again.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use crate::backends::archive::Aside;
use crate::backends::{Reads, Session, Source};
use crate::domain::job::{StepName, TargetKind};
use crate::domain::log::Level;
use crate::domain::stack::Mount;

use super::super::backend_work::to_stop;
use super::super::pause_point;
use super::super::quiesce::{Left, NotBack, Touched};
use super::super::rest::Party;
use super::super::steps::guarded;
use super::parties::Parties;
use super::piece::Piece;
use super::preflight::Desk;
use super::resolve::Resolved;
use super::scene::Scene;
use super::{Cx, Stop, beforehand, count, stage, targets};

/// What a run has read, and is to read.
pub(super) struct Material<'a> {
    pub(super) resolved: &'a Resolved,
    pub(super) desk: &'a Desk,
    /// What lies in the staging directory, by piece.
    staged: HashMap<(TargetKind, String), Vec<PathBuf>>,
    /// What was copied while everything ran, by piece.
    pub(super) beforehand: HashMap<(TargetKind, String), Vec<Option<Aside>>>,
    pub(super) dumps: Vec<Source>,
}

impl<'a> Material<'a> {
    pub(super) fn new(resolved: &'a Resolved, desk: &'a Desk) -> Self {
        Self { resolved, desk, staged: HashMap::new(), beforehand: HashMap::new(), dumps: Vec::new() }
    }

    /// What can be read now of what came out so far.
    pub(super) fn sources(&self, cx: Cx<'_>) -> Vec<Source> {
        let open = self.open_pieces(cx);
        let sources = open.filter_map(|piece| {
            let key = (piece.kind, piece.name.clone());
            let staged = self.staged.get(&key).cloned();
            let is_live = staged.is_none();
            let may_read = !is_live || (self.desk.reads == Reads::InPlace && piece.is_here());
            let paths = staged.unwrap_or_else(|| piece.local_paths());
            may_read.then_some(Source { kind: piece.kind, name: key.1, paths, is_live })
        });
        sources.chain(self.dumps.iter().cloned()).collect()
    }

    pub(super) fn open_pieces<'b>(&'b self, cx: Cx<'b>) -> impl Iterator<Item = &'b Piece> {
        self.resolved.pieces.iter().filter(move |piece| targets::is_open(cx.live, piece.kind, &piece.name))
    }
}

/// Quiesce, capture, and the resume that always follows. Whatever is to rest is locked already.
pub(super) async fn at_rest(
    cx: Cx<'_>,
    material: &mut Material<'_>,
    session: &mut dyn Session,
    not_back: &mut Vec<NotBack>,
) -> Result<(), Stop> {
    let (mut parties, touched) = (Parties::default(), Touched::default());
    let captured = guarded(async {
        Box::pin(cx.step(StepName::Quiesce, quiesce(cx, material.resolved, &mut parties, &touched))).await?;
        Box::pin(cx.step(StepName::Capture, capture(cx, material, session, &parties))).await
    });
    let captured = captured.await;
    *not_back = cx.resume(&parties.all, &touched).await;
    beforehand::remove(cx, material).await;
    captured.map(drop)
}

/// Looks again who is to rest: since the run was resolved, other jobs may have stopped and started what it concerns.
async fn quiesce(cx: Cx<'_>, resolved: &Resolved, parties: &mut Parties, touched: &Touched) -> Result<String, Stop> {
    let scene = cx.unless_cancelled(Scene::look(cx.engine)).await?;
    *parties = cx.unless_cancelled(Parties::choose(cx.engine, &scene, resolved)).await?;
    parties.tell(&cx.live.log);
    let done = cx.quiesce(&mut parties.all, touched).await?;
    let is_held = parties.all.iter().any(|party| !party.choice.held.is_empty());
    Ok(if is_held { done } else { why_nothing_rests(resolved, parties) })
}

fn why_nothing_rests(resolved: &Resolved, parties: &Parties) -> String {
    match parties.all.as_slice() {
        [] if resolved.pieces.is_empty() => "databases are dumped while they run".to_owned(),
        [] => "captured without a stop: nothing is to be brought to rest".to_owned(),
        [party, ..] => party.why_nothing_is_held().to_owned(),
    }
}

async fn capture(
    cx: Cx<'_>,
    material: &mut Material<'_>,
    session: &mut dyn Session,
    parties: &Parties,
) -> Result<String, Stop> {
    check_confined(cx, material).await?;
    let copied = copy_what_must_be(cx, material).await?;
    let sources = material.sources(cx);
    if sources.is_empty() {
        return Err(Stop::failed("no target could be captured"));
    }
    let captured = session.capture(&sources).await;
    let read = captured.map_err(|error| to_stop("the data could not be captured", &error))?;
    if parties.all.iter().any(|party| !party.choice.held.is_empty()) {
        cx.live.change(|job| job.bytes_captured_while_stopped = read.map(|read| read + copied));
    }
    doubt_disturbed(cx, material, parties).await;
    Ok(format!("{} captured", count(sources.len(), "target")))
}

/// Whoever writes may have put a link in the way since the paths were looked at; now nobody writes any more.
async fn check_confined(cx: Cx<'_>, material: &Material<'_>) -> Result<(), Stop> {
    let pieces: Vec<Piece> = material.open_pieces(cx).cloned().collect();
    let look = move || {
        let check = |piece: Piece| piece.check_confined().err().map(|why| (piece.kind, piece.name, why));
        pieces.into_iter().filter_map(check).collect::<Vec<_>>()
    };
    let astray = cx.unless_cancelled(async {
        let look = tokio::task::spawn_blocking(look);
        match tokio::time::timeout(cx.engine.0.settings.stall_timeout, look).await {
            Ok(Ok(astray)) => Ok(astray),
            Ok(Err(_)) => Err(Stop::failed("a defect in Mainstay ended the look at the paths; see the system log")),
            Err(_) => Err(Stop::failed("the look at the paths hangs and is given up")),
        }
    });
    for (kind, name, why) in astray.await? {
        targets::fail(cx.live, kind, &name, &why);
    }
    Ok(())
}

/// Copies what the backend cannot read where it lies. Returns how many bytes of content that were.
async fn copy_what_must_be(cx: Cx<'_>, material: &mut Material<'_>) -> Result<u64, Stop> {
    let mut copied = 0;
    let must_be = |piece: &&Piece| material.desk.reads == Reads::Staged || !piece.is_here();
    let pieces: Vec<Piece> = material.open_pieces(cx).filter(must_be).cloned().collect();
    for piece in pieces {
        let beforehand = material.beforehand.remove(&(piece.kind, piece.name.clone())).unwrap_or_default();
        match Box::pin(stage::copy(cx, material.resolved, material.desk, &piece, beforehand)).await? {
            Ok(copy) => {
                beforehand::tell(cx, &piece, &copy.staged);
                copied += copy.staged.bytes;
                if copy.staged.gap_count > 0 {
                    let why = format!(
                        "{} of it could not be copied whole: {}",
                        copy.staged.gap_count,
                        copy.staged.gaps.join("; ")
                    );
                    targets::doubt(cx.live, piece.kind, &piece.name, &why);
                }
                material.staged.insert((piece.kind, piece.name), copy.paths);
            }
            Err(why) => targets::fail(cx.live, piece.kind, &piece.name, &why),
        }
        pause_point::reach("capture.target").await;
    }
    Ok(copied)
}

/// What came up meanwhile, or was left running although nobody asked for it, makes the pieces doubtful that it may
/// write to.
async fn doubt_disturbed(cx: Cx<'_>, material: &Material<'_>, parties: &Parties) {
    let docker = cx.engine.0.parts.docker.as_ref();
    let mut disturbances: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for party in &parties.all {
        let found = party.witness(docker).find_disturbances().await;
        found.iter().for_each(|message| cx.live.log.write(Level::Warning, message.clone()));
        disturbances.insert(party.name.as_str(), found);
    }
    let pieces: Vec<&Piece> = material.open_pieces(cx).collect();
    for piece in pieces {
        let (mut why, mut meant) = (Vec::new(), Vec::new());
        for party in parties.of(piece) {
            why.extend(disturbances.get(party.name.as_str()).into_iter().flatten().cloned());
            for left in party.choice.left.iter().filter(|left| writes(party, left, piece)) {
                if left.is_meant {
                    meant.push(left.name.clone());
                } else {
                    why.push(format!("{}: {}", left.name, left.reason));
                }
            }
        }
        if !why.is_empty() {
            targets::doubt(
                cx.live,
                piece.kind,
                &piece.name,
                &format!("captured while a writer ran: {}", why.join("; ")),
            );
        }
        if !meant.is_empty() {
            let what = format!("captured while {} ran, as asked", meant.join(", "));
            targets::remark(cx.live, piece.kind, &piece.name, &what);
        }
    }
}

fn writes(party: &Party, left: &Left, piece: &Piece) -> bool {
    let mounts = party.details.get(&left.id).into_iter().flat_map(|detail| &detail.container.mounts);
    let is_of_piece = |mount: &Mount| piece.mounted.as_ref().is_some_and(|mounted| mounted.overlaps(mount));
    mounts.into_iter().any(|mount| mount.is_writable && is_of_piece(mount))
}
