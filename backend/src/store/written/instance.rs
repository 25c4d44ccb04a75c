//! An instance.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::destination::WrittenDestination;
use super::drill::WrittenDrill;
use super::hooks::WrittenHooks;
use super::target::{WrittenTarget, open_targets, seal_targets};
use super::{Sealed, Sealer, StoreError, parse, read_schedule, read_zone};
use crate::domain::job::Quiesce;
use crate::domain::names::InstanceId;
use crate::domain::plan::{Instance, MissedRun, Origin};

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store) struct WrittenInstance {
    destination: WrittenDestination,
    env: BTreeMap<String, Sealed>,
    schedule: Option<String>,
    timezone: Option<String>,
    retention: String,
    restic_timeout: Option<Duration>,
    stop_attached: Option<bool>,
    quiesce: Option<Quiesce>,
    missed_run: MissedRun,
    is_enabled: bool,
    hooks: WrittenHooks,
    excludes: Vec<String>,
    tags: Vec<String>,
    targets: Vec<WrittenTarget>,
    #[serde(default)]
    drill: Option<WrittenDrill>,
}

impl WrittenInstance {
    pub(in crate::store) fn seal(sealer: &Sealer, instance: &Instance) -> Result<Self, StoreError> {
        let seal = |(name, value): (&String, &secrecy::SecretString)| {
            let sealed = sealer.seal(&format!("env.{name}"), value.expose_secret())?;
            Ok::<_, StoreError>((name.clone(), sealed))
        };
        Ok(Self {
            destination: WrittenDestination::seal(sealer, &instance.destination)?,
            env: instance.env.iter().map(seal).collect::<Result<_, _>>()?,
            schedule: instance.schedule.as_ref().map(|schedule| schedule.as_str().to_owned()),
            timezone: instance.timezone.map(|zone| zone.name().to_owned()),
            retention: instance.retention.to_string(),
            restic_timeout: instance.restic_timeout,
            stop_attached: instance.stop_attached,
            quiesce: instance.quiesce,
            missed_run: instance.missed_run,
            is_enabled: instance.is_enabled,
            hooks: WrittenHooks::seal(sealer, "hooks", &instance.hooks)?,
            excludes: instance.excludes.clone(),
            tags: instance.tags.clone(),
            targets: seal_targets(sealer, &instance.targets)?,
            drill: instance.drill.as_ref().map(WrittenDrill::of),
        })
    }

    pub(in crate::store) fn open(self, sealer: &Sealer, id: &InstanceId) -> Result<Instance, StoreError> {
        let open = |(name, sealed): (String, Sealed)| {
            let value = sealer.open(&format!("env.{name}"), &sealed)?;
            Ok::<_, StoreError>((name, value))
        };
        Ok(Instance {
            id: id.clone(),
            origin: Origin::Api,
            destination: self.destination.open(sealer, id.as_str())?,
            env: self.env.into_iter().map(open).collect::<Result<_, _>>()?,
            schedule: read_schedule(self.schedule.as_deref(), id.as_str())?,
            timezone: self.timezone.as_deref().map(read_zone).transpose()?,
            retention: parse("retention", &self.retention)?,
            restic_timeout: self.restic_timeout,
            stop_attached: self.stop_attached,
            quiesce: self.quiesce,
            missed_run: self.missed_run,
            is_enabled: self.is_enabled,
            hooks: self.hooks.open(sealer, "hooks")?,
            excludes: self.excludes,
            tags: self.tags,
            targets: open_targets(sealer, self.targets)?,
            drill: self.drill.map(|drill| drill.open(id.as_str())).transpose()?,
        })
    }
}
