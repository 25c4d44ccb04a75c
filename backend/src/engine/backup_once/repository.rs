//! The restic repository of a run, looked at with the restic of the image that will write to it.

use std::collections::BTreeSet;

use super::Parts;
use super::helper::{self, HelperError};
use crate::domain::size::human_millis;
use crate::engine::chain;

/// How long a look at the repository may take.
const LIMIT: std::time::Duration = std::time::Duration::from_mins(5);
/// restic's exit code for a repository that is not there, from 0.17 on.
const NO_REPOSITORY: i64 = 10;
/// What restic says of one that is not there; the first part alone may be a network that is away.
const MISSING: [&str; 5] = ["does not exist", "no such file", "not found", "404", "NoSuchKey"];
/// Hexadecimal digits of a snapshot's id.
const ID_DIGITS: usize = 64;

/// What lies where restic stores to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Repository {
    /// A repository with these snapshots.
    There(BTreeSet<String>),
    /// It is certain that there is none.
    Missing,
}

impl Repository {
    /// How many snapshots there are that were not there `before`.
    pub(super) fn count_new(&self, before: &Self) -> usize {
        match (self, before) {
            (Self::There(now), Self::There(then)) => now.difference(then).count(),
            (Self::There(now), Self::Missing) => now.len(),
            (Self::Missing, _) => 0,
        }
    }
}

/// Looks at the repository.
///
/// # Errors
/// A sentence that says why it cannot be used.
pub(super) async fn look(parts: &Parts<'_>) -> Result<Repository, String> {
    let printed = restic(parts, &["list", "snapshots"]).await?;
    let is_id = |line: &&String| line.len() == ID_DIGITS && line.bytes().all(|byte| byte.is_ascii_hexdigit());
    if printed.code == 0 {
        return Ok(Repository::There(printed.out.iter().filter(is_id).cloned().collect()));
    }
    let said = printed.err.iter().chain(&printed.out).cloned().collect::<Vec<_>>().join("; ");
    let is_missing = said.contains("unable to open config file") && MISSING.iter().any(|word| said.contains(word));
    if printed.code == NO_REPOSITORY || is_missing {
        return Ok(Repository::Missing);
    }
    if said.contains("unsupported repository version") {
        return Err(format!(
            "the repository is of a newer version than the restic in the image '{}' can open; name an image with restic 0.14 or newer",
            parts.request.rcb.image
        ));
    }
    Err(format!("the repository cannot be opened: {}", printed.complaint()))
}

/// Makes the repository.
///
/// # Errors
/// A sentence that says why it could not be made.
pub(super) async fn init(parts: &Parts<'_>) -> Result<(), String> {
    let printed = restic(parts, &["init"]).await?;
    if printed.code == 0 { Ok(()) } else { Err(format!("the repository cannot be made: {}", printed.complaint())) }
}

async fn restic(parts: &Parts<'_>, words: &[&str]) -> Result<helper::Printed, String> {
    let command = parts.restic_command(words.iter().map(|&word| word.to_owned()));
    let spec = parts.request.rcb.restic(parts.helper_name(words[0]), command, parts.labels(), Vec::new());
    helper::run(parts.docker.as_ref(), &spec, LIMIT, parts.cancel).await.map_err(|error| match error {
        HelperError::TimedOut(limit) => {
            let limit = human_millis(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
            format!("the repository did not answer within {limit}")
        }
        other => format!("the repository cannot be looked at: {}", chain(&other)),
    })
}
