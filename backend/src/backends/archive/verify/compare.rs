//! Holds the entries that were found against those that the manifest names; both come in the same order.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader};

use super::super::manifest::Entry;
use super::{Problem, VerifyReport};

/// How far ahead an entry is looked for before it counts as missing.
const WINDOW: usize = 256;

pub(super) struct Comparison<'a> {
    found: BufReader<File>,
    ahead: VecDeque<Entry>,
    report: &'a mut VerifyReport,
    broken: Option<io::Error>,
}

impl<'a> Comparison<'a> {
    /// `found` has an entry in JSON a line.
    pub(super) fn new(found: BufReader<File>, report: &'a mut VerifyReport) -> Self {
        Self { found, ahead: VecDeque::new(), report, broken: None }
    }

    /// The manifest's next entry.
    pub(super) fn expect(&mut self, expected: Entry) {
        self.fill(1);
        if !self.ahead.front().is_some_and(|found| is_same_path(found, &expected)) {
            self.fill(WINDOW);
        }
        let Some(position) = self.ahead.iter().position(|found| is_same_path(found, &expected)) else {
            return self.report.add(Problem::Missing(expected.path));
        };
        for extra in self.ahead.drain(..position) {
            self.report.add(Problem::Extra(extra.path));
        }
        match self.ahead.pop_front() {
            Some(found) if found == expected => {}
            Some(found) if found.hash != expected.hash => self.report.add(Problem::Content(expected.path)),
            _ => self.report.add(Problem::Metadata(expected.path)),
        }
    }

    /// The manifest has no more entries.
    pub(super) fn finish(mut self) -> io::Result<()> {
        loop {
            self.fill(1);
            match self.ahead.pop_front() {
                Some(extra) => self.report.add(Problem::Extra(extra.path)),
                None => return self.broken.map_or(Ok(()), Err),
            }
        }
    }

    fn fill(&mut self, count: usize) {
        while self.ahead.len() < count && self.broken.is_none() {
            match self.read_one() {
                Ok(Some(entry)) => self.ahead.push_back(entry),
                Ok(None) => return,
                Err(error) => self.broken = Some(error),
            }
        }
    }

    fn read_one(&mut self) -> io::Result<Option<Entry>> {
        let mut line = Vec::new();
        match self.found.read_until(b'\n', &mut line)? {
            0 => Ok(None),
            _ => Ok(Some(serde_json::from_slice(&line)?)),
        }
    }
}

fn is_same_path(a: &Entry, b: &Entry) -> bool {
    a.path == b.path && a.path_bytes == b.path_bytes
}
