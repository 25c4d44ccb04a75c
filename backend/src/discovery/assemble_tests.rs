//! Directories and containers put together.

use std::fs;

use super::*;
use crate::docker::scripted::running_container;
use crate::domain::path_map::PathMapping;
use crate::domain::stack::{ContainerState, Mount};

/// A host with stacks below `<base>/stacks`.
struct Host {
    dir: tempfile::TempDir,
    containers: Vec<Container>,
    volumes: Vec<EngineVolume>,
    is_reachable: bool,
}

impl Host {
    fn new(files: &[(&str, &str)]) -> Self {
        let host = Self {
            dir: tempfile::tempdir().expect("a directory"),
            containers: vec![],
            volumes: vec![],
            is_reachable: true,
        };
        fs::create_dir(host.base().join("stacks")).expect("made");
        for (name, content) in files {
            let path = host.base().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, content).expect("written");
        }
        host
    }

    fn base(&self) -> PathBuf {
        self.dir.path().canonicalize().expect("a path")
    }

    fn show(&self, path: &str) -> String {
        self.base().join(path).display().to_string()
    }

    /// A container of `project`, started from a directory below the base.
    fn run(&mut self, project: &str, service: &str, from: &str, state: ContainerState) -> &mut Container {
        let name = format!("{project}-{service}-{}", self.containers.len());
        let mut container = Container { state, ..running_container(&name, &name).container };
        let from = self.show(from);
        for (key, value) in [(labels::PROJECT, project), (labels::SERVICE, service), (labels::WORKING_DIR, &from)] {
            container.labels.insert(key.to_owned(), value.to_owned());
        }
        self.containers.push(container);
        self.containers.last_mut().expect("just added")
    }

    fn build_with(&self, path_map: &PathMap) -> (Vec<Stack>, Vec<String>) {
        let settings = DiscoverySettings {
            stacks_dir: self.base().join("stacks"),
            skip_stop: vec!["Up Per".to_owned(), "shop".to_owned()],
            host: "local".to_owned(),
            excluded_paths: vec![self.base().join("backups")],
        };
        let (containers, volumes, is_reachable) = (&self.containers, &self.volumes, self.is_reachable);
        build(&Scan { settings: &settings, path_map, containers, volumes, is_reachable })
    }

    fn build(&self) -> (Vec<Stack>, Vec<String>) {
        self.build_with(&PathMap::Host)
    }

    /// Name, source, state, directory name and whether it is stopped.
    fn table(&self) -> Vec<(String, StackSource, StackState, Option<String>)> {
        self.build().0.into_iter().map(|s| (s.name.to_string(), s.source, s.state, s.directory_name)).collect()
    }
}

fn row(
    name: &str,
    source: StackSource,
    state: StackState,
    dir: &str,
) -> (String, StackSource, StackState, Option<String>) {
    (name.to_owned(), source, state, Some(dir.to_owned()))
}

fn mount(kind: MountKind, volume: Option<&str>, source: &str, is_writable: bool) -> Mount {
    Mount { kind, volume: volume.map(str::to_owned), source: source.into(), destination: "/t".into(), is_writable }
}

use ContainerState::{Exited, Running};
use StackSource::{Both, Directory, Labels};

#[test]
fn directories_and_containers_are_merged_by_project_name() {
    let mut host = Host::new(&[
        ("stacks/plain/compose.yaml", "services: {a: {}}"),
        ("stacks/dir-of-shop/docker-compose.yml", "name: shop\nservices: {web: {image: w, depends_on: [db]}, db: {}}"),
        ("stacks/Up Per/compose.yml", "services: {}"),
        ("stacks/nothing/readme", ""),
        ("srv/lone/docker-compose.yml", "services: {x: {image: ximage}}"),
    ]);
    host.run("shop", "web", "stacks/dir-of-shop", Running);
    host.run("shop", "db", "stacks/dir-of-shop", Exited);
    let oneoff = host.run("plain", "a", "stacks/plain", Running);
    oneoff.is_oneoff = true;
    let lone = host.run("lone", "x", "srv/lone", Running);
    lone.labels.insert(labels::CONFIG_FILES.to_owned(), "docker-compose.yml".to_owned());
    let expected = [
        row("lone", Labels, StackState::Running, "lone"),
        row("nothing", Directory, StackState::Stopped, "nothing"),
        row("plain", Both, StackState::Stopped, "plain"),
        row("shop", Both, StackState::Partial, "dir-of-shop"),
        row("upper", Directory, StackState::Stopped, "Up Per"),
    ];
    assert_eq!(host.table(), expected);
    let (stacks, warnings) = host.build();
    assert_eq!(warnings, [] as [&str; 0]);
    assert_eq!(stacks[0].compose_files, [host.base().join("srv/lone/docker-compose.yml")]);
    assert_eq!(stacks[0].services[0].image.as_deref(), Some("ximage"));
    assert_eq!(stacks[1].warnings, ["no compose file in the stack directory"]);
    assert_eq!(stacks[3].services[1].depends_on, [Dependency::started("db")], "from the file: Compose 1 sets no label");
    assert_eq!(stacks.iter().map(|s| s.skip_stop).collect::<Vec<_>>(), [false, false, false, true, true]);
}

#[test]
fn labels_go_before_the_file_for_dependencies() {
    let mut host = Host::new(&[("stacks/s/compose.yaml", "services: {a: {depends_on: [old]}, b: {depends_on: [a]}}")]);
    let a = host.run("s", "a", "stacks/s", Running);
    a.labels.insert(labels::DEPENDS_ON.to_owned(), "b:service_started:false".to_owned());
    let b = host.run("s", "b", "stacks/s", Running);
    b.labels.insert(labels::DEPENDS_ON.to_owned(), String::new());
    let stack = &host.build().0[0];
    assert_eq!(stack.services[0].depends_on, [Dependency::started("b")]);
    assert_eq!(stack.services[1].depends_on, []);
}

#[test]
fn wishes_that_cannot_be_read_are_said_once() {
    let mut host = Host::new(&[("stacks/s/compose.yaml", "x-mainstay: {quiesce: pause}\nservices: {a: {}}")]);
    for _ in 0..2 {
        host.run("s", "a", "stacks/s", Running).labels.insert(labels::STOP_TIMEOUT.to_owned(), "soon".to_owned());
    }
    let stack = &host.build().0[0];
    let [warning] = stack.warnings.as_slice() else { panic!("{:?}", stack.warnings) };
    assert!(warning.contains("service 'a'") && warning.contains("mainstay.stop-timeout"), "{warning}");
    assert_eq!(stack.quiesce, Some(crate::domain::job::Quiesce::Pause));
}

#[test]
fn two_directories_of_one_name_are_both_shown() {
    let name = "name: shop\nservices: {a: {volumes: ['v:/v']}}\nvolumes: {v: }";
    let files =
        [("stacks/aaa/compose.yaml", name), ("stacks/other/compose.yaml", name), ("stacks/shop/compose.yaml", name)];
    let mut host = Host::new(&files);
    let stopped = |name: &str, source, dir: &str| row(name, source, StackState::Stopped, dir);
    let by_name =
        [stopped("aaa", Directory, "aaa"), stopped("other", Directory, "other"), stopped("shop", Directory, "shop")];
    assert_eq!(host.table(), by_name);
    // The one that the containers were started from has the name; the others must not have its volumes.
    host.run("shop", "a", "stacks/other", Exited);
    let by_label =
        [stopped("aaa", Directory, "aaa"), stopped("shop", Both, "other"), stopped("shop-2", Directory, "shop")];
    assert_eq!(host.table(), by_label);
    let (stacks, _) = host.build();
    assert!(
        stacks[2].warnings[0].contains("another directory has the project name 'shop'"),
        "{:?}",
        stacks[2].warnings
    );
    assert_eq!(stacks.iter().map(|s| s.volumes.len()).collect::<Vec<_>>(), [0, 1, 0]);
}

#[test]
fn a_directory_takes_the_name_its_containers_have() {
    let mut host = Host::new(&[
        ("stacks/blog/compose.yaml", "services: {a: {}}"),
        ("stacks/broken/compose.yaml", "name: real\nservices: ["),
        ("stacks/two/compose.yaml", "services: {a: {}}"),
    ]);
    host.run("prod", "a", "stacks/blog", Running);
    host.run("real", "a", "stacks/broken", Running);
    host.run("one", "a", "stacks/two", Running);
    host.run("other", "a", "stacks/two", Running);
    let names: Vec<_> = host.table().into_iter().map(|(name, source, ..)| (name, source)).collect();
    let expected = [("one", Labels), ("other", Labels), ("prod", Both), ("real", Both), ("two", Directory)];
    assert_eq!(names, expected.map(|(name, source)| (name.to_owned(), source)));
    let (stacks, _) = host.build();
    assert!(stacks[2].warnings[0].contains("run as the project 'prod'"), "{:?}", stacks[2].warnings);
    assert!(stacks[4].warnings[0].contains("several projects"), "{:?}", stacks[4].warnings);
}

#[test]
fn a_broken_file_never_empties_the_list() {
    let host = Host::new(&[
        ("stacks/a/compose.yaml", "services: {a: {}}"),
        ("stacks/b/compose.yaml", "services:\n  x: [\n"),
        ("stacks/c/compose.yaml", "\u{0}\u{1}"),
        ("stacks/日本/compose.yaml", "services: {}"),
        ("stacks/语言/compose.yaml", "name: named\nservices: {}"),
    ]);
    let (stacks, warnings) = host.build();
    assert_eq!(stacks.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c", "named"]);
    assert!(stacks[1].warnings[0].contains("compose.yaml is broken: line "), "{:?}", stacks[1].warnings);
    assert!(!stacks[2].warnings.is_empty());
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("no project name can be made of '日本'"), "{warnings:?}");
}

#[test]
fn without_an_engine_directories_are_still_there() {
    let mut host = Host::new(&[("stacks/a/compose.yaml", "services: {a: {}}")]);
    host.is_reachable = false;
    host.run("a", "a", "stacks/a", Running);
    host.run("b", "b", "gone", Running);
    let (stacks, _) = host.build();
    assert_eq!(stacks.iter().map(|s| s.state).collect::<Vec<_>>(), [StackState::Unknown; 2]);
    assert!(stacks.iter().flat_map(Stack::containers).all(|(_, c)| c.state == ContainerState::Unknown));
}

#[test]
fn volumes_and_binds_of_containers() {
    let compose = "services: {a: {volumes: ['old:/o']}, idle: {volumes: ['v:/v', './idle:/i', 'ext:/e']}}\n\
                   volumes: {v: {}, ext: {external: true}}";
    let mut host =
        Host::new(&[("stacks/s/compose.yaml", compose), ("stacks/s/data/x", ""), ("media/x", ""), ("backups/x", "")]);
    let data = host.show("stacks/s/data");
    let (media, backups, stacks_dir) = (host.show("media"), host.show("backups/s"), host.show("stacks"));
    fs::create_dir(host.base().join("backups/s")).expect("made");
    let anonymous = "f".repeat(64);
    let mounted = vec![
        mount(MountKind::Volume, Some("s_v"), "/var/lib/docker/volumes/s_v/_data", true),
        mount(MountKind::Volume, Some(&anonymous), "/var/lib/docker/volumes/f/_data", true),
        mount(MountKind::Bind, None, &data, true),
        mount(MountKind::Bind, None, &media, false),
        mount(MountKind::Bind, None, &backups, true),
        mount(MountKind::Bind, None, &stacks_dir, true),
        mount(MountKind::Bind, None, "/var/run/docker.sock", true),
        mount(MountKind::Tmpfs, None, "", true),
    ];
    host.run("s", "a", "stacks/s", Running).mounts = mounted;
    host.run("s", "a", "stacks/s", Running).is_oneoff = true;
    let volume = |name: &str, key: &str| EngineVolume {
        name: name.to_owned(),
        driver: "local".to_owned(),
        mountpoint: format!("/engine/{name}").into(),
        options: BTreeMap::new(),
        labels: [(labels::PROJECT.to_owned(), key.to_owned())].into(),
    };
    host.volumes = vec![volume("s_v", "s"), volume("s_left", "s"), volume("t_v", "t")];
    let stack = host.build().0.remove(0);
    let volumes: Vec<_> = stack
        .volumes
        .iter()
        .map(|v| (v.name.as_str(), v.driver.as_str(), v.mountpoint.is_some(), v.services.join(",")))
        .collect();
    let expected = [
        ("ext", "local", false, "idle"),
        (anonymous.as_str(), "unknown", true, "a"),
        ("s_left", "local", true, ""),
        ("s_v", "local", true, "a,idle"),
    ];
    assert_eq!(volumes, expected.map(|(n, d, m, s)| (n, d, m, s.to_owned())));
    let mut binds: Vec<_> = stack
        .binds
        .iter()
        .map(|b| (b.source.display().to_string(), b.is_inside_stack, b.excluded.as_deref()))
        .collect();
    binds.sort();
    let mut expected = vec![
        ("/var/run/docker.sock".to_owned(), false, Some("it is a socket")),
        (backups, false, Some("it holds Mainstay's own backups and logs")),
        (media, false, None),
        (stacks_dir, false, Some("it holds the directory of all stacks, and so more than this one's data")),
        (data, true, None),
        (host.show("stacks/s/idle"), true, None),
    ];
    expected.sort();
    assert_eq!(binds, expected);
}

#[test]
fn host_paths_are_found_through_the_path_map() {
    let mut host = Host::new(&[
        ("stacks/s/compose.yaml", "services: {a: {volumes: ['./d:/d']}}"),
        ("lone/c.yaml", "services: {l: {}}"),
    ]);
    let base = host.base();
    let path_map = PathMap::Container(vec![PathMapping { host: "/host".into(), local: base.clone() }]);
    for (project, dir) in [("other", "/host/stacks/s"), ("lone", "/host/lone"), ("hidden", "/elsewhere/hidden")] {
        let container = host.run(project, "l", "x", Running);
        container.labels.insert(labels::WORKING_DIR.to_owned(), dir.to_owned());
        container.labels.insert(labels::CONFIG_FILES.to_owned(), format!("{dir}/c.yaml"));
    }
    let (stacks, _) = host.build_with(&path_map);
    let table: Vec<_> = stacks.iter().map(|s| (s.name.as_str(), s.source, s.directory.clone())).collect();
    let expected = [
        ("hidden", Labels, None),
        ("lone", Labels, Some(base.join("lone"))),
        ("other", Both, Some(base.join("stacks/s"))),
    ];
    assert_eq!(table, expected);
    assert_eq!(stacks[0].warnings, ["not every compose file it was started with can be read from here"]);
    assert_eq!(stacks[1].compose_files, [base.join("lone/c.yaml")]);
    assert_eq!(stacks[2].binds[0].source, Path::new("/host/stacks/s/d"));
    assert!(stacks[2].binds[0].is_inside_stack);
}

#[test]
fn a_general_directory_is_no_stack_directory() {
    let mut host = Host::new(&[("compose.yaml", "services: {a: {}}")]);
    host.run("wide", "a", "", Running);
    let stack = host.build().0.remove(0);
    assert_eq!(stack.directory, None, "it holds the stacks directory");
    assert_eq!(stack.compose_files, [host.base().join("compose.yaml")]);
    assert!(stack.warnings[0].contains("holds more than the stack"), "{:?}", stack.warnings);
    for (path, expected) in [("/", true), ("/srv", true), ("/home/me", true), ("/home/me/x", false), ("/srv/x", false)]
    {
        assert_eq!(is_too_general(Path::new(path)), expected, "{path}");
    }
}

#[test]
fn containers_from_elsewhere_are_told() {
    let mut host =
        Host::new(&[("stacks/s/compose.yaml", "services: {a: {}}"), ("old/s/compose.yaml", "services: {a: {}}")]);
    host.run("s", "a", "old/s", Running);
    let warning = &host.build().0[0].warnings[0];
    assert!(warning.contains("not from the stack directory"), "{warning}");
    host.run("s", "a", "stacks/s", Running);
    let warning = &host.build().0[0].warnings[0];
    assert!(warning.contains("several directories"), "{warning}");
}
