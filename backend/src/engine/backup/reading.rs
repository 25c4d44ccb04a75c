//! One pass over every target, into an archive's pieces.
//!
//! The same pass is made while the stack runs, for what can be taken over later, and at rest, which is what counts.

use futures_util::{StreamExt, TryStreamExt};
use tokio::io::AsyncRead;
use tokio_util::io::{StreamReader, SyncIoBridge};
use tokio_util::sync::CancellationToken;

use crate::backends::archive::{ArchiveError, ArchiveWriter, TargetSpec};
use crate::discovery::targets::ReachedVia;
use crate::docker::SharedEngine;
use crate::domain::job::{TargetResult, TargetState};

use super::super::pause_point;
use super::Cx;
use super::source::{From, Source};

/// Everything a pass works with.
pub(super) struct Pass {
    sources: Vec<Source>,
    docker: SharedEngine,
    runtime: tokio::runtime::Handle,
    cancel: CancellationToken,
    /// Where it may be killed by a test after each target.
    pause_point: &'static str,
}

impl Pass {
    pub(super) fn over(cx: Cx<'_>, sources: &[Source], pause_point: &'static str) -> Self {
        let parts = &cx.engine.0.parts;
        Self {
            sources: sources.to_vec(),
            docker: parts.docker.clone(),
            runtime: parts.runtime.clone(),
            cancel: cx.live.cancel.clone(),
            pause_point,
        }
    }

    /// Reads every target, and tells of each how it came out. What is wrong with a target is its result; what is wrong
    /// with the archive is an error.
    pub(super) fn run(
        &self,
        mut writer: ArchiveWriter,
        tell: &mut dyn FnMut(TargetResult),
    ) -> Result<ArchiveWriter, ArchiveError> {
        for source in &self.sources {
            tell(self.read(&mut writer, source)?);
            pause_point::reach_blocking(self.pause_point);
        }
        Ok(writer)
    }

    fn read(&self, writer: &mut ArchiveWriter, source: &Source) -> Result<TargetResult, ArchiveError> {
        let mut stream = match &source.from {
            From::Nothing(reason) => return Ok(not_captured(&source.spec, reason.clone())),
            From::Trees(_) => None,
            From::Stream(via) => match self.open_stream(via) {
                Ok(stream) => Some(stream),
                Err(reason) => return Ok(not_captured(&source.spec, reason)),
            },
        };
        writer.begin_target(source.spec.clone())?;
        if let Some(stream) = &mut stream {
            writer.add_tar(stream, "")?;
        }
        if let From::Trees(trees) = &source.from {
            for (root, options) in trees {
                writer.add_tree(root, options)?;
            }
        }
        Ok(writer.end_target()?.to_result())
    }

    /// A tar of the target from the engine's archive API, for what cannot be read from here.
    fn open_stream(&self, via: &ReachedVia) -> Result<Bridge, String> {
        let asked = self.docker.stream_path(&via.container_id, &via.destination);
        let stream = self.runtime.block_on(asked).map_err(|e| super::super::chain(&e))?;
        // A read that waits for the engine cannot be interrupted, so a cancel ends what it waits for.
        let cancelled = self.cancel.clone().cancelled_owned();
        let stream = stream.map_err(std::io::Error::other).take_until(cancelled).boxed();
        let reader = StreamReader::new(stream);
        Ok(SyncIoBridge::new_with_handle(Box::new(reader), self.runtime.clone()))
    }
}

type Bridge = SyncIoBridge<Box<dyn AsyncRead + Send + Unpin>>;

fn not_captured(spec: &TargetSpec, reason: String) -> TargetResult {
    TargetResult {
        kind: spec.kind,
        name: spec.name.clone(),
        state: TargetState::Failed,
        size_bytes: 0,
        message: Some(reason),
    }
}
