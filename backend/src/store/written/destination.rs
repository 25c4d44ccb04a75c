//! Where an instance stores data.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::{Sealed, Sealer, StoreError, read_schedule};
use crate::domain::plan::{Destination, ImageCredentials, ImageSettings, PullPolicy, ResticSettings};
use crate::domain::repository::RepositoryUrl;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WrittenDestination {
    Archive,
    Restic(WrittenRestic),
    CustomImage(WrittenImage),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WrittenRestic {
    /// It may hold a password.
    repository: Sealed,
    check_schedule: Option<String>,
    check_subset: Option<String>,
    adopts_old_snapshots: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WrittenImage {
    image: String,
    pull: PullPolicy,
    credentials: Option<WrittenCredentials>,
    timeout: Option<Duration>,
    memory_bytes: Option<u64>,
    milli_cpus: Option<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WrittenCredentials {
    username: String,
    password: Sealed,
}

impl WrittenDestination {
    pub(super) fn seal(sealer: &Sealer, destination: &Destination) -> Result<Self, StoreError> {
        Ok(match destination {
            Destination::Archive => Self::Archive,
            Destination::Restic(settings) => Self::Restic(WrittenRestic {
                repository: sealer.seal("repository", settings.repository.expose())?,
                check_schedule: settings.check_schedule.as_ref().map(|schedule| schedule.as_str().to_owned()),
                check_subset: settings.check_subset.clone(),
                adopts_old_snapshots: settings.adopts_old_snapshots,
            }),
            Destination::CustomImage(settings) => Self::CustomImage(WrittenImage::seal(sealer, settings)?),
        })
    }

    pub(super) fn open(self, sealer: &Sealer, seed: &str) -> Result<Destination, StoreError> {
        Ok(match self {
            Self::Archive => Destination::Archive,
            Self::Restic(written) => Destination::Restic(ResticSettings {
                repository: RepositoryUrl::new(sealer.open("repository", &written.repository)?.expose_secret()),
                check_schedule: read_schedule(written.check_schedule.as_deref(), seed)?,
                check_subset: written.check_subset,
                adopts_old_snapshots: written.adopts_old_snapshots,
            }),
            Self::CustomImage(written) => Destination::CustomImage(written.open(sealer)?),
        })
    }
}

impl WrittenImage {
    fn seal(sealer: &Sealer, settings: &ImageSettings) -> Result<Self, StoreError> {
        let seal = |known: &ImageCredentials| {
            let password = sealer.seal("credentials.password", known.password.expose_secret())?;
            Ok::<_, StoreError>(WrittenCredentials { username: known.username.clone(), password })
        };
        Ok(Self {
            image: settings.image.clone(),
            pull: settings.pull,
            credentials: settings.credentials.as_ref().map(seal).transpose()?,
            timeout: settings.timeout,
            memory_bytes: settings.memory_bytes,
            milli_cpus: settings.milli_cpus,
        })
    }

    fn open(self, sealer: &Sealer) -> Result<ImageSettings, StoreError> {
        let open = |written: WrittenCredentials| {
            let password = sealer.open("credentials.password", &written.password)?;
            Ok::<_, StoreError>(ImageCredentials { username: written.username, password })
        };
        Ok(ImageSettings {
            image: self.image,
            pull: self.pull,
            credentials: self.credentials.map(open).transpose()?,
            timeout: self.timeout,
            memory_bytes: self.memory_bytes,
            milli_cpus: self.milli_cpus,
        })
    }
}
