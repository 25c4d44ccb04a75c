//! Collects the manifest while the archive is written: entries go to a spool, only counters stay in memory.

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::lines::{Line, Placed};
use super::manifest::{Entry, VERSION, within};
use super::node::{Node, join};
use super::options::{Exclude, TargetSpec};
use super::report::{GapKind, LeftOut, TargetReport, Warning};
use super::spool::{Part, Spool};

/// What the manifest will say.
pub(super) struct Catalogue {
    /// The lines of all entries; see [`super::lines`].
    lines: Spool,
    /// The warnings and what was left out of all targets, as elements of JSON arrays with a comma before each.
    warnings: Spool,
    left_out: Spool,
    targets: Vec<Target>,
    is_open: bool,
    excluded: Vec<Exclude>,
}

/// A target that entries go, or went, to.
struct Target {
    /// The JSON of what comes before its entries, without the closing brace.
    head: String,
    /// Path below the top directory.
    archive_path: String,
    /// Full path within the archive.
    root: Vec<u8>,
    report: TargetReport,
    warnings: List,
    left_out: List,
}

/// The parts of a spool that make up a JSON array. Neighbours are joined, so that there are few.
#[derive(Default)]
struct List(Vec<Range<u64>>);

impl Catalogue {
    pub(super) fn beside(archive: &Path) -> io::Result<Self> {
        let [lines, warnings, left_out] = [(); 3].map(|()| Spool::beside(archive));
        let (lines, warnings, left_out) = (lines?, warnings?, left_out?);
        Ok(Self { lines, warnings, left_out, targets: Vec::new(), is_open: false, excluded: Vec::new() })
    }

    /// Opens the next target in place of the open one.
    pub(super) fn begin(&mut self, top_dir: &str, spec: TargetSpec) {
        let head = json!({
            "kind": spec.kind, "name": spec.name,
            "path": spec.original_path.to_string_lossy(), "archive_path": spec.archive_path,
        });
        let mut head = head.to_string();
        head.pop();
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
        let (warnings, left_out) = (List::default(), List::default());
        let archive_path = spec.archive_path;
        self.targets.push(Target { head, archive_path, root, report, warnings, left_out });
        self.is_open = true;
    }

    /// Closes the open target, if there is one.
    pub(super) fn end(&mut self) -> Option<&TargetReport> {
        let is_open = std::mem::take(&mut self.is_open);
        self.targets.last().filter(|_| is_open).map(|target| &target.report)
    }

    /// The open target's full path within the archive.
    pub(super) fn root(&self) -> Option<&[u8]> {
        self.targets.last().filter(|_| self.is_open).map(|target| target.root.as_slice())
    }

    /// The number of the latest target.
    pub(super) fn target(&self) -> usize {
        self.targets.len().saturating_sub(1)
    }

    /// Bytes of lines so far.
    pub(super) fn lines_len(&self) -> u64 {
        self.lines.len()
    }

    /// All lines, to read at given offsets.
    pub(super) fn lines(&mut self) -> io::Result<File> {
        self.lines.share()
    }

    /// Notes an entry that is in the archive, with the length of its header.
    pub(super) fn add(&mut self, node: &Node, header_len: usize, hash: Option<blake3::Hash>) -> io::Result<()> {
        let Some(target) = self.targets.last_mut() else { return Ok(()) };
        let json = serde_json::to_vec(&Entry::new(node, &target.root, hash))?;
        let header_len = u32::try_from(header_len).map_err(io::Error::other)?;
        target.report.entry_count += 1;
        target.report.size_bytes += node.stored;
        Line { header_len, stored: node.stored, json: &json }.write(&mut self.lines)
    }

    /// Notes entries that an earlier pass made out.
    pub(super) fn take_over(&mut self, lines: &[u8], entry_count: u64, content_bytes: u64) -> io::Result<()> {
        let Some(target) = self.targets.last_mut() else { return Ok(()) };
        target.report.entry_count += entry_count;
        target.report.size_bytes += content_bytes;
        self.lines.write_all(lines)
    }

    /// Notes that the entry at the full `path` is not what it should be.
    pub(super) fn warn(&mut self, path: &[u8], kind: GapKind, message: &str) -> io::Result<()> {
        self.warn_of(self.target(), path, kind, message)
    }

    /// The same of a target that need not be the open one.
    pub(super) fn warn_of(&mut self, target: usize, path: &[u8], kind: GapKind, message: &str) -> io::Result<()> {
        let Some(target) = self.targets.get_mut(target) else { return Ok(()) };
        let warning = Warning { path: shown(path, &target.root), kind, message: message.to_owned() };
        target.warnings.push(&mut self.warnings, &warning)?;
        target.report.warning_count += 1;
        if target.report.warnings.len() < TargetReport::SHOWN {
            target.report.warnings.push(warning);
        }
        Ok(())
    }

    /// Notes that what was at the full `path` is not in the archive; a warning too, unless no tar could hold it.
    pub(super) fn leave_out(&mut self, path: &[u8], kind: GapKind, reason: &str) -> io::Result<()> {
        let Some(target) = self.targets.last_mut() else { return Ok(()) };
        let left_out = LeftOut { path: shown(path, &target.root), reason: reason.to_owned() };
        target.left_out.push(&mut self.left_out, &left_out)?;
        target.report.left_out_count += 1;
        if target.report.left_out.len() < TargetReport::SHOWN {
            target.report.left_out.push(left_out);
        }
        if kind == GapKind::Unsupported { Ok(()) } else { self.warn(path, kind, reason) }
    }

    /// Notes something that was left out on purpose.
    pub(super) fn exclude(&mut self, exclude: Exclude) {
        self.excluded.push(exclude);
    }

    /// How each target came out.
    pub(super) fn reports(&self) -> Vec<TargetReport> {
        self.targets.iter().map(|target| target.report.clone()).collect()
    }

    /// Where each target is below the top directory, and how many entries it has.
    pub(super) fn places(&self) -> Vec<(String, u64)> {
        let place = |target: &Target| (target.archive_path.clone(), target.report.entry_count);
        self.targets.iter().map(place).collect()
    }

    /// Writes the whole manifest. `entries` has the [`Placed`] entries of all targets in order; `pieces` the lines of
    /// the list of pieces, each with a comma before it.
    pub(super) fn write(
        mut self,
        about: Map<String, Value>,
        entries: &mut impl Read,
        pieces: &mut impl Read,
        to: &mut Spool,
    ) -> io::Result<()> {
        let mut head = Map::from_iter([("version".to_owned(), VERSION.into())]);
        head.extend(about);
        head.insert("excluded".to_owned(), serde_json::to_value(&self.excluded)?);
        let mut head = Value::Object(head).to_string();
        head.pop();
        write!(to, "{head},\n\"targets\":[")?;
        let (warnings, left_out) = (self.warnings.share()?, self.left_out.share()?);
        for (number, target) in self.targets.iter().enumerate() {
            write!(to, "{}{}", if number == 0 { "" } else { ",\n" }, target.head)?;
            target.write(&warnings, &left_out, entries, to)?;
        }
        to.write_all(b"],\n\"pieces\":[")?;
        skip_comma(pieces)?;
        io::copy(pieces, to)?;
        to.write_all(b"]}\n")
    }
}

impl Target {
    fn write(&self, warnings: &File, left_out: &File, entries: &mut impl Read, to: &mut Spool) -> io::Result<()> {
        let report = &self.report;
        to.write_all(b",\"entries\":[")?;
        for number in 0..report.entry_count {
            let entry = Placed::read(entries)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            // One element to a line, so that `grep` is of use.
            to.write_all(if number == 0 { b"\n" } else { b",\n" })?;
            to.write_all(&entry.json)?;
        }
        write!(to, "],\"state\":\"{}\",\"size_bytes\":{},\"left_out\":[", report.state(), report.size_bytes)?;
        self.left_out.write(left_out, to)?;
        to.write_all(b"],\"warnings\":[")?;
        self.warnings.write(warnings, to)?;
        to.write_all(b"]}")
    }
}

impl List {
    fn push(&mut self, spool: &mut Spool, value: &impl Serialize) -> io::Result<()> {
        let start = spool.len();
        spool.write_all(b",\n")?;
        serde_json::to_writer(&mut *spool, value)?;
        match self.0.last_mut() {
            Some(last) if last.end == start => last.end = spool.len(),
            _ => self.0.push(start..spool.len()),
        }
        Ok(())
    }

    fn write(&self, spool: &File, to: &mut Spool) -> io::Result<()> {
        for (number, range) in self.0.iter().enumerate() {
            // The comma before the first element is left out.
            let start = range.start + u64::from(number == 0);
            let mut part = Part { file: spool.try_clone()?, range: start..range.end };
            io::copy(&mut part, to)?;
        }
        Ok(())
    }
}

fn skip_comma(list: &mut impl Read) -> io::Result<()> {
    list.take(1).read_to_end(&mut Vec::new()).map(drop)
}

fn shown(path: &[u8], root: &[u8]) -> String {
    String::from_utf8_lossy(within(path, root)).into_owned()
}
