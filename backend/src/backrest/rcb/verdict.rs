//! What rcb says, and what it means. Its exit code alone means nothing: it is 0 for a backup that failed.

/// How its log names the exit code of its worker.
const VERDICT: &str = "Backup container exit code: ";
/// Said when no container is to be backed up.
const NOTHING: &str = "No containers for backup found";
/// The worker has read the volumes once it says this.
const VOLUMES_READ: &str = "Backing up databases";
/// What costs a part of the backup but no exit code.
const DOUBTS: [&str; 2] = ["cannot be reached", "Found no volumes to back up"];

/// A place in the run that matters to whoever keeps containers at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// The volumes have been read.
    VolumesRead,
}

/// What rcb has said so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    exit_code: Option<i64>,
    has_nothing: bool,
    doubts: Vec<String>,
}

impl Transcript {
    /// Takes a line in; returns what it marks.
    pub fn read(&mut self, line: &str) -> Option<Milestone> {
        if let Some((_, code)) = line.split_once(VERDICT) {
            // One that cannot be read is no success.
            self.exit_code = Some(code.trim().parse().unwrap_or(-1));
        }
        self.has_nothing |= line.contains(NOTHING);
        if DOUBTS.iter().any(|doubt| line.contains(doubt)) {
            self.doubts.push(message_of(line).to_owned());
        }
        line.contains(VOLUMES_READ).then_some(Milestone::VolumesRead)
    }

    /// What it said that is doubtful although the worker ended well.
    #[must_use]
    pub fn doubts(&self) -> &[String] {
        &self.doubts
    }

    /// Whether the backup is one. `ended_with` is the exit code of rcb itself, `new_snapshots` how many the repository has that
    /// it had not before.
    ///
    /// # Errors
    /// A sentence that says why it is none.
    pub fn judge(&self, ended_with: i64, new_snapshots: usize) -> Result<(), String> {
        match self.exit_code {
            _ if self.has_nothing => {
                Err("rcb found no container to back up; label the services of this project".to_owned())
            }
            None if ended_with != 0 => Err(format!("rcb ended with exit code {ended_with} before its worker did")),
            None => Err("rcb did not say how its worker ended, so nothing is known of the backup".to_owned()),
            Some(0) if new_snapshots == 0 => {
                Err("rcb says that it is done, but the repository has no new snapshot".to_owned())
            }
            Some(0) => Ok(()),
            Some(code) => Err(format!("the worker of rcb ended with exit code {code}; its log says why")),
        }
    }
}

/// The message of a line `<time> - <LEVEL>: <message>`.
fn message_of(line: &str) -> &str {
    line.split_once(": ").map_or(line, |(_, message)| message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(lines: &[&str]) -> Transcript {
        let mut transcript = Transcript::default();
        for line in lines {
            let _ = transcript.read(line);
        }
        transcript
    }

    #[test]
    fn only_the_line_and_a_new_snapshot_make_a_success() {
        let well = "2024-01-01 02:00:00 - INFO: Backup container exit code: 0";
        let ill = "2024-01-01 02:00:00 - INFO: Backup container exit code: 1";
        assert_eq!(transcript(&[well]).judge(0, 1), Ok(()));
        for (lines, ended_with, new, why) in [
            (&[well][..], 0, 0, "no new snapshot"),
            (&[ill], 0, 1, "exit code 1"),
            (&[], 0, 1, "did not say"),
            (&[], 1, 1, "exit code 1 before"),
            (&["x - ERROR: No containers for backup found", well], 0, 1, "no container"),
            (&["x - INFO: Backup container exit code: none"], 0, 1, "exit code -1"),
        ] {
            let said = transcript(lines).judge(ended_with, new).expect_err("no success");
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn the_end_of_reading_and_doubts_are_seen() {
        let mut transcript = Transcript::default();
        assert_eq!(transcript.read("t - INFO: Backing up volumes"), None);
        assert_eq!(transcript.read("t - INFO: Backing up databases"), Some(Milestone::VolumesRead));
        transcript.read("t - ERROR: Database 'mariadb' in service db cannot be reached");
        assert_eq!(transcript.doubts(), ["Database 'mariadb' in service db cannot be reached"]);
    }
}
