//! What a snapshot holds, read back from the repository.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::process::{Call, Heed, Line};
use super::program::Restic;
use super::snapshots::Snapshot;
use super::{BackendError, Work};
use crate::backends::Source;

/// What a snapshot holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Files and directories, those above the sources not counted.
    pub(super) entry_count: u64,
    /// Regular files.
    pub(super) file_count: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    /// The same of each source.
    pub(super) parts: Vec<Part>,
    /// The snapshot itself.
    pub(super) snapshot: Option<Snapshot>,
    /// The sizes of the regular files in sources that do not change.
    sizes: HashMap<PathBuf, u64>,
}

/// What a source has in a snapshot.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) entry_count: u64,
    pub(super) bytes: u64,
}

/// A line of `restic ls --json`.
#[derive(Debug, Deserialize)]
struct Node {
    #[serde(default)]
    struct_type: String,
    #[serde(default)]
    path: PathBuf,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    size: u64,
}

impl Contents {
    fn of(sources: &[Source]) -> Self {
        Self { parts: vec![Part::default(); sources.len()], ..Self::default() }
    }

    fn take(&mut self, line: &str, sources: &[Source]) {
        let Ok(node) = serde_json::from_str::<Node>(line) else { return };
        match node.struct_type.as_str() {
            "node" => {}
            "snapshot" => {
                self.snapshot = serde_json::from_str(line).ok();
                return;
            }
            _ => return,
        }
        let is_file = node.kind == "file";
        let bytes = if is_file { node.size } else { 0 };
        self.file_count += u64::from(is_file);
        self.bytes += bytes;
        let mut is_within = false;
        for (source, part) in sources.iter().zip(&mut self.parts) {
            if source.paths.iter().any(|path| node.path.starts_with(path)) {
                is_within = true;
                part.entry_count += 1;
                part.bytes += bytes;
                if is_file && !source.is_live {
                    self.sizes.insert(node.path.clone(), node.size);
                }
            }
        }
        self.entry_count += u64::from(is_within);
    }

    /// What differs between the files of the sources that do not change and the snapshot.
    pub(super) async fn find_difference(&self, sources: &[Source]) -> Result<Option<String>, BackendError> {
        let roots: Vec<PathBuf> = sources.iter().filter(|s| !s.is_live).flat_map(|s| s.paths.clone()).collect();
        let files = tokio::task::spawn_blocking(move || {
            let mut files = Vec::new();
            roots.iter().try_for_each(|root| list_files(root, &mut files)).map(|()| files)
        });
        let files = files.await.map_err(|error| BackendError::because("the staged files could not be read", error))?;
        let files = files.map_err(|error| BackendError::because("the staged files could not be read", error))?;
        Ok(files.into_iter().find_map(|(path, size)| self.compare(&path, size)))
    }

    fn compare(&self, path: &Path, size: u64) -> Option<String> {
        let shown = path.display();
        match self.sizes.get(path) {
            None => Some(format!("{shown} is not in the snapshot")),
            Some(stored) if *stored != size => Some(format!("{shown} has {size} bytes, and {stored} in the snapshot")),
            Some(_) => None,
        }
    }
}

fn list_files(path: &Path, files: &mut Vec<(PathBuf, u64)>) -> io::Result<()> {
    let found = path.symlink_metadata()?;
    if found.is_dir() {
        for entry in path.read_dir()? {
            list_files(&entry?.path(), files)?;
        }
    } else if found.is_file() {
        files.push((path.to_owned(), found.len()));
    }
    Ok(())
}

impl Restic {
    /// Lists a snapshot, which reads every directory of it from the repository. The beginning of its id is enough.
    pub(super) async fn read_contents(
        &self,
        work: &Work,
        id: &str,
        sources: &[Source],
    ) -> Result<Contents, BackendError> {
        let version = self.version(work).await?;
        let mut contents = Contents::of(sources);
        let call = Call::new(["ls", "--json", "--no-lock"]).with(id);
        let mut on_line = |line: Line<'_>| {
            if let Line::Out(text) = line {
                contents.take(text, sources);
            }
            Heed::Moved
        };
        let ended = self.run(work, call, &mut on_line).await?;
        if !ended.is_success() {
            return Err(self.error("reading the snapshot back", &ended, version));
        }
        Ok(contents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::TargetKind;

    /// As 0.14.0 printed it; 0.18.0 adds `inode` and `message_type`.
    const LINES: [&str; 7] = [
        r#"{"time":"2026-11-27T13:46:12Z","paths":["/src/a"],"hostname":"h","id":"ff03","struct_type":"snapshot"}"#,
        r#"{"name":"src","type":"dir","path":"/src","mode":2147484141,"struct_type":"node"}"#,
        r#"{"name":"a","type":"dir","path":"/src/a","struct_type":"node"}"#,
        r#"{"name":"big","type":"file","path":"/src/a/big","size":3000000,"struct_type":"node"}"#,
        r#"{"name":"link","type":"symlink","path":"/src/a/link","inode":7,"message_type":"node","struct_type":"node"}"#,
        r#"{"name":"dump.sql","type":"file","path":"/dumps/dump.sql","size":7,"struct_type":"node"}"#,
        "not json",
    ];

    #[test]
    fn entries_are_counted_for_their_source() {
        let source = |path: &str, is_live| Source {
            kind: TargetKind::Volume,
            name: path.to_owned(),
            paths: vec![path.into()],
            is_live,
        };
        let sources = [source("/src/a", true), source("/dumps/dump.sql", false)];
        let mut contents = Contents::of(&sources);
        for line in LINES {
            contents.take(line, &sources);
        }
        assert_eq!((contents.entry_count, contents.file_count, contents.bytes), (4, 2, 3_000_007));
        assert!(contents.snapshot.as_ref().is_some_and(|snapshot| snapshot.id == "ff03" && snapshot.hostname == "h"));
        assert_eq!(contents.parts[0], Part { entry_count: 3, bytes: 3_000_000 });
        assert_eq!(contents.compare(Path::new("/dumps/dump.sql"), 7), None);
        assert!(contents.compare(Path::new("/dumps/dump.sql"), 8).is_some_and(|words| words.contains("8 bytes")));
        assert!(contents.compare(Path::new("/dumps/other"), 8).is_some_and(|words| words.contains("not in")));
    }
}
