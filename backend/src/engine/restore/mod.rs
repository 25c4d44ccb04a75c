//! A restore job, step by step.
//!
//! What takes time comes before the stop: the new data is unpacked beside the old one while everything runs (`unpack`).
//! At rest the two only change places (`replace`), which is recorded before it is done, so that a kill at any moment
//! leaves all of the old or all of the new (`settle`). What was there is kept unless nobody wants it. A directory and a
//! new stack are the same with nothing to replace. To add a destination: a variant in the domain, a line in [`look`].

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::domain::job::{JobState, StepName, Trigger};
use crate::domain::log::Level;
use crate::domain::restore::{Destination, RestoreOrder, RestorePhase, RestoreRecord, RestoreWish, Side, TargetName};
use crate::domain::size::human_bytes;
use crate::domain::snapshot::Snapshot;

use super::live::LiveJob;
use super::plan_run::Mounted;
use super::quiesce::NotBack;
use super::steps::{self, StepResult, Stop, count, with_not_back};
use super::{JobEngine, pause_point};

mod bench;
mod choose;
mod exchange;
mod fate;
mod load;
mod look;
mod parties;
mod prepare;
mod recovery;
mod replace;
mod request;
mod stack_files;
mod swaps;
mod targets;
mod undo;

use fate::Fate;
use look::Outlook;
use prepare::Prepared;
pub(super) use recovery::Undecided;
use replace::Rest;

type Cx<'a> = steps::Cx<'a, RestoreRequest>;

/// A restore that someone wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreRequest {
    /// What is to be done.
    pub order: RestoreOrder,
    /// What set it off.
    pub trigger: Trigger,
}

impl RestoreRequest {
    /// What it is, in words.
    pub(super) fn describe(&self) -> String {
        match &self.order {
            RestoreOrder::Undo(job) => format!("taking back of the restore {job}"),
            RestoreOrder::Restore(wish) => {
                let to = match &wish.destination {
                    Destination::InPlace => "in place".to_owned(),
                    Destination::Directory(directory) => format!("to {}", directory.display()),
                    Destination::NewStack(name) => format!("as stack '{name}'"),
                };
                format!("restore of {} {to}", wish.snapshot)
            }
        }
    }
}

/// What a restore would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestorePreview {
    /// What would be restored, or left out and why.
    pub targets: Vec<RestoreTarget>,
    /// Containers that would be brought to rest, in the order of the stop, each with how.
    pub stops: Vec<String>,
    /// Milliseconds for which they would rest, as far as earlier jobs tell.
    pub stopped_ms: Option<u64>,
    /// Room where the data goes; one for each file system.
    pub file_systems: Vec<RestoreSpace>,
    /// Networks that the stack had and that do not exist now.
    pub missing_networks: Vec<String>,
    /// Databases whose dumps would be loaded.
    pub databases: Vec<RestoreDatabase>,
    /// Why it would be refused, in sentences for people.
    pub problems: Vec<String>,
    /// What is doubtful, in sentences for people.
    pub warnings: Vec<String>,
}

/// A target of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreTarget {
    /// Which one.
    pub name: TargetName,
    /// Bytes of file content.
    pub size_bytes: u64,
    /// Where it goes, as the host calls it; absent when that is known only once it is made.
    pub place: Option<PathBuf>,
    /// Whether there is something now.
    pub exists: bool,
    /// Whether that would be replaced.
    pub will_be_replaced: bool,
    /// Why it would not be restored.
    pub skipped: Option<String>,
}

/// Room on a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreSpace {
    /// A directory on it, as this process sees it.
    pub path: PathBuf,
    /// Bytes that the new data takes beside the old.
    pub needed_bytes: u64,
    /// Bytes that are free.
    pub free_bytes: u64,
}

/// A database whose dump would be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreDatabase {
    /// The target's name: that of the container.
    pub name: String,
    /// The version that the dump was made by, when it is known.
    pub dumped_by: Option<String>,
    /// The version that would load it, when it is known.
    pub loaded_by: Option<String>,
}

/// What is wrong after a restore, whatever came of the restore itself.
#[derive(Debug, Default)]
struct Aftermath {
    not_back: Vec<NotBack>,
}

/// Runs the job to its end.
pub(super) async fn run(engine: &JobEngine, live: &Arc<LiveJob>, request: &RestoreRequest) {
    let cx = Cx { engine, live, request };
    live.begin().await;
    let began = Instant::now();
    let mut after = Aftermath::default();
    let (state, reason) = match find_record(cx).await {
        Err(Stop::Failed(reason)) => (JobState::Failed, Some(reason)),
        Err(Stop::Cancelled) => (engine.state_when_stopped(), None),
        Ok(mut record) => {
            let done = Box::pin(carry_out(cx, &mut record, &mut after)).await;
            engine.give_back_stacks(live);
            conclude(cx, done, &mut record, &after).await
        }
    };
    let (state, error) = with_not_back(state, reason, &after.not_back);
    cx.report(&request.describe(), state, error, began).await;
}

async fn find_record(cx: Cx<'_>) -> Result<RestoreRecord, Stop> {
    let found = cx.engine.0.parts.store.find_restore(cx.live.id()).await;
    let found =
        found.map_err(|e| Stop::because("the record of the restore cannot be read, so nothing was touched", &e))?;
    found.ok_or_else(|| Stop::failed("the record of the restore is gone, so nothing was touched"))
}

async fn carry_out(cx: Cx<'_>, record: &mut RestoreRecord, after: &mut Aftermath) -> Result<(), Stop> {
    match &cx.request.order {
        RestoreOrder::Restore(wish) => Box::pin(restore(cx, wish, record, after)).await,
        RestoreOrder::Undo(id) => Box::pin(undo::run(cx, id, record, after)).await,
    }
}

/// What is removed is removed, and what is told of it says which data is in place.
async fn conclude(
    cx: Cx<'_>,
    done: Result<(), Stop>,
    record: &mut RestoreRecord,
    after: &Aftermath,
) -> (JobState, Option<String>) {
    if record.phase == RestorePhase::Unpacking {
        cx.engine.note_outcome(record, Side::Old).await;
    }
    if !after.not_back.is_empty() && record.outcome == Some(Side::New) && !record.keeps_old && replaces(cx) {
        cx.live.log.write(Level::Warning, "what was there before is kept, because not everything is well");
        record.keeps_old = true;
    }
    let state = recovery::describe(record);
    if record.phase == RestorePhase::Tidying {
        cx.engine.tidy_restore(record.clone()).await;
        pause_point::reach("report.tidied").await;
    }
    if record.safety_copies().next().is_some() {
        tell_safety_copy(cx, record);
    }
    match done {
        Ok(()) => cx.judge(false),
        Err(Stop::Cancelled) => (cx.engine.state_when_stopped(), Some(format!("it was cancelled; {state}"))),
        Err(Stop::Failed(reason)) => (JobState::Failed, Some(format!("{reason}; {state}"))),
    }
}

fn replaces(cx: Cx<'_>) -> bool {
    matches!(&cx.request.order, RestoreOrder::Restore(wish) if wish.destination == Destination::InPlace)
}

fn tell_safety_copy(cx: Cx<'_>, record: &RestoreRecord) {
    let id = cx.live.id();
    let kept: BTreeSet<String> = record.safety_copies().map(|copy| copy.scratch.display().to_string()).collect();
    let kept: Vec<String> = kept.into_iter().collect();
    cx.live.log.write(
        Level::Info,
        format!(
            "what was there before is kept; 'mainstay restore --undo {id}' puts it back; when it is not needed any more, \
             remove {}",
            kept.join(", ")
        ),
    );
}

/// What a restore is about.
struct Seen {
    snapshot: Snapshot,
    outlook: Outlook,
}

impl StepResult for Seen {
    fn detail(&self) -> Option<String> {
        let wanted = self.outlook.items.iter().filter(|item| !matches!(item.fate, Fate::Skip(_))).count();
        let held: usize = self.outlook.resting.parties.iter().map(|party| party.choice.held.len()).sum();
        Some(format!("{}, {} to bring to rest", count(wanted, "target"), count(held, "container")))
    }
}

async fn restore(
    cx: Cx<'_>,
    wish: &RestoreWish,
    record: &mut RestoreRecord,
    after: &mut Aftermath,
) -> Result<(), Stop> {
    let Seen { snapshot, outlook } = Box::pin(cx.step(StepName::Resolve, resolve(cx, wish))).await?;
    Box::pin(cx.step(StepName::Preflight, preflight(cx, &outlook))).await?;
    let prepared = prepare::run(cx, wish, &snapshot, &outlook, record);
    let prepared = Box::pin(cx.step(StepName::Unpack, prepared)).await?;
    if prepared.placements.is_empty() {
        for step in [StepName::Quiesce, StepName::Replace, StepName::Resume] {
            cx.skip(step, "only databases are restored").await;
        }
        Box::pin(replace::lock_for_load(cx, &prepared.dumps)).await?;
    } else {
        let rest = rest_of(wish, &snapshot, &outlook, &prepared);
        let placements = prepared.placements.clone();
        let plan =
            move || swaps::plan(&placements).map_err(|e| Stop::because("it cannot be told what changes places", &e));
        Box::pin(replace::at_rest(cx, &rest, record, after, plan)).await?;
        targets::put_in_place(cx.live, &outlook.items, record);
    }
    if prepared.dumps.is_empty() {
        cx.skip(StepName::Load, "no dump is to be loaded").await;
        return Ok(());
    }
    // Each dump says in its target how it came out.
    let loaded = Box::pin(cx.step(StepName::Load, load::run(cx, &snapshot, &prepared.dumps))).await;
    match loaded {
        Err(Stop::Cancelled) => Err(Stop::Cancelled),
        _ => Ok(()),
    }
}

async fn resolve(cx: Cx<'_>, wish: &RestoreWish) -> Result<Seen, Stop> {
    let found = cx.engine.0.parts.store.find_snapshot(&wish.snapshot).await;
    let found = found.map_err(|e| Stop::because("the record of the snapshot cannot be read", &e))?;
    let snapshot = found.ok_or_else(|| Stop::failed(format!("there is no snapshot '{}' any more", wish.snapshot)))?;
    // Once more: it may have waited long for its turn.
    request::check_wish(cx.engine, wish, &snapshot).map_err(Stop::Failed)?;
    let work = cx.engine.work_of(cx.live);
    let outlook = Box::pin(look::look(cx.engine, &work, wish, &snapshot)).await?;
    for warning in &outlook.warnings {
        cx.live.log.write(Level::Warning, warning.clone());
    }
    targets::show(cx.live, &outlook.items);
    Ok(Seen { snapshot, outlook })
}

#[expect(clippy::unused_async, reason = "a step")]
async fn preflight(cx: Cx<'_>, outlook: &Outlook) -> Result<String, Stop> {
    if let [first, rest @ ..] = outlook.problems.as_slice() {
        for problem in rest {
            cx.live.log.write(Level::Error, problem.clone());
        }
        return Err(Stop::failed(format!("{first}; nothing was touched")));
    }
    let bytes: u64 = outlook.items.iter().map(|item| item.wanted.contents.bytes).sum();
    cx.live.change(|job| job.progress.bytes_total = Some(bytes));
    Ok(format!("about {} to restore", human_bytes(bytes)))
}

/// What rests: whoever uses a place that is replaced, and all of a stack that is restored whole.
fn rest_of(wish: &RestoreWish, snapshot: &Snapshot, outlook: &Outlook, prepared: &Prepared) -> Rest {
    if wish.destination != Destination::InPlace {
        return Rest { places: Vec::new(), whole: None };
    }
    let paths = &outlook.scene.paths;
    let roots = prepared.placements.iter().filter_map(|placement| paths.find_host(&placement.root).map(Mounted::Path));
    let known = outlook.items.iter().filter_map(|item| match &item.fate {
        Fate::Put { mounted, .. } => mounted.clone(),
        Fate::Make(spec) => Some(Mounted::Volume(spec.name.clone(), None)),
        _ => None,
    });
    let is_whole = wish.targets.is_empty() && wish.paths.is_empty();
    Rest { places: known.chain(roots).collect(), whole: snapshot.stack.clone().filter(|_| is_whole) }
}
