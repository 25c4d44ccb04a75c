//! The service as a process: logs, signals, and an orderly end.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Builder, Running, secrets};
use crate::config::{Config, Loaded, LogFormat, Words};
use crate::domain::clock::SystemClock;
use crate::engine::logbook::SystemLog;
use crate::telemetry::redact::Redactor;
use crate::telemetry::{self, Format};

/// Runs the service until a signal ends it. A second signal ends it at once.
///
/// # Errors
/// When the service cannot be started.
pub async fn serve(loaded: Loaded, port_file: Option<PathBuf>) -> anyhow::Result<()> {
    let (log, redactor) = start_telemetry(&loaded.config)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let mut terminate = signal(SignalKind::terminate()).context("no signal handler")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("no signal handler")?;
    let running = tokio::select! {
        running = Builder::new(loaded).logs(log, redactor).start() => running?,
        // A start may take long while the Docker Engine or the store keeps it waiting.
        () = next(&mut terminate, &mut interrupt) => {
            tracing::warn!("ended before the start was complete; what is at rest is started by the next Mainstay");
            return Ok(());
        }
    };
    announce(&running, port_file.as_deref())?;
    let is_store_lost = tokio::select! {
        () = next(&mut terminate, &mut interrupt) => false,
        () = running.lost_store() => true,
    };
    tracing::info!("shutting down: jobs bring their stacks back first; a second signal ends at once");
    tokio::select! {
        () = running.stop() => tracing::info!("bye"),
        () = next(&mut terminate, &mut interrupt) => {
            // Nothing is stopped before its row of the stop journal is on the disk, so this loses no container.
            anyhow::bail!("a second signal ended the service at once; what is at rest is started by the next Mainstay");
        }
    }
    anyhow::ensure!(!is_store_lost, "another Mainstay has taken the database over, so this one ended");
    Ok(())
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {},
        _ = interrupt.recv() => {},
    }
}

/// Starts the logs: of the process on standard error, and of the service, which hears of what the process says.
fn start_telemetry(config: &Config) -> anyhow::Result<(SystemLog, Redactor)> {
    let format = if config.log.format == LogFormat::Json { Format::Json } else { Format::Compact };
    let level = config.log.level.word();
    // Of the libraries only what someone should act on, unless everything is asked for.
    let filter = if level == "trace" { level.to_owned() } else { format!("warn,mainstay={level}") };
    let telemetry = telemetry::init(&telemetry::Settings { format, filter })?;
    let redactor = telemetry.redactor().clone();
    redactor.register(secrets::of_config(config));
    let log = super::system_log(config, Arc::new(SystemClock), &redactor);
    let forward = log.clone();
    telemetry.forward_to(Arc::new(move |level, about, message| forward.write(level, about, message)));
    Ok((log, redactor))
}

fn announce(running: &Running, port_file: Option<&std::path::Path>) -> anyhow::Result<()> {
    tracing::info!("mainstay {} answers at {}", env!("CARGO_PKG_VERSION"), running.address());
    if let Some(path) = port_file {
        // Written aside and renamed: whoever waits for the file never reads half an address.
        let aside = path.with_extension("new");
        std::fs::write(&aside, format!("{}\n", running.socket_address()))
            .and_then(|()| std::fs::rename(&aside, path))
            .with_context(|| format!("the address could not be written to {}", path.display()))?;
    }
    Ok(())
}
