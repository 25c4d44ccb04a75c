//! What a backup captures, as tables.

use std::collections::BTreeMap;

use super::*;
use crate::docker::scripted::running_container;
use crate::domain::stack::{Service, StackSource, StackState};

fn bind(source: &str, is_inside_stack: bool, excluded: Option<&str>) -> Bind {
    Bind { source: source.into(), services: vec![], is_inside_stack, excluded: excluded.map(str::to_owned) }
}

fn volume(name: &str, mountpoint: Option<&str>, driver: &str, options: &[(&str, &str)]) -> Volume {
    Volume {
        name: name.to_owned(),
        driver: driver.to_owned(),
        mountpoint: mountpoint.map(PathBuf::from),
        options: options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        labels: BTreeMap::new(),
        services: vec![],
    }
}

fn mount(kind: MountKind, name: &str, destination: &str) -> Mount {
    let volume = (kind == MountKind::Volume).then(|| name.to_owned());
    Mount { kind, volume, source: name.into(), destination: destination.into(), is_writable: true }
}

fn container(id: &str, is_oneoff: bool, mounts: Vec<Mount>) -> Container {
    Container { is_oneoff, mounts, ..running_container(id, id).container }
}

fn stack(volumes: Vec<Volume>, binds: Vec<Bind>, containers: Vec<Container>) -> Stack {
    Stack {
        name: "blog".parse().expect("a name"),
        host: "local".to_owned(),
        state: StackState::Running,
        source: StackSource::Both,
        directory: Some("/opt/stacks/blog".into()),
        directory_name: Some("blog".to_owned()),
        compose_files: vec!["/opt/stacks/blog/compose.yaml".into(), "/opt/common/base.yaml".into()],
        services: vec![Service { name: "web".to_owned(), image: None, depends_on: vec![], containers }],
        volumes,
        binds,
        skip_stop: false,
        quiesce: None,
        warnings: vec![],
    }
}

/// Paths without links: each is what it seems.
fn plain(stack: &Stack) -> RealPaths {
    let binds = stack.binds.iter().map(|bind| bind.source.clone());
    let all = binds.chain(stack.volumes.iter().filter_map(find_content).map(Path::to_owned));
    RealPaths::of(stack.directory.clone(), all.map(|path| (path.clone(), path)))
}

fn outcome(stack: &Stack, include_data: bool) -> Vec<(String, Option<String>)> {
    let targets = plan_targets(stack, &plain(stack), include_data);
    targets.into_iter().map(|t| (format!("{} {}", t.kind, t.name), t.excluded)).collect()
}

#[test]
fn every_part_of_a_stack_is_a_target() {
    let part = |kind, name: &str, to: &str| mount(kind, name, to);
    let containers = vec![
        container("a-run", true, vec![part(MountKind::Volume, "blog_db", "/tmp/db")]),
        container(
            "b",
            false,
            vec![part(MountKind::Volume, "blog_db", "/db"), part(MountKind::Bind, "/srv/media", "/m")],
        ),
    ];
    let volumes = vec![volume("blog_db", Some("/var/lib/docker/volumes/blog_db/_data"), "local", &[])];
    let stack = stack(volumes, vec![bind("/srv/media", false, None)], containers);
    let targets = plan_targets(&stack, &plain(&stack), true);
    let via = |destination: &str| Some(ReachedVia { container_id: "b".to_owned(), destination: destination.into() });
    let files = stack.compose_files.clone();
    let root = Some("/opt/stacks/blog".into());
    let except = vec!["/opt/stacks/blog/compose.yaml".into()];
    let mountpoint = Some("/var/lib/docker/volumes/blog_db/_data".into());
    let expected = [
        (TargetKind::Compose, "blog", TargetSource::Files { root, files }, None),
        (TargetKind::Data, "blog", TargetSource::Directory { path: "/opt/stacks/blog".into(), except }, None),
        (TargetKind::Volume, "blog_db", TargetSource::Volume { name: "blog_db".into(), mountpoint }, via("/db")),
        (TargetKind::Bind, "/srv/media", TargetSource::Bind { host_path: "/srv/media".into() }, via("/m")),
    ];
    let expected = expected.map(|(kind, name, source, reached_via)| PlannedTarget {
        kind,
        name: name.to_owned(),
        source,
        reached_via,
        excluded: None,
    });
    assert_eq!(targets, expected);
}

#[test]
fn data_is_captured_once() {
    let inside = "it lies in the stack directory and is captured with it";
    let volumes = vec![
        volume("a_in", Some("/x"), "local", &[("type", "none"), ("o", "bind,rw"), ("device", "/opt/stacks/blog/db")]),
        volume("b_in_media", Some("/x"), "local", &[("type", "none"), ("o", "rbind"), ("device", "/srv/media/db")]),
        volume("c", Some("/var/lib/docker/volumes/c/_data"), "local", &[]),
    ];
    let binds = vec![
        bind("/opt/stacks/blog/conf", true, None),
        bind("/proc", false, Some("pseudo")),
        bind("/proc/1", false, None),
        bind("/srv/media", false, None),
        bind("/srv/media/photos", false, None),
        bind("/srv/media/photos/2020", false, None),
        bind("/srv/media2", false, None),
        bind("/var/lib/docker/volumes/c/_data", false, None),
    ];
    let expected = [
        ("compose blog", None),
        ("data blog", None),
        ("volume a_in", Some(inside)),
        ("volume b_in_media", Some("it is captured as part of /srv/media")),
        ("volume c", None),
        ("bind /opt/stacks/blog/conf", Some(inside)),
        ("bind /proc", Some("pseudo")),
        ("bind /proc/1", None),
        ("bind /srv/media", None),
        ("bind /srv/media/photos", Some("it is captured as part of /srv/media")),
        ("bind /srv/media/photos/2020", Some("it is captured as part of /srv/media")),
        ("bind /srv/media2", None),
        ("bind /var/lib/docker/volumes/c/_data", Some("it is captured as part of the volume c")),
    ];
    let expected = expected.map(|(name, excluded)| (name.to_owned(), excluded.map(str::to_owned)));
    assert_eq!(outcome(&stack(volumes, binds, vec![]), true), expected);
}

#[test]
fn a_volume_that_is_mounted_only_in_use_is_streamed() {
    for (driver, options, expected) in [
        ("local", &[][..], Some("/m")),
        ("local", &[("type", "nfs"), ("o", "addr=10.0.0.1"), ("device", ":/x")], None),
        ("local", &[("type", "none"), ("o", "bind"), ("device", "/srv/x")], Some("/srv/x")),
        ("local", &[("type", "ext4"), ("device", "/dev/sdb1")], None),
        ("rclone", &[], None),
        ("unknown", &[], None),
    ] {
        let volume = volume("v", Some("/m"), driver, options);
        assert_eq!(find_content(&volume), expected.map(Path::new), "{driver} {options:?}");
    }
}

#[test]
fn what_is_left_out_has_a_reason() {
    let volumes = vec![
        volume("declared", None, "local", &[]),
        volume("memory", Some("/m"), "local", &[("type", "tmpfs"), ("device", "tmpfs")]),
    ];
    let mut stack = stack(volumes, vec![bind("/opt/stacks/blog/conf", true, None)], vec![]);
    let expect = |found: Vec<(String, Option<String>)>, expected: [Option<&str>; 5]| {
        assert_eq!(
            found.into_iter().map(|(_, why)| why).collect::<Vec<_>>(),
            expected.map(|why| why.map(str::to_owned))
        );
    };
    let (gone, memory) = (Some("it does not exist yet"), Some("it lives in memory"));
    let off = Some("it lies in the stack directory, and include_data is off");
    expect(outcome(&stack, false), [None, Some("include_data is off"), gone, memory, off]);
    stack.directory = None;
    stack.compose_files.clear();
    let (files, data) =
        ("no compose file of the stack can be read from here", "the stack directory cannot be read from here");
    expect(outcome(&stack, true), [Some(files), Some(data), gone, memory, None]);
}

#[test]
fn where_links_may_lead_elsewhere_nothing_is_left_out() {
    let stack = stack(vec![], vec![bind("/srv/media", false, None), bind("/srv/media/photos", false, None)], vec![]);
    let known = |photos: Option<&str>| {
        let photos = photos.map(|real| (PathBuf::from("/srv/media/photos"), PathBuf::from(real)));
        RealPaths::of(None, [("/srv/media".into(), "/srv/media".into())].into_iter().chain(photos))
    };
    for (photos, is_excluded) in [(Some("/srv/media/photos"), true), (Some("/mnt/disk"), false), (None, false)] {
        let targets = plan_targets(&stack, &known(photos), true);
        assert_eq!(targets[3].excluded.is_some(), is_excluded, "{photos:?}");
        assert_eq!(targets[2].excluded, None);
    }
}
