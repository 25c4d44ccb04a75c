//! The reconciler of a service, out of its configuration.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backrest::apply::{ApiClient, Credentials};
use crate::backrest::merge::Orphans;
use crate::backrest::{Format, Settings};
use crate::config::{BackrestConfig, Config};
use crate::docker::SharedEngine;
use crate::domain::clock::SharedClock;
use crate::engine::JobEngine;
use crate::engine::backrest::{OwnedPlans, ReconcileOptions, Reconciler, ReconcilerParts, Rhythm};
use crate::store::Store;

/// How long it is waited for Backrest to be idle.
const PATIENCE: Duration = Duration::from_mins(2);

/// The reconciler of the configured Backrest, if there is one. It keeps Backrest in step from now on, but for a command, which
/// is over before anything is worth being kept in step.
pub(super) fn start(
    config: &Config,
    engine: &JobEngine,
    store: &Store,
    clock: &SharedClock,
    (tasks, shutdown): (&TaskTracker, &CancellationToken),
    is_for_command: bool,
) -> anyhow::Result<Option<Reconciler>> {
    let Some(wanted) = &config.backrest else { return Ok(None) };
    let parts =
        ReconcilerParts { docker: engine.docker(), clock: clock.clone(), owned: OwnedPlans::Store(store.clone()) };
    let reconciler = Reconciler::new(options(wanted)?, parts);
    if !is_for_command {
        let (watching, log, stop) = (reconciler.clone(), engine.clone(), shutdown.clone());
        let rhythm = Rhythm::new(wanted.interval, wanted.with_events);
        tasks.spawn(async move {
            watching.watch(rhythm, &stop, &|line| log.tell_of_backrest(&line), &|| {}).await;
        });
    }
    Ok(Some(reconciler))
}

/// The reconciler of `mainstay resume`, without a store.
pub(super) fn alone(config: &Config, docker: &SharedEngine, clock: &SharedClock) -> anyhow::Result<Option<Reconciler>> {
    let Some(wanted) = &config.backrest else { return Ok(None) };
    let parts = ReconcilerParts { docker: docker.clone(), clock: clock.clone(), owned: OwnedPlans::Nowhere };
    Ok(Some(Reconciler::new(options(wanted)?, parts)))
}

fn options(wanted: &BackrestConfig) -> anyhow::Result<ReconcileOptions> {
    // User and password may stand in the address.
    let api = wanted.url.as_ref().map(|url| ApiClient::new(url.expose(), Credentials::None)).transpose()?;
    Ok(ReconcileOptions {
        config: Some(wanted.config.clone()),
        format: match wanted.format.as_str() {
            "native" => Some(Format::Native),
            "sidecar" => Some(Format::Sidecar),
            _ => None,
        },
        api,
        container: wanted.container.clone(),
        apply: wanted.apply,
        reload_command: None,
        up_within: wanted.restart_timeout,
        patience: PATIENCE,
        orphans: match wanted.orphans.as_str() {
            "keep" => Orphans::Keep,
            "delete" => Orphans::Delete,
            _ => Orphans::Disable,
        },
        settings: Settings {
            default_repo: wanted.default_repo.clone(),
            default_schedule: wanted.default_schedule.clone(),
            default_retention: wanted.default_retention.clone(),
            plan_id_prefix: wanted.plan_id_prefix.clone(),
            exclude_bind_mounts: wanted.exclude_bind_mounts,
            docker_root: wanted.docker_root.clone(),
            volume_prefix: wanted.volume_prefix.clone(),
            allow_commands: wanted.label_commands,
            ..Settings::default()
        },
    })
}
