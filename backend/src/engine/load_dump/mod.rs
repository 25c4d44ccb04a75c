//! A dump comes back into the database of a container that runs, as a part of a job.
//!
//! `databases::load` has what each kind needs; here it gets the job's log, progress and cancel, and Redis, which reads its
//! file only when it starts, is brought to rest through the stop journal. Call it only with the container's stack taken,
//! see `claims.rs`.

use std::path::Path;

use secrecy::SecretString;

use crate::databases::load::{self, LoadError, LoadRequest, Loaded, RestingRedis};
use crate::docker::ContainerDetail;
use crate::domain::job::{Progress, Quiesce, TargetKind};
use crate::domain::log::Level;
use crate::domain::plan::DatabaseKind;
use crate::domain::size::human_bytes;

use super::live::LiveJob;
use super::plan_run::party_of;
use super::quiesce::Touched;
use super::steps::{Cx, Stop, guarded};

/// A dump that is to be loaded.
pub(super) struct Load<'a> {
    /// The database's container, by id or name.
    pub(super) container: &'a str,
    /// Which database it is; absent means that labels and image tell.
    pub(super) kind: Option<DatabaseKind>,
    /// The arguments that the dump was made with, for user and password.
    pub(super) args: &'a [SecretString],
    /// The dump.
    pub(super) dump: &'a Path,
}

/// Loads a dump. What the server holds under the same names is replaced; where its kind can do so, the old is kept beside
/// the new, and the log says how it is called.
///
/// # Errors
/// When the dump is not whole, too new for the server, or refused, and when the job is cancelled.
pub(super) async fn load<R>(cx: Cx<'_, R>, wanted: &Load<'_>) -> Result<Loaded, Stop> {
    let (parts, settings) = (&cx.engine.0.parts, &cx.engine.0.settings);
    let container = parts.docker.inspect_container(wanted.container).await;
    let container = container.map_err(|e| Stop::because("the database's container could not be inspected", &e))?;
    let live = cx.live;
    let about = format!("{} {}", TargetKind::Database, container.container.name);
    let say = |level: Level, message: String| live.log.write_about(level, Some(&about), message);
    let bytes_total = std::fs::metadata(wanted.dump).ok().map(|meta| meta.len());
    let progress = |bytes_done: u64| show(live, bytes_done, bytes_total, &about);
    let request = LoadRequest {
        engine: parts.docker.as_ref(),
        container: &container,
        kind: wanted.kind,
        args: wanted.args,
        dump: wanted.dump,
        question: None,
        now: parts.clock.now(),
        cancel: &live.cancel,
        stall_timeout: settings.stall_timeout,
        progress: &progress,
        say: &say,
    };
    let kind = request.kind().map_err(to_stop)?;
    let loaded = if kind == DatabaseKind::Redis {
        Box::pin(load_redis(cx, &container, &request)).await?
    } else {
        Box::pin(load::load(request)).await.map_err(to_stop)?
    };
    say(Level::Success, format!("loaded as {}, {}", loaded.kind, human_bytes(loaded.size_bytes)));
    Ok(loaded)
}

fn show(live: &LiveJob, bytes_done: u64, bytes_total: Option<u64>, about: &str) {
    let total = bytes_total.filter(|total| *total > 0);
    #[expect(clippy::cast_precision_loss, reason = "a share for a progress bar")]
    let fraction = total.map(|total| (bytes_done as f64 / total as f64).min(0.99));
    live.set_progress(Progress {
        phase: live.phase(),
        fraction,
        bytes_done,
        bytes_total: total,
        files_done: 0,
        current: Some(about.to_owned()),
    });
}

/// The container comes back whatever happens, by the way of every job.
async fn load_redis<R>(cx: Cx<'_, R>, container: &ContainerDetail, request: &LoadRequest<'_>) -> Result<Loaded, Stop> {
    let redis = RestingRedis::look(request).await.map_err(to_stop)?;
    let mut parties = vec![party_of(cx.engine, &container.container.id, Quiesce::Stop).await?];
    if parties[0].choice.held.is_empty() {
        return Err(Stop::failed(format!("container {} cannot be brought to rest", container.container.name)));
    }
    let touched = Touched::default();
    let filled = guarded(async {
        cx.quiesce(&mut parties, &touched).await?;
        redis.fill(request).await.map_err(to_stop)
    });
    let filled = Box::pin(filled).await;
    let not_back = Box::pin(cx.resume(&parties, &touched)).await;
    filled?;
    if let Some(lost) = not_back.first() {
        return Err(Stop::failed(format!("container {} is not well again: {}", lost.name, lost.reason)));
    }
    redis.wait(request, cx.engine.0.settings.health_timeout).await.map_err(to_stop)
}

fn to_stop(error: LoadError) -> Stop {
    match error {
        LoadError::Cancelled => Stop::Cancelled,
        error => Stop::Failed(super::chain(&error)),
    }
}
