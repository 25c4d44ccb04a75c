//! A run without rcb: one snapshot for each workload, so that each can be kept as its own label says.
//!
//! restic runs in a container that has the workload's data mounted read-only at `/volumes[/<project>]/<service>`, the
//! place where rcb has it, under a host and tags that stay the same: only so `forget` finds what belongs together.

use super::helper::{self, Printed};
use super::rest::Rest;
use super::{Outcome, Parts};
use crate::backrest::keep_flags;
use crate::backrest::line::Line;
use crate::backrest::rcb::Workload;
use crate::engine::{chain, pause_point};

/// What is kept of the tags of each snapshot, so that nothing of another program is ever forgotten.
const TAG: &str = "mainstay";
/// restic's exit code for a snapshot that lacks files which could not be read.
const INCOMPLETE: i64 = 3;

/// A run for the workloads of one project.
pub(super) struct NativeRun<'a> {
    pub(super) parts: &'a Parts<'a>,
    pub(super) workloads: Vec<&'a Workload>,
}

impl NativeRun<'_> {
    /// Takes the snapshots while `rest` rests, then forgets what the labels no longer keep.
    pub(super) async fn run(&self, mut rest: Rest<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let begun = rest.begin(self.parts.runtime, self.parts.cancel).await;
        pause_point::reach("oneshot.rested").await;
        let mut taken = Vec::new();
        match begun {
            Ok(()) => {
                for workload in &self.workloads {
                    if self.take(workload, &mut outcome).await {
                        taken.push(*workload);
                    }
                }
            }
            Err(error) => outcome.fail(format!("not everything could be brought to rest: {}", chain(&error))),
        }
        pause_point::reach("oneshot.read").await;
        let returned = rest.end().await;
        pause_point::reach("oneshot.returned").await;
        let is_clean = returned.not_back.is_empty() && returned.disturbances.is_empty();
        outcome.not_back.extend(returned.not_back);
        outcome.doubts.extend(returned.disturbances);
        // What may not be whole pushes nothing out.
        for workload in taken.into_iter().filter(|_| is_clean) {
            self.forget(workload, &mut outcome).await;
        }
        outcome
    }

    /// Takes the snapshot of a workload; returns whether it is whole.
    async fn take(&self, workload: &Workload, outcome: &mut Outcome) -> bool {
        let path = workload.path(self.parts.request.rcb.include_project_name).display().to_string();
        let tags = [TAG.to_owned(), format!("stack:{}", workload.project), format!("service:{}", workload.service)];
        let mut words = vec!["backup".to_owned(), "--host".to_owned(), self.parts.request.host_name.clone()];
        words.extend(tags.into_iter().flat_map(|tag| ["--tag".to_owned(), tag]));
        words.push(path.clone());
        let printed = match self.restic(words, workload, true).await {
            Ok(printed) => printed,
            Err(why) => {
                outcome.fail(format!("{path}: {why}"));
                return false;
            }
        };
        let saved = printed
            .out
            .iter()
            .find_map(|line| Some(line.strip_prefix("snapshot ")?.strip_suffix(" saved")?.to_owned()));
        let tell = |line: Line| (self.parts.tell)(line.with("path", &path).with("snapshot", &saved));
        match (printed.code, &saved) {
            (0, Some(_)) => {
                outcome.snapshots += 1;
                tell(Line::info("snapshot.saved"));
                true
            }
            (INCOMPLETE, Some(_)) => {
                outcome.doubts.push(format!("{path}: some files could not be read: {}", printed.complaint()));
                tell(Line::warning("snapshot.saved"));
                false
            }
            _ => {
                outcome.fail(format!("{path}: restic took no snapshot: {}", printed.complaint()));
                false
            }
        }
    }

    async fn forget(&self, workload: &Workload, outcome: &mut Outcome) {
        let path = workload.path(self.parts.request.rcb.include_project_name).display().to_string();
        let policy = match &workload.keep {
            Some(Ok(policy)) if !policy.keeps_all() => policy,
            Some(Ok(_)) | None => return,
            Some(Err(why)) => {
                let line = Line::warning("retention.skip").with("path", &path);
                (self.parts.tell)(
                    line.with("message", format!("backrest.keep cannot be read, so everything is kept: {why}")),
                );
                return;
            }
        };
        let flags = keep_flags(policy);
        (self.parts.tell)(Line::info("retention.run").with("path", &path).with("flags", &flags));
        let host = &self.parts.request.host_name;
        let fixed = ["forget", "--host", host, "--tag", TAG, "--path", &path, "--group-by", "host,paths"];
        let words = fixed.iter().map(|&word| word.to_owned()).chain(flags).chain(["--prune".to_owned()]).collect();
        match self.restic(words, workload, false).await {
            Ok(printed) if printed.code == 0 => {}
            Ok(printed) => outcome.doubts.push(format!("{path}: restic could not forget: {}", printed.complaint())),
            Err(why) => outcome.doubts.push(format!("{path}: restic could not forget: {why}")),
        }
    }

    async fn restic(&self, words: Vec<String>, workload: &Workload, with_data: bool) -> Result<Printed, String> {
        let parts = self.parts;
        let name = parts.helper_name(&words[0]);
        let mounts = if with_data { workload.mounts.clone() } else { Vec::new() };
        let spec = parts.request.rcb.restic(name, parts.restic_command(words), parts.labels(), mounts);
        let limit = parts.request.rcb.time_limit;
        helper::run(parts.docker.as_ref(), &spec, limit, parts.cancel).await.map_err(|error| chain(&error))
    }
}
