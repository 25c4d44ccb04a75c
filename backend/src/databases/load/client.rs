//! The client of a database, in the database's own container.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use secrecy::SecretString;
use tokio::time::{Instant, interval, sleep, timeout};

use super::super::arguments;
use super::super::tool::{self, Duty};
use super::feed::{self, Moved};
use super::{LoadError, LoadRequest};
use crate::docker::shell::{ShellError, ShellOutput, ShellRun};
use crate::docker::{ExecSpec, OutputPiece};
use crate::domain::log::Level;
use crate::domain::plan::DatabaseKind;

/// How much of the end of a client's output is kept.
const KEPT_BYTES: usize = 64 << 10;
/// How many of its last lines an error tells.
const LINES_TOLD: usize = 5;
/// How often it is looked whether something moves.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What an engine may take for a look into a container.
const LOOK_LIMIT: Duration = Duration::from_secs(30);
/// How long the processes of a container are watched for work, and how much of it counts: a twentieth of a processor.
const WATCH_FOR: Duration = Duration::from_secs(5);
const TICKS_AT_WORK: u64 = 25;

/// Whom to ask.
pub(super) struct Client<'a> {
    pub(super) request: &'a LoadRequest<'a>,
    pub(super) kind: DatabaseKind,
}

/// What goes to a client's standard input.
pub(super) enum Input<'a> {
    /// Nothing.
    Nothing,
    /// A text.
    Text(String),
    /// A dump, and a text behind it.
    Dump(&'a Path, String),
}

/// What a client said.
pub(super) struct Said {
    pub(super) exit_code: i64,
    /// The end of its standard output.
    pub(super) out: String,
    /// The lines of its standard error that `is_wrong` chose, the first of them.
    pub(super) wrong: Vec<String>,
    /// How many those are.
    pub(super) wrong_count: u64,
    last_lines: Vec<String>,
}

impl Said {
    /// Its last words, in one line.
    pub(super) fn last_words(&self) -> String {
        if self.last_lines.is_empty() { "it said nothing".to_owned() } else { self.last_lines.join("; ") }
    }
}

impl Client<'_> {
    /// Runs the client to its end. `is_wrong` chooses lines of its standard error that tell of a failure.
    pub(super) async fn run(
        &self,
        duty: Duty,
        words: &[&str],
        input: Input<'_>,
        is_wrong: fn(&str) -> bool,
    ) -> Result<Said, LoadError> {
        let (request, moved) = (self.request, Moved::default());
        let given_up = request.cancel.child_token();
        let script = tool::script_of(self.kind, duty);
        let (arguments, env) = self.who(words);
        let run = ShellRun {
            engine: request.engine,
            container: &request.container.container.name,
            options: &[],
            script: &script,
            arguments,
            env,
            cancel: &given_up,
            silence_limit: None,
            time_limit: None,
        };
        let mut heard = Heard::new(request, moved.clone(), is_wrong);
        let running = async {
            match input {
                Input::Nothing => run.run(&mut heard).await,
                Input::Text(text) => run.run_fed(feed::text(text), &mut heard).await,
                Input::Dump(path, behind) => {
                    let bytes = feed::file(path, behind, moved.clone()).await.map_err(ShellError::NotKept)?;
                    run.run_fed(bytes, &mut heard).await
                }
            }
        };
        let mut running = Box::pin(running);
        let ended = tokio::select! {
            ended = &mut running => ended,
            () = self.stands_still(&moved) => {
                given_up.cancel();
                match running.as_mut().await {
                    Err(ShellError::Cancelled) if !request.cancel.is_cancelled() => {
                        Err(ShellError::Stalled(request.stall_timeout))
                    }
                    ended => ended,
                }
            }
        };
        drop(running);
        let exit_code = ended.map_err(|error| self.why_given_up(error))?;
        if exit_code == 127 {
            return Err(LoadError::NoTool { tool: self.tool(), container: self.container() });
        }
        Ok(heard.into_said(exit_code))
    }

    /// Asks something, and expects an answer.
    pub(super) async fn ask(&self, duty: Duty, words: &[&str], sql: Option<&str>) -> Result<String, LoadError> {
        let input = sql.map_or(Input::Nothing, |sql| Input::Text(sql.to_owned()));
        let said = self.run(duty, words, input, |_| false).await?;
        if said.exit_code == 0 { Ok(said.out) } else { Err(self.failed(&said)) }
    }

    pub(super) fn failed(&self, said: &Said) -> LoadError {
        LoadError::Failed {
            tool: self.tool(),
            container: self.container(),
            exit_code: said.exit_code,
            said: said.last_words(),
        }
    }

    pub(super) const fn tool(&self) -> &'static str {
        tool::loader_of(self.kind)
    }

    pub(super) fn container(&self) -> String {
        self.request.container.container.name.clone()
    }

    /// The arguments, and the variables that tell who one is: never both the same.
    fn who(&self, words: &[&str]) -> (Vec<String>, Vec<(String, SecretString)>) {
        let given = arguments::read(self.kind, self.request.args);
        let mut env = Vec::new();
        if self.kind == DatabaseKind::Redis {
            env = arguments::read_server(self.request.container.arguments.expose());
        }
        env.extend(given.user.iter().map(|user| user.to_variable("MAINSTAY_USER")));
        env.extend(given.password.iter().map(|password| password.to_variable("MAINSTAY_PASSWORD")));
        (words.iter().map(|&word| word.to_owned()).collect(), env)
    }

    fn why_given_up(&self, error: ShellError) -> LoadError {
        match error {
            ShellError::Cancelled => LoadError::Cancelled,
            ShellError::NotRunning(container) => LoadError::NotRunning(container),
            ShellError::NoShell(container) => LoadError::NoShell(container),
            source => LoadError::GivenUp { tool: self.tool(), container: self.container(), source },
        }
    }

    /// Ends when nothing moved for the stall timeout and no process of the container works. A server that builds an
    /// index takes no input for as long as that needs.
    async fn stands_still(&self, moved: &Moved) {
        let mut looks = interval(LOOK_EVERY);
        let (mut last, mut since) = (moved.now(), Instant::now());
        loop {
            looks.tick().await;
            let now = moved.now();
            (self.request.progress)(now);
            if now != last {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() >= self.request.stall_timeout {
                if !self.is_at_work().await {
                    return;
                }
                since = Instant::now();
            }
        }
    }

    async fn is_at_work(&self) -> bool {
        let before = self.count_ticks().await;
        sleep(WATCH_FOR.min(self.request.stall_timeout)).await;
        self.count_ticks().await.saturating_sub(before) >= TICKS_AT_WORK
    }

    /// The processor time of everything in the container, in hundredths of a second as a rule.
    async fn count_ticks(&self) -> u64 {
        let command = ["/bin/sh", "-c", "cat /proc/[0-9]*/stat"].map(str::to_owned).to_vec();
        let spec = ExecSpec { command, ..ExecSpec::default() };
        let Ok(mut exec) = self.request.engine.exec(&self.request.container.container.id, &spec).await else {
            return 0;
        };
        let mut text = Vec::new();
        let read = async {
            while let Some(Ok(piece)) = exec.output.next().await {
                if let OutputPiece::Out(bytes) = piece {
                    text.extend_from_slice(&bytes);
                }
            }
        };
        timeout(LOOK_LIMIT, read).await.ok();
        String::from_utf8_lossy(&text).lines().map(ticks_of).sum()
    }
}

/// User and system time of a line of `/proc/<pid>/stat`. The name of the program may hold anything but a last bracket.
fn ticks_of(line: &str) -> u64 {
    let fields = line.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// Listens to a client.
struct Heard<'a> {
    request: &'a LoadRequest<'a>,
    moved: Moved,
    is_wrong: fn(&str) -> bool,
    out: Vec<u8>,
    wrong: Vec<String>,
    wrong_count: u64,
    last_lines: Vec<String>,
}

impl<'a> Heard<'a> {
    const fn new(request: &'a LoadRequest<'a>, moved: Moved, is_wrong: fn(&str) -> bool) -> Self {
        Self { request, moved, is_wrong, out: Vec::new(), wrong: Vec::new(), wrong_count: 0, last_lines: Vec::new() }
    }

    fn into_said(self, exit_code: i64) -> Said {
        let out = String::from_utf8_lossy(&self.out).into_owned();
        let Self { wrong, wrong_count, last_lines, .. } = self;
        Said { exit_code, out, wrong, wrong_count, last_lines }
    }
}

#[async_trait]
impl ShellOutput for Heard<'_> {
    async fn keep(&mut self, bytes: Bytes) -> std::io::Result<()> {
        self.moved.add(bytes.len());
        self.out.extend_from_slice(&bytes);
        if self.out.len() > 2 * KEPT_BYTES {
            self.out.drain(..self.out.len() - KEPT_BYTES);
        }
        Ok(())
    }

    fn complain(&mut self, line: &str) {
        self.moved.add(line.len());
        if (self.is_wrong)(line) {
            self.wrong_count += 1;
            if self.wrong.len() < LINES_TOLD {
                self.wrong.push(line.to_owned());
                (self.request.say)(Level::Warning, line.to_owned());
            }
        }
        if self.last_lines.len() == LINES_TOLD {
            self.last_lines.remove(0);
        }
        self.last_lines.push(line.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_process_is_read_whatever_its_name() {
        let line = "42 (a) b (c) S 1 42 42 0 -1 4194560 1 0 0 0 17 8 0 0 20 0 1 0 1 1 1";
        assert_eq!(ticks_of(line), 25);
        assert_eq!(ticks_of("cat: no such file"), 0);
    }
}
