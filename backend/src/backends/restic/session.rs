//! A run: a hot pass while the writers run, a pass at rest that becomes the snapshot, its verification.
//!
//! The pass at rest has the hot one as its parent, so that it reads only what changed, where stamps can be relied on
//! (`archive::take_trust` says why and where). Elsewhere it compares with the run before, and the hot pass has still stored
//! the data. The turn at the repository is held from the beginning until the snapshot counts and what was for the run alone
//! is gone: nothing is waited for while writers rest.
//!
//! Every restic costs the time of its key, so nothing is asked twice: the hot pass waits for the locks, the listing that
//! verifies names the snapshot, and the one that finds the mark names what is to go.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::contents::Contents;
use super::pass::{Pass, Passed, look_at, outcome};
use super::program::Restic;
use super::snapshots::Snapshot;
use super::standby::Standby;
use super::turns::Turn;
use super::{BackendError, RunRequest, Session, Work, tags};
use crate::backends::archive::take_trust;
use crate::backends::{Source, SourceOutcome, Stored};
use crate::domain::job::TargetState;
use crate::domain::log::Level;
use crate::domain::size::human_bytes;

/// Nothing waits for a disk that takes longer than this to be brought up to date.
const SYNC_PATIENCE: Duration = Duration::from_secs(60);
/// How long a foreign lock is waited for while writers rest.
const PATIENCE_AT_REST: Duration = Duration::from_secs(20);
/// How long the end of a run waits for its turn to tidy up; the next run does it otherwise.
const TIDY_PATIENCE: Duration = Duration::from_secs(60);

/// A run.
pub(super) struct ResticSession {
    restic: Arc<Restic>,
    request: RunRequest,
    work: Work,
    turn: Option<Turn>,
    /// The snapshot before this run.
    previous: Option<String>,
    /// The hot pass, and whether files may be compared with it.
    hot: Option<(Passed, bool)>,
    /// The pass at rest, begun before the stop.
    standby: Option<Standby>,
    captured: Option<Captured>,
    /// What lay there when the snapshot was verified, as long as it is our turn.
    known: Option<Vec<Snapshot>>,
    /// Whether something may lie there that is only for the run.
    is_tidy: bool,
}

/// The pass at rest.
struct Captured {
    passed: Passed,
    sources: Vec<Source>,
    failed: Vec<SourceOutcome>,
    contents: Contents,
}

impl ResticSession {
    /// Takes the turn and removes what earlier runs left.
    pub(super) async fn begin(restic: Arc<Restic>, request: RunRequest, work: Work) -> Result<Self, BackendError> {
        let turn = restic.take_turn(&work).await?;
        let all = restic.all_snapshots(&work).await?;
        if let Err(error) = restic.remove_leftovers(&work, &all, |_| true).await {
            work.report.log(Level::Warning, None, format!("what an earlier run left could not be removed: {error}"));
        }
        let own = all.into_iter().filter(|snapshot| restic.is_own(snapshot) && !snapshot.is_leftover());
        let previous = own.max_by_key(|snapshot| snapshot.time).map(|snapshot| snapshot.id);
        let (_, refused) = tags::of_content(&[], &request.tags);
        if !refused.is_empty() {
            let refused = refused.join("', '");
            let words = format!("tags that restic cannot take or that are ours were left out: '{refused}'");
            work.report.log(Level::Warning, None, words);
        }
        let (hot, standby, captured, known) = (None, None, None, None);
        Ok(Self { restic, request, work, turn: Some(turn), previous, hot, standby, captured, known, is_tidy: true })
    }

    fn tags(&self, sources: &[Source], mark: &str) -> Vec<String> {
        let mut all = tags::of_run(&self.request);
        all.extend([mark.to_owned()]);
        all.extend(tags::of_content(sources, &self.request.tags).0);
        all
    }

    /// The pass that becomes the snapshot.
    fn pass_at_rest<'a>(&'a self, there: &'a [Source]) -> Pass<'a> {
        let parent = match &self.hot {
            Some((hot, true)) => Some(hot.summary.snapshot_id.as_str()),
            _ => self.previous.as_deref(),
        };
        Pass {
            sources: there,
            at: self.request.started_at,
            tags: self.tags(there, tags::UNFINISHED),
            excludes: &self.request.excludes,
            parent,
            patience: PATIENCE_AT_REST,
        }
    }

    /// Ends what stood by and was not needed: what comes next wants the repository for itself.
    async fn abandon_standby(&mut self) {
        if let Some(standby) = self.standby.take() {
            standby.abandon(&self.work).await;
        }
    }

    async fn read_at_rest(&mut self, sources: &[Source]) -> Result<(), BackendError> {
        let (there, failed) = look_at(sources).await;
        for source in &failed {
            let message = source.message.clone().unwrap_or_default();
            self.work.report.log(Level::Error, Some(&source.name), message);
        }
        if there.is_empty() {
            return Err(BackendError::failed("none of the data could be found, so there is nothing to store"));
        }
        self.is_tidy = false;
        let mut standby = self.standby.take();
        let passed = self.restic.back_up(&self.work, self.pass_at_rest(&there), &mut standby).await;
        self.standby = standby;
        let passed = passed?;
        self.captured = Some(Captured { passed, sources: there, failed, contents: Contents::default() });
        Ok(())
    }

    /// Reads the snapshot at rest back; returns its id in full with what it holds.
    async fn read_back(&self, captured: &Captured) -> Result<(String, Contents), BackendError> {
        let known = &captured.passed.summary.snapshot_id;
        let mut contents = self.restic.read_contents(&self.work, known, &captured.sources).await?;
        let snapshot = contents.snapshot.take().filter(|found| found.id.starts_with(known.as_str()));
        let of_run = snapshot.filter(|found| found.has(&self.run_tag()) && self.restic.is_own(found));
        let snapshot = of_run.ok_or_else(|| BackendError::failed("restic made no snapshot"))?;
        Ok((snapshot.id, contents))
    }

    fn run_tag(&self) -> String {
        format!("mainstay-job={}", self.request.job)
    }
}

#[async_trait]
impl Session for ResticSession {
    async fn precopy(&mut self, sources: &[Source]) -> Result<(), BackendError> {
        let live: Vec<Source> = sources.iter().filter(|source| source.is_live).cloned().collect();
        let (there, _) = look_at(&live).await;
        if there.is_empty() {
            return self.restic.wait_until_free(&self.work).await;
        }
        let can_compare = has_reliable_stamps(&there).await;
        let pass = Pass {
            sources: &there,
            at: self.request.started_at,
            tags: self.tags(&there, tags::HOT),
            excludes: &self.request.excludes,
            parent: self.previous.as_deref(),
            patience: self.restic.lock_patience,
        };
        self.is_tidy = false;
        let passed = self.restic.back_up(&self.work, pass, &mut None).await?;
        let summary = &passed.summary;
        let (read, added) = (human_bytes(summary.total_bytes_processed), human_bytes(stored_bytes(&passed)));
        self.work.report.log(Level::Info, None, format!("read while running: {read}, of which {added} are new"));
        if !can_compare {
            let words = "the file system keeps no stamps to rely on, so what changed since the last run is read again";
            self.work.report.log(Level::Info, None, words.to_owned());
        }
        self.hot = Some((passed, can_compare));
        Ok(())
    }

    async fn stand_by(&mut self, sources: &[Source]) {
        if !sources.iter().any(|source| source.is_live) {
            return;
        }
        let (there, _) = look_at(sources).await;
        self.is_tidy = false;
        let standby = self.restic.stand_by(&self.pass_at_rest(&there));
        self.standby = standby;
    }

    /// restic tells how much there is and how much of it is new, not how much it read.
    async fn capture(&mut self, sources: &[Source]) -> Result<Option<u64>, BackendError> {
        // What does not change is read as well after the start.
        if sources.iter().any(|source| source.is_live) {
            self.read_at_rest(sources).await?;
        }
        Ok(None)
    }

    async fn publish(&mut self, sources: &[Source]) -> Result<Stored, BackendError> {
        self.abandon_standby().await;
        if self.captured.is_none() {
            if sources.iter().any(|source| source.is_live) {
                return Err(BackendError::failed("live data was not read while its writers rested"));
            }
            self.read_at_rest(sources).await?;
        }
        let Some(captured) = &self.captured else { return Err(BackendError::failed("nothing was captured")) };
        let (id, contents) = self.read_back(captured).await?;
        let Some(captured) = &mut self.captured else { return Err(BackendError::failed("nothing was captured")) };
        captured.contents = contents;
        let hot_bytes = self.hot.as_ref().map_or(0, |(hot, _)| stored_bytes(hot));
        Ok(Stored {
            reference: Some(id),
            bytes_read: captured.passed.summary.total_bytes_processed,
            bytes_stored: hot_bytes + stored_bytes(&captured.passed),
            entry_count: captured.contents.entry_count,
            outcomes: captured.outcomes(sources),
        })
    }

    async fn verify(&mut self, stored: &mut Stored, is_complete: bool) -> Result<(), BackendError> {
        let (Some(captured), Some(id)) = (&self.captured, &stored.reference) else {
            return Err(BackendError::failed("nothing was stored"));
        };
        if let Some(difference) = captured.find_difference().await? {
            return Err(BackendError::failed(format!("the snapshot is not what was read: {difference}")));
        }
        let (id, all) = self.restic.finish(&self.work, id, &self.run_tag(), is_complete).await?;
        stored.reference = Some(id);
        self.is_tidy = self.hot.is_none();
        if self.is_tidy {
            self.turn = None;
        } else {
            self.known = Some(all);
        }
        Ok(())
    }

    async fn end(mut self: Box<Self>) {
        self.abandon_standby().await;
        if self.is_tidy {
            return;
        }
        let work = Work { cancel: CancellationToken::new(), ..self.work.clone() };
        let run = self.run_tag();
        let restic = Arc::clone(&self.restic);
        let tidied = async {
            if self.turn.is_none() {
                self.turn = Some(restic.take_turn(&work).await?);
            }
            let all = match self.known.take() {
                Some(all) => all,
                None => restic.all_snapshots(&work).await?,
            };
            restic.remove_leftovers(&work, &all, |snapshot| snapshot.has(&run)).await
        };
        let words = match tokio::time::timeout(TIDY_PATIENCE, tidied).await {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the repository is busy".to_owned(),
        };
        let words = format!("what was stored for this run alone is removed by the next one: {words}");
        work.report.log(Level::Warning, None, words);
    }
}

impl Captured {
    async fn find_difference(&self) -> Result<Option<String>, BackendError> {
        let (summary, contents) = (&self.passed.summary, &self.contents);
        let (read, found) = (summary.total_files_processed, contents.file_count);
        if read != found {
            return Ok(Some(format!("{read} files were read, {found} are in it")));
        }
        let (read, found) = (summary.total_bytes_processed, contents.bytes);
        if read != found {
            return Ok(Some(format!("{read} bytes were read, {found} are in it")));
        }
        contents.find_difference(&self.sources).await
    }

    /// How each source came out: those that were read, those that were not there, those that came too late.
    fn outcomes(&self, wanted: &[Source]) -> Vec<SourceOutcome> {
        let mut outcomes: Vec<SourceOutcome> =
            self.sources.iter().enumerate().map(|(index, source)| self.outcome(index, source)).collect();
        outcomes.extend(self.failed.iter().cloned());
        for source in wanted {
            if !outcomes.iter().any(|known| known.kind == source.kind && known.name == source.name) {
                let message = Some("it was not there when the data was read".to_owned());
                outcomes.push(outcome(source, TargetState::Failed, 0, message));
            }
        }
        outcomes
    }

    fn outcome(&self, index: usize, source: &Source) -> SourceOutcome {
        let part = self.contents.parts.get(index).cloned().unwrap_or_default();
        let concerns = |fault: &&super::pass::Fault| fault.concerns(source) || !fault.is_placed(&self.sources);
        let faults: Vec<_> = self.passed.faults.iter().filter(concerns).collect();
        let (state, message) = match faults.as_slice() {
            _ if part.entry_count == 0 => (TargetState::Failed, Some("nothing of it is in the snapshot".to_owned())),
            [] if part.bytes == 0 && !source.is_live => (TargetState::Failed, Some("it is empty".to_owned())),
            [] => (TargetState::Succeeded, None),
            [only] => (TargetState::Partial, Some(format!("could not be read: {}", only.words))),
            [first, rest @ ..] => {
                let count = rest.len();
                (TargetState::Partial, Some(format!("could not be read: {} and {count} more", first.words)))
            }
        };
        outcome(source, state, part.bytes, message)
    }
}

fn stored_bytes(passed: &Passed) -> u64 {
    passed.summary.data_added_packed.unwrap_or(passed.summary.data_added)
}

/// Writes out what is dirty, and tells whether every later change shows in the stamps of a file.
async fn has_reliable_stamps(sources: &[Source]) -> bool {
    let roots: Vec<PathBuf> = sources.iter().flat_map(|source| source.paths.clone()).collect();
    let looked = tokio::task::spawn_blocking(move || take_trust(&roots).covers_roots(&roots));
    matches!(tokio::time::timeout(SYNC_PATIENCE, looked).await, Ok(Ok(true)))
}
