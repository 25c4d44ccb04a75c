//! One container of a run, from its making to its removal.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::docker::lines::{Lines, Mask};
use crate::docker::{ContainerEngine, ContainerSpec, EngineError, OutputPiece};
use crate::engine::chain;

/// How long the rest of an output may take to arrive after its container has ended.
const LAST_OUTPUT: Duration = Duration::from_secs(10);

/// Why a container did not come to its end. It is removed in any case.
#[derive(Debug, thiserror::Error)]
pub(super) enum HelperError {
    #[error("it took longer than {} s and was ended", .0.as_secs())]
    TimedOut(Duration),
    #[error("the run was cancelled")]
    Cancelled,
    #[error("the Docker Engine failed")]
    Engine(#[from] EngineError),
}

/// A line of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

/// A container that was made. Remove it with [`Helper::remove`], whatever came of it.
pub(super) struct Helper<'a> {
    docker: &'a dyn ContainerEngine,
    pub(super) id: String,
    mask: Mask,
}

impl<'a> Helper<'a> {
    /// Makes it; nothing runs yet.
    pub(super) async fn make(docker: &'a dyn ContainerEngine, spec: &ContainerSpec) -> Result<Self, EngineError> {
        let mask = Mask::of(spec.env.iter().map(|(name, value)| (name, value)));
        let id = docker.create_container(spec).await?;
        Ok(Self { docker, id, mask })
    }

    /// Follows it to its end. `on_line` gets each line that it prints, without the secrets it was given.
    pub(super) async fn follow(
        &self,
        limit: Duration,
        cancel: &CancellationToken,
        on_line: &(dyn Fn(Stream, &str) + Send + Sync),
    ) -> Result<i64, HelperError> {
        let mut printing = std::pin::pin!(self.print(on_line));
        let mut ending = std::pin::pin!(self.docker.wait_container(&self.id));
        let mut is_printed = false;
        let mut expiry = std::pin::pin!(tokio::time::sleep(limit));
        let code = loop {
            tokio::select! {
                () = &mut printing, if !is_printed => is_printed = true,
                ended = &mut ending => break ended?,
                () = &mut expiry => return Err(HelperError::TimedOut(limit)),
                () = cancel.cancelled() => return Err(HelperError::Cancelled),
            }
        };
        if !is_printed {
            // What it said last may be what matters.
            let _ = tokio::time::timeout(LAST_OUTPUT, printing).await;
        }
        Ok(code)
    }

    async fn print(&self, on_line: &(dyn Fn(Stream, &str) + Send + Sync)) {
        let tell = |stream: Stream, lines: Vec<String>| {
            lines.into_iter().for_each(|line| on_line(stream, &self.mask.apply(line)));
        };
        let (mut out, mut err) = (Lines::default(), Lines::default());
        let mut output = match self.docker.container_output(&self.id).await {
            Ok(output) => output,
            Err(error) => return tell(Stream::Err, vec![chain(&error)]),
        };
        while let Some(piece) = output.next().await {
            match piece {
                Ok(OutputPiece::Out(piece)) => tell(Stream::Out, out.push(&piece)),
                Ok(OutputPiece::Err(piece)) => tell(Stream::Err, err.push(&piece)),
                Err(error) => {
                    tell(Stream::Err, vec![chain(&error)]);
                    break;
                }
            }
        }
        tell(Stream::Out, out.end().into_iter().collect());
        tell(Stream::Err, err.end().into_iter().collect());
    }

    /// Ends and removes it.
    pub(super) async fn remove(self) -> Result<(), EngineError> {
        self.docker.remove_container(&self.id).await
    }
}

/// Runs a container from its making to its removal; returns its exit code and what it printed on either stream.
pub(super) async fn run(
    docker: &dyn ContainerEngine,
    spec: &ContainerSpec,
    limit: Duration,
    cancel: &CancellationToken,
) -> Result<Printed, HelperError> {
    let helper = Helper::make(docker, spec).await?;
    let printed = std::sync::Mutex::new(Printed::default());
    let on_line = |stream: Stream, line: &str| {
        let mut printed = printed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let lines = if stream == Stream::Out { &mut printed.out } else { &mut printed.err };
        lines.push(line.to_owned());
    };
    let ended = match docker.start_container(&helper.id).await {
        Ok(()) => helper.follow(limit, cancel, &on_line).await,
        Err(error) => Err(error.into()),
    };
    helper.remove().await?;
    let mut printed = printed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    printed.code = ended?;
    Ok(printed)
}

/// What a container printed, and how it ended.
#[derive(Debug, Default)]
pub(super) struct Printed {
    pub(super) code: i64,
    pub(super) out: Vec<String>,
    pub(super) err: Vec<String>,
}

impl Printed {
    /// What it complained of, on one line.
    pub(super) fn complaint(&self) -> String {
        let last: Vec<&str> = self.err.iter().rev().take(3).rev().map(String::as_str).collect();
        if last.is_empty() { format!("exit code {}", self.code) } else { last.join("; ") }
    }
}
