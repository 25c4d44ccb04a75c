//! Collects the manifest while the archive is written: entries go to a spool, only counters stay in memory.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::manifest::{Entry, VERSION, within};
use super::node::{Node, join};
use super::options::{Exclude, TargetSpec};
use super::report::{GapKind, LeftOut, TargetReport, Warning};
use super::spool::Spool;

/// What the manifest will say.
pub(super) struct Catalogue {
    archive: PathBuf,
    /// The finished targets and the open one, as JSON without the brackets around them.
    spool: Spool,
    open: Option<OpenTarget>,
    excluded: Vec<Exclude>,
    done: Vec<TargetReport>,
}

/// The target that entries go to.
struct OpenTarget {
    /// Full path within the archive.
    root: Vec<u8>,
    report: TargetReport,
    left_out: List,
    warnings: List,
}

/// A JSON array in the making.
struct List {
    spool: Spool,
    count: u64,
}

impl Catalogue {
    pub(super) fn beside(archive: &Path) -> io::Result<Self> {
        let spool = Spool::beside(archive)?;
        Ok(Self { archive: archive.to_owned(), spool, open: None, excluded: Vec::new(), done: Vec::new() })
    }

    /// Closes the open target and opens the next.
    pub(super) fn begin(&mut self, top_dir: &str, spec: TargetSpec) -> io::Result<()> {
        self.end()?;
        let separator = if self.done.is_empty() { "" } else { ",\n" };
        let head = json!({
            "kind": spec.kind, "name": spec.name,
            "path": spec.original_path.to_string_lossy(), "archive_path": spec.archive_path,
        });
        // The target stays open for its entries: its closing brace is written by `end`.
        let head = head.to_string();
        write!(self.spool, "{separator}{},\"entries\":[", &head[..head.len() - 1])?;
        let report = TargetReport {
            kind: spec.kind,
            name: spec.name,
            size_bytes: 0,
            entry_count: 0,
            warning_count: 0,
            warnings: Vec::new(),
            left_out_count: 0,
            left_out: Vec::new(),
        };
        let root = join(top_dir.as_bytes(), spec.archive_path.as_bytes());
        let (left_out, warnings) = (List::beside(&self.archive)?, List::beside(&self.archive)?);
        self.open = Some(OpenTarget { root, report, left_out, warnings });
        Ok(())
    }

    /// Closes the open target, if there is one.
    pub(super) fn end(&mut self) -> io::Result<Option<&TargetReport>> {
        let Some(target) = self.open.take() else { return Ok(None) };
        let report = target.report;
        write!(self.spool, "],\"state\":\"{}\",\"size_bytes\":{},\"left_out\":[", report.state(), report.size_bytes)?;
        io::copy(&mut target.left_out.spool.into_reader()?, &mut self.spool)?;
        self.spool.write_all(b"],\"warnings\":[")?;
        io::copy(&mut target.warnings.spool.into_reader()?, &mut self.spool)?;
        self.spool.write_all(b"]}")?;
        self.done.push(report);
        Ok(self.done.last())
    }

    /// The open target's full path within the archive.
    pub(super) fn root(&self) -> Option<&[u8]> {
        self.open.as_ref().map(|target| target.root.as_slice())
    }

    /// Notes an entry that is in the archive.
    pub(super) fn add(&mut self, node: &Node, hash: Option<blake3::Hash>) -> io::Result<()> {
        let Some(target) = self.open.as_mut() else { return Ok(()) };
        push(&mut self.spool, target.report.entry_count == 0, &Entry::new(node, &target.root, hash))?;
        target.report.entry_count += 1;
        target.report.size_bytes += node.stored;
        Ok(())
    }

    /// Notes that the entry at the full `path` is not what it should be.
    pub(super) fn warn(&mut self, path: &[u8], kind: GapKind, message: &str) -> io::Result<()> {
        let Some(target) = self.open.as_mut() else { return Ok(()) };
        let warning = Warning { path: shown(path, &target.root), kind, message: message.to_owned() };
        target.report.warning_count += 1;
        target.warnings.push(&warning)?;
        if target.report.warnings.len() < TargetReport::SHOWN {
            target.report.warnings.push(warning);
        }
        Ok(())
    }

    /// Notes that what was at the full `path` is not in the archive; a warning too, unless no tar could hold it.
    pub(super) fn leave_out(&mut self, path: &[u8], kind: GapKind, reason: &str) -> io::Result<()> {
        let Some(target) = self.open.as_mut() else { return Ok(()) };
        let left_out = LeftOut { path: shown(path, &target.root), reason: reason.to_owned() };
        target.report.left_out_count += 1;
        target.left_out.push(&left_out)?;
        if target.report.left_out.len() < TargetReport::SHOWN {
            target.report.left_out.push(left_out);
        }
        if kind == GapKind::Unsupported { Ok(()) } else { self.warn(path, kind, reason) }
    }

    /// Notes something that was left out on purpose.
    pub(super) fn exclude(&mut self, exclude: Exclude) {
        self.excluded.push(exclude);
    }

    /// The whole manifest with its length, and the reports of its targets.
    pub(super) fn finish(mut self, about: Map<String, Value>) -> io::Result<(impl Read, u64, Vec<TargetReport>)> {
        self.end()?;
        let mut head = Map::from_iter([("version".to_owned(), VERSION.into())]);
        head.extend(about);
        head.insert("excluded".to_owned(), serde_json::to_value(&self.excluded)?);
        let head = Value::Object(head).to_string();
        let head = [&head.as_bytes()[..head.len() - 1], b",\n\"targets\":["].concat();
        let tail: &[u8] = b"]}\n";
        let len = head.len() as u64 + self.spool.len() + tail.len() as u64;
        let reader = io::Cursor::new(head).chain(self.spool.into_reader()?).chain(tail);
        Ok((reader, len, self.done))
    }
}

impl List {
    fn beside(archive: &Path) -> io::Result<Self> {
        Ok(Self { spool: Spool::beside(archive)?, count: 0 })
    }

    fn push(&mut self, value: &impl Serialize) -> io::Result<()> {
        push(&mut self.spool, self.count == 0, value)?;
        self.count += 1;
        Ok(())
    }
}

/// One element to a line, so that `grep` is of use.
fn push(spool: &mut Spool, is_first: bool, value: &impl Serialize) -> io::Result<()> {
    spool.write_all(if is_first { b"\n" } else { b",\n" })?;
    Ok(serde_json::to_writer(spool, value)?)
}

fn shown(path: &[u8], root: &[u8]) -> String {
    String::from_utf8_lossy(within(path, root)).into_owned()
}
