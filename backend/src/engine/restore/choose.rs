//! Which targets of a snapshot are wanted, and what of each.

use crate::domain::entry::EntryPath;
use crate::domain::job::TargetState;
use crate::domain::restore::{RestoreWish, TargetName};
use crate::domain::snapshot::Snapshot;
use crate::engine::unpack::{Contents, TargetContents};

/// A target that is wanted.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) contents: TargetContents,
    /// What of it, below the target; empty for all.
    pub(super) paths: Vec<EntryPath>,
}

impl Wanted {
    pub(super) fn name(&self) -> TargetName {
        TargetName { kind: self.contents.kind, name: self.contents.name.clone() }
    }
}

/// What is wanted of a snapshot, and what to say of the rest.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) wanted: Vec<Wanted>,
    pub(super) problems: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// Finds what is wanted in what there is.
pub(super) fn choose(wish: &RestoreWish, snapshot: &Snapshot, contents: &Contents) -> Chosen {
    let mut chosen = Chosen::default();
    let is_wanted = |target: &TargetName| wish.targets.is_empty() || wish.targets.contains(target);
    for target in &contents.targets {
        let name = TargetName { kind: target.kind, name: target.name.clone() };
        if is_wanted(&name) {
            chosen.wanted.push(Wanted { contents: target.clone(), paths: Vec::new() });
        }
    }
    for result in &snapshot.targets {
        let name = TargetName { kind: result.kind, name: result.name.clone() };
        let why = result.message.as_deref().unwrap_or("it was not captured");
        match result.state {
            _ if !is_wanted(&name) => {}
            TargetState::Partial => chosen.warnings.push(format!("{name} was captured with gaps: {why}")),
            _ if contents.find(result.kind, &result.name).is_some() => {}
            TargetState::Skipped if wish.targets.is_empty() => {}
            _ if wish.targets.is_empty() => chosen.warnings.push(format!("{name} is not in the snapshot: {why}")),
            _ => chosen.problems.push(format!("{name} is not in the snapshot: {why}")),
        }
    }
    if !wish.paths.is_empty() {
        narrow(&mut chosen, &wish.paths);
    } else if chosen.wanted.is_empty() && chosen.problems.is_empty() {
        chosen.problems.push("the snapshot holds nothing that could be restored".to_owned());
    }
    chosen
}

/// Keeps what the paths mean. A path above a target means all of it.
fn narrow(chosen: &mut Chosen, paths: &[EntryPath]) {
    let mut found: Vec<Option<Vec<EntryPath>>> = vec![None; chosen.wanted.len()];
    for path in paths {
        let mut is_met = false;
        for (target, kept) in chosen.wanted.iter().zip(&mut found) {
            let Ok(place) = EntryPath::new(target.contents.place.as_bytes()) else { continue };
            if below(&place, path).is_some() {
                *kept = Some(Vec::new());
                is_met = true;
            } else if let Some(inside) = below(path, &place) {
                add(kept, inside);
                is_met = true;
            }
        }
        match &mut found[..] {
            _ if is_met => {}
            // With one target alone, paths may be told as its own.
            [kept] => add(kept, path.clone()),
            _ => chosen.problems.push(format!("the snapshot holds no '{path}'")),
        }
    }
    let wanted = std::mem::take(&mut chosen.wanted).into_iter().zip(found);
    chosen.wanted = wanted.filter_map(|(target, paths)| Some(Wanted { paths: paths?, ..target })).collect();
}

/// All of a target holds every path of it.
fn add(kept: &mut Option<Vec<EntryPath>>, path: EntryPath) {
    match kept {
        Some(paths) if paths.is_empty() => {}
        Some(paths) => paths.push(path),
        None => *kept = Some(vec![path]),
    }
}

/// `path` seen from `base`, when it is there or below.
fn below(path: &EntryPath, base: &EntryPath) -> Option<EntryPath> {
    if base.is_top() {
        return Some(path.clone());
    }
    let rest = path.as_bytes().strip_prefix(base.as_bytes())?;
    match rest.first() {
        None | Some(b'/') => EntryPath::new(rest).ok(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::TargetKind;

    fn target(kind: TargetKind, name: &str, place: &str) -> Wanted {
        let contents = TargetContents {
            kind,
            name: name.into(),
            host_path: None,
            place: place.into(),
            bytes: 1,
            entries: None,
            file_name: None,
            volume: None,
        };
        Wanted { contents, paths: Vec::new() }
    }

    fn narrowed(targets: &[Wanted], paths: &[&str]) -> (Vec<(String, Vec<String>)>, usize) {
        let mut chosen = Chosen { wanted: targets.to_vec(), ..Chosen::default() };
        let paths: Vec<EntryPath> = paths.iter().map(|p| EntryPath::new(p.as_bytes()).expect("a path")).collect();
        narrow(&mut chosen, &paths);
        let told =
            |wanted: &Wanted| (wanted.contents.name.clone(), wanted.paths.iter().map(ToString::to_string).collect());
        (chosen.wanted.iter().map(told).collect(), chosen.problems.len())
    }

    #[test]
    fn paths_name_targets_or_what_is_in_them() {
        let both = [target(TargetKind::Volume, "a", "volumes/a"), target(TargetKind::Volume, "ab", "volumes/ab")];
        let is =
            |name: &str, paths: &[&str]| (name.to_owned(), paths.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(narrowed(&both, &["volumes/a/x", "volumes/a/y/z"]), (vec![is("a", &["x", "y/z"])], 0));
        assert_eq!(narrowed(&both, &["volumes"]), (vec![is("a", &[]), is("ab", &[])], 0));
        assert_eq!(narrowed(&both, &["volumes/ab", "volumes/ab/x"]), (vec![is("ab", &[])], 0));
        assert_eq!(narrowed(&both, &["x"]), (vec![], 1));
        assert_eq!(narrowed(&both[..1], &["x"]), (vec![is("a", &["x"])], 0));
        let restic = [target(TargetKind::Volume, "a", "/var/lib/docker/volumes/a/_data")];
        assert_eq!(narrowed(&restic, &["/var/lib/docker/volumes/a/_data/x"]), (vec![is("a", &["x"])], 0));
    }
}
