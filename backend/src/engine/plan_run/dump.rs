//! Step 5: databases, by their own tools, before anything is stopped. One that fails leaves the others whole.

use std::path::PathBuf;

use crate::backends::Source;
use crate::databases::{self, DumpError, DumpRequest};
use crate::domain::job::TargetKind;
use crate::domain::log::Level;
use crate::domain::size::human_bytes;

use super::super::{chain, pause_point};
use super::preflight::Desk;
use super::resolve::{Database, Resolved};
use super::{Cx, StepResult, Stop, count, targets};

/// The dumps that came out.
pub(super) struct Dumps(pub(super) Vec<Source>, u64);

impl StepResult for Dumps {
    fn detail(&self) -> Option<String> {
        Some(format!("{}, {}", count(self.0.len(), "dump"), human_bytes(self.1)))
    }
}

pub(super) async fn run(cx: Cx<'_>, resolved: &Resolved, desk: &Desk) -> Result<Dumps, Stop> {
    let mut dumps = Dumps(Vec::new(), 0);
    for database in &resolved.databases {
        let name = &database.container.name;
        if !targets::is_open(cx.live, TargetKind::Database, name) {
            continue;
        }
        match Box::pin(dump(cx, resolved, desk, database)).await {
            Ok((path, bytes)) => {
                let (kind, name) = (TargetKind::Database, name.clone());
                dumps.0.push(Source { kind, name, paths: vec![path], is_live: false });
                dumps.1 += bytes;
            }
            Err(Stop::Cancelled) => return Err(Stop::Cancelled),
            Err(Stop::Failed(why)) => targets::fail(cx.live, TargetKind::Database, name, &why),
        }
        pause_point::reach("dump.target").await;
    }
    Ok(dumps)
}

async fn dump(cx: Cx<'_>, resolved: &Resolved, desk: &Desk, database: &Database) -> Result<(PathBuf, u64), Stop> {
    let (parts, settings) = (&cx.engine.0.parts, &cx.engine.0.settings);
    let target = &resolved.targets[database.target];
    let container = parts.docker.inspect_container(&database.container.id).await;
    let container = container.map_err(|e| Stop::because("its container could not be inspected", &e))?;
    let (staging, name) = (desk.staging.clone(), database.container.name.clone());
    let made = tokio::task::spawn_blocking(move || staging.make_dump_directory(&name)).await;
    let to = made.unwrap_or_else(|e| Err(std::io::Error::other(e)));
    let to = to.map_err(|e| Stop::because("the directory of the dump could not be made", &e))?;
    let about = format!("{} {}", TargetKind::Database, database.container.name);
    let say = |level: Level, message: String| cx.live.log.write_about(level, Some(&about), message);
    let dumped = databases::dump(DumpRequest {
        engine: parts.docker.as_ref(),
        container: &container,
        kind: target.database,
        args: &target.dump_args,
        to: &to,
        cancel: &cx.live.cancel,
        stall_timeout: settings.stall_timeout,
        say: &say,
    });
    match Box::pin(dumped).await {
        Ok(dumped) => {
            say(Level::Info, format!("dumped as {}, {}", dumped.kind, human_bytes(dumped.size_bytes)));
            Ok((dumped.path, dumped.size_bytes))
        }
        Err(DumpError::Cancelled) => Err(Stop::Cancelled),
        Err(error) => Err(Stop::Failed(chain(&error))),
    }
}
