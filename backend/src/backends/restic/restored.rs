//! Holds what was restored against the listing of the snapshot.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};

use chrono::{DateTime, FixedOffset};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};
use serde::Deserialize;

use super::{RestoreRequest, Restored};

/// As many differences are told.
const TOLD: usize = 5;
/// Stands in a listing for bytes that are no UTF-8: such a name cannot be looked for.
const REPLACEMENT: char = '\u{fffd}';

/// An entry as `restic ls --json` tells of it.
#[derive(Debug, Deserialize)]
pub(super) struct Node {
    #[serde(default)]
    struct_type: String,
    path: PathBuf,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    uid: u32,
    #[serde(default)]
    gid: u32,
    /// As Go has it: the special bits stand elsewhere.
    #[serde(default)]
    mode: u32,
    mtime: Option<DateTime<FixedOffset>>,
}

impl Node {
    /// The entry in a line, if it tells of one.
    pub(super) fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok().filter(|node: &Self| node.struct_type == "node")
    }

    fn permissions(&self) -> u32 {
        let special = [(23, 0o4000), (22, 0o2000), (20, 0o1000)];
        let set = special.iter().filter(|(bit, _)| self.mode & (1 << bit) != 0);
        set.fold(self.mode & 0o777, |mode, (_, bit)| mode | bit)
    }

    fn is_kind_of(&self, found: &Metadata) -> bool {
        use std::os::unix::fs::FileTypeExt as _;
        let kind = found.file_type();
        match self.kind.as_str() {
            "file" => kind.is_file(),
            "dir" => kind.is_dir(),
            "symlink" => kind.is_symlink(),
            "fifo" => kind.is_fifo(),
            "dev" => kind.is_block_device(),
            "chardev" => kind.is_char_device(),
            _ => true,
        }
    }

    /// What of `found` is not as it should be.
    fn find_difference(&self, found: &Metadata) -> Option<&'static str> {
        if !self.is_kind_of(found) {
            return Some("is of another kind");
        }
        if self.kind == "file" && found.len() != self.size {
            return Some("has another size");
        }
        if (found.uid(), found.gid()) != (self.uid, self.gid) {
            return Some("has another owner");
        }
        let has_mode = self.kind != "symlink";
        (has_mode && found.mode() & 0o7777 != self.permissions()).then_some("has another mode")
    }

    /// Gives a directory its owner, mode and time.
    fn dress(&self, directory: &Path) -> io::Result<()> {
        lchown(directory, Some(self.uid), Some(self.gid))?;
        fs::set_permissions(directory, fs::Permissions::from_mode(self.permissions()))?;
        let Some(mtime) = self.mtime else { return Ok(()) };
        let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        let modified = Timespec { tv_sec: mtime.timestamp(), tv_nsec: mtime.timestamp_subsec_nanos().into() };
        let times = Timestamps { last_access: omit, last_modification: modified };
        Ok(utimensat(CWD, directory, &times, AtFlags::SYMLINK_NOFOLLOW)?)
    }
}

/// A restored tree that is looked at while the listing comes.
pub(super) struct Comparison {
    to: PathBuf,
    /// What was asked for; the root when that is all.
    paths: Vec<PathBuf>,
    restored: Vec<Restored>,
    differences: Vec<String>,
    difference_count: u64,
}

impl Comparison {
    pub(super) fn new(request: &RestoreRequest) -> Self {
        let paths = if request.paths.is_empty() { vec![PathBuf::from("/")] } else { request.paths.clone() };
        let restored = vec![Restored::default(); paths.len()];
        Self { to: request.to.clone(), paths, restored, differences: Vec::new(), difference_count: 0 }
    }

    pub(super) fn take(&mut self, node: &Node) {
        // A socket is nothing without the process behind it, and restic makes none.
        if matches!(node.kind.as_str(), "socket" | "irregular" | "") {
            return;
        }
        let within = self.paths.iter().position(|path| node.path.starts_with(path));
        let is_above = node.kind == "dir" && self.paths.iter().any(|path| path.starts_with(&node.path));
        if let Some(number) = within {
            self.restored[number].entries += 1;
            self.restored[number].bytes += if node.kind == "file" { node.size } else { 0 };
        }
        if (within.is_some() || is_above) && !node.path.to_string_lossy().contains(REPLACEMENT) {
            self.look(node, within.is_none());
        }
    }

    fn look(&mut self, node: &Node, is_above: bool) {
        let place = self.to.join(node.path.strip_prefix("/").unwrap_or(&node.path));
        let looked = if is_above {
            node.dress(&place).map(|()| None)
        } else {
            fs::symlink_metadata(&place).map(|found| node.find_difference(&found))
        };
        let shown = node.path.display();
        let difference = match looked {
            Ok(None) => return,
            Ok(Some(difference)) => format!("{shown} {difference}"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => format!("{shown} is missing"),
            Err(error) => format!("{shown}: {error}"),
        };
        self.difference_count += 1;
        if self.differences.len() < TOLD {
            self.differences.push(difference);
        }
    }

    /// What came at each path, or what is wrong with it.
    pub(super) fn finish(self) -> Result<Vec<Restored>, String> {
        let is_all = self.paths == [Path::new("/")];
        let nothing = self.restored.iter().position(|restored| restored.entries == 0 && !is_all);
        if let Some(number) = nothing {
            return Err(format!("the snapshot holds no {}", self.paths[number].display()));
        }
        if self.difference_count == 0 {
            return Ok(self.restored);
        }
        let more = self.difference_count.saturating_sub(self.differences.len() as u64);
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        Err(format!("what restic restored is not what the snapshot holds: {}{more}", self.differences.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(path: &Path, kind: &str, size: u64, mode: u32) -> String {
        let (path, uid, gid) = (path.display(), rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        format!(
            r#"{{"path":"{path}","type":"{kind}","size":{size},"uid":{uid},"gid":{gid},"mode":{mode},"mtime":"2026-01-01T00:00:00.5Z","struct_type":"node"}}"#
        )
    }

    #[test]
    fn every_difference_is_found() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(directory.path().join("a/b")).expect("made");
        let file = directory.path().join("a/b/file");
        fs::write(&file, "1234567").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o4640)).expect("set");
        let request = |path: &str| RestoreRequest {
            reference: String::new(),
            paths: vec![path.into()],
            to: directory.path().to_owned(),
        };
        let compare = |lines: &[String]| {
            let mut comparison = Comparison::new(&request("/a/b"));
            lines.iter().filter_map(|line| Node::parse(line)).for_each(|node| comparison.take(&node));
            comparison.finish()
        };
        let above = line(Path::new("/a"), "dir", 0, 0o750);
        let root = line(Path::new("/a/b"), "dir", 0, 0o755);
        let setuid = (1 << 23) | 0o640;
        let good = line(Path::new("/a/b/file"), "file", 7, setuid);
        assert_eq!(compare(&[above, root.clone(), good]), Ok(vec![Restored { bytes: 7, entries: 2 }]));
        let dressed = fs::metadata(directory.path().join("a")).expect("there");
        assert_eq!(
            (dressed.mode() & 0o7777, dressed.mtime(), dressed.mtime_nsec()),
            (0o750, 1_767_225_600, 500_000_000)
        );
        for (bad, what) in [
            (line(Path::new("/a/b/file"), "file", 8, setuid), "another size"),
            (line(Path::new("/a/b/file"), "file", 7, 0o640), "another mode"),
            (line(Path::new("/a/b/file"), "symlink", 7, setuid), "another kind"),
            (line(Path::new("/a/b/gone"), "file", 7, setuid), "is missing"),
        ] {
            let told = compare(&[root.clone(), bad]).expect_err("a difference");
            assert!(told.contains(what), "{told}");
        }
        assert!(compare(&[]).expect_err("nothing").contains("holds no /a/b"));
    }
}
