//! A command of the user over the files that were brought back.

use futures_util::StreamExt as _;

use crate::docker::lines::Lines;
use crate::docker::{ContainerSpec, EngineError, MountSource, OutputPiece, SpecMount};
use crate::domain::drill::{DrillCommand, DrillSettings};
use crate::domain::log::Level;

use super::super::steps::Stop;
use super::Cx;
use super::made::Made;
use super::scratch::Scratch;

/// Where the command finds the files.
const RESTORED: &str = "/restored";

/// Runs it to its end; any other exit code than 0 fails the drill.
pub(super) async fn run(
    cx: Cx<'_>,
    wanted: &DrillCommand,
    settings: &DrillSettings,
    scratch: &Scratch,
    made: &Made<'_>,
) -> Result<String, Stop> {
    let docker = cx.engine.0.parts.docker.as_ref();
    let place = cx.engine.0.parts.discovery.path_map().find_host(&scratch.root).ok_or_else(|| {
        Stop::failed("the Docker Engine cannot see the staging directory, so no command can look at what is there: mount it from the host")
    })?;
    let mount = SpecMount { source: MountSource::HostPath(place), destination: RESTORED.into(), is_read_only: true };
    let spec = ContainerSpec {
        image: wanted.image.clone(),
        command: wanted.words.clone(),
        mounts: vec![mount],
        ..ContainerSpec::default()
    };
    let failed = |error: EngineError| Stop::because(&format!("the image '{}' could not be run", wanted.image), &error);
    let (id, _) = made.container(settings, spec).await.map_err(failed)?;
    docker.start_container(&id).await.map_err(failed)?;
    let ended = async {
        print(cx, &id).await;
        docker.wait_container(&id).await.map_err(failed)
    };
    match cx.unless_cancelled(ended).await? {
        0 => Ok(format!("the image '{}' found nothing wrong", wanted.image)),
        code => Err(Stop::failed(format!("the command in the image '{}' ended with exit code {code}", wanted.image))),
    }
}

/// Tells what it prints until it ends.
async fn print(cx: Cx<'_>, id: &str) {
    let (mut out, mut err) = (Lines::default(), Lines::default());
    let tell = |level: Level, lines: Vec<String>| lines.into_iter().for_each(|line| cx.live.log.write(level, line));
    let Ok(mut output) = cx.engine.0.parts.docker.container_output(id).await else { return };
    while let Some(Ok(piece)) = output.next().await {
        match piece {
            OutputPiece::Out(bytes) => tell(Level::Info, out.push(&bytes)),
            OutputPiece::Err(bytes) => tell(Level::Warning, err.push(&bytes)),
        }
    }
    tell(Level::Info, out.end().into_iter().collect());
    tell(Level::Warning, err.end().into_iter().collect());
}
