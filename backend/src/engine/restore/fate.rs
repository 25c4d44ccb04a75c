//! What becomes of each target: where it goes, what is made for it, or why it is left out.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::docker::VolumeSpec;
use crate::domain::job::TargetKind;
use crate::domain::names::StackName;
use crate::domain::restore::{Destination, RestoreWish, TargetName};
use crate::domain::stack::{ContainerState, labels};
use crate::engine::plan_run::{Mounted, Scene};

use super::choose::Wanted;

/// Where a target goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// To a place of the disk, as this process sees it.
    Put {
        place: PathBuf,
        /// What containers may mount of it.
        mounted: Option<Mounted>,
    },
    /// Into a volume that is made for it.
    Make(VolumeSpec),
    /// Into the database of this container.
    Load(String),
    /// Nowhere; the sentence says why.
    Skip(String),
    /// It should go somewhere and cannot; the sentence says why.
    Stuck(String),
}

/// What decides.
pub(super) struct Court<'a> {
    pub(super) wish: &'a RestoreWish,
    pub(super) scene: &'a Scene,
    pub(super) stacks_dir: &'a Path,
    /// The stack that the snapshot is of.
    pub(super) stack: Option<&'a StackName>,
}

impl Court<'_> {
    /// What becomes of every target that is wanted, in their order.
    pub(super) fn decide(&self, wanted: &[Wanted]) -> Vec<Fate> {
        let mut fates: Vec<Fate> = wanted.iter().enumerate().map(|(n, target)| self.decide_one(target, n)).collect();
        if self.wish.targets.is_empty() {
            // What a database keeps comes back with its volume; the dump of it would be another state.
            let places: Vec<(Mounted, String)> = wanted.iter().zip(&fates).filter_map(mounted_of).collect();
            for fate in &mut fates {
                if let Fate::Load(container) = fate
                    && let Some(what) = self.find_home(container, &places)
                {
                    *fate = Fate::Skip(format!("{what}, which is restored too, holds it"));
                }
            }
        }
        fates
    }

    fn decide_one(&self, target: &Wanted, n: usize) -> Fate {
        match &self.wish.destination {
            Destination::Directory(directory) => match layout(target, n) {
                Some(below) => Fate::Put { place: directory.join(below), mounted: None },
                None => Fate::Stuck(format!("{} has a name that cannot be a directory's", target.name())),
            },
            Destination::NewStack(name) => self.as_new(target, name),
            Destination::InPlace => self.in_place(target),
        }
    }

    fn in_place(&self, target: &Wanted) -> Fate {
        let name = &target.contents.name;
        match target.contents.kind {
            TargetKind::Compose | TargetKind::Data => {
                let place = self.stack_directory(target);
                let mounted = self.scene.paths.find_host(&place).map(Mounted::Path);
                Fate::Put { place, mounted }
            }
            TargetKind::Volume => self.volume_in_place(target),
            TargetKind::Bind | TargetKind::Path => {
                let host = target.contents.host_path.clone().unwrap_or_else(|| PathBuf::from(name));
                match self.scene.paths.find_local(&host) {
                    Some(place) => Fate::Put { place, mounted: Some(Mounted::Path(host)) },
                    None => Fate::Stuck(out_of_reach(name)),
                }
            }
            TargetKind::Database => self.load(name),
        }
    }

    /// Where the stack is now; else where it was, if there is such a place on this host, or where it would be looked for.
    fn stack_directory(&self, target: &Wanted) -> PathBuf {
        let known = target.contents.name.parse::<StackName>().ok();
        let stack = known.as_ref().and_then(|name| self.scene.view.find_stack(name));
        let now = stack.and_then(|stack| stack.directory.clone());
        let then = || target.contents.host_path.clone().filter(|path| path.is_absolute());
        let then_here = then().map(|path| self.scene.paths.find_local(&path).unwrap_or(path));
        let then_here = then_here.filter(|path| path.parent().is_some_and(Path::is_dir));
        now.or(then_here).unwrap_or_else(|| self.stacks_dir.join(&target.contents.name))
    }

    fn volume_in_place(&self, target: &Wanted) -> Fate {
        let name = &target.contents.name;
        match self.scene.find_volume(name) {
            None => {
                let made = target.contents.volume.clone().unwrap_or_default();
                let driver = (!made.driver.is_empty()).then_some(made.driver);
                Fate::Make(VolumeSpec { name: name.clone(), driver, options: made.options, labels: made.labels })
            }
            Some(mounted) => match mounted.host_path().and_then(|host| self.scene.paths.find_local(host)) {
                Some(place) => Fate::Put { place, mounted: Some(mounted) },
                None => Fate::Stuck(out_of_reach(&format!("volume '{name}'"))),
            },
        }
    }

    fn load(&self, name: &str) -> Fate {
        match self.scene.find_container(name) {
            Some(container) if container.state == ContainerState::Running => Fate::Load(name.to_owned()),
            Some(_) => self.unless_meant(format!("container '{name}' does not run, so its dump cannot be loaded")),
            None => self.unless_meant(format!(
                "there is no container '{name}' to load its dump into; start the stack, then restore the database alone"
            )),
        }
    }

    /// What was asked for by name and cannot be done is no matter to pass over.
    fn unless_meant(&self, why: String) -> Fate {
        if self.wish.targets.is_empty() { Fate::Skip(why) } else { Fate::Stuck(why) }
    }

    /// What a container keeps its data in, among what is restored.
    fn find_home(&self, container: &str, places: &[(Mounted, String)]) -> Option<String> {
        let container = self.scene.find_container(container)?;
        let holds = |place: &Mounted| container.mounts.iter().any(|mount| mount.is_writable && place.overlaps(mount));
        places.iter().find(|(place, _)| holds(place)).map(|(_, name)| name.clone())
    }

    fn as_new(&self, target: &Wanted, new: &StackName) -> Fate {
        let name = &target.contents.name;
        match target.contents.kind {
            TargetKind::Compose | TargetKind::Data => {
                Fate::Put { place: self.stacks_dir.join(new.as_str()), mounted: None }
            }
            TargetKind::Volume => {
                let old = self.stack.map(|stack| format!("{stack}_"));
                let rest = old.as_deref().and_then(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
                let made = target.contents.volume.clone().unwrap_or_default();
                let driver = (!made.driver.is_empty()).then_some(made.driver);
                let mut spec =
                    VolumeSpec { name: format!("{new}_{rest}"), driver, options: made.options, labels: made.labels };
                spec.labels.insert(labels::PROJECT.to_owned(), new.to_string());
                if self.scene.find_volume(&spec.name).is_some() {
                    return Fate::Stuck(format!("there is a volume '{}' already; choose another name", spec.name));
                }
                if is_bound(&spec.options) {
                    return Fate::Stuck(format!(
                        "volume '{name}' is a directory of the host by its options, and a new one would be the same directory"
                    ));
                }
                Fate::Make(spec)
            }
            TargetKind::Bind | TargetKind::Path => Fate::Skip(
                "it is a path of the host outside of the stack, which the original uses; restore it to a directory"
                    .to_owned(),
            ),
            TargetKind::Database => Fate::Skip("a new stack is not started, so no dump can be loaded".to_owned()),
        }
    }
}

fn is_bound(options: &BTreeMap<String, String>) -> bool {
    options.get("device").is_some_and(|device| !device.is_empty())
}

fn out_of_reach(what: &str) -> String {
    format!("{what} cannot be reached from here: mount its path into Mainstay's container, or restore to a directory")
}

fn mounted_of((target, fate): (&Wanted, &Fate)) -> Option<(Mounted, String)> {
    let name = target.name();
    match fate {
        Fate::Put { mounted: Some(mounted), .. } => Some((mounted.clone(), name.to_string())),
        Fate::Make(spec) => Some((Mounted::Volume(spec.name.clone(), None), name.to_string())),
        _ => None,
    }
}

/// Where a target goes below a directory, as in an archive.
fn layout(target: &Wanted, n: usize) -> Option<PathBuf> {
    let contents = &target.contents;
    let in_archive = Path::new(&contents.place);
    let is_plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    let name = Path::new(contents.name.trim_start_matches('/'));
    // What is absolute is a path in a repository.
    let place = if is_plain(in_archive) && !contents.place.is_empty() {
        in_archive.to_owned()
    } else {
        match contents.kind {
            TargetKind::Compose => Path::new("stacks").join(name).join("compose"),
            TargetKind::Data => Path::new("stacks").join(name).join("data"),
            TargetKind::Volume => Path::new("volumes").join(name),
            TargetKind::Database => Path::new("databases").join(name),
            TargetKind::Bind => Path::new("binds").join((n + 1).to_string()),
            TargetKind::Path => Path::new("paths").join(name),
        }
    };
    let place = match &contents.file_name {
        Some(file) if place.file_name().is_none_or(|last| last != file.as_str()) => place.join(file),
        _ => place,
    };
    (is_plain(&place) && !place.as_os_str().is_empty()).then_some(place)
}

/// Places of which one lies in the other: they cannot change in one go.
pub(super) fn find_overlap(places: &[(TargetName, PathBuf)]) -> Option<(&TargetName, &TargetName)> {
    let is_one_stack = |a: &TargetName, b: &TargetName| {
        let of_stack = |target: &TargetName| matches!(target.kind, TargetKind::Compose | TargetKind::Data);
        of_stack(a) && of_stack(b) && a.name == b.name
    };
    places.iter().enumerate().find_map(|(n, (one, at))| {
        let others = places[n + 1..].iter().filter(|(other, _)| !is_one_stack(one, other));
        let mut inside = others.filter(|(_, other)| other.starts_with(at) || at.starts_with(other));
        inside.next().map(|(other, _)| (one, other))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::unpack::TargetContents;

    fn target(kind: TargetKind, name: &str, place: &str, file_name: Option<&str>) -> Wanted {
        let contents = TargetContents {
            kind,
            name: name.into(),
            host_path: None,
            place: place.into(),
            bytes: 1,
            entries: None,
            file_name: file_name.map(Into::into),
            volume: None,
        };
        Wanted { contents, paths: Vec::new() }
    }

    #[test]
    fn a_directory_is_laid_out_as_an_archive_is() {
        let table = [
            (target(TargetKind::Compose, "blog", "compose", None), Some("compose")),
            (target(TargetKind::Bind, "/etc/app.conf", "binds/1", Some("app.conf")), Some("binds/1/app.conf")),
            (target(TargetKind::Volume, "v", "/var/lib/docker/volumes/v/_data", None), Some("volumes/v")),
            (target(TargetKind::Path, "/srv/a", "/srv/a", None), Some("paths/srv/a")),
            (
                target(TargetKind::Database, "db-1", "/staging/dump.sql", Some("dump.sql")),
                Some("databases/db-1/dump.sql"),
            ),
            (target(TargetKind::Volume, "../../etc", "/x", None), None),
        ];
        for (wanted, expected) in table {
            assert_eq!(layout(&wanted, 0), expected.map(PathBuf::from), "{wanted:?}");
        }
    }

    #[test]
    fn places_within_places_are_seen() {
        let name = |kind, name: &str| TargetName { kind, name: name.into() };
        let stack = [
            (name(TargetKind::Compose, "blog"), PathBuf::from("/s/blog")),
            (name(TargetKind::Data, "blog"), PathBuf::from("/s/blog")),
            (name(TargetKind::Path, "/s/blogs"), PathBuf::from("/s/blogs")),
        ];
        assert_eq!(find_overlap(&stack), None);
        let nested = [(name(TargetKind::Path, "/s"), "/s".into()), (name(TargetKind::Path, "/s/a"), "/s/a".into())];
        assert!(find_overlap(&nested).is_some());
    }
}
