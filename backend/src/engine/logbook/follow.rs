//! Watching a job's log: what was written before, then what is written now, each line once.
//!
//! The file is the record and the signals only say that there is more: whenever a number does not follow the last one,
//! whether because a listener is slow or has only just come, the lines in between are read from the file.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::{Stream, stream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::domain::job::{Job, JobState, Progress};
use crate::domain::log::{Level, LogLine};

use super::job_log::JobSignal;
use super::reader::{LogPage, read_page};
use crate::engine::live::LiveJob;

/// How many lines are read from the file at once.
const PAGE_LINES: usize = 500;

/// What those who follow a log are told.
#[derive(Debug, Clone, PartialEq)]
pub enum FollowItem {
    /// The log has no such line; it is told from its start.
    Reset,
    /// The next line.
    Line(LogLine),
    /// The job came further.
    Progress(Progress),
    /// The job as it is now.
    State(Box<Job>),
    /// Nothing more will come.
    End(JobState),
}

/// The log of a job that is queued or at work, or that has ended.
#[derive(Clone)]
pub struct OpenLog {
    job: Job,
    live: Option<Arc<LiveJob>>,
    path: PathBuf,
}

impl std::fmt::Debug for OpenLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenLog").field("path", &self.path).finish_non_exhaustive()
    }
}

impl OpenLog {
    pub(in crate::engine) fn new(job: Job, live: Option<Arc<LiveJob>>, path: PathBuf) -> Self {
        Self { job, live, path }
    }

    /// What the file is called.
    #[must_use]
    pub fn file_name(&self) -> &str {
        &self.job.log_file
    }

    /// Up to `limit` lines after number `after`, of `level` or more. Blocks.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self, after: u64, limit: usize, level: Option<Level>) -> io::Result<LogPage> {
        match &self.live {
            Some(live) => live.log().read(after, limit, level),
            None => read_page(&self.path, after, limit, level),
        }
    }

    /// Every line after number `after` and, while the job is not at its end, whatever happens to it. When the log has
    /// no line of that number, it starts with [`FollowItem::Reset`] and the first line.
    ///
    /// # Errors
    /// When the file cannot be read now; when that happens later, the stream ends without [`FollowItem::End`].
    pub async fn follow(self, after: u64) -> io::Result<impl Stream<Item = FollowItem> + Send + 'static> {
        let mut follower = Follower::new(self, after);
        follower.check_start().await?;
        follower.catch_up().await?;
        Ok(stream::unfold(follower, |mut follower| async move {
            let item = follower.next().await?;
            Some((item, follower))
        }))
    }

    fn now(&self) -> Job {
        self.live.as_ref().map_or_else(|| self.job.clone(), |live| live.now())
    }
}

/// Where a follower stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It reads what was written.
    CatchUp,
    /// It waits for what happens.
    Listen,
    /// It has told everything.
    Done,
}

struct Follower {
    log: OpenLog,
    /// Absent when nothing more will happen.
    signals: Option<Receiver<JobSignal>>,
    last: u64,
    /// A line that came out of turn: those before it are in the file.
    early: Option<LogLine>,
    ready: VecDeque<FollowItem>,
    stage: Stage,
}

impl Follower {
    fn new(log: OpenLog, after: u64) -> Self {
        // Listening begins before the file is read, so that no line falls between the two.
        let signals = log.live.as_ref().and_then(|live| live.log().watch_unless_closed());
        Self { log, signals, last: after, early: None, ready: VecDeque::new(), stage: Stage::CatchUp }
    }

    async fn next(&mut self) -> Option<FollowItem> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            match self.stage {
                Stage::Done => return None,
                Stage::Listen => self.listen().await,
                Stage::CatchUp => {
                    if let Err(error) = self.catch_up().await {
                        tracing::warn!(path = %self.log.path.display(), %error, "a job's log could not be read on");
                        self.stage = Stage::Done;
                    }
                }
            }
        }
    }

    async fn check_start(&mut self) -> io::Result<()> {
        if self.last > 0 && self.read(self.last - 1, 1).await?.lines.is_empty() {
            self.last = 0;
            self.ready.push_back(FollowItem::Reset);
        }
        Ok(())
    }

    /// Reads the next page; after the last one says where the job stands and goes on to listen.
    async fn catch_up(&mut self) -> io::Result<()> {
        let page = self.read(self.last, PAGE_LINES).await?;
        self.last = page.lines.last().map_or(self.last, |line| line.n);
        self.ready.extend(page.lines.into_iter().map(FollowItem::Line));
        if page.next_after.is_some() {
            return Ok(());
        }
        // Of a file that somebody cut or removed, what comes from now on is still told.
        if let Some(line) = self.early.take().filter(|line| line.n > self.last) {
            self.last = line.n;
            self.ready.push_back(FollowItem::Line(line));
        }
        if self.signals.is_some() {
            self.ready.push_back(FollowItem::State(Box::new(self.log.now())));
            self.stage = Stage::Listen;
        } else {
            self.tell_end();
        }
        Ok(())
    }

    async fn read(&self, after: u64, limit: usize) -> io::Result<LogPage> {
        let log = self.log.clone();
        tokio::task::spawn_blocking(move || log.read(after, limit, None)).await.map_err(io::Error::other)?
    }

    async fn listen(&mut self) {
        let Some(signals) = &mut self.signals else { return self.tell_end() };
        match signals.recv().await {
            Ok(JobSignal::Line(line)) if line.n <= self.last => {}
            Ok(JobSignal::Line(line)) if line.n == self.last + 1 => {
                self.last = line.n;
                self.ready.push_back(FollowItem::Line(line));
            }
            Ok(JobSignal::Line(line)) => {
                self.early = Some(line);
                self.stage = Stage::CatchUp;
            }
            Err(RecvError::Lagged(_)) => self.stage = Stage::CatchUp,
            Ok(JobSignal::Progress(progress)) => self.ready.push_back(FollowItem::Progress(progress)),
            Ok(JobSignal::State(job)) => self.ready.push_back(FollowItem::State(job)),
            // Lines may have been lost to a slow listener, so the file has the last word.
            Ok(JobSignal::End) | Err(RecvError::Closed) => {
                self.signals = None;
                self.stage = Stage::CatchUp;
            }
        }
    }

    fn tell_end(&mut self) {
        let job = self.log.now();
        let state = job.state;
        self.ready.extend([FollowItem::State(Box::new(job)), FollowItem::End(state)]);
        self.stage = Stage::Done;
    }
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
