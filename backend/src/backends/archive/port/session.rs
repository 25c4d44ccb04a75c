//! One run: a pass while the writers run, a pass at rest, the archive, its verification.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::super::super::{BackendError, RunRequest, Session, Source, SourceOutcome, Stored, Work};
use super::super::{
    ArchiveError, ArchiveOptions, ArchiveWriter, Base, Codec, Finished, Meter, Patterns, TargetReport, Trust, estimate,
    free_bytes, may_clone, publish, remove_archive, take_trust,
};
use super::blocking::{UNHURRIED, look, run, told};
use super::names::{Draft, node_mark};
use super::places::{Placed, Places};
use super::shelf::About;
use super::{Setup, describe, read_again};
use crate::domain::job::{TargetKind, TargetResult, TargetState};
use crate::domain::log::Level;
use crate::domain::size::human_bytes;

/// Not compressed at all.
const STORED: Codec = Codec::Gzip { level: 0 };
/// Nothing waits for a disk that takes longer than this to be brought up to date.
const SYNC_PATIENCE: Duration = Duration::from_secs(60);
/// How long the data may be added up for.
const ESTIMATE_PATIENCE: Duration = Duration::from_secs(5);

/// A run at work.
pub(super) struct ArchiveSession {
    setup: Arc<Setup>,
    request: RunRequest,
    work: Work,
    draft: Draft,
    places: Places,
    bases: Vec<Arc<Base>>,
    trust: Option<Trust>,
    /// What the pass at rest compresses with, when that is not the archive's own codec.
    draft_codec: Option<Codec>,
    clones_files: bool,
    /// The archive that grows, with what counts its progress.
    begun: Option<(ArchiveWriter, Arc<Meter>)>,
    outcomes: Vec<SourceOutcome>,
    paths: Vec<PathBuf>,
    finished: Option<Finished>,
}

/// A source on its way into a pass.
type Wanted = (Source, Result<Placed, String>);

impl ArchiveSession {
    /// Finds names for the run's files. Nothing is made yet.
    pub(super) async fn begin(setup: Arc<Setup>, request: RunRequest, work: Work) -> Result<Self, BackendError> {
        let (patterns, warnings) = Patterns::parse(&request.excludes);
        for warning in warnings {
            work.report.log(Level::Warning, None, warning);
        }
        let at = request.started_at.with_timezone(&setup.timezone).naive_local();
        let (shelf, job) = (setup.shelf.clone(), request.job.clone());
        let (extension, own) = (setup.archives.codec.extension(), setup.own_directories.clone());
        let found = look(&work, move || {
            let owner = (&job, node_mark(&shelf.node_name));
            let draft = Draft::find_free(&shelf.directory, &shelf.instance, at, extension, (owner.0, &owner.1));
            let identity = |path: &PathBuf| fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
            (draft, own.iter().filter_map(identity).collect())
        });
        let (draft, own_directories) = found.await?;
        let draft = draft.ok_or_else(|| BackendError::failed("every name for the archive is taken"))?;
        Ok(Self {
            setup,
            request,
            work,
            draft,
            places: Places::new(own_directories, patterns),
            bases: Vec::new(),
            trust: None,
            draft_codec: None,
            clones_files: false,
            begun: None,
            outcomes: Vec::new(),
            paths: Vec::new(),
            finished: None,
        })
    }

    fn place(&mut self, sources: &[Source]) -> Vec<Wanted> {
        sources.iter().map(|source| (source.clone(), self.places.place(source))).collect()
    }

    fn options(&self) -> ArchiveOptions {
        ArchiveOptions {
            codec: self.setup.archives.codec,
            draft_codec: self.draft_codec,
            workers: self.setup.archives.workers,
            created_at: self.request.started_at,
            reuse: self.bases.clone(),
            trusted_before: self.trust.clone(),
            clone_files: self.clones_files,
            background: false,
        }
    }

    /// Finds out how the data is made safe: what can be taken over, and how much room there is.
    async fn plan(&mut self, wanted: &[Wanted]) -> Result<bool, BackendError> {
        let roots: Vec<PathBuf> = wanted.iter().flat_map(|(source, _)| source.paths.clone()).collect();
        let (shelf, codec) = (self.setup.shelf.clone(), self.setup.archives.codec);
        let found = look(&self.work, move || Outlook::of(&shelf.directory, shelf.find_newest(), &roots, codec)).await?;
        let (room, bytes) = (found.free_bytes, found.bytes);
        let has_room_for_copy = room > found.archive_bytes.saturating_mul(2);
        self.clones_files = found.can_clone;
        if has_room_for_copy && room > found.archive_bytes.saturating_add(bytes) {
            self.draft_codec = Some(STORED);
        } else if has_room_for_copy && !codec.is_fast() {
            self.draft_codec = Some(Codec::Zstd { level: 1 });
        }
        match found.previous {
            Some(Ok(base)) => self.bases.push(Arc::new(base)),
            Some(Err(why)) => self.log(Level::Debug, None, format!("nothing is taken over from before: {why}")),
            None => {}
        }
        Ok(has_room_for_copy)
    }

    /// Reads everything once while the writers run.
    async fn copy(&mut self, wanted: Vec<Wanted>) -> Result<(), BackendError> {
        let roots: Vec<PathBuf> = wanted.iter().flat_map(|(source, _)| source.paths.clone()).collect();
        // Brings the file systems up to date, which is what makes an unchanged file recognisable.
        let trust = tokio::time::timeout(SYNC_PATIENCE, look(&self.work, move || take_trust(&roots))).await;
        let late = |_| BackendError::failed("a file system of the data could not be synced in time");
        self.trust = Some(trust.map_err(late)??);
        let options = ArchiveOptions { draft_codec: None, clone_files: false, ..self.options() };
        let (meter, draft) = (Arc::new(Meter::new()), self.draft.clone());
        let thread_meter = Arc::clone(&meter);
        let pass = move || -> Result<(Base, u64), ArchiveError> {
            let mut writer = ArchiveWriter::create(&draft.hot, &draft.top, &options, thread_meter)?;
            for (_, placed) in &wanted {
                if let Ok(placed) = placed {
                    read(&mut writer, placed)?;
                }
            }
            let read_bytes = writer.window().read_bytes;
            Ok((writer.into_base()?, read_bytes))
        };
        let copied = run(&self.work, &meter, (self.work.stall_timeout, None), pass).await?;
        let (base, bytes) = copied.map_err(|error| told("the copy could not be written", error))?;
        self.bases.push(Arc::new(base));
        self.log(Level::Info, None, format!("{} read while the writers run", human_bytes(bytes)));
        Ok(())
    }

    /// The archive that grows; it is begun when it is not yet.
    fn take_writer(&mut self) -> Result<(ArchiveWriter, Arc<Meter>), BackendError> {
        if let Some(begun) = self.begun.take() {
            return Ok(begun);
        }
        let meter = Arc::new(Meter::new());
        let writer = ArchiveWriter::create(&self.draft.at_rest, &self.draft.top, &self.options(), Arc::clone(&meter));
        Ok((writer.map_err(|error| told("the archive could not be begun", error))?, meter))
    }

    /// Reads `sources` into the archive, those that are in it already left out.
    async fn add(&mut self, sources: Vec<Source>, patience: Duration) -> Result<(), BackendError> {
        let is_new = |source: &&Source| !self.outcomes.iter().any(|o| o.kind == source.kind && o.name == source.name);
        let sources: Vec<Source> = sources.iter().filter(is_new).cloned().collect();
        let wanted = self.place(&sources);
        let (mut writer, meter) = self.take_writer()?;
        let pass = move || -> Result<(ArchiveWriter, Vec<SourceOutcome>), ArchiveError> {
            let mut outcomes = Vec::new();
            for (source, placed) in &wanted {
                outcomes.push(match placed {
                    Ok(placed) => outcome(&read(&mut writer, placed)?),
                    Err(reason) => failed(source, reason.clone()),
                });
            }
            Ok((writer, outcomes))
        };
        let passed = run(&self.work, &meter, (patience, None), pass).await?;
        let (writer, outcomes) = passed.map_err(|error| told("the archive could not be written", error))?;
        for outcome in &outcomes {
            let (level, message) = describe_outcome(outcome);
            self.log(level, Some(&outcome.name), message);
        }
        self.paths.extend(sources.into_iter().flat_map(|source| source.paths));
        self.outcomes.extend(outcomes);
        self.begun = Some((writer, meter));
        Ok(())
    }

    /// What the manifest says of the run.
    fn about(&self) -> Result<serde_json::Map<String, serde_json::Value>, BackendError> {
        let about = About {
            instance: self.setup.shelf.instance.clone(),
            host: self.setup.shelf.node_name.clone(),
            job_id: self.request.job.clone(),
            created_at: self.request.started_at,
            mainstay_version: self.setup.archives.version.to_owned(),
            tags: self.request.tags.clone(),
            paths: self.paths.clone(),
            exclude_patterns: self.request.excludes.clone(),
            results: self.outcomes.iter().cloned().map(TargetResult::from).collect(),
        };
        about.to_map().map_err(|error| BackendError::because("the manifest could not be written", error))
    }

    fn log(&self, level: Level, target: Option<&str>, message: String) {
        self.work.report.log(level, target, message);
    }
}

#[async_trait]
impl Session for ArchiveSession {
    async fn precopy(&mut self, sources: &[Source]) -> Result<(), BackendError> {
        let wanted = self.place(&live(sources));
        for (source, _) in &wanted {
            if source.paths.iter().any(|path| self.places.patterns.names_root(path)) {
                let message = "a pattern names the target itself; only what is below it is left out".to_owned();
                self.log(Level::Warning, Some(&source.name), message);
            }
        }
        let has_room = self.plan(&wanted).await?;
        let copied =
            if has_room { self.copy(wanted).await } else { Err(BackendError::failed("there is no room for a copy")) };
        if let Err(error) = copied {
            if matches!(error, BackendError::Cancelled) {
                return Err(error);
            }
            self.log(Level::Warning, None, format!("everything is read at rest: {error}"));
            self.draft_codec = self.draft_codec.filter(|_| !self.setup.archives.codec.is_fast());
        }
        // What can fail here costs no stop.
        let begun = self.take_writer()?;
        self.begun = Some(begun);
        Ok(())
    }

    async fn capture(&mut self, sources: &[Source]) -> Result<Option<u64>, BackendError> {
        let patience = self.work.stall_timeout;
        self.add(live(sources), patience).await?;
        Ok(self.begun.as_ref().map(|(writer, _)| writer.window().read_bytes))
    }

    async fn publish(&mut self, sources: &[Source]) -> Result<Stored, BackendError> {
        self.add(sources.to_vec(), UNHURRIED).await?;
        let is_there = |o: &SourceOutcome| matches!(o.state, TargetState::Succeeded | TargetState::Partial);
        if !self.outcomes.iter().any(is_there) {
            return Err(BackendError::failed("none of the targets could be read, so there is no archive"));
        }
        let about = self.about()?;
        let (writer, meter) = self.take_writer()?;
        for note in writer.notes() {
            self.log(Level::Info, None, note.clone());
        }
        let to = self.draft.partial.clone();
        let finished = run(&self.work, &meter, (UNHURRIED, None), move || writer.finish(about, &to)).await?;
        let finished = finished.map_err(|error| told("the archive could not be completed", error))?;
        for late in finished.targets.iter().map(outcome) {
            let same = |o: &&mut SourceOutcome| o.kind == late.kind && o.name == late.name;
            if let Some(known) = self.outcomes.iter_mut().find(same) {
                *known = worse(known.clone(), late);
            }
        }
        let stored = Stored {
            reference: self.draft.whole.to_str().map(str::to_owned),
            bytes_read: finished.content_bytes,
            bytes_stored: finished.size_bytes,
            entry_count: finished.entry_count,
            outcomes: self.outcomes.clone(),
        };
        self.finished = Some(finished);
        Ok(stored)
    }

    async fn verify(&mut self, stored: &mut Stored, is_complete: bool) -> Result<(), BackendError> {
        let finished = self.finished.take().ok_or_else(|| BackendError::failed("there is no archive to verify"))?;
        let scratch = self.setup.shelf.directory.clone();
        let size = Some(finished.size_bytes);
        let report = read_again(&self.work, finished.path.clone(), scratch, size).await?;
        if let Some(wrong) = describe("the archive does not match its manifest", &report) {
            return Err(BackendError::failed(wrong));
        }
        if report.blake3_hex.as_deref() != Some(finished.blake3_hex.as_str()) {
            return Err(BackendError::failed("the archive on the disk is not the one that was written"));
        }
        let is_complete = is_complete && self.outcomes.iter().all(|o| is_whole(o.state));
        let to = if is_complete { &self.draft.whole } else { &self.draft.incomplete };
        let reference = to.to_str().map(str::to_owned);
        let unnamed = || BackendError::failed("the path of the archive is not UTF-8 and cannot be recorded");
        let reference = reference.ok_or_else(unnamed)?;
        let (from, to) = (finished.path, to.clone());
        let renamed = run(&self.work, &Arc::default(), (UNHURRIED, None), move || publish(&from, &to)).await?;
        renamed.map_err(|error| told("the archive could not be given its name", error))?;
        self.log(Level::Success, None, format!("archive {reference} matches its manifest"));
        stored.reference = Some(reference);
        Ok(())
    }

    async fn end(self: Box<Self>) {
        let Self { draft, begun, bases, .. } = *self;
        let cleaned = tokio::task::spawn_blocking(move || {
            // Threads end before their files go.
            drop((begun, bases));
            [draft.hot, draft.at_rest, draft.partial].iter().filter_map(|path| remove_archive(path).err()).collect()
        });
        let failures: Vec<std::io::Error> = cleaned.await.unwrap_or_default();
        for error in failures {
            self.work.report.log(
                Level::Warning,
                None,
                format!("an unfinished file stays until the next start: {error}"),
            );
        }
    }
}

/// What the choice of the way depends on.
struct Outlook {
    previous: Option<Result<Base, String>>,
    /// Bytes that the next archive is guessed to take.
    archive_bytes: u64,
    bytes: u64,
    free_bytes: u64,
    can_clone: bool,
}

impl Outlook {
    fn of(directory: &std::path::Path, newest: Option<PathBuf>, roots: &[PathBuf], codec: Codec) -> Self {
        let bytes = roots.iter().map(|root| estimate(root, &[], ESTIMATE_PATIENCE).bytes).sum();
        let size = |path: &PathBuf| fs::metadata(path).map(|meta| meta.len()).ok();
        let last_bytes = newest.as_ref().and_then(size);
        Self {
            // A little more than the last one.
            archive_bytes: last_bytes.map_or(bytes, |last| last.saturating_add(last / 4)),
            bytes,
            previous: newest.map(|path| Base::of_archive(&path, codec)),
            free_bytes: free_bytes(directory).unwrap_or(0),
            can_clone: roots.iter().any(|root| may_clone(root)),
        }
    }
}

/// Reads one target into the pass.
fn read(writer: &mut ArchiveWriter, placed: &Placed) -> Result<TargetReport, ArchiveError> {
    writer.begin_target(placed.spec.clone())?;
    for (root, options) in &placed.trees {
        writer.add_tree(root, options)?;
    }
    writer.end_target()
}

/// What may change until the writers rest.
fn live(sources: &[Source]) -> Vec<Source> {
    sources.iter().filter(|source| source.is_live).cloned().collect()
}

fn is_whole(state: TargetState) -> bool {
    matches!(state, TargetState::Succeeded | TargetState::Skipped)
}

/// How a target came out. A dump without content is none.
fn outcome(report: &TargetReport) -> SourceOutcome {
    let TargetResult { kind, name, state, size_bytes, message } = report.to_result();
    let is_empty_dump = kind == TargetKind::Database && size_bytes == 0;
    let state = if is_empty_dump { TargetState::Failed } else { state };
    SourceOutcome { kind, name, state, size_bytes, message }
}

/// What was cloned at rest is read only by the end, so a target may turn out to have gaps that were not seen before.
fn worse(known: SourceOutcome, late: SourceOutcome) -> SourceOutcome {
    if is_whole(known.state) && !is_whole(late.state) { late } else { known }
}

fn failed(source: &Source, reason: String) -> SourceOutcome {
    SourceOutcome {
        kind: source.kind,
        name: source.name.clone(),
        state: TargetState::Failed,
        size_bytes: 0,
        message: Some(reason),
    }
}

fn describe_outcome(outcome: &SourceOutcome) -> (Level, String) {
    let size = human_bytes(outcome.size_bytes);
    let note = outcome.message.as_deref();
    match (outcome.state, note) {
        (TargetState::Succeeded, None) => (Level::Success, format!("captured, {size}")),
        (TargetState::Succeeded, Some(note)) => (Level::Warning, format!("captured, {size}: {note}")),
        (TargetState::Partial, note) => {
            (Level::Warning, format!("captured with gaps, {size}: {}", note.unwrap_or("?")))
        }
        (_, note) => (Level::Error, format!("not captured: {}", note.unwrap_or("?"))),
    }
}

impl From<SourceOutcome> for TargetResult {
    fn from(outcome: SourceOutcome) -> Self {
        let SourceOutcome { kind, name, state, size_bytes, message } = outcome;
        Self { kind, name, state, size_bytes, message }
    }
}
