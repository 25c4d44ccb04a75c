//! Opening the store, with the key of what is secret in it, and what is recorded in it besides jobs.

use std::path::Path;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;

use crate::config::Config;
use crate::discovery::Discovery;
use crate::domain::clock::SharedClock;
use crate::engine::registry::{PlanDefaults, Registry};
use crate::store::{SecretKey, Secrets, Store};
use crate::telemetry::redact::Redactor;

/// Where the key lies when the store is no file that it could lie beside.
const KEY_FILE: &str = "/var/lib/mainstay/secret.key";

/// Opens the store.
///
/// # Errors
/// When it cannot be opened.
pub(super) async fn open(config: &Config, clock: SharedClock) -> anyhow::Result<Store> {
    let store = Store::connect(config.database_url.expose(), clock).await?;
    Ok(match secrets(config)? {
        Some(secrets) => store.with_secrets(secrets),
        None => store,
    })
}

/// Where the key comes from; nothing when it lies beside the store.
fn secrets(config: &Config) -> anyhow::Result<Option<Secrets>> {
    if let Some(text) = &config.secret_key {
        let key = SecretKey::parse(text.expose_secret()).context("the key of stored secrets is not one")?;
        return Ok(Some(Secrets::given(key)));
    }
    let beside = config.database_url.is_postgres().then(|| Path::new(KEY_FILE).to_owned());
    Ok(config.secret_key_file.clone().or(beside).map(Secrets::in_file))
}

/// The instances and plans of the configuration and of the store, whose secrets `redactor` knows.
///
/// # Errors
/// When the store refuses.
pub(super) async fn registry(
    config: &Config,
    store: &Store,
    discovery: &Discovery,
    redactor: Redactor,
) -> anyhow::Result<Registry> {
    let defaults = registry_defaults(config);
    let registry = Registry::new(config.instances.clone(), defaults, store.clone(), discovery.clone());
    super::secrets::follow(&registry, redactor);
    registry.load().await?;
    Ok(registry)
}

/// What holds where an instance says nothing.
pub(super) fn registry_defaults(config: &Config) -> PlanDefaults {
    PlanDefaults { timezone: config.timezone, quiesce: config.archive.quiesce, stop_attached: config.stop_attached }
}
