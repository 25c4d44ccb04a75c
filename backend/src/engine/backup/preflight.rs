//! Step 2: everything that can go wrong without a stop goes wrong here.

use std::path::PathBuf;
use std::time::Duration;

use crate::backends::archive::{TreeOptions, estimate, free_bytes};
use crate::domain::log::Level;
use crate::domain::size::human_bytes;
use crate::domain::strategy::Outlook;
use crate::store::{HoldAction, PageRequest, SnapshotFilter};

use super::super::doctor::prove_writable;
use super::source::{From, Source};
use super::{Cx, Resolved, StepResult, Stop};

/// How long sizing up one tree may take; a larger one is then taken for what was seen of it.
const ESTIMATE_FOR: Duration = Duration::from_secs(5);

/// What was sized up.
pub(super) struct SizedUp(pub(super) Outlook);

impl StepResult for SizedUp {
    fn detail(&self) -> Option<String> {
        Some(format!("about {} to read", human_bytes(self.0.bytes)))
    }
}

pub(super) async fn run(cx: Cx<'_>, resolved: &Resolved) -> Result<SizedUp, Stop> {
    if resolved.sources.is_empty() {
        return Err(Stop::failed("the stack has nothing to capture: no compose file, no volume, no bind mount"));
    }
    check_directory(cx).await?;
    let roots: Vec<(PathBuf, TreeOptions)> = resolved.sources.iter().flat_map(roots).collect();
    let is_all_here = !resolved.sources.iter().any(|source| matches!(source.from, From::Stream(_)));
    let sized_up = tokio::task::spawn_blocking(move || size_up(&roots)).await.unwrap_or_default();
    let sized_up = Outlook { is_complete: sized_up.is_complete && is_all_here, ..sized_up };
    cx.live.change(|job| job.progress.bytes_total = Some(sized_up.bytes));
    let archive_bytes = check_space(cx, resolved, sized_up.bytes).await?;
    if cx.request.is_dry_run {
        tell_dry_run(cx, resolved, sized_up.bytes);
    }
    Ok(SizedUp(Outlook { archive_bytes, ..sized_up }))
}

fn size_up(roots: &[(PathBuf, TreeOptions)]) -> Outlook {
    let mut sum = Outlook { is_complete: true, ..Outlook::default() };
    for (root, options) in roots {
        let estimate = estimate(root, &options.excludes, ESTIMATE_FOR);
        sum.bytes += estimate.bytes;
        sum.files += estimate.files;
        sum.is_complete &= estimate.is_complete;
    }
    sum
}

/// What can be sized up from here; what is streamed cannot.
fn roots(source: &Source) -> Vec<(PathBuf, TreeOptions)> {
    match &source.from {
        From::Trees(trees) => trees.clone(),
        From::Stream(_) | From::Nothing(_) => Vec::new(),
    }
}

async fn check_directory(cx: Cx<'_>) -> Result<(), Stop> {
    let directory = cx.engine.0.settings.backup_dir.clone();
    let name = directory.display().to_string();
    let proof = tokio::task::spawn_blocking(move || prove_writable(&directory)).await;
    let proof = proof.unwrap_or_else(|e| Err(std::io::Error::other(e)));
    proof.map_err(|e| Stop::failed(format!("backup_dir {name} cannot be written to: {e}")))
}

/// How small the archive may get cannot be known: the last one tells best, and without one a quarter of what is read
/// is asked for. Running out of space later brings the stack back as well, it only costs the stop. Returns what the
/// archive is expected to take.
async fn check_space(cx: Cx<'_>, resolved: &Resolved, estimate: u64) -> Result<u64, Stop> {
    let directory = &cx.engine.0.settings.backup_dir;
    let asked = directory.clone();
    let free = tokio::task::spawn_blocking(move || free_bytes(&asked)).await;
    let free = free.map_err(|_| Stop::failed("the free space of backup_dir cannot be told"))?;
    let free = free.map_err(|e| Stop::because("the free space of backup_dir cannot be told", &e))?;
    let filter = SnapshotFilter::archives_of(&resolved.stack.name);
    let last = cx.engine.0.parts.store.list_snapshots(&filter, &PageRequest::first(1)).await;
    let last = last.ok().and_then(|page| page.items.into_iter().next()).map(|s| s.size_bytes);
    let needed = last.unwrap_or(estimate / 4);
    if free < needed {
        return Err(Stop::failed(format!(
            "not enough space in {}: {} free, about {} needed; nothing was stopped",
            directory.display(),
            human_bytes(free),
            human_bytes(needed)
        )));
    }
    if free < estimate {
        let message = format!(
            "{} free, {} to read: it fits only because it is compressed",
            human_bytes(free),
            human_bytes(estimate)
        );
        cx.live.log.write(Level::Warning, message);
    }
    Ok(last.unwrap_or(estimate))
}

fn tell_dry_run(cx: Cx<'_>, resolved: &Resolved, estimate: u64) {
    let log = &cx.live.log;
    for container in resolved.party.choice.held.iter().rev() {
        let name = &container.name;
        let what = match container.action {
            HoldAction::Stop => format!("would stop container {name} within {} s", container.stop_timeout_secs),
            HoldAction::Pause => format!("would pause container {name}"),
        };
        log.write_about(Level::Info, Some(&container.service), what);
    }
    log.write(Level::Info, format!("would read about {}", human_bytes(estimate)));
}
