//! The log of one job: its file, and those who watch it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use crate::domain::clock::SharedClock;
use crate::domain::job::{Job, Progress};
use crate::domain::log::{Level, LogLine};

use super::line::format_line;
use super::reader::{LogPage, read_page};
use super::{SystemLog, mirror};

/// How many signals a watcher may be behind; one that is further behind reads the file.
const SIGNALS_KEPT: usize = 256;

/// What those who watch a job are told.
#[derive(Debug, Clone, PartialEq)]
pub enum JobSignal {
    /// A line was written.
    Line(LogLine),
    /// The job came further.
    Progress(Progress),
    /// The job changed.
    State(Box<Job>),
    /// Nothing more will come.
    End,
}

struct Writer {
    file: Option<File>,
    lines: u64,
    /// Lines that could not go to the file.
    in_memory: Vec<LogLine>,
    is_closed: bool,
}

/// The log of one job that is queued or at work.
pub struct JobLog {
    path: PathBuf,
    about: Option<String>,
    writer: Mutex<Writer>,
    signals: broadcast::Sender<JobSignal>,
    system: SystemLog,
    clock: SharedClock,
}

impl JobLog {
    /// Makes the file. When that fails, the lines are kept in memory and the system log says why.
    pub(in crate::engine) fn create(
        path: PathBuf,
        about: Option<String>,
        system: SystemLog,
        clock: SharedClock,
    ) -> Arc<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o640).open(&path);
        if let Err(error) = &file {
            let message =
                format!("the log file {} cannot be written: {error}; its lines are kept in memory", path.display());
            system.write(Level::Warning, about.clone(), message);
        }
        Arc::new(Self {
            path,
            about,
            writer: Mutex::new(Writer { file: file.ok(), lines: 0, in_memory: Vec::new(), is_closed: false }),
            signals: broadcast::Sender::new(SIGNALS_KEPT),
            system,
            clock,
        })
    }

    /// Writes a line about the whole job.
    pub fn write(&self, level: Level, message: impl Into<String>) {
        self.write_about(level, None, message);
    }

    /// Writes a line about `target`.
    pub fn write_about(&self, level: Level, target: Option<&str>, message: impl Into<String>) {
        let mut writer = self.lock();
        writer.lines += 1;
        let line = LogLine {
            n: writer.lines,
            at: self.clock.now(),
            level,
            target: target.map(str::to_owned),
            message: self.redact(&message.into()),
        };
        let is_written = writer.file.as_mut().is_some_and(|file| writeln!(file, "{}", format_line(&line)).is_ok());
        if !is_written {
            writer.file = None;
            writer.in_memory.push(line.clone());
        }
        mirror(&line, self.about.as_deref());
        // The system log's lines are about the stack, so the target goes into the sentence.
        let sentence = line.target.as_ref().map_or_else(|| line.message.clone(), |t| format!("{t}: {}", line.message));
        self.system.write(level, self.about.clone(), sentence);
        // Sent under the lock, so that lines arrive in the order of their numbers.
        let _ = self.signals.send(JobSignal::Line(line));
    }

    /// `text` without the secrets that are known.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.system.redact(text)
    }

    /// Tells those who watch.
    pub(in crate::engine) fn signal(&self, signal: JobSignal) {
        let _ = self.signals.send(signal);
    }

    /// Tells those who watch that nothing more will come.
    pub(in crate::engine) fn close(&self) {
        let mut writer = self.lock();
        writer.is_closed = true;
        self.signal(JobSignal::End);
    }

    /// Makes what was written safe against a power cut.
    pub(in crate::engine) fn sync(&self) {
        if let Some(file) = &self.lock().file {
            let _ = file.sync_all();
        }
    }

    /// What happens from now on, up to [`JobSignal::End`]; `None` when that was told already.
    #[must_use]
    pub fn watch_unless_closed(&self) -> Option<broadcast::Receiver<JobSignal>> {
        let writer = self.lock();
        (!writer.is_closed).then(|| self.signals.subscribe())
    }

    /// Lines that were written, from the file and from memory.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self, after: u64, limit: usize, level: Option<Level>) -> std::io::Result<LogPage> {
        let (written, in_memory) = {
            let writer = self.lock();
            (writer.lines, writer.in_memory.clone())
        };
        // A line that is being written now may be there in part; so may the one that filled the disk.
        let in_file = in_memory.first().map_or(written, |line| line.n - 1);
        let mut page =
            if self.path.exists() { read_page(&self.path, after, limit, level)? } else { LogPage::default() };
        page.lines.retain(|line| line.n <= in_file);
        page.next_after = page.next_after.filter(|n| *n < in_file);
        if page.next_after.is_none() {
            let mut wanted =
                in_memory.into_iter().filter(|l| l.n > after && level.is_none_or(|w| l.level >= w)).peekable();
            let room = limit.saturating_sub(page.lines.len());
            page.lines.extend(wanted.by_ref().take(room));
            page.next_after = wanted.peek().and(page.lines.last()).map(|line| line.n);
        }
        Ok(page)
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::ManualClock;

    fn log(path: PathBuf) -> Arc<JobLog> {
        let clock: SharedClock = Arc::new(ManualClock::new(chrono::DateTime::UNIX_EPOCH));
        let system = SystemLog::new("/nonexistent".into(), clock.clone());
        JobLog::create(path, Some("blog".into()), system, clock)
    }

    #[test]
    fn lines_are_numbered_read_back_and_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let log = log(directory.path().join("job.log"));
        let mut watch = log.watch_unless_closed().expect("not closed");
        log.write(Level::Info, "one");
        log.write_about(Level::Warning, Some("volume v"), "two");
        let page = log.read(1, 10, None).expect("read");
        assert_eq!(page.lines.iter().map(|l| (l.n, l.message.as_str())).collect::<Vec<_>>(), [(2, "two")]);
        let told = [watch.try_recv(), watch.try_recv()].map(|s| matches!(s, Ok(JobSignal::Line(_))));
        assert_eq!(told, [true, true]);
        assert_eq!(log.system.last(9).len(), 2, "the system log has the lines too");
    }

    #[test]
    fn without_a_file_the_lines_live_in_memory() {
        let log = log("/nonexistent/job.log".into());
        log.write(Level::Info, "one");
        assert_eq!(log.read(0, 10, None).expect("read").lines.len(), 1);
    }
}
