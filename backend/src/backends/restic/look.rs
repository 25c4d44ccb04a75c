//! What someone sees who looks into a snapshot: `restic ls`.
//!
//! restic walks by name, so that what it prints can be cut into pages without keeping it: it is asked to end as soon as
//! a page is full. Its JSON has replacement characters where a name is no UTF-8. Only then is it asked once more in its
//! plain form, which keeps every byte, and the names are found by their lines.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::process::{Call, Heed, Line};
use super::program::Restic;
use super::{BackendError, Look, Work};
use crate::domain::entry::{ArchiveEntry, EntryKind, EntryPath};
use crate::domain::name_pattern::NamePattern;

/// Where a page begins, and how much it holds.
type Page<'a> = (Option<&'a EntryPath>, usize);

/// A line of `restic ls --json` that is an entry.
#[derive(Debug, Deserialize)]
struct Node {
    path: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    mode: u32,
    #[serde(default)]
    mtime: Option<DateTime<Utc>>,
    #[serde(default)]
    linktarget: Option<String>,
}

/// The path in a snapshot as restic takes it.
pub(super) fn full_path(path: &EntryPath) -> OsString {
    OsString::from_vec([b"/", path.as_bytes()].concat())
}

/// The error of a snapshot that is not there.
pub(super) fn gone(reference: &str) -> BackendError {
    let id: String = reference.chars().take(8).collect();
    BackendError::Gone(format!("snapshot {id} is not in the repository any more"))
}

/// What is at `at`, and a page of what is directly in it.
pub(super) async fn look(
    restic: &Restic,
    work: &Work,
    id: &str,
    at: &EntryPath,
    page: Page<'_>,
) -> Result<Look, BackendError> {
    let call = Call::new(["ls", "--no-lock"]).with(id).with(full_path(at));
    // restic's JSON may not spell the directory as it was asked for, but what it prints first is the directory itself.
    let shown = as_text(at);
    let mut walk = Walk::new(page, |path: &EntryPath| path.is_in(&shown));
    if at.is_top() {
        walk.look.own = Some(EntryKind::Directory);
    } else {
        walk.own = Some(shown.clone());
    }
    restic.walk(work, id, call, &mut walk).await
}

/// A page of what is called like this, in all of the snapshot.
pub(super) async fn search(
    restic: &Restic,
    work: &Work,
    id: &str,
    pattern: &NamePattern,
    page: Page<'_>,
) -> Result<Look, BackendError> {
    let call = Call::new(["ls", "--no-lock", "--recursive"]).with(id).with("/");
    let mut walk = Walk::new(page, |path: &EntryPath| pattern.is_match(path.as_bytes()));
    restic.walk(work, id, call, &mut walk).await
}

/// The path as restic's JSON spells it.
fn as_text(path: &EntryPath) -> EntryPath {
    EntryPath::new(path.to_string().as_bytes()).unwrap_or_else(|_| path.clone())
}

/// What was seen so far of a walk.
struct Walk<W> {
    is_wanted: W,
    /// As restic's JSON spells it.
    after: Option<EntryPath>,
    limit: usize,
    /// The path whose own entry is looked for.
    own: Option<EntryPath>,
    look: Look,
    /// Where each entry of the look stands in the plain form: its first line, and how many it has.
    lines: Vec<(usize, usize)>,
    lines_seen: usize,
    has_begun: bool,
}

impl<W: Fn(&EntryPath) -> bool> Walk<W> {
    fn new((after, limit): Page<'_>, is_wanted: W) -> Self {
        let (after, look, lines) = (after.map(as_text), Look::default(), Vec::new());
        Self { is_wanted, after, limit, own: None, look, lines, lines_seen: 0, has_begun: false }
    }

    fn take(&mut self, line: &str) -> Heed {
        if self.look.has_more {
            return Heed::GiveUp;
        }
        let Ok(node) = serde_json::from_str::<Node>(line) else {
            self.has_begun |= line.contains("\"snapshot\"");
            return Heed::Moved;
        };
        let at = (self.lines_seen, 1 + node.path.bytes().filter(|byte| *byte == b'\n').count());
        self.lines_seen += at.1;
        let Some(entry) = node.into_entry() else { return Heed::Moved };
        if self.own.as_ref() == Some(&entry.path) {
            (self.look.own, self.look.size_bytes) = (Some(entry.kind), entry.size_bytes);
            self.own = None;
            return Heed::Moved;
        }
        let is_behind = self.after.as_ref().is_none_or(|after| entry.path.cmp_in_walk(after).is_gt());
        if !is_behind || !(self.is_wanted)(&entry.path) {
            return Heed::Moved;
        }
        if self.look.entries.len() == self.limit {
            self.look.has_more = true;
            return Heed::GiveUp;
        }
        self.look.entries.push(entry);
        self.lines.push(at);
        Heed::Moved
    }
}

impl Node {
    /// Nothing for what restic never brings back, such as a socket.
    fn into_entry(self) -> Option<ArchiveEntry> {
        let kind = match self.kind.as_str() {
            "file" => EntryKind::File,
            "dir" => EntryKind::Directory,
            "symlink" => EntryKind::Symlink,
            "fifo" => EntryKind::Fifo,
            "chardev" => EntryKind::CharDevice,
            "dev" => EntryKind::BlockDevice,
            _ => return None,
        };
        Some(ArchiveEntry {
            path: EntryPath::new(self.path.as_bytes()).ok().filter(|path| !path.is_top())?,
            kind,
            size_bytes: if kind == EntryKind::File { self.size } else { 0 },
            modified_at: self.mtime,
            mode: Some(format!("{:04o}", permission_bits(self.mode))),
            target: self.linktarget.filter(|target| !target.is_empty()),
        })
    }
}

/// Go keeps setuid, setgid and sticky in places of its own.
fn permission_bits(mode: u32) -> u32 {
    let bit = |from: u32, to: u32| if mode & (1 << from) == 0 { 0 } else { to };
    mode & 0o777 | bit(23, 0o4000) | bit(22, 0o2000) | bit(20, 0o1000)
}

impl Restic {
    async fn walk<W: Fn(&EntryPath) -> bool + Send>(
        &self,
        work: &Work,
        id: &str,
        call: Call,
        walk: &mut Walk<W>,
    ) -> Result<Look, BackendError> {
        let version = self.version(work).await?;
        let mut on_line = |line: Line<'_>| match line {
            Line::Out(text) => walk.take(text),
            Line::Err(_) => Heed::Moved,
        };
        let ended = self.run(work, call.clone().with("--json"), &mut on_line).await?;
        if !walk.look.has_more {
            if !ended.is_success() && !ended.says_no_snapshot() {
                return Err(self.error("looking into the snapshot", &ended, version));
            }
            if !walk.has_begun {
                return Err(gone(id));
            }
        }
        let mut look = std::mem::take(&mut walk.look);
        if look.entries.iter().any(|entry| has_replacement(&entry.path)) {
            self.spell(work, call, &walk.lines, &mut look.entries).await?;
        }
        Ok(look)
    }

    /// Puts the true bytes into the place of paths that are no UTF-8.
    async fn spell(
        &self,
        work: &Work,
        call: Call,
        lines: &[(usize, usize)],
        entries: &mut [ArchiveEntry],
    ) -> Result<(), BackendError> {
        let (sender, mut parts) = mpsc::channel::<Bytes>(4);
        let (mut plain, mut wanted) = (Plain::default(), entries.iter_mut().zip(lines).peekable());
        let read = async {
            while let Some(part) = parts.recv().await {
                plain.bytes.extend_from_slice(&part);
                while let Some((entry, (first, count))) = wanted.peek_mut() {
                    let Some(bytes) = plain.take(*first, *count) else { break };
                    // What is not the same when read as text is another line, and helps nobody.
                    let spelt = EntryPath::new(&bytes).ok().filter(|path| path.to_string() == entry.path.to_string());
                    entry.path = spelt.unwrap_or_else(|| entry.path.clone());
                    wanted.next();
                }
                if wanted.peek().is_none() {
                    break;
                }
            }
            drop(parts);
        };
        let poured = async {
            let ended = self.pour(work, call, &sender).await;
            drop(sender);
            ended
        };
        let (ended, ()) = tokio::join!(poured, read);
        ended.map(drop)
    }
}

/// restic's plain form: a path a line, behind a line about the snapshot.
#[derive(Default)]
struct Plain {
    bytes: Vec<u8>,
    has_head: bool,
    /// Which line `bytes` begin with.
    line: usize,
}

impl Plain {
    /// The lines from `first` on, as soon as they are there. What stands before them is forgotten.
    fn take(&mut self, first: usize, count: usize) -> Option<Vec<u8>> {
        if !self.has_head {
            // Some versions print the line about the snapshot elsewhere.
            if self.bytes.first() != Some(&b'/') {
                self.cut()?;
            }
            self.has_head = true;
            self.bytes.first()?;
        }
        while self.line < first {
            self.cut()?;
            self.line += 1;
        }
        let ends = self.bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
        let end = ends.take(count).nth(count - 1)?;
        let lines = self.bytes.drain(..=end).take(end).collect();
        self.line += count;
        Some(lines)
    }

    /// Forgets a line.
    fn cut(&mut self) -> Option<()> {
        let end = self.bytes.iter().position(|byte| *byte == b'\n')?;
        self.bytes.drain(..=end);
        Some(())
    }
}

fn has_replacement(path: &EntryPath) -> bool {
    path.to_string().contains(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> EntryPath {
        EntryPath::new(text.as_bytes()).expect(text)
    }

    const HEAD: &str = r#"{"time":"2026-11-27T13:46:12Z","paths":["/src"],"id":"ff03","struct_type":"snapshot"}"#;

    fn node(path: &str, kind: &str) -> String {
        format!(
            r#"{{"name":"x","type":"{kind}","path":"{path}","size":7,"mode":420,"mtime":"2026-11-27T13:46:12Z","struct_type":"node"}}"#
        )
    }

    #[test]
    fn a_page_ends_where_it_is_full() {
        let after = path("src/a");
        let mut walk = Walk::new((Some(&after), 1), |seen: &EntryPath| seen.is_in(&path("src")));
        walk.own = Some(path("src"));
        let lines = [node("/src", "dir"), node("/src/a", "dir"), node("/src/b", "file"), node("/src/s", "socket")];
        assert_eq!(walk.take(HEAD), Heed::Moved);
        assert!(lines.iter().all(|line| walk.take(line) == Heed::Moved) && walk.has_begun);
        assert_eq!(walk.take(&node("/src/c", "file")), Heed::GiveUp);
        assert_eq!((walk.look.own, walk.look.has_more), (Some(EntryKind::Directory), true));
        assert_eq!((walk.look.entries[0].path.clone(), walk.lines.as_slice()), (path("src/b"), &[(2, 1)][..]));
        assert_eq!(walk.look.entries[0].mode.as_deref(), Some("0644"));
    }

    #[test]
    fn bits_of_go_are_those_of_everybody() {
        for (go, bits) in
            [(420, 0o644), (2_148_532_735, 0o1777), ((1 << 23) | 0o755, 0o4755), ((1 << 22) | 0o7, 0o2007)]
        {
            assert_eq!(permission_bits(go), bits, "{go}");
        }
    }

    #[test]
    fn lines_are_found_however_they_come() {
        let text = b"snapshot ff03 of [/src]:\n/src\n/src/new\nline\n/src/odd \xff\n";
        for step in [1, 7, text.len()] {
            let (mut plain, mut found, mut wanted) = (Plain::default(), Vec::new(), vec![(3, 1), (1, 2)]);
            for part in text.chunks(step) {
                plain.bytes.extend_from_slice(part);
                while let Some(lines) = wanted.last().and_then(|(first, count)| plain.take(*first, *count)) {
                    found.push(lines);
                    wanted.pop();
                }
            }
            assert_eq!(found, [b"/src/new\nline".to_vec(), b"/src/odd \xff".to_vec()], "{step}");
        }
    }
}
