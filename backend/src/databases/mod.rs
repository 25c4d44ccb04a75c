//! Dumps of databases, by the tools in their own containers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::docker::{ContainerDetail, ContainerEngine};
use crate::domain::log::Level;
use crate::domain::plan::DatabaseKind;

/// One dump that is wanted.
#[derive(Clone, Copy)]
pub struct DumpRequest<'a> {
    /// The engine.
    pub engine: &'a dyn ContainerEngine,
    /// The database's container.
    pub container: &'a ContainerDetail,
    /// Which database it is; absent means that labels and image tell.
    pub kind: Option<DatabaseKind>,
    /// Further arguments of the dump tool; they may hold passwords.
    pub args: &'a [SecretString],
    /// The directory that the dump goes to, which is there and empty.
    pub to: &'a Path,
    /// Set when it is to end.
    pub cancel: &'a CancellationToken,
    /// How long no byte may come.
    pub stall_timeout: Duration,
    /// Who is told what happens.
    pub say: &'a (dyn Fn(Level, String) + Send + Sync),
}

/// A dump that is complete: its tool ended well, and the file ends as such a file must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dumped {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub size_bytes: u64,
    /// What was dumped.
    pub kind: DatabaseKind,
}

/// Why there is no dump. Nothing is left of it then.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// It is not known which database the container holds.
    #[error("it is not known which database container {0} holds; say it by the label mainstay.db or by 'db_kind'")]
    UnknownKind(String),
    /// It was asked to end.
    #[error("the dump was cancelled")]
    Cancelled,
}

/// Which database a container holds: its labels tell, else its image's name.
#[must_use]
pub fn find_kind(container: &ContainerDetail) -> Option<DatabaseKind> {
    let _ = container;
    None
}

/// Dumps a database.
///
/// # Errors
/// When its tool is missing, fails, is cut off, or writes nothing or only a part.
pub async fn dump(request: DumpRequest<'_>) -> Result<Dumped, DumpError> {
    Err(DumpError::UnknownKind(request.container.container.name.clone()))
}
