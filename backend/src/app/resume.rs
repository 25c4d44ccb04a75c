//! Bringing back what is at rest without the service: when it does not start, or is not wanted to.
//!
//! Needs the store and the Docker Engine and nothing else: no directory, no port, no password.

use std::sync::Arc;

use crate::api::wire::ResumeReport;
use crate::config::Config;
use crate::discovery::Discovery;
use crate::docker::SharedEngine;
use crate::domain::clock::{SharedClock, SystemClock};
use crate::domain::names::StackName;
use crate::engine::backrest::{BackrestAtRest, Reconciler};
use crate::engine::backup_once::bring_back_left;
use crate::engine::logbook::SystemLog;
use crate::engine::registry::Registry;
use crate::engine::{EngineParts, JobEngine};
use crate::store::Store;

use super::store::registry_defaults;
use super::{backend_parts, backrest, discovery_settings, engine_settings, lock, real_engine};

/// The part of the service that looks after what is at rest.
pub struct Resumer {
    engine: JobEngine,
    backrest: Option<Reconciler>,
    clock: SharedClock,
    _store_lock: lock::StoreLock,
}

impl std::fmt::Debug for Resumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resumer").finish_non_exhaustive()
    }
}

impl Resumer {
    /// Opens the store that `config` names.
    ///
    /// # Errors
    /// When a service has the store, or it cannot be opened.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let store_lock = lock::StoreLock::take(config).await?;
        let clock: SharedClock = Arc::new(SystemClock);
        let store = Store::connect(config.database_url.expose(), clock.clone()).await?;
        let docker: SharedEngine = Arc::new(real_engine(config));
        let discovery = Discovery::new(discovery_settings(config), docker.clone(), clock.clone());
        let backrest = backrest::alone(config, &docker, &clock)?;
        let parts = EngineParts {
            registry: Registry::new(Vec::new(), registry_defaults(config), store.clone(), discovery.clone()),
            store,
            discovery,
            backends: backend_parts(config, docker.clone(), clock.clone()),
            build_backend: Arc::new(crate::backends::build),
            docker,
            clock: clock.clone(),
            system_log: SystemLog::new(config.log_dir.clone(), clock.clone()),
            runtime: tokio::runtime::Handle::current(),
        };
        Ok(Self { engine: JobEngine::new(engine_settings(config), parts), backrest, clock, _store_lock: store_lock })
    }

    /// Brings back what is at rest of `stack`, or all of it; the answer of `POST /api/v1/journal/resume`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn resume(&self, stack: Option<&StackName>, is_dry_run: bool) -> anyhow::Result<serde_json::Value> {
        let tell = |line: crate::backrest::line::Line| tracing::warn!("{}", line.message());
        let is_meant = |one: &BackrestAtRest| stack.is_none_or(|stack| one.stack == stack.as_str());
        let backrest = match &self.backrest {
            None => None,
            Some(backrest) if is_dry_run => backrest.find_at_rest().await.filter(is_meant),
            Some(backrest) if backrest.find_at_rest().await.as_ref().is_some_and(is_meant) => {
                backrest.resume_by_hand(&tell).await
            }
            Some(_) => None,
        };
        if !is_dry_run {
            // What a killed `backup-once` stopped stands at the engine, not in the store.
            bring_back_left(&self.engine.docker(), &self.clock, &tell).await.ok();
        }
        let all = if is_dry_run {
            self.engine.preview_resume(stack).await?
        } else {
            self.engine.resume_by_hand(stack).await?
        };
        Ok(serde_json::to_value(ResumeReport::new(all, backrest, is_dry_run))?)
    }
}
