//! `reconcile` and `daemon`: from options to a reconciler.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{EngineAddress, Tell, until_signalled};
use crate::backrest::apply::{ApiClient, Credentials};
use crate::backrest::line::Line;
use crate::backrest::merge::Orphans;
use crate::backrest::{Format, Settings};
use crate::docker::bollard_engine::BollardEngine;
use crate::domain::clock::SystemClock;
use crate::engine::backrest::{OwnedPlans, ReconcileOptions, Reconciler, ReconcilerParts, Rhythm, Round};

/// The shortest pause between two rounds.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// The options of `reconcile` and `daemon`.
#[derive(Debug, Clone)]
pub struct PlansOptions {
    /// The Docker Engine.
    pub engine: EngineAddress,
    /// The configuration.
    pub config: Option<PathBuf>,
    /// Its format; absent means that it tells itself.
    pub format: Option<Format>,
    /// The address of the running Backrest.
    pub url: Option<String>,
    /// The user there.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<SecretString>,
    /// A token, instead of user and password.
    pub token: Option<SecretString>,
    /// The container that Backrest runs in.
    pub container: String,
    /// Whether it is stopped for a changed file.
    pub apply: bool,
    /// A command that makes a changed file known.
    pub reload_command: Option<String>,
    /// How long Backrest may take to come up.
    pub up_within: Duration,
    /// How long it is waited for Backrest to be idle.
    pub patience: Duration,
    /// How plans are made of labels.
    pub settings: Settings,
    /// What becomes of plans whose workload is gone.
    pub orphans: Orphans,
    /// Where it is recorded which plans are ours.
    pub state_file: Option<PathBuf>,
    /// Where numbers for Prometheus are written.
    pub metrics_file: Option<PathBuf>,
}

/// What a round came to.
#[derive(Debug, Clone, Default)]
pub struct Reconciled {
    /// Whether the configuration was changed.
    pub is_changed: bool,
    /// Whether something was not done that labels want.
    pub is_partial: bool,
    /// The difference of every plan, in lines for people.
    pub differences: Vec<String>,
}

/// A failure that was told already.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("it was told why")]
pub struct Told;

/// One round.
///
/// # Errors
/// When an option cannot be used; [`Told`] when the round failed.
pub async fn reconcile(options: PlansOptions, is_dry_run: bool, tell: Tell<'_>) -> anyhow::Result<Reconciled> {
    let reconciler = reconciler_of(&options)?;
    let cancel = CancellationToken::new();
    let work = async {
        if !is_dry_run {
            reconciler.bring_back(tell).await;
        }
        reconciler.reconcile(is_dry_run, tell).await
    };
    let round = until_signalled(&cancel, Box::pin(work)).await?;
    write_metrics(&options, &reconciler, tell);
    let round = round.map_err(|_| Told)?;
    Ok(Reconciled {
        is_changed: round.is_changed(),
        is_partial: round.is_partial(),
        differences: differences_of(&round),
    })
}

/// Rounds until a signal comes.
///
/// # Errors
/// When an option cannot be used, or a second signal came.
pub async fn daemon(
    options: PlansOptions,
    interval: Duration,
    with_events: bool,
    tell: Tell<'_>,
) -> anyhow::Result<()> {
    let reconciler = reconciler_of(&options)?;
    let rhythm = Rhythm::new(interval.max(SHORTEST_INTERVAL), with_events);
    let cancel = CancellationToken::new();
    tell(Line::info("daemon.start").with("interval_secs", rhythm.interval.as_secs()).with("with_events", with_events));
    let after_round = || write_metrics(&options, &reconciler, tell);
    until_signalled(&cancel, Box::pin(reconciler.watch(rhythm, &cancel, tell, &after_round))).await?;
    tell(Line::info("daemon.stop"));
    Ok(())
}

fn reconciler_of(options: &PlansOptions) -> anyhow::Result<Reconciler> {
    anyhow::ensure!(
        options.config.is_some() || options.url.is_some(),
        "say with --config where the configuration of Backrest is, or with --backrest-url where Backrest answers"
    );
    let owned = match (&options.state_file, &options.config) {
        (Some(path), _) => OwnedPlans::File(path.clone()),
        (None, Some(config)) => OwnedPlans::beside(config),
        (None, None) => OwnedPlans::Nowhere,
    };
    let parts = ReconcilerParts {
        docker: Arc::new(BollardEngine::connect(Some(&options.engine.address))),
        clock: Arc::new(SystemClock),
        owned,
    };
    Ok(Reconciler::new(reconcile_options(options)?, parts))
}

fn reconcile_options(options: &PlansOptions) -> anyhow::Result<ReconcileOptions> {
    let credentials = match (&options.token, &options.user) {
        (Some(token), _) => Credentials::Bearer(token.clone()),
        (None, Some(user)) => {
            let password = options.password.clone().context("BACKREST_PASSWORD is not set")?;
            Credentials::Basic { user: user.clone(), password }
        }
        (None, None) => Credentials::None,
    };
    let api = options.url.as_deref().map(|url| ApiClient::new(url, credentials)).transpose()?;
    Ok(ReconcileOptions {
        config: options.config.clone(),
        format: options.format,
        api,
        container: options.container.clone(),
        apply: options.apply,
        reload_command: options.reload_command.clone(),
        up_within: options.up_within,
        patience: options.patience,
        orphans: options.orphans,
        settings: options.settings.clone(),
    })
}

fn differences_of(round: &Round) -> Vec<String> {
    let changes = round.plans.iter().map(|plan| &plan.change).chain(&round.orphans);
    let text = |change: &crate::engine::backrest::Change| {
        let head = format!("plan {}: {}", change.id, change.kind.as_str());
        [head].into_iter().chain(change.lines.iter().map(|line| format!("  {line}"))).collect::<Vec<_>>()
    };
    changes.flat_map(text).collect()
}

/// Written aside and renamed: whoever reads the file never reads half of it.
fn write_metrics(options: &PlansOptions, reconciler: &Reconciler, tell: Tell<'_>) {
    let Some(path) = options.metrics_file.as_deref() else { return };
    let write = |path: &Path| {
        let aside = path.with_extension("new");
        std::fs::write(&aside, reconciler.status().metrics())?;
        std::fs::rename(&aside, path)
    };
    if let Err(error) = write(path) {
        tell(
            Line::warning("metrics.write").with("file", path.display().to_string()).with("message", error.to_string()),
        );
    }
}
