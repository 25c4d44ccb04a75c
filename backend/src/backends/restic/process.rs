//! Runs restic once: its lines as they come, its end by a cancel, a limit or standing still.
//!
//! It is asked to end by SIGINT, because then every version removes its lock, and killed with its helpers when it does not.

use std::ffi::OsString;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::activity::Activity;
use super::group::Group;
use super::lines::Lines;
use super::own_runs::OwnRun;
use super::program::Restic;
use super::{BackendError, Work};

/// How long restic may take to remove its lock when it is asked to end.
const GRACE: Duration = Duration::from_secs(15);
/// How long what restic started may hold its output open after it.
const HELPER_GRACE: Duration = Duration::from_secs(5);
/// How often limits are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// As many lines of standard error are kept, from its beginning and its end together.
const KEPT_LINES: usize = 400;

/// What restic is to do.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) arguments: Vec<OsString>,
    limit: Option<Duration>,
}

impl Call {
    pub(super) fn new<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Self {
        Self { arguments: arguments.into_iter().map(Into::into).collect(), limit: None }
    }

    /// One argument more.
    pub(super) fn with(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// It may take no longer than this, nor longer than the instance says.
    pub(super) const fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// A line of its output.
#[derive(Clone, Copy)]
pub(super) enum Line<'a> {
    /// On standard output.
    Out(&'a str),
    /// On standard error.
    Err(&'a str),
}

/// What a line means for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heed {
    /// Nothing.
    Idle,
    /// Something moved.
    Moved,
    /// It leads nowhere: restic is asked to end.
    GiveUp,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    /// The exit code; absent when a signal ended it.
    pub(super) code: Option<i32>,
    /// What it said on standard error, not redacted.
    pub(super) said: Vec<String>,
}

impl Ended {
    pub(super) fn is_success(&self) -> bool {
        self.code == Some(0)
    }
}

/// Why it is to end before it is done.
enum Why {
    Cancelled,
    Stalled,
    TooLong(Duration),
    GivenUp,
    Unreadable(io::Error),
}

impl Restic {
    /// Runs restic and hands over each line as it comes. Any exit code is an answer here.
    pub(super) async fn run(
        &self,
        work: &Work,
        call: Call,
        on_line: &mut (dyn for<'l> FnMut(Line<'l>) -> Heed + Send),
    ) -> Result<Ended, BackendError> {
        if work.cancel.is_cancelled() {
            return Err(BackendError::Cancelled);
        }
        let limit = [call.limit, self.timeout].into_iter().flatten().min();
        self.start(self.command(&call.arguments), limit)?.watch(work, on_line).await
    }

    /// Begins a restic that waits for the end of its standard input.
    pub(super) fn start_waiting(&self, arguments: &[OsString]) -> Result<Running, BackendError> {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped());
        self.start(command, self.timeout)
    }

    fn start(&self, mut command: Command, limit: Option<Duration>) -> Result<Running, BackendError> {
        let mut child = command.spawn().map_err(not_begun)?;
        let group = Group::led_by(child.id());
        let record = OwnRun::begin(self, child.id());
        let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(BackendError::failed("restic has no output to read"));
        };
        Ok(Running {
            gate: child.stdin.take(),
            _record: record,
            activity: Activity::of(child.id()),
            child,
            group,
            out: Lines::new(out),
            err: Lines::new(err),
            limit,
            began: Instant::now(),
            status: None,
            ending: None,
            killed_at: None,
            said: Vec::new(),
        })
    }

    /// Runs restic and hands over what it prints on standard output as it comes.
    pub(super) async fn pour(&self, work: &Work, call: Call, to: &mpsc::Sender<Bytes>) -> Result<Ended, BackendError> {
        if work.cancel.is_cancelled() {
            return Err(BackendError::Cancelled);
        }
        let limit = [call.limit, self.timeout].into_iter().flatten().min();
        self.start(self.command(&call.arguments), limit)?.pour(work, to).await
    }

    /// Runs restic and keeps what it prints on standard output.
    pub(super) async fn collect(&self, work: &Work, call: Call) -> Result<(Ended, Vec<String>), BackendError> {
        let mut lines = Vec::new();
        let mut on_line = |line: Line<'_>| {
            if let Line::Out(text) = line {
                lines.push(text.to_owned());
            }
            Heed::Idle
        };
        let ended = self.run(work, call, &mut on_line).await?;
        Ok((ended, lines))
    }
}

fn not_begun(error: io::Error) -> BackendError {
    match error.kind() {
        io::ErrorKind::NotFound => BackendError::NotReady(
            "the program restic is not there: install restic 0.14 or newer, or put its directory into PATH".to_owned(),
        ),
        io::ErrorKind::PermissionDenied => {
            BackendError::NotReady("the program restic may not be run by the user of this service".to_owned())
        }
        _ => BackendError::because("restic could not be begun", error),
    }
}

/// Who hears of each line.
type OnLine<'a> = &'a mut (dyn for<'l> FnMut(Line<'l>) -> Heed + Send);

/// Where its output goes.
enum Outlet<'a> {
    Lines(OnLine<'a>),
    Parts(&'a mpsc::Sender<Bytes>),
}

/// What was read of its standard output.
enum Read {
    Line(io::Result<Option<String>>),
    Part(io::Result<Option<Bytes>>),
}

impl Read {
    async fn next(out: &mut Lines<ChildStdout>, takes_lines: bool) -> Self {
        if takes_lines { Self::Line(out.next().await) } else { Self::Part(out.next_part().await) }
    }
}

impl Outlet<'_> {
    /// Nobody hears of lines where the output is taken as it comes; those of standard error are kept all the same.
    fn heed(&mut self, line: Line<'_>) -> Heed {
        match self {
            Self::Lines(on_line) => on_line(line),
            Self::Parts(_) => Heed::Idle,
        }
    }
}

/// A restic at work.
pub(super) struct Running {
    child: Child,
    /// What it waits for.
    gate: Option<ChildStdin>,
    _record: OwnRun,
    group: Group,
    out: Lines<ChildStdout>,
    err: Lines<ChildStderr>,
    activity: Activity,
    limit: Option<Duration>,
    began: Instant,
    status: Option<(ExitStatus, Instant)>,
    ending: Option<(Why, Instant)>,
    killed_at: Option<Instant>,
    said: Vec<String>,
}

impl Running {
    /// Whether it is over already.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Has it wait no longer. Its time counts from now on.
    pub(super) fn open_gate(&mut self) {
        self.gate = None;
        self.began = Instant::now();
        self.activity.moved();
    }

    /// The same with a last word for it, and a limit from now on.
    pub(super) async fn open_gate_with(&mut self, word: &[u8], limit: Duration) {
        if let Some(mut gate) = self.gate.take() {
            // It may have ended by now.
            let _ = gate.write_all(word).await;
        }
        self.limit = Some(limit);
        self.open_gate();
    }

    /// Waits for its end, and hands over each line as it comes.
    pub(super) async fn watch(
        self,
        work: &Work,
        on_line: &mut (dyn for<'l> FnMut(Line<'l>) -> Heed + Send),
    ) -> Result<Ended, BackendError> {
        self.follow(work, &mut Outlet::Lines(on_line)).await
    }

    /// Waits for its end, and hands over what it prints on standard output as it comes. When nobody takes it any more
    /// it is asked to end.
    pub(super) async fn pour(self, work: &Work, to: &mpsc::Sender<Bytes>) -> Result<Ended, BackendError> {
        self.follow(work, &mut Outlet::Parts(to)).await
    }

    async fn follow(mut self, work: &Work, outlet: &mut Outlet<'_>) -> Result<Ended, BackendError> {
        let takes_lines = matches!(outlet, Outlet::Lines(_));
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_over() {
            tokio::select! {
                read = Read::next(&mut self.out, takes_lines), if !self.out.has_ended() => self.hand_over(read, outlet).await,
                line = self.err.next(), if !self.err.has_ended() => self.take(line, true, outlet),
                status = self.child.wait(), if self.status.is_none() => match status {
                    Ok(status) => self.status = Some((status, Instant::now())),
                    Err(error) => return Err(BackendError::because("restic could not be waited for", error)),
                },
                () = work.cancel.cancelled(), if self.ending.is_none() => self.end(Why::Cancelled),
                _ = ticks.tick() => self.look(work.stall_timeout),
            }
        }
        if self.status.is_some() && self.killed_at.is_none() {
            self.group.disarm();
        }
        self.into_ended(work.stall_timeout)
    }

    async fn hand_over(&mut self, read: Read, outlet: &mut Outlet<'_>) {
        match (read, outlet) {
            (Read::Line(line), outlet) => self.take(line, false, outlet),
            (Read::Part(Ok(Some(part))), Outlet::Parts(to)) => {
                let is_taken = to.send(part).await.is_ok();
                self.activity.moved();
                if !is_taken {
                    self.end(Why::GivenUp);
                }
            }
            (Read::Part(Err(error)), _) => self.end(Why::Unreadable(error)),
            (Read::Part(_), _) => {}
        }
    }

    fn take(&mut self, line: io::Result<Option<String>>, is_err: bool, outlet: &mut Outlet<'_>) {
        let text = match line {
            Ok(Some(text)) => text,
            Ok(None) => return,
            Err(error) => return self.end(Why::Unreadable(error)),
        };
        match outlet.heed(if is_err { Line::Err(&text) } else { Line::Out(&text) }) {
            Heed::Idle => {}
            Heed::Moved => self.activity.moved(),
            Heed::GiveUp => self.end(Why::GivenUp),
        }
        if is_err && !text.trim().is_empty() {
            self.said.push(text);
            if self.said.len() > KEPT_LINES {
                self.said.remove(KEPT_LINES / 2);
            }
        }
    }

    /// Asks restic to end.
    fn end(&mut self, why: Why) {
        if self.ending.is_none() && self.status.is_none() {
            self.group.interrupt();
            self.ending = Some((why, Instant::now()));
        }
    }

    fn look(&mut self, stall_timeout: Duration) {
        let is_late = |since: Instant, by: Duration| since.elapsed() >= by;
        let helpers_stay = self.status.is_some_and(|(_, at)| is_late(at, HELPER_GRACE));
        let does_not_end = self.ending.as_ref().is_some_and(|(_, at)| is_late(*at, GRACE));
        if (helpers_stay || does_not_end) && self.killed_at.is_none() {
            self.group.kill();
            self.killed_at = Some(Instant::now());
        }
        let printed = self.out.bytes() + self.err.bytes();
        if let Some(limit) = self.limit.filter(|limit| is_late(self.began, *limit)) {
            self.end(Why::TooLong(limit));
        } else if self.activity.still_for(printed) >= stall_timeout {
            self.end(Why::Stalled);
        }
    }

    fn is_over(&self) -> bool {
        let is_read = self.out.has_ended() && self.err.has_ended();
        // What hangs in the kernel does not even die.
        let is_lost = self.killed_at.is_some_and(|at| at.elapsed() >= HELPER_GRACE);
        (self.status.is_some() && is_read) || is_lost
    }

    fn into_ended(self, stall_timeout: Duration) -> Result<Ended, BackendError> {
        let code = self.status.and_then(|(status, _)| status.code());
        let Some((why, _)) = self.ending else { return Ok(Ended { code, said: self.said }) };
        Err(match why {
            Why::GivenUp => return Ok(Ended { code, said: self.said }),
            Why::Cancelled => BackendError::Cancelled,
            Why::Stalled => BackendError::Stalled { after: stall_timeout },
            Why::TooLong(limit) => {
                BackendError::failed(format!("restic did not end within {} s and was ended", limit.as_secs()))
            }
            Why::Unreadable(error) => BackendError::because("the output of restic could not be read", error),
        })
    }
}
