//! Reading a log file page by page.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use crate::domain::log::{Level, LogLine};

use super::line::parse_line;

/// Lines of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPage {
    /// The lines, in order.
    pub lines: Vec<LogLine>,
    /// The number after which the next page starts; absent when the end of the file was reached.
    pub next_after: Option<u64>,
}

/// Up to `limit` lines after number `after`, of `level` or more.
///
/// # Errors
/// When the file cannot be read.
pub fn read_page(path: &Path, after: u64, limit: usize, level: Option<Level>) -> io::Result<LogPage> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut page = LogPage::default();
    let mut bytes = Vec::new();
    for n in 1.. {
        bytes.clear();
        // Without a line break at its end a line is still being written, or was cut by a crash; it counts all the same
        // once the log is closed, so it is not withheld.
        if reader.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        if n <= after {
            continue;
        }
        if page.lines.len() == limit {
            page.next_after = page.lines.last().map(|line| line.n);
            break;
        }
        let line = parse_line(n, String::from_utf8_lossy(&bytes).trim_end_matches('\n'));
        if level.is_none_or(|wanted| line.level >= wanted) {
            page.lines.push(line);
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let lines = (1..=10)
            .map(|n| format!("2026-01-01T00:00:00.000Z [{}] line {n}\n", if n % 5 == 0 { "ERROR" } else { "INFO" }));
        std::fs::write(file.path(), lines.collect::<String>()).expect("written");
        file
    }

    fn numbers(page: &LogPage) -> Vec<u64> {
        page.lines.iter().map(|l| l.n).collect()
    }

    #[test]
    fn pages_follow_each_other_without_gaps() {
        let file = file();
        let first = read_page(file.path(), 0, 4, None).expect("read");
        assert_eq!((numbers(&first), first.next_after), (vec![1, 2, 3, 4], Some(4)));
        let last = read_page(file.path(), 8, 4, None).expect("read");
        assert_eq!((numbers(&last), last.next_after), (vec![9, 10], None));
    }

    #[test]
    fn a_level_keeps_the_numbers() {
        let page = read_page(file().path(), 0, 100, Some(Level::Warning)).expect("read");
        assert_eq!(numbers(&page), [5, 10]);
    }
}
