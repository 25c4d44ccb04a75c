//! Shell scripts in containers, run to their end.
//!
//! The script tells its process id before anything else, because an engine ends no command that it began: one that is
//! given up is ended by a second command, with all that it started. Secrets go into variables, which only the container
//! sees; the script and its arguments stand in the process list of the host.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use secrecy::SecretString;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{ByteStream, ContainerEngine, EngineError, Exec, ExecSpec, OutputPiece, OutputStream};

/// What a script says first, on its standard error, with its process id.
const MARKER: &str = "mainstay-pid ";
/// How long a command may count as running after its output ended. An engine is late by some milliseconds.
const SETTLE_LIMIT: Duration = Duration::from_secs(10);
/// How long a script that is ended may take for it, before it is killed and after.
const END_LIMIT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);
/// Longer lines are told in parts.
const MAX_LINE: usize = 4096;

/// A script to run.
pub struct ShellRun<'a> {
    /// The engine.
    pub engine: &'a dyn ContainerEngine,
    /// The container, by id or name.
    pub container: &'a str,
    /// What the shell is called with; `-c` and the script follow.
    pub options: &'a [&'a str],
    /// The script. It must not hold secrets.
    pub script: &'a str,
    /// Its arguments, `$1` and on.
    pub arguments: Vec<String>,
    /// Its variables, besides the container's own.
    pub env: Vec<(String, SecretString)>,
    /// Set when it is to end.
    pub cancel: &'a CancellationToken,
    /// How long it may print nothing; absent means for ever.
    pub silence_limit: Option<Duration>,
    /// How long it may take in all; absent means for ever.
    pub time_limit: Option<Duration>,
}

/// Why a script did not come to its end. It was ended then, as far as the engine could be asked.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// The container does not run.
    #[error("container {0} does not run")]
    NotRunning(String),
    /// The container's image has no shell.
    #[error("container {0} has no /bin/sh")]
    NoShell(String),
    /// It was asked to end.
    #[error("it was cancelled")]
    Cancelled,
    /// It printed nothing for too long.
    #[error("nothing came from it for {} s", .0.as_secs())]
    Stalled(Duration),
    /// It took too long.
    #[error("it took longer than {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The engine ended the output, and the script still ran.
    #[error("its output broke off while it still ran")]
    CutOff,
    /// What it printed could not be kept.
    #[error("what it prints cannot be kept")]
    NotKept(#[source] std::io::Error),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Who gets what a script prints.
#[async_trait]
pub trait ShellOutput: Send {
    /// A piece of its standard output.
    async fn keep(&mut self, bytes: Bytes) -> std::io::Result<()>;
    /// A line of its standard error.
    fn complain(&mut self, line: &str);
}

/// What was read of a script so far.
#[derive(Default)]
struct Told {
    process: Option<u32>,
    lines: Lines,
}

impl ShellRun<'_> {
    /// Runs the script and returns its exit code. To end it early set its token: a future that is dropped leaves it
    /// running.
    ///
    /// # Errors
    /// When it did not come to its end.
    pub async fn run(&self, output: &mut dyn ShellOutput) -> Result<i64, ShellError> {
        self.run_with(None, output).await
    }

    /// Runs the script as [`Self::run`] does, with something on its standard input. What it did not read is lost without
    /// an error: its exit code says whether that is well.
    ///
    /// # Errors
    /// When it did not come to its end, or the input broke off.
    pub async fn run_fed(&self, input: ByteStream, output: &mut dyn ShellOutput) -> Result<i64, ShellError> {
        self.run_with(Some(input), output).await
    }

    async fn run_with(&self, input: Option<ByteStream>, output: &mut dyn ShellOutput) -> Result<i64, ShellError> {
        if self.cancel.is_cancelled() {
            return Err(ShellError::Cancelled);
        }
        let begun = match input {
            Some(input) => self.engine.exec_with_input(self.container, &self.spec(), input).await,
            None => self.engine.exec(self.container, &self.spec()).await,
        };
        let Exec { id, output: pieces } = begun.map_err(|error| self.why_not_begun(error))?;
        let mut told = Told::default();
        let followed = tokio::select! {
            followed = self.follow(&id, pieces, &mut told, output) => followed,
            () = self.cancel.cancelled() => Err(ShellError::Cancelled),
            limit = passes(self.time_limit) => Err(ShellError::TimedOut(limit)),
        };
        match followed {
            Ok(126 | 127) if told.process.is_none() => Err(ShellError::NoShell(self.container.to_owned())),
            Ok(code) => Ok(code),
            Err(error) => {
                self.end(&id, told.process).await;
                Err(error)
            }
        }
    }

    fn spec(&self) -> ExecSpec {
        let script = format!("echo \"{MARKER}$$\" >&2\n{}", self.script);
        let options = self.options.iter().map(|&option| option.to_owned());
        let command = std::iter::once("/bin/sh".to_owned()).chain(options);
        let command = command.chain(["-c".to_owned(), script, "mainstay".to_owned()]);
        ExecSpec { command: command.chain(self.arguments.clone()).collect(), env: self.env.clone(), user: None }
    }

    fn why_not_begun(&self, error: EngineError) -> ShellError {
        let EngineError::Rejected { message, .. } = &error else { return error.into() };
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        let name = self.container.to_owned();
        match () {
            () if says(&["is not running", "is paused", "is restarting"]) => ShellError::NotRunning(name),
            () if says(&["no such file or directory", "executable file not found"]) => ShellError::NoShell(name),
            () => error.into(),
        }
    }

    /// Reads everything, then asks for the exit code: what was printed proves nothing.
    async fn follow(
        &self,
        id: &str,
        mut pieces: OutputStream,
        told: &mut Told,
        output: &mut dyn ShellOutput,
    ) -> Result<i64, ShellError> {
        while let Some(piece) = self.next_piece(&mut pieces).await? {
            match piece {
                OutputPiece::Out(bytes) => output.keep(bytes).await.map_err(ShellError::NotKept)?,
                OutputPiece::Err(bytes) => {
                    for line in told.lines.push(&bytes) {
                        hear(&mut told.process, &line, output);
                    }
                }
            }
        }
        if let Some(line) = told.lines.finish() {
            hear(&mut told.process, &line, output);
        }
        self.exit_code(id, SETTLE_LIMIT).await?.ok_or(ShellError::CutOff)
    }

    async fn next_piece(&self, pieces: &mut OutputStream) -> Result<Option<OutputPiece>, ShellError> {
        let next = pieces.next();
        let piece = match self.silence_limit {
            Some(limit) => timeout(limit, next).await.map_err(|_| ShellError::Stalled(limit))?,
            None => next.await,
        };
        Ok(piece.transpose()?)
    }

    /// The exit code, or `None` when it still runs after `limit`.
    async fn exit_code(&self, id: &str, limit: Duration) -> Result<Option<i64>, EngineError> {
        let deadline = Instant::now() + limit;
        loop {
            let state = self.engine.exec_state(id).await?;
            match state.exit_code {
                Some(code) if !state.is_running => return Ok(Some(code)),
                _ if Instant::now() >= deadline => return Ok(None),
                _ => sleep(POLL).await,
            }
        }
    }

    /// Ends the script and what it started. Best effort: nothing more can be done about one that stays.
    async fn end(&self, id: &str, process: Option<u32>) {
        let Some(process) = process else { return };
        for signal in ["TERM", "KILL"] {
            if !self.engine.exec_state(id).await.is_ok_and(|state| state.is_running) {
                return;
            }
            // A command of an engine leads a group of its own; where it does not, its process alone is ended.
            let line = format!("kill -s {signal} -- -{process} || kill -s {signal} {process}");
            let command = ["/bin/sh", "-c", &line].map(str::to_owned).to_vec();
            let killing = ExecSpec { command, ..ExecSpec::default() };
            if let Ok(mut exec) = self.engine.exec(self.container, &killing).await {
                let read = async { while exec.output.next().await.is_some() {} };
                timeout(END_LIMIT, read).await.ok();
            }
            if !matches!(self.exit_code(id, END_LIMIT).await, Ok(None)) {
                return;
            }
        }
    }
}

async fn passes(limit: Option<Duration>) -> Duration {
    match limit {
        Some(limit) => {
            sleep(limit).await;
            limit
        }
        None => std::future::pending().await,
    }
}

fn hear(process: &mut Option<u32>, line: &str, output: &mut dyn ShellOutput) {
    match line.strip_prefix(MARKER).map(|number| number.trim().parse()) {
        Some(Ok(number)) if process.is_none() => *process = Some(number),
        _ => output.complain(line),
    }
}

/// Puts lines together out of pieces that end anywhere. Empty lines are left out, and so is what is no text.
#[derive(Default)]
pub struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// The lines that this piece completes.
    pub fn push(&mut self, piece: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for &byte in piece {
            // Tools overwrite their progress by a carriage return.
            if matches!(byte, b'\n' | b'\r') || self.rest.len() >= MAX_LINE {
                lines.extend(self.finish());
            }
            if !matches!(byte, b'\n' | b'\r') {
                self.rest.push(byte);
            }
        }
        lines
    }

    /// The last line, when no line break ended it.
    pub fn finish(&mut self) -> Option<String> {
        let text = String::from_utf8_lossy(&std::mem::take(&mut self.rest)).trim_end().to_owned();
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{Program, ScriptedEngine, running_container};
    use super::*;

    #[derive(Default)]
    struct Kept {
        out: Vec<u8>,
        err: Vec<String>,
    }

    #[async_trait]
    impl ShellOutput for Kept {
        async fn keep(&mut self, bytes: Bytes) -> std::io::Result<()> {
            self.out.extend_from_slice(&bytes);
            Ok(())
        }

        fn complain(&mut self, line: &str) {
            self.err.push(line.to_owned());
        }
    }

    async fn run(engine: &ScriptedEngine, cancel: &CancellationToken) -> (Result<i64, ShellError>, Kept) {
        let mut kept = Kept::default();
        let run = ShellRun {
            engine,
            container: "db",
            options: &[],
            script: "the script",
            arguments: vec!["one".to_owned()],
            env: Vec::new(),
            cancel,
            silence_limit: None,
            time_limit: None,
        };
        (run.run(&mut kept).await, kept)
    }

    fn engine_with(program: Program) -> ScriptedEngine {
        let engine = ScriptedEngine::new();
        engine.add_container(running_container("a1", "db"));
        engine.add_command("a1", "the script", program);
        engine
    }

    #[tokio::test]
    async fn its_marker_is_not_told_and_everything_else_is() {
        let program = Program::failing(3, "mainsta").err("y-pid 12\nbad\rwor").out("data").err("se\n\nlast");
        let engine = engine_with(program);
        let (code, kept) = run(&engine, &CancellationToken::new()).await;
        assert_eq!(code.expect("an end"), 3);
        assert_eq!(
            (kept.out.as_slice(), kept.err),
            (&b"data"[..], ["bad", "worse", "last"].map(str::to_owned).to_vec())
        );
        assert_eq!(engine.commands()[0].command.last().map(String::as_str), Some("one"));
    }

    #[tokio::test]
    async fn a_missing_shell_is_not_a_missing_tool() {
        let cancel = CancellationToken::new();
        let engine = engine_with(Program::failing(127, "exec: /bin/sh: no such file"));
        assert!(matches!(run(&engine, &cancel).await.0, Err(ShellError::NoShell(_))));
        let engine = engine_with(Program::failing(127, "mainstay-pid 1\n"));
        assert!(matches!(run(&engine, &cancel).await.0, Ok(127)));
    }

    #[tokio::test]
    async fn a_container_that_rests_is_told_apart() {
        let engine = engine_with(Program::default());
        engine.set_state("a1", crate::domain::stack::ContainerState::Exited);
        let (outcome, _) = run(&engine, &CancellationToken::new()).await;
        assert!(matches!(outcome, Err(ShellError::NotRunning(_))), "{outcome:?}");
    }

    #[tokio::test]
    async fn one_that_is_cancelled_is_ended_in_the_container() {
        let engine = engine_with(Program::endless().err("mainstay-pid 77\n"));
        let cancel = CancellationToken::new();
        let ended = tokio::join!(run(&engine, &cancel), async {
            sleep(POLL).await;
            cancel.cancel();
        });
        assert!(matches!(ended.0.0, Err(ShellError::Cancelled)));
        let killed = engine.commands()[1].command.join(" ");
        assert!(killed.contains("kill -s TERM -- -77"), "{killed}");
    }

    #[test]
    fn lines_have_an_end() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(&[b'x'; MAX_LINE + 1]), ["x".repeat(MAX_LINE)]);
        assert_eq!(lines.push(b"\xff\n\r\n"), ["x\u{fffd}"]);
        assert_eq!(lines.finish(), None);
    }
}
