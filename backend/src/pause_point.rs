//! Named places at which a test may stop or kill the process.
//!
//! In a debug build, `MAINSTAY_PAUSE_AT=<name>` makes the process write `paused at <name>` to standard error when it
//! comes there, and stay there until it is killed; with `<name>=<file>`, until that file is there. In a release build
//! these calls are empty. To add a place: call [`reach`] with its name, and give it a line in [`PLACES`],
//! [`PLACES_OF_PLANS`], [`PLACES_OF_RESTORE`] or [`PLACES_OF_APPLY`], where tests find it.

#[cfg(debug_assertions)]
use std::path::{Path, PathBuf};

/// Every place that a backup of a stack comes by, in order. The fault suite kills the process at each of them.
pub const PLACES: &[&str] = &[
    "resolve.before",
    "resolve.after",
    "preflight.before",
    "preflight.after",
    "precopy.before",
    "precopy.target",
    "precopy.after",
    "quiesce.before",
    "quiesce.journaled",
    "quiesce.first",
    "quiesce.after",
    "capture.before",
    "capture.target",
    "capture.after",
    "resume.before",
    "resume.first",
    "resume.after",
    "publish.before",
    "publish.after",
    "verify.before",
    "verify.recorded",
    "verify.published",
    "verify.after",
    "retention.before",
    "retention.after",
    "report.before",
];

/// Every place that a backup by plan may come by, in order; which of them depends on its targets and its backend.
pub const PLACES_OF_PLANS: &[&str] = &[
    "resolve.before",
    "resolve.after",
    "preflight.before",
    "preflight.after",
    "precopy.before",
    "precopy.after",
    "pre_hooks.before",
    "pre_hooks.after",
    "dump.before",
    "dump.target",
    "dump.after",
    "quiesce.before",
    "quiesce.journaled",
    "quiesce.first",
    "quiesce.after",
    "capture.before",
    "capture.target",
    "capture.after",
    "resume.before",
    "resume.first",
    "resume.after",
    "post_hooks.before",
    "post_hooks.after",
    "publish.before",
    "publish.after",
    "verify.before",
    "verify.published",
    "verify.recorded",
    "verify.after",
    "retention.before",
    "retention.after",
    "report.before",
];

/// Every place that a restore in place comes by, in order; those of `load` only when a dump is loaded.
pub const PLACES_OF_RESTORE: &[&str] = &[
    "resolve.before",
    "resolve.after",
    "preflight.before",
    "preflight.after",
    "unpack.before",
    "unpack.recorded",
    "unpack.after",
    "quiesce.before",
    "quiesce.journaled",
    "quiesce.first",
    "quiesce.after",
    "replace.before",
    "replace.recorded",
    "replace.first",
    "replace.made",
    "replace.after",
    "resume.before",
    "resume.first",
    "resume.after",
    "load.before",
    "load.after",
    "report.tidied",
    "report.before",
];

/// Every place that a drill comes by whose snapshot holds a dump and that has a command to run, in order.
pub const PLACES_OF_DRILLS: &[&str] = &[
    "preflight.before",
    "preflight.after",
    "unpack.before",
    "unpack.after",
    "drill.unpacked",
    "verify.before",
    "verify.after",
    "load.before",
    "drill.server",
    "load.after",
    "command.before",
    "command.after",
    "report.before",
];

/// Every place that a change of Backrest's file comes by, in order, while its container is stopped for it.
pub const PLACES_OF_APPLY: &[&str] = &[
    "apply.locked",
    "apply.staged",
    "apply.noted",
    "apply.stopped",
    "apply.copied",
    "apply.written",
    "apply.up",
    "apply.ended",
];

/// How often it is looked whether the process may go on.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(10);

/// Stays here when `name` is the place that was asked for.
pub(crate) async fn reach(name: &str) {
    if is_wanted(name) {
        announce(name);
        while !may_go_on() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// The same, in a thread that may block.
pub(crate) fn reach_blocking(name: &str) {
    if is_wanted(name) {
        announce(name);
        while !may_go_on() {
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// The variable that names the place.
#[cfg(debug_assertions)]
const VARIABLE: &str = "MAINSTAY_PAUSE_AT";

/// The place that was asked for, and the file that ends the pause.
#[cfg(debug_assertions)]
static WANTED: std::sync::LazyLock<Option<(String, Option<PathBuf>)>> =
    std::sync::LazyLock::new(|| std::env::var(VARIABLE).ok().map(|value| parse(&value)));

#[cfg(debug_assertions)]
fn parse(value: &str) -> (String, Option<PathBuf>) {
    match value.split_once('=') {
        Some((place, file)) => (place.to_owned(), Some(file.into())),
        None => (value.to_owned(), None),
    }
}

#[cfg(debug_assertions)]
fn is_wanted(name: &str) -> bool {
    WANTED.as_ref().is_some_and(|(place, _)| place == name)
}

#[cfg(debug_assertions)]
fn may_go_on() -> bool {
    WANTED.as_ref().and_then(|(_, file)| file.as_deref()).is_some_and(Path::exists)
}

#[cfg(not(debug_assertions))]
const fn is_wanted(_name: &str) -> bool {
    false
}

#[cfg(not(debug_assertions))]
const fn may_go_on() -> bool {
    true
}

#[expect(clippy::print_stderr, reason = "the test that kills the process waits for this line")]
fn announce(name: &str) {
    eprintln!("paused at {name}");
}

// The list of places is in debug builds alone.
#[cfg(debug_assertions)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::StepName;
    use std::collections::BTreeSet;

    /// Every place within a step that the sources of the engine name, and the two that every step has.
    fn names_in_use() -> BTreeSet<String> {
        let steps: Vec<String> = StepName::ALL.iter().map(ToString::to_string).collect();
        let mut names: BTreeSet<String> =
            steps.iter().flat_map(|s| [format!("{s}.before"), format!("{s}.after")]).collect();
        // Nothing follows the report.
        names.remove("report.after");
        let is_place = |text: &&str| {
            let parts = text.split_once('.');
            parts.is_some_and(|(step, what)| {
                steps.iter().any(|s| s == step) && what.bytes().all(|b| b.is_ascii_lowercase())
            })
        };
        let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine")];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).expect("a directory").map(|e| e.expect("an entry").path()) {
                if entry.is_dir() {
                    directories.push(entry);
                } else if !entry.ends_with("pause_point.rs") {
                    let text = std::fs::read_to_string(&entry).expect("a source");
                    let places = text.split("reach(\"").skip(1).filter_map(|rest| rest.split('"').next());
                    names.extend(places.filter(is_place).map(str::to_owned));
                }
            }
        }
        names
    }

    /// An import brings nothing to rest, and writes each record whole or not at all: no test kills it there.
    const PLACES_OF_IMPORT: &[&str] = &["record.before", "record.after"];

    /// That each of the list is met is what the fault suite shows.
    #[test]
    fn every_place_in_the_sources_stands_in_the_list() {
        let lists = [PLACES, PLACES_OF_PLANS, PLACES_OF_RESTORE, PLACES_OF_DRILLS, PLACES_OF_IMPORT];
        let listed: BTreeSet<String> = lists.iter().copied().flatten().map(|&place| place.to_owned()).collect();
        for places in lists {
            assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), places.len(), "each once");
        }
        let missing: Vec<_> = names_in_use().difference(&listed).cloned().collect();
        assert!(missing.is_empty(), "not in the list: {missing:?}");
    }

    #[test]
    fn a_pause_may_end_with_a_file() {
        assert_eq!(parse("capture.before"), ("capture.before".to_owned(), None));
        assert_eq!(parse("a.b=/tmp/go"), ("a.b".to_owned(), Some("/tmp/go".into())));
    }
}
