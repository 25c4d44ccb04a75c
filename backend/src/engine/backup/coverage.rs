//! What a backup of a stack would capture now, and how.

use std::path::PathBuf;

use crate::discovery::targets::{PlannedTarget, TargetSource};
use crate::domain::job::TargetKind;
use crate::domain::names::StackName;

use super::super::JobEngine;
use super::source::{From, OwnDirectories, sources};

/// One thing that a stack has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its name: a volume's name, a bind's host path, the stack's name.
    pub name: String,
    /// Where its data is; absent when it is nowhere a path leads to.
    pub path: Option<PathBuf>,
    /// How it is captured, or why it is not.
    pub outcome: Result<CapturedVia, String>,
}

/// How something is captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapturedVia {
    /// It is read where it lies.
    Direct,
    /// It is streamed through the Docker Engine, out of a container that mounts it.
    Streamed,
}

impl JobEngine {
    /// Everything that a stack has, and whether a backup captures it. `None` when there is no such stack.
    pub async fn find_coverage(&self, name: &StackName) -> Option<Vec<Coverage>> {
        let (discovery, settings) = (&self.0.parts.discovery, &self.0.settings);
        let stack = discovery.find_stack(name)?;
        let targets = discovery.plan_targets(&stack, settings.include_data).await;
        let paths = discovery.path_map();
        let own = OwnDirectories(vec![settings.backup_dir.clone(), settings.log_dir.clone()]);
        // Whether a path can be read is found out by trying, which blocks.
        let look = move || {
            let ways: Vec<From> = sources(&targets, &paths, &own).into_iter().map(|source| source.from).collect();
            join(targets, ways)
        };
        Some(tokio::task::spawn_blocking(look).await.unwrap_or_default())
    }
}

/// `ways` has one for each target that is not left out, in their order.
fn join(targets: Vec<PlannedTarget>, ways: Vec<From>) -> Vec<Coverage> {
    let mut ways = ways.into_iter();
    let mut outcome = |target: &PlannedTarget| match &target.excluded {
        Some(reason) => Err(reason.clone()),
        None => match ways.next() {
            Some(From::Trees(_)) => Ok(CapturedVia::Direct),
            Some(From::Stream(_)) => Ok(CapturedVia::Streamed),
            Some(From::Nothing(reason)) => Err(reason),
            None => Err("it is not known how to reach it".to_owned()),
        },
    };
    let make = |target: PlannedTarget| Coverage {
        outcome: outcome(&target),
        path: path_of(&target.source),
        kind: target.kind,
        name: target.name,
    };
    targets.into_iter().map(make).collect()
}

fn path_of(source: &TargetSource) -> Option<PathBuf> {
    match source {
        TargetSource::Files { root, .. } => root.clone(),
        TargetSource::Directory { path, .. } => Some(path.clone()).filter(|path| !path.as_os_str().is_empty()),
        TargetSource::Volume { mountpoint, .. } => mountpoint.clone(),
        TargetSource::Bind { host_path } => Some(host_path.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::targets::ReachedVia;

    fn target(name: &str, excluded: Option<&str>) -> PlannedTarget {
        let source = TargetSource::Volume { name: name.to_owned(), mountpoint: None };
        let excluded = excluded.map(str::to_owned);
        PlannedTarget { kind: TargetKind::Volume, name: name.to_owned(), source, reached_via: None, excluded }
    }

    #[test]
    fn what_is_left_out_does_not_shift_the_others() {
        let via = ReachedVia { container_id: "c".into(), destination: "/d".into() };
        let ways = vec![From::Trees(Vec::new()), From::Stream(via), From::Nothing("out of reach".into())];
        let targets = vec![target("a", None), target("b", Some("in memory")), target("c", None), target("d", None)];
        let outcomes: Vec<_> = join(targets, ways).into_iter().map(|c| c.outcome).collect();
        let expected = [
            Ok(CapturedVia::Direct),
            Err("in memory".to_owned()),
            Ok(CapturedVia::Streamed),
            Err("out of reach".to_owned()),
        ];
        assert_eq!(outcomes, expected);
    }
}
