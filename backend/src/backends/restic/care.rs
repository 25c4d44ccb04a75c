//! What keeps a repository in order: forget and prune, check, statistics, the final mark.

use serde::Deserialize;

use super::failure::Trouble;
use super::process::{Call, Ended, Heed, Line};
use super::program::Restic;
use super::snapshots::Snapshot;
use super::version::Version;
use super::{BackendError, RepositoryStats, Work, snapshots, tags};
use crate::domain::log::Level;

/// As many ids go into one command: far below what a command line may hold.
const IDS_AT_ONCE: usize = 500;
/// As many findings of a check are told.
const FINDINGS: usize = 100;

/// Removes snapshots that are ours, and frees their space.
pub(super) async fn forget(restic: &Restic, work: &Work, references: &[String]) -> Result<Option<u64>, BackendError> {
    if references.is_empty() {
        return Ok(Some(0));
    }
    let _turn = restic.take_turn(work).await?;
    if restic.find_strange(references).is_some() {
        snapshots::list(restic, work).await?;
    }
    if let Some(other) = restic.find_strange(references) {
        let id: String = other.chars().take(64).flat_map(char::escape_default).collect();
        return Err(BackendError::failed(format!(
            "snapshot {id} is not there or not of this instance: nothing was removed"
        )));
    }
    let (before, last) = references.split_at((references.len() - 1) / IDS_AT_ONCE * IDS_AT_ONCE);
    for ids in before.chunks(IDS_AT_ONCE) {
        restic.drop_snapshots(work, ids).await?;
    }
    restic.drop_and_prune(work, last).await
}

impl Restic {
    /// `restic forget` of these ids. Needs the turn at the repository.
    pub(super) async fn drop_snapshots(&self, work: &Work, ids: &[String]) -> Result<(), BackendError> {
        let version = self.version(work).await?;
        let ended = self.run_deleting(work, &Self::with_ids(&["forget"], ids)).await?;
        if ended.is_success() { Ok(()) } else { Err(self.deletion_error("forgetting snapshots", &ended, version)) }
    }

    /// The same, and frees what nobody needs any more; returns the bytes freed, when known.
    async fn drop_and_prune(&self, work: &Work, ids: &[String]) -> Result<Option<u64>, BackendError> {
        let version = self.version(work).await?;
        let mut freed = None;
        let call = Self::with_ids(&["forget", "--prune"], ids);
        let mut on_line = |line: Line<'_>| {
            if let Line::Out(text) = line {
                freed = freed.or_else(|| find_freed(text));
            }
            heed_refusal(line)
        };
        let ended = self.run_locked(work, &call, self.lock_patience, &mut on_line).await?;
        let doing = "forgetting snapshots and freeing their space";
        if ended.is_success() { Ok(freed) } else { Err(self.deletion_error(doing, &ended, version)) }
    }

    /// Runs a command that deletes files; old versions try for a quarter of an hour what the server forbids.
    async fn run_deleting(&self, work: &Work, call: &Call) -> Result<Ended, BackendError> {
        self.run_locked(work, call, self.lock_patience, &mut heed_refusal).await
    }

    fn deletion_error(&self, doing: &str, ended: &Ended, version: Version) -> BackendError {
        if ended.said.iter().any(|line| is_refusal(line)) || ended.trouble(version) == Trouble::Refused {
            let at = &self.settings.repository;
            return BackendError::NotReady(format!(
                "the repository at {at} lets nothing be deleted (append-only?): let retention run where that is allowed"
            ));
        }
        self.error(doing, ended, version)
    }

    /// Takes the mark of an unfinished snapshot away, and marks it complete if it is. Returns its id after that, and what
    /// lies there then.
    pub(super) async fn finish(
        &self,
        work: &Work,
        id: &str,
        run: &str,
        is_complete: bool,
    ) -> Result<(String, Vec<Snapshot>), BackendError> {
        let version = self.version(work).await?;
        let mut call = Call::new(["tag", "--json", "--remove", tags::UNFINISHED]);
        if is_complete {
            call = call.with("--add").with(tags::COMPLETE);
        }
        let ended = self.run_deleting(work, &call.with(id)).await?;
        let all = self.all_snapshots(work).await?;
        let is_finished = |snapshot: &&Snapshot| {
            let is_of_run = self.is_own(snapshot) && snapshot.has(run);
            is_of_run && !snapshot.is_leftover() && snapshot.has(tags::COMPLETE) == is_complete
        };
        let Some(finished) = all.iter().find(is_finished).map(|snapshot| snapshot.id.clone()) else {
            return Err(self.error("marking the snapshot as verified", &ended, version));
        };
        if !ended.is_success() {
            // The marked one is there; the one without the mark could not be taken away.
            let words = self.redactor.clean(&ended.last_words());
            work.report.log(Level::Warning, None, format!("the snapshot before its mark stays: {words}"));
        }
        Ok((finished, all))
    }
}

fn heed_refusal(line: Line<'_>) -> Heed {
    match line {
        Line::Err(text) if is_refusal(text) => Heed::GiveUp,
        _ => Heed::Idle,
    }
}

/// A server's answer to a deletion that it never allows.
fn is_refusal(line: &str) -> bool {
    let is_deletion = line.contains("Remove(") || line.contains("unable to remove") || line.contains("delete");
    // The numbers alone also stand in ids, ports and times.
    let words = ["(403)", "(405)", "Forbidden", "Method Not Allowed", "AccessDenied", "Access Denied"];
    is_deletion && words.iter().any(|word| line.contains(word))
}

/// `total prune:           3 blobs / 1.234 MiB`
fn find_freed(line: &str) -> Option<u64> {
    let (_, size) = line.trim().strip_prefix("total prune:")?.split_once('/')?;
    let (number, unit) = size.trim().split_once(' ')?;
    let factor = ["B", "KiB", "MiB", "GiB", "TiB"].iter().position(|name| *name == unit)?;
    let bytes = number.parse::<f64>().ok()? * 1024_f64.powi(i32::try_from(factor).ok()?);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of a repository, not negative")]
    Some(bytes as u64)
}

/// Checks the repository; returns what was found wrong.
pub(super) async fn check(restic: &Restic, work: &Work) -> Result<Vec<String>, BackendError> {
    let _turn = restic.take_turn(work).await?;
    let version = restic.version(work).await?;
    let mut call = Call::new(["check"]);
    if let Some(subset) = &restic.settings.check_subset {
        call = call.with(format!("--read-data-subset={subset}"));
    }
    let mut on_line = |line: Line<'_>| {
        let (Line::Out(text) | Line::Err(text)) = line;
        work.report.log(Level::Debug, None, format!("restic: {}", restic.redactor.clean(text)));
        Heed::Moved
    };
    let ended = restic.run_locked(work, &call, restic.lock_patience, &mut on_line).await?;
    if ended.is_success() {
        return Ok(Vec::new());
    }
    let text = ended.text();
    if !text.contains("repository contains errors") {
        return Err(restic.error("checking the repository", &ended, version));
    }
    let is_finding = |line: &&str| !line.trim().is_empty() && !line.contains("repository contains errors");
    Ok(text.lines().filter(is_finding).take(FINDINGS).map(|line| restic.redactor.clean(line.trim())).collect())
}

/// Looks whether a snapshot is there, whether all of its directories can be listed, and what a check of the repository
/// finds. Returns what was found wrong.
pub(super) async fn verify(restic: &Restic, work: &Work, id: &str) -> Result<Vec<String>, BackendError> {
    let version = restic.version(work).await?;
    let is_it = |snapshot: &Snapshot| snapshot.id == id && !snapshot.is_leftover();
    if !restic.all_snapshots(work).await?.iter().any(is_it) {
        return Ok(vec!["it is not in the repository any more".to_owned()]);
    }
    let call = Call::new(["ls", "--json", "--no-lock"]).with(id);
    let ended = restic.run(work, call, &mut |_: Line<'_>| Heed::Moved).await?;
    if !ended.is_success() {
        let text = ended.text();
        let finding = text.lines().find(|line| tells_of_damage(line));
        let finding = finding.ok_or_else(|| restic.error("listing the snapshot", &ended, version))?;
        return Ok(vec![format!("it cannot be listed: {}", restic.redactor.clean(finding.trim()))]);
    }
    check(restic, work).await
}

/// What restic says of data that is not there or not as it was, and never of a repository that cannot be reached.
fn tells_of_damage(line: &str) -> bool {
    let words = [
        "not found in",
        "hash does not match",
        "ciphertext verification failed",
        "wrong data returned",
        "invalid data",
    ];
    words.iter().any(|word| line.contains(word))
}

/// How much lies in the repository.
pub(super) async fn stats(restic: &Restic, work: &Work) -> Result<RepositoryStats, BackendError> {
    /// What `restic stats --json` prints.
    #[derive(Deserialize)]
    struct Answer {
        total_size: u64,
        snapshots_count: Option<u64>,
    }
    let version = restic.version(work).await?;
    let (ended, lines) =
        restic.collect(work, Call::new(["stats", "--mode", "raw-data", "--json", "--no-lock"])).await?;
    if !ended.is_success() {
        return Err(restic.error("measuring the repository", &ended, version));
    }
    let answer: Answer = serde_json::from_str(&lines.join("\n"))
        .map_err(|error| BackendError::because("restic's statistics could not be read", error))?;
    Ok(RepositoryStats { size_bytes: answer.total_size, snapshot_count: answer.snapshots_count.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_space_is_read() {
        assert_eq!(find_freed("total prune:           3 blobs / 1.500 MiB"), Some(1_572_864));
        assert_eq!(find_freed("total prune:           0 blobs / 0 B"), Some(0));
        assert_eq!(find_freed("remaining:            16 blobs / 2.864 MiB"), None);
        assert_eq!(find_freed("total prune: many"), None);
    }

    #[test]
    fn a_server_that_lets_nothing_be_deleted_is_known() {
        let old = "Remove(<snapshot/a61a1f8d1e>) returned error, retrying after 552.330144ms: blob not removed, server response: 403 Forbidden (403)";
        assert!(is_refusal(old));
        assert!(!is_refusal("Save(<data/4030>) returned error"));
        let unreachable =
            "Remove(<snapshot/a640312d1e>) returned error, retrying after 552.405144ms: connection refused";
        assert!(!is_refusal(unreachable), "a number within an id says nothing");
    }
}
