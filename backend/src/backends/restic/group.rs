//! A process of ours with all that it started, and how it is ended.
//!
//! restic puts `ssh` and `rclone` into process groups of their own, so its group is not all of it: what descends from it is
//! found in `/proc`.

use std::fs;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// A process group that dies when this is dropped, unless [`Self::disarm`] was called.
pub(super) struct Group {
    leader: Option<Pid>,
}

impl Group {
    /// The group that the child with this id leads.
    pub(super) fn led_by(child: Option<u32>) -> Self {
        Self { leader: child.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) }
    }

    /// Asks the leader to end: restic removes its lock then.
    pub(super) fn interrupt(&self) {
        if let Some(leader) = self.leader {
            // It may have ended just now.
            let _ = kill_process(leader, Signal::INT);
        }
    }

    /// Ends the leader and all that descends from it.
    pub(super) fn kill(&self) {
        let Some(leader) = self.leader else { return };
        let helpers = descendants(leader.as_raw_nonzero().get());
        let _ = kill_process_group(leader, Signal::KILL);
        for helper in helpers.into_iter().filter_map(Pid::from_raw) {
            let _ = kill_process(helper, Signal::KILL);
        }
    }

    /// The leader was waited for and has nothing left behind: its number may belong to another process from now on.
    pub(super) fn disarm(&mut self) {
        self.leader = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

fn descendants(of: i32) -> Vec<i32> {
    let parents: Vec<(i32, i32)> = processes().filter_map(|pid| Some((pid, parent_of(pid)?))).collect();
    let mut found = vec![of];
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        found.extend(parents.iter().filter(|(pid, of)| *of == parent && *pid != parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found.split_off(1)
}

fn processes() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The fourth field of `/proc/<pid>/stat`, see proc(5).
fn parent_of(pid: i32) -> Option<i32> {
    stat_fields(pid)?.get(1)?.parse().ok()
}

/// The fields of `/proc/<pid>/stat` behind the name, which may hold anything: the state is the first.
pub(super) fn stat_fields(pid: i32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_a_parent() {
        let own = i32::try_from(std::process::id()).expect("a pid");
        assert!(parent_of(own).is_some_and(|parent| parent > 0));
        assert_eq!(parent_of(-1), None);
    }

    #[tokio::test]
    async fn what_a_child_started_dies_with_it() {
        let script = "setsid sleep 600 & echo $!; wait";
        let mut child = tokio::process::Command::new("sh")
            .args(["-c", script])
            .process_group(0)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut lines = super::super::lines::Lines::new(child.stdout.take().expect("piped"));
        let helper: i32 = lines.next().await.expect("readable").expect("a line").parse().expect("a pid");
        drop(Group::led_by(child.id()));
        child.wait().await.expect("it ended");
        while stat_fields(helper).is_some_and(|fields| fields[0] != "Z") {
            tokio::task::yield_now().await;
        }
    }
}
