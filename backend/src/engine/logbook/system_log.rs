//! The system log: what the service and its jobs say, the last lines in memory, all of it in a file per day.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use futures_util::Stream;

use crate::domain::clock::SharedClock;
use crate::domain::log::{Level, LogLine};

use super::line::format_line;
use crate::engine::hub::{Hub, HubItem};

/// How many lines are kept in memory.
pub const LINES_KEPT: usize = 500;

struct DayFile {
    day: NaiveDate,
    file: Option<File>,
}

struct Inner {
    hub: Hub<LogLine>,
    directory: PathBuf,
    day_file: Mutex<Option<DayFile>>,
    clock: SharedClock,
    redact: Redact,
}

/// Takes secrets out of a text.
pub type Redact = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// The system log. Cloning shares it.
#[derive(Clone)]
pub struct SystemLog(Arc<Inner>);

impl std::fmt::Debug for SystemLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SystemLog").field("directory", &self.0.directory).finish_non_exhaustive()
    }
}

impl SystemLog {
    /// A log whose files lie in `directory`, as `mainstay_<date>.log`.
    #[must_use]
    pub fn new(directory: PathBuf, clock: SharedClock) -> Self {
        Self::redacting(directory, clock, Arc::new(str::to_owned))
    }

    /// The same log, and everything that it or a job's log is told passes `redact` first.
    #[must_use]
    pub fn redacting(directory: PathBuf, clock: SharedClock, redact: Redact) -> Self {
        let hub = Hub::new(LINES_KEPT, clock.now());
        Self(Arc::new(Inner { hub, directory, day_file: Mutex::new(None), clock, redact }))
    }

    /// `text` without the secrets that are known.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        (self.0.redact)(text)
    }

    /// Writes a line.
    pub fn write(&self, level: Level, target: Option<String>, message: impl AsRef<str>) {
        let (at, message) = (self.0.clock.now(), self.redact(message.as_ref()));
        // The file is written under its own lock first, so that lines stand there in the order of their numbers.
        let mut day_file = self.0.day_file.lock().unwrap_or_else(PoisonError::into_inner);
        let line = self.0.hub.publish_numbered(|n| LogLine { n, at, level, target, message });
        let file = self.file_of(&mut day_file, &line);
        if let Some(file) = file {
            // A full disk must not stop the service; the line is in memory.
            let _ = writeln!(file, "{}", format_line(&line));
        }
    }

    /// The last `limit` lines, oldest first.
    #[must_use]
    pub fn last(&self, limit: usize) -> Vec<LogLine> {
        self.0.hub.last(limit)
    }

    /// The id of the newest line.
    #[must_use]
    pub fn last_id(&self) -> String {
        self.0.hub.last_id()
    }

    /// The id of a line: where to resume after it.
    #[must_use]
    pub fn id_of(&self, line: &LogLine) -> String {
        self.0.hub.id(line.n)
    }

    /// Lines after the one called `after`.
    pub fn subscribe(&self, after: Option<&str>) -> impl Stream<Item = HubItem<LogLine>> + Send + use<> {
        self.0.hub.subscribe(after)
    }

    fn file_of<'a>(&self, day_file: &'a mut Option<DayFile>, line: &LogLine) -> Option<&'a mut File> {
        let day = line.at.date_naive();
        if day_file.as_ref().is_none_or(|open| open.day != day || open.file.is_none()) {
            let path = self.0.directory.join(format!("mainstay_{day}.log"));
            let file = OpenOptions::new().create(true).append(true).mode(0o640).open(path).ok();
            *day_file = Some(DayFile { day, file });
        }
        day_file.as_mut().and_then(|open| open.file.as_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::ManualClock;

    #[test]
    fn each_day_has_its_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let clock =
            Arc::new(ManualClock::new(chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a valid time")));
        let log = SystemLog::new(directory.path().to_owned(), clock.clone());
        log.write(Level::Info, None, "first");
        clock.advance(chrono::Duration::days(1));
        log.write(Level::Error, Some("blog".into()), "second");
        let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).expect("a file");
        assert_eq!(read("mainstay_2023-11-14.log"), "2023-11-14T22:13:20.000Z [INFO] first\n");
        assert_eq!(read("mainstay_2023-11-15.log"), "2023-11-15T22:13:20.000Z [ERROR] (blog) second\n");
        assert_eq!(log.last(1)[0].n, 2);
    }

    #[test]
    fn a_missing_directory_stops_nothing() {
        let clock = Arc::new(ManualClock::new(chrono::DateTime::UNIX_EPOCH));
        let log = SystemLog::new("/nonexistent/directory".into(), clock);
        log.write(Level::Info, None, "kept in memory");
        assert_eq!(log.last(9).len(), 1);
    }
}
