//! Where new data is put together, so that it can change places with the old: on the same file system, beside the place
//! where that is possible, else in a hidden directory within it. All of it blocks on the file system.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

use crate::backends::archive::prove_writable;
use crate::domain::ids::JobId;
use crate::domain::restore::SCRATCH_PREFIX;

/// Where new data for a place is put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bench {
    /// What changes places: the place itself with no link in its path, or the outermost directory of its path that is
    /// missing.
    pub(super) root: PathBuf,
    /// The place below the root; empty where it is the root.
    pub(super) rest: PathBuf,
    /// The directory that gets the directory of the restore.
    pub(super) yard: PathBuf,
    /// Whether the root cannot be moved, so that what is in it changes places one by one.
    pub(super) is_fixed: bool,
    /// Whether there is nothing at all, not even an empty directory.
    pub(super) is_missing: bool,
    /// Whether there is something now: a file, or a directory that is not empty.
    pub(super) exists: bool,
    /// The file system.
    pub(super) device: u64,
}

/// The name of the directories of a restore.
pub(super) fn scratch_name(job: &JobId, at: DateTime<Utc>, zone: Tz) -> String {
    format!("{SCRATCH_PREFIX}{}-{job}", at.with_timezone(&zone).format("%Y-%m-%d_%H-%M-%S"))
}

/// Finds the bench of a place. `own` are Mainstay's own directories. The error is a sentence for people.
pub(super) fn find_bench(place: &Path, own: &[PathBuf]) -> Result<Bench, String> {
    let shown = place.display();
    match fs::symlink_metadata(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => find_missing(place),
        Err(error) => Err(format!("{shown} cannot be looked at: {error}")),
        Ok(_) => {
            let root = place.canonicalize().map_err(|e| format!("{shown} is a link that leads nowhere: {e}"))?;
            find_present(place, root, own)
        }
    }
}

/// A place that is not there yet appears together with the directories on the way to it.
fn find_missing(place: &Path) -> Result<Bench, String> {
    let shown = place.display();
    let around = place.ancestors().skip(1).find_map(|path| Some((path, path.canonicalize().ok()?)));
    let (around, yard) = around.ok_or_else(|| format!("{shown} lies nowhere"))?;
    let meta = fs::metadata(&yard).map_err(|e| format!("{} cannot be looked at: {e}", yard.display()))?;
    if !meta.is_dir() {
        return Err(format!("{shown} cannot be made: {} is not a directory", yard.display()));
    }
    prove_writable(&yard)
        .map_err(|e| format!("{shown} cannot be made: {} cannot be written to: {e}", yard.display()))?;
    let missing = place.strip_prefix(around).map_err(|e| e.to_string())?;
    let mut parts = missing.components();
    let first = parts.next().ok_or_else(|| format!("{shown} lies nowhere"))?;
    Ok(Bench {
        root: yard.join(first),
        rest: parts.as_path().to_owned(),
        yard,
        is_fixed: false,
        is_missing: true,
        exists: false,
        device: meta.dev(),
    })
}

fn find_present(place: &Path, root: PathBuf, own: &[PathBuf]) -> Result<Bench, String> {
    let shown = place.display();
    let meta = fs::metadata(&root).map_err(|e| format!("{shown} cannot be looked at: {e}"))?;
    if let Some(own) = own.iter().find(|own| own.canonicalize().is_ok_and(|own| own.starts_with(&root))) {
        return Err(format!(
            "{shown} holds {}, which Mainstay itself needs; restore single paths of it, or to a directory",
            own.display()
        ));
    }
    if let Some(mounted) = find_mount_below(&root) {
        return Err(format!(
            "another file system is mounted at {} in it; unmount it, or restore single paths",
            mounted.display()
        ));
    }
    let parent = root.parent().ok_or_else(|| format!("{shown} is the root of the file system"))?.to_owned();
    let exists = !meta.is_dir() || fs::read_dir(&root).is_ok_and(|mut entries| entries.next().is_some());
    let is_apart = fs::metadata(&parent).map(|parent| parent.dev() != meta.dev()).unwrap_or(true);
    let is_fixed = is_mount_point(&root) || is_apart || prove_writable(&parent).is_err();
    if is_fixed && !meta.is_dir() {
        return Err(format!("{shown} is mounted as a single file, or its directory cannot be written to"));
    }
    let yard = if is_fixed { root.clone() } else { parent };
    if is_fixed {
        prove_writable(&yard).map_err(|e| format!("{} cannot be written to: {e}", yard.display()))?;
    }
    Ok(Bench { root, rest: PathBuf::new(), yard, is_fixed, is_missing: false, exists, device: meta.dev() })
}

/// Whether something is mounted at a path, also when it is of the same file system.
fn is_mount_point(path: &Path) -> bool {
    let looked = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS);
    looked.is_ok_and(|stat| stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// A mount point strictly below a directory, as far as this process sees any.
fn find_mount_below(root: &Path) -> Option<PathBuf> {
    let table = fs::read("/proc/self/mountinfo").ok()?;
    let points = table.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b' ').nth(4));
    points.map(|point| PathBuf::from(OsString::from_vec(unescape(point)))).find(|at| at != root && at.starts_with(root))
}

/// `\040` is a space.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let octal = || u8::from_str_radix(std::str::from_utf8(after.get(..3)?).ok()?, 8).ok();
        match (first, octal()) {
            (b'\\', Some(byte)) => {
                plain.push(byte);
                rest = &after[3..];
            }
            _ => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bench_is_beside_the_place_or_where_the_place_will_be() {
        let directory = tempfile::tempdir().expect("a directory");
        let base = directory.path().canonicalize().expect("a path");
        fs::create_dir_all(base.join("a/full")).expect("made");
        fs::write(base.join("a/full/x"), "x").expect("written");
        fs::create_dir(base.join("a/empty")).expect("made");
        std::os::unix::fs::symlink(base.join("a/full"), base.join("link")).expect("linked");
        let find = |at: &str| find_bench(&base.join(at), &[]).expect("a bench");
        let bench = find("a/full");
        assert_eq!(
            (bench.root, bench.yard, bench.exists, bench.is_fixed),
            (base.join("a/full"), base.join("a"), true, false)
        );
        assert!(!find("a/empty").exists && find("a/full/x").exists);
        assert_eq!(find("link").root, base.join("a/full"), "a link leads to the place");
        let bench = find("a/new/deep/down");
        assert_eq!((bench.root, bench.rest, bench.yard), (base.join("a/new"), "deep/down".into(), base.join("a")));
        assert!(find_bench(&base.join("a/full/x/y"), &[]).is_err(), "a file is in the way");
        let error = find_bench(&base.join("a"), &[base.join("a/empty")]).expect_err("holds our own");
        assert!(error.contains("Mainstay itself needs"), "{error}");
    }

    #[test]
    fn mounts_are_seen() {
        assert!(is_mount_point(Path::new("/proc")) && !is_mount_point(&std::env::temp_dir().join("..").join("etc")));
        assert!(find_mount_below(Path::new("/")).is_some());
        assert_eq!(unescape(b"/a\\040b\\134"), b"/a b\\");
    }
}
