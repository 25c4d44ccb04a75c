//! What an instance has stored and no record knows: ours by its tags, Marina's by its paths, others as they are.

use std::path::{Component, Path, PathBuf};

use crate::backends::FoundSnapshot;
use crate::domain::job::{TargetKind, TargetResult};
use crate::domain::log::Level;
use crate::domain::names::{InstanceId, StackName};
use crate::domain::plan::{BackendKind, Instance};
use crate::domain::snapshot::Maker;

use super::super::backend_work::to_stop;
use super::{Cx, Finds, Found, Stop, captured};

/// What snapshots of ours carry.
const OURS: &str = "mainstay";
/// What is said of a target that is known by a tag or a path alone.
const BY_NAME: &str = "its size is not recorded";

pub(super) async fn find(cx: Cx<'_>, id: &InstanceId) -> Result<Finds, Stop> {
    let instance = cx.engine.0.parts.registry.find_instance(id);
    let instance = instance.ok_or_else(|| Stop::failed(format!("there is no instance '{id}' any more")))?;
    let (backend, work) = (cx.engine.backend_of(&instance), cx.engine.work_of(cx.live));
    let there = backend.snapshots(&work).await;
    let there = there.map_err(|error| to_stop("what the instance has stored could not be listed", &error))?;
    if instance.backend() == BackendKind::Archive {
        return archives(cx, &there).await;
    }
    let known = cx.engine.0.parts.store.list_references(instance.backend()).await;
    let known = known.map_err(|error| Stop::because("the record could not be read", &error))?;
    let mut finds = Finds::default();
    for found in there {
        if known.contains(&found.reference) {
            finds.known += 1;
            continue;
        }
        let found = to_found(cx, &instance, found);
        if found.targets.is_empty() {
            let message = format!("nothing says which targets {} holds; its files can be looked at", found.reference);
            cx.live.log.write(Level::Warning, message);
        }
        finds.new.push(found);
    }
    Ok(finds)
}

/// Archives of the instance lie in directories, and their manifests say more than the backend's list.
async fn archives(cx: Cx<'_>, there: &[FoundSnapshot]) -> Result<Finds, Stop> {
    let Some(directory) = there.first().and_then(|one| Path::new(&one.reference).parent()) else {
        return Ok(Finds::default());
    };
    let mut finds = Box::pin(super::directory::find(cx, directory)).await?;
    let is_of_it = |found: &Found| there.iter().any(|one| one.reference == found.reference);
    finds.new.retain(is_of_it);
    Ok(finds)
}

fn to_found(cx: Cx<'_>, instance: &Instance, found: FoundSnapshot) -> Found {
    let by_tags: Vec<TargetResult> = found.tags.iter().flat_map(|tag| by_tag(tag)).collect();
    let targets = if by_tags.is_empty() { by_paths(&found.paths) } else { by_tags };
    let is_of_marina = found.paths.iter().any(|path| staged_by_marina(path).is_some());
    let made_by = match found.tags.iter().any(|tag| tag == OURS) {
        true => Maker::Mainstay,
        false if is_of_marina => Maker::Marina,
        false => Maker::Other,
    };
    let is_from_here = found.host == cx.engine.0.parts.backends.node_name;
    let here = cx.engine.0.parts.discovery.host();
    Found {
        backend: instance.backend(),
        reference: found.reference,
        stack: only_stack(&targets),
        host: if is_from_here { here.to_owned() } else { found.host },
        instance: Some(instance.id.clone()),
        created_at: found.at,
        size_bytes: 0,
        content_bytes: 0,
        entry_count: 0,
        is_complete: found.is_complete,
        made_by,
        targets,
    }
}

/// The stack, when there is one and nothing says that others are in it as well.
fn only_stack(targets: &[TargetResult]) -> Option<StackName> {
    let mut names: Vec<&str> =
        targets.iter().filter(|target| target.kind == TargetKind::Compose).map(|target| target.name.as_str()).collect();
    names.dedup();
    match names.as_slice() {
        [name] => name.parse().ok(),
        _ => None,
    }
}

/// The targets that a tag in Marina's way names. A stack has two of them.
fn by_tag(tag: &str) -> Vec<TargetResult> {
    let Some((kind, name)) = tag.split_once(':').filter(|(_, name)| !name.is_empty()) else { return Vec::new() };
    let kinds: &[TargetKind] = match kind {
        "volume" | "vol" => &[TargetKind::Volume],
        "db" | "dbs" => &[TargetKind::Database],
        "path" => &[TargetKind::Path],
        "bind" => &[TargetKind::Bind],
        "stack" => &[TargetKind::Compose, TargetKind::Data],
        _ => &[],
    };
    kinds.iter().map(|kind| captured(*kind, name, 0, Some(BY_NAME))).collect()
}

fn by_paths(paths: &[PathBuf]) -> Vec<TargetResult> {
    let mut targets: Vec<TargetResult> = Vec::new();
    for (kind, name) in paths.iter().filter_map(|path| staged_by_marina(path)) {
        if !targets.iter().any(|target| target.kind == kind && target.name == name) {
            targets.push(captured(kind, &name, 0, Some(BY_NAME)));
        }
    }
    targets
}

/// The target in `…/<YYYYMMDD-HHMMSS>/vol|volume|dbs|db/<name>/…`, where Marina staged it.
fn staged_by_marina(path: &Path) -> Option<(TargetKind, String)> {
    let parts: Vec<&str> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    let at = parts.iter().position(|part| is_run(part))?;
    let kind = match *parts.get(at + 1)? {
        "vol" | "volume" => TargetKind::Volume,
        "dbs" | "db" => TargetKind::Database,
        _ => return None,
    };
    Some((kind, (*parts.get(at + 2)?).to_owned()))
}

/// `YYYYMMDD-HHMMSS`
fn is_run(part: &str) -> bool {
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    part.split_once('-').is_some_and(|(day, time)| digits(day, 8) && digits(time, 6))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(targets: &[TargetResult]) -> Vec<(TargetKind, &str)> {
        targets.iter().map(|target| (target.kind, target.name.as_str())).collect()
    }

    #[test]
    fn targets_are_known_by_tags_and_by_marinas_paths() {
        let tags = ["mainstay", "mainstay-instance=nas", "stack:blog", "volume:blog_db", "db:blog-db-1", "volume:"];
        let targets: Vec<TargetResult> = tags.iter().flat_map(|tag| by_tag(tag)).collect();
        let expected = [
            (TargetKind::Compose, "blog"),
            (TargetKind::Data, "blog"),
            (TargetKind::Volume, "blog_db"),
            (TargetKind::Database, "blog-db-1"),
        ];
        assert_eq!(names(&targets), expected);
        assert_eq!(only_stack(&targets).as_ref().map(StackName::as_str), Some("blog"));
        let two: Vec<TargetResult> = ["stack:a", "stack:b"].iter().flat_map(|tag| by_tag(tag)).collect();
        assert_eq!(only_stack(&two), None);
        let paths = [
            "/backup/nightly/20251116-030000/vol/app-data/source",
            "/backup/nightly/20251116-030000/vol/app-data/other",
            "/backup/nightly/20251116-030000/db/pg-1/dump.sql",
            "/backup/nightly/20251116-030000",
            "/srv/vol/x",
        ];
        let targets = by_paths(&paths.map(PathBuf::from));
        assert_eq!(names(&targets), [(TargetKind::Volume, "app-data"), (TargetKind::Database, "pg-1")]);
    }
}
