//! What lies in the repository, and whose it is.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::process::Call;
use super::program::Restic;
use super::{BackendError, FoundSnapshot, Work, tags};

/// Where Marina always has its staging directory.
const STAGING_OF_MARINA: &str = "/backup";

/// A snapshot as `restic snapshots --json` tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Snapshot {
    pub(super) id: String,
    pub(super) time: DateTime<Utc>,
    #[serde(default)]
    pub(super) hostname: String,
    #[serde(default)]
    pub(super) paths: Vec<PathBuf>,
    #[serde(default)]
    pub(super) tags: Vec<String>,
}

impl Snapshot {
    pub(super) fn has(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }

    /// Whether it is only there for a run, or was left by one.
    pub(super) fn is_leftover(&self) -> bool {
        self.has(tags::HOT) || self.has(tags::UNFINISHED)
    }
}

impl Restic {
    /// Every snapshot, oldest first. Takes no lock: reading is safe, and waits for nobody.
    pub(super) async fn all_snapshots(&self, work: &Work) -> Result<Vec<Snapshot>, BackendError> {
        let version = self.version(work).await?;
        let (ended, lines) = self.collect(work, Call::new(["snapshots", "--json", "--no-lock"])).await?;
        if !ended.is_success() {
            return Err(self.error("listing the snapshots", &ended, version));
        }
        parse(&lines).map_err(|error| BackendError::because("restic's list of snapshots could not be read", error))
    }

    /// Whether this instance of this installation made it.
    pub(super) fn is_own(&self, snapshot: &Snapshot) -> bool {
        snapshot.hostname == self.node_name && snapshot.has(&tags::of_instance(&self.instance))
    }

    /// Whether Marina made it for the instance of the same name on the same host.
    fn is_of_marina(&self, snapshot: &Snapshot) -> bool {
        let roots = [self.staging_dir.as_path(), Path::new(STAGING_OF_MARINA)];
        let is_below = |path: &PathBuf| roots.iter().any(|root| is_staged(path, &root.join(self.instance.as_str())));
        snapshot.hostname == self.node_name
            && !snapshot.has(tags::OURS)
            && !snapshot.paths.is_empty()
            && snapshot.paths.iter().all(is_below)
    }

    fn to_found(&self, snapshot: Snapshot) -> FoundSnapshot {
        let is_adopted = self.settings.adopts_old_snapshots && self.is_of_marina(&snapshot);
        FoundSnapshot {
            is_ours: self.is_own(&snapshot) || is_adopted,
            is_adopted,
            // Nobody else says it of theirs.
            is_complete: !snapshot.has(tags::OURS) || snapshot.has(tags::COMPLETE),
            reference: snapshot.id,
            at: snapshot.time,
            host: snapshot.hostname,
            paths: snapshot.paths,
            tags: snapshot.tags,
        }
    }
}

/// What lies there, newest first, without what is there for a run alone.
pub(super) async fn list(restic: &Restic, work: &Work) -> Result<Vec<FoundSnapshot>, BackendError> {
    let mut all = restic.all_snapshots(work).await?;
    all.retain(|snapshot| !(snapshot.has(tags::OURS) && snapshot.is_leftover()));
    all.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.time));
    let found: Vec<FoundSnapshot> = all.into_iter().map(|snapshot| restic.to_found(snapshot)).collect();
    restic.remember_own(&found);
    Ok(found)
}

/// `<root>/<YYYYMMDD-HHMMSS>/…`, where Marina staged every run.
fn is_staged(path: &Path, root: &Path) -> bool {
    let Ok(below) = path.strip_prefix(root) else { return false };
    let run = below.components().next().and_then(|c| c.as_os_str().to_str()).unwrap_or_default();
    let digits = |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    run.split_once('-').is_some_and(|(day, time)| digits(day, 8) && digits(time, 6))
}

/// `null` stands for none.
fn parse(lines: &[String]) -> Result<Vec<Snapshot>, serde_json::Error> {
    let text = lines.iter().find(|line| !line.trim().is_empty()).map_or("[]", String::as_str);
    serde_json::from_str::<Option<Vec<Snapshot>>>(text).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As 0.14.0 printed it after `tag --add`, and 0.18.0.
    #[test]
    fn lists_of_old_and_new_are_read() {
        let old = r#"[{"time":"2026-11-27T13:46:12.02862482Z","tree":"249c","paths":["/src/a","/src/b"],"hostname":"h","username":"root","tags":["mainstay","mainstay-complete"],"original":"ff03","id":"2ed7","short_id":"2ed7c585"}]"#;
        let new = r#"[{"time":"2026-11-27T15:46:12.02862482+02:00","paths":["/src/a","/src/b"],"hostname":"h","tags":["mainstay","mainstay-complete"],"program_version":"restic 0.18.0","summary":{"files_new":4},"id":"2ed7"}]"#;
        let [old, new] = [old, new].map(|text| parse(&[text.to_owned()]).expect("a list"));
        assert_eq!(old, new);
        assert!(old[0].has(tags::COMPLETE) && !old[0].is_leftover());
        for text in ["[]", "null", ""] {
            assert_eq!(parse(&[text.to_owned()]).expect("a list"), [], "{text}");
        }
        assert!(parse(&["{".to_owned()]).is_err());
    }

    #[test]
    fn marinas_runs_are_known_by_their_directory() {
        let root = Path::new("/backup/nightly");
        for (path, is_of_marina) in [
            ("/backup/nightly/20251116-030000/vol/data", true),
            ("/backup/nightly/20251116-030000", true),
            ("/backup/nightly/data", false),
            ("/backup/nightly", false),
            ("/backup/nightly2/20251116-030000/vol", false),
            ("/backup/nightly/2025111x-030000/vol", false),
        ] {
            assert_eq!(is_staged(Path::new(path), root), is_of_marina, "{path}");
        }
    }
}
