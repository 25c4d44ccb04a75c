//! Dumps come back into databases that run.

use std::path::Path;

use secrecy::SecretString;

use crate::domain::plan::DatabaseKind;

use super::steps::{Cx, Stop};

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

/// Loads a dump.
#[expect(clippy::unused_async, reason = "nothing is asked of a database yet")]
pub(super) async fn load<R>(_: Cx<'_, R>, wanted: &Load<'_>) -> Result<(), Stop> {
    let Load { container, kind, args, dump } = wanted;
    tracing::debug!(container, ?kind, args = args.len(), dump = %dump.display(), "a dump is not loaded");
    Err(Stop::failed("dumps cannot be loaded from here yet; restore it to a directory and load it by hand"))
}
