//! What a plan captures.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::hooks::WrittenHooks;
use super::{Sealed, Sealer, SecretsError, open_all, seal_all};
use crate::domain::names::StackName;
use crate::domain::plan::{DatabaseKind, Origin, Target, What};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WrittenTarget {
    what: WrittenWhat,
    paths: Vec<PathBuf>,
    stop_attached: Option<bool>,
    hooks: WrittenHooks,
    database: Option<DatabaseKind>,
    dump_args: Vec<Sealed>,
    excludes: Vec<String>,
    tags: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenWhat {
    Volume(String),
    Database(String),
    Stack(StackName),
    Path(PathBuf),
}

/// Those that were made through the API; what labels add is in the labels.
pub(super) fn seal_targets(sealer: &Sealer, targets: &[Target]) -> Result<Vec<WrittenTarget>, SecretsError> {
    let ours = targets.iter().filter(|target| target.origin != Origin::Label);
    ours.enumerate().map(|(n, target)| WrittenTarget::seal(sealer, n, target)).collect()
}

pub(super) fn open_targets(sealer: &Sealer, targets: Vec<WrittenTarget>) -> Result<Vec<Target>, SecretsError> {
    targets.into_iter().enumerate().map(|(n, target)| target.open(sealer, n)).collect()
}

impl WrittenTarget {
    fn seal(sealer: &Sealer, n: usize, target: &Target) -> Result<Self, SecretsError> {
        Ok(Self {
            what: match target.what.clone() {
                What::Volume(name) => WrittenWhat::Volume(name),
                What::Database(name) => WrittenWhat::Database(name),
                What::Stack(name) => WrittenWhat::Stack(name),
                What::Path(path) => WrittenWhat::Path(path),
            },
            paths: target.paths.clone(),
            stop_attached: target.stop_attached,
            hooks: WrittenHooks::seal(sealer, &format!("targets.{n}.hooks"), &target.hooks)?,
            database: target.database,
            dump_args: seal_all(sealer, &format!("targets.{n}.dump_args"), &target.dump_args)?,
            excludes: target.excludes.clone(),
            tags: target.tags.clone(),
        })
    }

    fn open(self, sealer: &Sealer, n: usize) -> Result<Target, SecretsError> {
        Ok(Target {
            what: match self.what {
                WrittenWhat::Volume(name) => What::Volume(name),
                WrittenWhat::Database(name) => What::Database(name),
                WrittenWhat::Stack(name) => What::Stack(name),
                WrittenWhat::Path(path) => What::Path(path),
            },
            origin: Origin::Api,
            paths: self.paths,
            stop_attached: self.stop_attached,
            hooks: self.hooks.open(sealer, &format!("targets.{n}.hooks"))?,
            database: self.database,
            dump_args: open_all(sealer, &format!("targets.{n}.dump_args"), &self.dump_args)?,
            excludes: self.excludes,
            tags: self.tags,
        })
    }
}
