//! Commands around a capture: lines that a container's shell runs.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::docker::ContainerEngine;
use crate::docker::shell::{Lines, ShellError, ShellOutput, ShellRun};
use crate::domain::log::Level;
use crate::domain::plan::Hook;

/// How long a hook may take that says nothing about it.
const DEFAULT_LIMIT: Duration = Duration::from_secs(600);
/// What the line is called inside the container: it may hold a password, and arguments are seen by the whole host.
const LINE: &str = "MAINSTAY_HOOK";
/// Takes the line out of the variables, so that what it starts does not inherit it.
const SCRIPT: &str = "line=$MAINSTAY_HOOK\nunset MAINSTAY_HOOK\neval \"$line\"";

/// Why a hook failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum HookError {
    /// It ended with another exit code than 0.
    #[error("the hook in container {container} ended with exit code {exit_code}")]
    Failed {
        /// The container.
        container: String,
        /// The exit code.
        exit_code: i64,
    },
    /// It did not come to its end.
    #[error("the hook in container {container} did not come to its end")]
    NotEnded {
        /// The container.
        container: String,
        /// Why.
        #[source]
        source: ShellError,
    },
}

/// Runs a hook in a container, by name, as `/bin/sh -lc`, and waits for its end: at most its timeout, or ten minutes
/// when it has none. Every line that it prints goes to `say`, with the container's name. A cancel ends it with what it
/// started, and is [`ShellError::Cancelled`] as the source; do not drop the future instead. A hook that has to run
/// whatever happened gets a token of its own.
///
/// # Errors
/// When the container does not run or has no shell, and when the hook fails, takes too long or is cancelled.
pub(super) async fn run_hook(
    engine: &dyn ContainerEngine,
    container: &str,
    hook: &Hook,
    cancel: &CancellationToken,
    say: &(dyn Fn(Level, String) + Send + Sync),
) -> Result<(), HookError> {
    let run = ShellRun {
        engine,
        container,
        options: &["-l"],
        script: SCRIPT,
        arguments: Vec::new(),
        env: vec![(LINE.to_owned(), hook.command.clone())],
        cancel,
        silence_limit: None,
        time_limit: Some(hook.timeout.unwrap_or(DEFAULT_LIMIT)),
    };
    let mut told = Telling { container, say, lines: Lines::default() };
    let ended = run.run(&mut told).await;
    told.finish();
    match ended {
        Ok(0) => Ok(()),
        Ok(exit_code) => Err(HookError::Failed { container: container.to_owned(), exit_code }),
        Err(source) => Err(HookError::NotEnded { container: container.to_owned(), source }),
    }
}

/// Hands on what a hook prints.
struct Telling<'a> {
    container: &'a str,
    say: &'a (dyn Fn(Level, String) + Send + Sync),
    lines: Lines,
}

impl Telling<'_> {
    fn tell(&self, line: &str) {
        (self.say)(Level::Info, format!("{}: {line}", self.container));
    }

    fn finish(&mut self) {
        if let Some(line) = self.lines.finish() {
            self.tell(&line);
        }
    }
}

#[async_trait]
impl ShellOutput for Telling<'_> {
    async fn keep(&mut self, bytes: Bytes) -> std::io::Result<()> {
        for line in self.lines.push(&bytes) {
            self.tell(&line);
        }
        Ok(())
    }

    fn complain(&mut self, line: &str) {
        self.tell(line);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::docker::scripted::{Program, ScriptedEngine, running_container};

    async fn run(program: Program) -> (Result<(), HookError>, Vec<String>, ScriptedEngine) {
        let engine = ScriptedEngine::new();
        engine.add_container(running_container("a1", "web"));
        engine.add_command("a1", "flush s3cret", program);
        let hook = Hook { command: "flush s3cret".into(), container: None, timeout: None };
        let lines = Mutex::new(Vec::new());
        let say = |level, line| {
            assert_eq!(level, Level::Info);
            lines.lock().expect("the lines").push(line);
        };
        let outcome = run_hook(&engine, "web", &hook, &CancellationToken::new(), &say).await;
        (outcome, lines.into_inner().expect("the lines"), engine)
    }

    #[tokio::test]
    async fn its_lines_are_told_with_the_container_and_its_line_is_no_argument() {
        let (outcome, lines, engine) = run(Program::printing("a\nb").err("c\n")).await;
        outcome.expect("well");
        assert_eq!(lines, ["web: a", "web: c", "web: b"]);
        let command = engine.commands()[0].command.join(" ");
        assert!(command.starts_with("/bin/sh -l -c "), "{command}");
        assert!(!command.contains("s3cret"), "{command}");
    }

    #[tokio::test]
    async fn one_that_fails_says_how() {
        let (outcome, ..) = run(Program::failing(3, "no")).await;
        let error = outcome.expect_err("a failure");
        assert_eq!(error.to_string(), "the hook in container web ended with exit code 3");
    }
}
