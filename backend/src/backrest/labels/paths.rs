//! What a plan backs up, and what it leaves out of that.

use std::path::{Path, PathBuf};

use super::{Key, Labels, shown, text};
use crate::backrest::notes::Notes;
use crate::backrest::places::{Place, Places, find_mounts, normalise};
use crate::domain::exclusions::find_exclusion;
use crate::domain::stack::{Mount, MountKind};

/// What a plan backs up, as Backrest sees it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::backrest) struct Paths {
    /// Sorted, each once.
    pub(in crate::backrest) included: Vec<String>,
    /// In the order of the label.
    pub(in crate::backrest) excluded: Vec<String>,
}

/// What paths of a workload are looked for in.
pub(in crate::backrest) struct Scope<'a> {
    /// How they become paths of Backrest.
    pub(in crate::backrest) places: &'a Places<'a>,
    /// The mounts of its containers.
    pub(in crate::backrest) mounts: Vec<&'a Mount>,
    /// Its Compose project, which the names of its volumes begin with.
    pub(in crate::backrest) project: Option<&'a str>,
}

/// Reads the paths of a workload.
///
/// # Errors
/// When nothing is left to back up, as a sentence.
pub(in crate::backrest) fn read_paths(
    labels: &Labels<'_>,
    scope: &Scope<'_>,
    notes: &mut Notes,
) -> Result<Paths, String> {
    let mut included = match labels.get(Key::Include) {
        Some((label, value)) => scope.included(label, value, notes)?,
        None => scope.derived(notes)?,
    };
    included.sort();
    included.dedup();
    let excluded = labels.get(Key::Exclude);
    let excluded = excluded.map_or_else(Vec::new, |(label, value)| scope.excluded(label, value, notes));
    for path in included.iter().filter(|path| excluded.iter().any(|item| Path::new(path).starts_with(item))) {
        notes.warn(Key::Exclude.name(), format!("it leaves out all of '{path}'"));
    }
    Ok(Paths { included, excluded })
}

impl Scope<'_> {
    /// What the label names.
    fn included(&self, label: &'static str, value: &str, notes: &mut Notes) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        for item in text::items(value) {
            match self.include(label, item, notes) {
                Ok(paths) => found.extend(paths.into_iter().map(as_text)),
                Err(why) => notes.warn(label, format!("'{}' is left out: {why}", shown(item))),
            }
        }
        if found.is_empty() { Err(format!("nothing that the label {label} names can be backed up")) } else { Ok(found) }
    }

    fn include(&self, label: &'static str, item: &str, notes: &mut Notes) -> Result<Vec<PathBuf>, String> {
        let volumes: Vec<&Mount> = self.mounts.iter().copied().filter(|mount| self.is_called(mount, item)).collect();
        if !volumes.is_empty() {
            return volumes.into_iter().map(|mount| self.places.find(Place::Mounted(mount, Path::new("")))).collect();
        }
        let path = normalise(item)?;
        if path.parent().is_none() {
            return Err("it would be everything".to_owned());
        }
        let mounts = find_mounts(&self.mounts, &path);
        if !mounts.is_empty() {
            return mounts.into_iter().map(|(mount, rest)| self.find_below(mount, rest)).collect();
        }
        self.include_of_host(label, path, notes).map(|path| vec![path])
    }

    /// A path that lies in no mount of the workload.
    fn include_of_host(&self, label: &'static str, path: PathBuf, notes: &mut Notes) -> Result<PathBuf, String> {
        let found = self.places.find(Place::Host(&path));
        let shown = shown(&path.to_string_lossy());
        if found.is_err() && self.places.is_seen_by_backrest(&path) {
            notes.warn(label, format!("'{shown}' is taken for a path of Backrest's own container"));
            return Ok(path);
        }
        let found = found?;
        notes.warn(label, format!("'{shown}' lies in no mount of the container and is taken for a path of the host"));
        Ok(found)
    }

    fn find_below(&self, mount: &Mount, rest: &Path) -> Result<PathBuf, String> {
        match mount.kind {
            MountKind::Volume | MountKind::Bind => self.places.find(Place::Mounted(mount, rest)),
            MountKind::Tmpfs => Err("it lies in memory".to_owned()),
            MountKind::Other => Err("it lies in a mount of a kind that is not known".to_owned()),
        }
    }

    /// Whether a word is the name of a mounted volume, with or without the project before it.
    fn is_called(&self, mount: &Mount, word: &str) -> bool {
        let Some(name) = mount.volume.as_deref() else { return false };
        let short = self.project.and_then(|project| name.strip_prefix(project)?.strip_prefix('_'));
        name == word || short == Some(word)
    }

    /// Every volume, and every bind mount that holds data.
    fn derived(&self, notes: &mut Notes) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        for mount in &self.mounts {
            let place = mount.destination.display();
            if let Some(why) = self.why_not(mount) {
                notes.info(None, format!("'{place}' of the container is left out: {why}"));
                continue;
            }
            match self.places.find(Place::Mounted(mount, Path::new(""))) {
                Ok(path) => found.push(as_text(path)),
                Err(why) => notes.warn(None, format!("'{place}' of the container is left out: {why}")),
            }
        }
        let name = Key::Include.name();
        match (found.is_empty(), self.mounts.is_empty()) {
            (false, _) => Ok(found),
            (true, true) => Err(format!("it has no mounts, and no label {name}")),
            (true, false) => Err(format!("none of its mounts can be backed up, and it has no label {name}")),
        }
    }

    /// Why a mount is not backed up when no label names it.
    fn why_not(&self, mount: &Mount) -> Option<&'static str> {
        match mount.kind {
            MountKind::Volume => None,
            MountKind::Bind if self.places.are_binds_unwanted() => Some("bind mounts are not wanted"),
            MountKind::Bind => find_exclusion(&mount.source, mount.is_writable),
            MountKind::Tmpfs => Some("it lies in memory"),
            MountKind::Other => Some("it is of a kind that is not known"),
        }
    }

    /// Patterns of what is left out. Absolute ones are paths of the container.
    fn excluded(&self, label: &'static str, value: &str, notes: &mut Notes) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for item in text::items(value) {
            match self.exclude(label, item, notes) {
                Ok(patterns) => found.extend(patterns),
                Err(why) => notes.warn(label, format!("'{}' is ignored: {why}", shown(item))),
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        found.retain(|pattern| seen.insert(pattern.clone()));
        found
    }

    fn exclude(&self, label: &'static str, item: &str, notes: &mut Notes) -> Result<Vec<String>, String> {
        if item.chars().any(char::is_control) {
            return Err("it has a control character in it".to_owned());
        }
        if item.split('/').any(|part| part == "..") {
            return Err("it has '..' in it".to_owned());
        }
        if !item.starts_with('/') {
            return Ok(vec![item.to_owned()]);
        }
        let path = normalise(item)?;
        if path.parent().is_none() {
            return Err("it would be everything".to_owned());
        }
        let mounts = find_mounts(&self.mounts, &path);
        if mounts.is_empty() {
            notes.info(label, format!("'{}' lies in no mount of the container and stands as it is", shown(item)));
            return Ok(vec![as_text(path)]);
        }
        mounts.into_iter().map(|(mount, rest)| self.places.find(Place::Mounted(mount, rest)).map(as_text)).collect()
    }
}

/// Every path here was read from text.
fn as_text(path: PathBuf) -> String {
    path.into_os_string().into_string().unwrap_or_default()
}
