//! A restic repository, looked at with the bare command.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The password of every repository of the tests.
pub(crate) const PASSWORD: &str = "geheim-restic";

/// A repository and the command that reads it.
pub(crate) struct Repository(pub(crate) PathBuf);

impl Repository {
    /// Runs restic on it; returns what it printed and fails the test when it fails.
    pub(crate) fn restic(&self, args: &[&str]) -> String {
        let mut command = Command::new("restic");
        command.args(args).env("RESTIC_REPOSITORY", &self.0).env("RESTIC_PASSWORD", PASSWORD).env("TZ", "UTC");
        command.env("RESTIC_CACHE_DIR", self.0.with_extension("cache"));
        let output = command.output().expect("restic runs; `e2e/setup.sh deps tests` installs it");
        assert!(output.status.success(), "restic {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Its snapshots, oldest first.
    pub(crate) fn snapshots(&self) -> Vec<Value> {
        let found: Value = serde_json::from_str(&self.restic(&["snapshots", "--json"])).expect("JSON");
        found.as_array().cloned().unwrap_or_default()
    }

    /// Brings the newest snapshot back into a directory that is made for it.
    pub(crate) fn restore_latest(&self, to: &Path) {
        self.restic(&["restore", "latest", "--target", to.to_str().expect("UTF-8")]);
    }
}

/// The one file below `root` whose path ends like this.
pub(crate) fn find_file(root: &Path, ending: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(root).expect("a directory").map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> = Vec::new();
    for path in entries {
        if path.is_dir() && !path.is_symlink() {
            found.extend(find_file(&path, ending));
        } else if path.ends_with(ending) {
            found.push(path);
        }
    }
    assert!(found.len() < 2, "{ending} is there more than once: {found:?}");
    found.pop()
}
