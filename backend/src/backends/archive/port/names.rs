//! How the files of an instance are called, and how they are told from those of others.
//!
//! ```text
//! <instance>_<YYYY-MM-DD_HH-MM-SS>[_<n>].tar.gz                       an archive of which every target is whole
//! <instance>_<YYYY-MM-DD_HH-MM-SS>[_<n>]_incomplete.tar.gz            one with gaps
//! .<instance>_<time>[_<n>].<job>.<node>.instance-<what>.partial       what is unfinished; a kill leaves it
//! ```
//!
//! The endings of what is unfinished differ from those of a stack's job, because a stack may be called like an instance.
//! `<node>` tells installations apart that share a directory.

use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;

use crate::domain::ids::JobId;
use crate::domain::names::InstanceId;

const TIME: &str = "%Y-%m-%d_%H-%M-%S";
const TIME_LEN: usize = 19;
const INCOMPLETE: &str = "_incomplete";
const EXTENSIONS: [&str; 2] = [".tar.gz", ".tar.zst"];
/// How many archives of one second there may be.
const MAX_NUMBER: u32 = 99;
const HOT: &str = ".instance-precopy.partial";
const AT_REST: &str = ".instance-capture.partial";
const ARCHIVE: &str = ".instance-archive.partial";
/// An index follows its archive's name.
const ARCHIVE_INDEX: &str = ".instance-archive.partial.index";

/// What the name of an archive says; ordered by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ArchiveName {
    /// The time, in the zone of the instance.
    pub(super) at: NaiveDateTime,
    number: u32,
    /// Whether it is not marked as one with gaps.
    pub(super) is_whole: bool,
}

impl ArchiveName {
    /// What `name` says, if it is the name of an archive of `instance`.
    pub(super) fn parse(instance: &InstanceId, name: &str) -> Option<Self> {
        let stem = EXTENSIONS.iter().find_map(|extension| name.strip_suffix(extension))?;
        let (top, is_whole) = stem.strip_suffix(INCOMPLETE).map_or((stem, true), |top| (top, false));
        let (at, number) = parse_top(instance, top)?;
        Some(Self { at, number, is_whole })
    }
}

/// The time and the number of a top directory of `instance`.
fn parse_top(instance: &InstanceId, top: &str) -> Option<(NaiveDateTime, u32)> {
    let rest = top.strip_prefix(instance.as_str())?.strip_prefix('_')?;
    let (time, number) = rest.split_at_checked(TIME_LEN)?;
    let at = NaiveDateTime::parse_from_str(time, TIME).ok()?;
    let number = match number.strip_prefix('_') {
        None if number.is_empty() => 1,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
        _ => return None,
    };
    (1..=MAX_NUMBER).contains(&number).then_some((at, number))
}

/// Tells installations apart; part of the names of what is unfinished.
pub(super) fn node_mark(node_name: &str) -> String {
    blake3::hash(node_name.as_bytes()).to_hex()[..8].to_owned()
}

/// Whether `name` is that of something unfinished of `instance`, made by the installation with `mark`.
pub(super) fn is_unfinished(instance: &InstanceId, mark: &str, name: &str) -> bool {
    let inner = name.strip_prefix('.');
    let inner = inner.and_then(|n| [HOT, AT_REST, ARCHIVE, ARCHIVE_INDEX].iter().find_map(|end| n.strip_suffix(end)));
    let parts = inner.and_then(|n| n.rsplit_once('.')).and_then(|(n, node)| Some((n.rsplit_once('.')?, node)));
    parts.is_some_and(|((top, job), node)| {
        node == mark && job.parse::<JobId>().is_ok() && parse_top(instance, top).is_some()
    })
}

/// The names of a run's files.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// The archive's top directory.
    pub(super) top: String,
    /// The archive's name when every target is whole.
    pub(super) whole: PathBuf,
    /// The archive's name otherwise.
    pub(super) incomplete: PathBuf,
    /// The archive until it is verified.
    pub(super) partial: PathBuf,
    /// What is read while the writers run.
    pub(super) hot: PathBuf,
    /// What is read while they rest.
    pub(super) at_rest: PathBuf,
}

impl Draft {
    /// Names for an archive of the local time `at`, with a number where the name is taken; `None` when all are.
    pub(super) fn find_free(
        directory: &Path,
        instance: &InstanceId,
        at: NaiveDateTime,
        extension: &str,
        owner: (&JobId, &str),
    ) -> Option<Self> {
        let stamp = at.format(TIME);
        let draft = |number: u32| {
            let suffix = if number == 1 { String::new() } else { format!("_{number}") };
            let top = format!("{instance}_{stamp}{suffix}");
            let (job, mark) = owner;
            let unfinished = |end: &str| directory.join(format!(".{top}.{job}.{mark}{end}"));
            Self {
                whole: directory.join(format!("{top}.{extension}")),
                incomplete: directory.join(format!("{top}{INCOMPLETE}.{extension}")),
                partial: unfinished(ARCHIVE),
                hot: unfinished(HOT),
                at_rest: unfinished(AT_REST),
                top,
            }
        };
        let is_free = |path: &Path| path.symlink_metadata().is_err();
        (1..=MAX_NUMBER).map(draft).find(|draft| is_free(&draft.whole) && is_free(&draft.incomplete))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "job_0192f000000070008000000000000001";

    fn id(text: &str) -> InstanceId {
        text.parse().expect("a valid id")
    }

    #[test]
    fn archives_are_told_from_everything_else() {
        let whole = |name| ArchiveName::parse(&id("blog"), name).map(|name| (name.number, name.is_whole));
        assert_eq!(whole("blog_2026-01-02_03-04-05.tar.gz"), Some((1, true)));
        assert_eq!(whole("blog_2026-01-02_03-04-05_2.tar.zst"), Some((2, true)));
        assert_eq!(whole("blog_2026-01-02_03-04-05_incomplete.tar.gz"), Some((1, false)));
        for name in [
            "blog_2026-01-02_03-04-05.tar.gz.index",
            "blog_2026-01-02_03-04-05.tar.gz.partial",
            "blog_2026-13-02_03-04-05.tar.gz",
            "blog_2026-01-02_03-04-05_0.tar.gz",
            "blog_2026-01-02_03-04-05_100.tar.gz",
            "blog_2026-01-02_03-04-05_x.tar.gz",
            "blog_2_2026-01-02_03-04-05.tar.gz",
            "myblog_2026-01-02_03-04-05.tar.gz",
            "blog.tar.gz",
            "notes.txt",
        ] {
            assert_eq!(whole(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_unfinished_is_told_from_what_belongs_to_others() {
        let is_ours = |name: &str| is_unfinished(&id("blog"), "0a1b2c3d", name);
        for end in [HOT, AT_REST, ARCHIVE, ARCHIVE_INDEX] {
            assert!(is_ours(&format!(".blog_2026-01-02_03-04-05_2.{JOB}.0a1b2c3d{end}")), "{end}");
        }
        for name in [
            format!(".blog_2026-01-02_03-04-05.{JOB}.ffffffff{HOT}"),
            format!(".blog_2_2026-01-02_03-04-05.{JOB}.0a1b2c3d{HOT}"),
            format!(".blog_2026-01-02_03-04-05.{JOB}.precopy.partial"),
            format!(".blog_2026-01-02_03-04-05.job.0a1b2c3d{HOT}"),
            format!("blog_2026-01-02_03-04-05.{JOB}.0a1b2c3d{HOT}"),
            "blog_2026-01-02_03-04-05.tar.gz.partial".to_owned(),
            "blog_2026-01-02_03-04-05.tar.gz".to_owned(),
        ] {
            assert!(!is_ours(&name), "{name}");
        }
    }

    #[test]
    fn the_names_of_a_run_are_recognised_and_free() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = NaiveDateTime::parse_from_str("2026-01-02_03-04-05", TIME).expect("a time");
        let job: JobId = JOB.parse().expect("an id");
        let mark = node_mark("node");
        let find = || Draft::find_free(directory.path(), &id("blog"), at, "tar.gz", (&job, &mark)).expect("a name");
        let name = |path: &Path| path.file_name().and_then(|n| n.to_str()).expect("UTF-8").to_owned();
        let first = find();
        for path in [&first.partial, &first.hot, &first.at_rest] {
            assert!(is_unfinished(&id("blog"), &mark, &name(path)), "{}", path.display());
        }
        std::fs::write(&first.incomplete, "").expect("a file");
        let second = find();
        assert_eq!(second.top, "blog_2026-01-02_03-04-05_2");
        let [incomplete, whole] =
            [&first.incomplete, &second.whole].map(|path| ArchiveName::parse(&id("blog"), &name(path)));
        assert!(incomplete < whole && incomplete.is_some());
    }
}
