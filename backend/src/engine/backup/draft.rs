//! Where a job's archive grows: its final name, and the unfinished files on the way there.
//!
//! Every name is recorded with the job before the file is made, so that whatever kills the process, the next start
//! removes them. Only `<archive>.partial` may become the archive.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::backends::archive;

use super::{Cx, Resolved, Stop};

/// How long the store may take to record the names.
const NOTE_PATIENCE: Duration = Duration::from_secs(15);

/// How the name of what is read while the stack runs ends.
pub(in crate::engine) const HOT_SUFFIX: &str = ".precopy.partial";
/// How the name of what is read at rest ends.
pub(in crate::engine) const AT_REST_SUFFIX: &str = ".capture.partial";

/// The names of a job's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    /// The archive's top directory.
    pub(super) top: String,
    /// The archive's final name.
    pub(super) archive: PathBuf,
    /// The archive until it is verified.
    pub(super) partial: PathBuf,
    /// What was read while the stack ran.
    pub(super) hot: PathBuf,
    /// What was read at rest.
    pub(super) at_rest: PathBuf,
}

impl Draft {
    /// Names a job's files and records them. What is read while the stack runs goes to `work_dir`; the rest to
    /// `backup_dir`, because it may become the archive by a mere change of its name.
    pub(super) async fn begin(cx: Cx<'_>, resolved: &Resolved, work_dir: &Path) -> Result<Self, Stop> {
        let (top, archive) = free_name(cx, resolved)?;
        let name = |suffix: &str| format!(".{top}.{}{suffix}", cx.live.id());
        let hot = work_dir.join(name(HOT_SUFFIX));
        let at_rest = cx.engine.0.settings.backup_dir.join(name(AT_REST_SUFFIX));
        let draft = Self { partial: partial_of(&archive), hot, at_rest, top, archive };
        let files = [&draft.partial, &draft.hot, &draft.at_rest].map(Clone::clone);
        let noted = tokio::time::timeout(NOTE_PATIENCE, cx.live.note_partial_files(files.to_vec())).await;
        noted
            .map_err(|_| Stop::failed("the store does not answer, so the archive was not begun"))?
            .map_err(|e| Stop::because("the unfinished files could not be recorded, so they were not made", &e))?;
        Ok(draft)
    }
}

/// The archive's top directory and its final path: `<stack>_<time>`, with a number where that is taken.
fn free_name(cx: Cx<'_>, resolved: &Resolved) -> Result<(String, PathBuf), Stop> {
    let settings = &cx.engine.0.settings;
    let at = cx.live.now().started_at.unwrap_or_else(|| cx.engine.0.parts.clock.now());
    let stamp = at.with_timezone(&settings.timezone).format("%Y-%m-%d_%H-%M-%S");
    let extension = settings.archive.codec.extension();
    let candidates = (1..100).map(|n| match n {
        1 => format!("{}_{stamp}", resolved.stack.name),
        n => format!("{}_{stamp}_{n}", resolved.stack.name),
    });
    let is_free = |path: &Path| !path.exists() && !partial_of(path).exists();
    let mut named = candidates.map(|top| (settings.backup_dir.join(format!("{top}.{extension}")), top));
    let (path, top) =
        named.find(|(path, _)| is_free(path)).ok_or_else(|| Stop::failed("every name for the archive is taken"))?;
    Ok((top, path))
}

fn partial_of(archive: &Path) -> PathBuf {
    let mut name = archive.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

/// The directory for what is read: `staging_dir` where it is there, can be written to and has more room, else
/// `backup_dir`.
pub(super) fn work_dir(backup_dir: &Path, staging_dir: &Path) -> PathBuf {
    let free = |directory: &Path| archive::free_bytes(directory).unwrap_or(0);
    let is_usable = staging_dir.is_dir() && super::super::doctor::prove_writable(staging_dir).is_ok();
    if is_usable && free(staging_dir) > free(backup_dir) { staging_dir } else { backup_dir }.to_owned()
}
