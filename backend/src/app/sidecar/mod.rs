//! The commands of backrest-sidecar, which need no service and no store: a Docker Engine and a Backrest are enough.
//!
//! Here their options become what the engine works with; what they do is in [`crate::engine::backup_once`] and
//! [`crate::engine::backrest`].

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

mod once;
mod plans;

pub use once::{OnceOptions, backup_once};
pub use plans::{PlansOptions, Reconciled, Told, daemon, reconcile};

pub use crate::backrest::line::{Line, Tell};
pub use crate::backrest::merge::Orphans;
pub use crate::backrest::{Format, Settings};
pub use crate::engine::backup_once::OnceReport;

/// Where the Docker Engine is.
#[derive(Debug, Clone)]
pub struct EngineAddress {
    /// Its address, such as `unix:///var/run/docker.sock` or `tcp://proxy:2375`.
    pub address: String,
}

/// Carries `work` out. The first signal cancels, and the work may end in order; the second ends it at once.
async fn until_signalled<T>(cancel: &CancellationToken, work: impl Future<Output = T>) -> anyhow::Result<T> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut work = std::pin::pin!(work);
    tokio::select! {
        done = &mut work => return Ok(done),
        () = next(&mut terminate, &mut interrupt) => cancel.cancel(),
    }
    tokio::select! {
        done = &mut work => Ok(done),
        () = next(&mut terminate, &mut interrupt) => {
            anyhow::bail!("a second signal ended it at once; what is at rest is started by the next run, or by 'mainstay resume'")
        }
    }
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {},
        _ = interrupt.recv() => {},
    }
}
