//! Whole stack directories, as they are met in the wild.

use super::*;
use crate::domain::dependency::Condition;

struct Dir(tempfile::TempDir);

impl Dir {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, content) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, content).expect("written");
        }
        Self(dir)
    }

    fn stack(&self) -> PathBuf {
        self.0.path().join("s")
    }

    fn read(&self) -> Compose {
        read(&self.stack(), None)
    }

    fn shown(&self, paths: &[PathBuf]) -> Vec<String> {
        paths.iter().map(|p| p.strip_prefix(self.0.path()).expect("within").display().to_string()).collect()
    }
}

#[test]
fn an_ordinary_stack() {
    let dir = Dir::new(&[
        ("s/compose.yaml", include_str!("../testdata/ordinary.yaml")),
        ("s/compose.override.yml", "services: {web: {image: 'web:${TAG}', volumes: ['./other:/cfg']}}"),
        ("s/.env", "TAG=2\nCOMPOSE_PROJECT_NAME=shop\n"),
        ("s/web.env", ""),
    ]);
    let found = dir.read();
    assert_eq!(found.warnings, [] as [&str; 0]);
    assert_eq!(found.project.as_deref(), Some("shop"), ".env goes before name:");
    assert_eq!(dir.shown(&found.files), ["s/compose.yaml", "s/compose.override.yml"]);
    assert_eq!(dir.shown(&found.env_files), ["s/.env", "s/web.env"]);
    let web = &found.services["web"];
    assert_eq!(web.image.as_deref(), Some("web:2"));
    let needs = [Dependency::started("cache"), Dependency::started("db").with(Condition::Healthy)];
    assert_eq!(web.depends_on, needs);
    let bind = ComposeMount { source: ComposeSource::Bind(dir.stack().join("other")), target: "/cfg".into() };
    assert_eq!(web.mounts, [bind], "the override takes the place of the mount at the same path");
    assert_eq!(found.services["db"].mounts[0].source, ComposeSource::Volume("pgdata".into()));
    assert_eq!(found.services["worker"].depends_on, ["db", "vpn"].map(Dependency::started));
    let names: Vec<String> = found.volumes.iter().map(|(key, volume)| volume.engine_name("shop", key)).collect();
    assert_eq!(names, ["theirs", "old-name", "fixed", "shop_pgdata"]);
}

#[test]
fn includes_and_extends_are_followed() {
    let dir = Dir::new(&[
        (
            "s/compose.yml",
            "include: [sub/inc.yaml, {path: ['../shared/a.yaml', '../shared/b.yaml']}]\n\
             services:\n  app: {extends: {file: ../common/base.yml, service: app}}\n",
        ),
        ("s/sub/inc.yaml", "services: {inc: {image: '${I}', volumes: ['./d:/d']}}"),
        ("s/sub/.env", "I=inner"),
        ("shared/a.yaml", "services: {a: {image: one}}"),
        ("shared/b.yaml", "services: {a: {image: two}}\nvolumes: {v: {}}"),
        (
            "common/base.yml",
            "services:\n  app: {extends: root, volumes: ['./x:/x']}\n  root: {image: base, env_file: app.env}\n",
        ),
        ("common/app.env", ""),
    ]);
    let found = dir.read();
    let files = ["s/compose.yml", "common/base.yml", "s/sub/inc.yaml", "shared/a.yaml", "shared/b.yaml"];
    assert_eq!(dir.shown(&found.files), files);
    assert_eq!(dir.shown(&found.env_files), ["common/app.env", "s/sub/.env"]);
    assert_eq!(found.services["app"].image.as_deref(), Some("base"));
    assert_eq!(found.services["app"].mounts[0].source, ComposeSource::Bind(dir.0.path().join("common/x")));
    assert_eq!(found.services["inc"].image.as_deref(), Some("inner"));
    assert_eq!(found.services["inc"].mounts[0].source, ComposeSource::Bind(dir.stack().join("sub/d")));
    assert_eq!(found.services["a"].image.as_deref(), Some("two"));
    assert!(found.volumes.contains_key("v"));
    assert_eq!(found.warnings.len(), 1, "{:?}", found.warnings);
    assert!(found.warnings[0].starts_with("files of the stack lie outside"), "{:?}", found.warnings);
}

#[test]
fn what_is_doubtful_is_said() {
    for (compose, expected) in [
        ("services:\n  a: [\n", "the compose file compose.yaml is broken: line "),
        ("", "is empty"),
        ("- a", "is empty, or no mapping"),
        ("services: [a]", "'services' of the compose file is not a mapping"),
        ("include: compose.yaml", "the file compose.yaml includes itself"),
        ("include: other.yaml", "the file compose.yaml includes itself"),
        ("include: none.yaml", "the compose file none.yaml does not exist"),
        ("include: [{path: oci://x/y}]", "no local file"),
        ("services: {a: {extends: a}}", "'extends' leads back"),
        ("services: {a: {extends: {file: other.yaml, service: q}}}", "extends 'q', which other.yaml does not have"),
        ("x-mainstay: {quiesce: freeze}", "'quiesce' is stop, pause or none, not 'freeze'"),
        ("services: {a: {env_file: no.env}}", "the env_file no.env does not exist"),
        ("services: {a: {volumes: ['${X}/d:/d']}}", "service 'a': the mount '${X}/d:/d' has a variable"),
        ("name: Über Shop\nservices: {}", "is read as 'bershop'"),
        ("name: ${NO}\nservices: {}", "is not a project name; the directory's name is used"),
    ] {
        let dir = Dir::new(&[("s/compose.yaml", compose), ("s/other.yaml", "include: compose.yaml")]);
        let found = dir.read();
        assert!(found.warnings.iter().any(|w| w.contains(expected)), "{compose}: {:?}", found.warnings);
    }
}

#[test]
fn optional_env_files_may_be_missing() {
    let dir = Dir::new(&[("s/compose.yaml", "services: {a: {env_file: [{path: no.env, required: false}]}}")]);
    assert_eq!(dir.read().warnings, [] as [&str; 0]);
}

#[test]
fn compose_file_of_the_env_decides() {
    let dir = Dir::new(&[
        ("s/.env", "COMPOSE_FILE=a.yml:sub/b.yml:gone.yml"),
        ("s/a.yml", "services: {a: {}}"),
        ("s/sub/b.yml", "services: {b: {volumes: ['./x:/x']}}"),
        ("s/compose.yaml", "services: {never: {}}"),
    ]);
    let found = dir.read();
    assert_eq!(found.services.keys().collect::<Vec<_>>(), ["a", "b"]);
    let bind = ComposeSource::Bind(dir.stack().join("x"));
    assert_eq!(found.services["b"].mounts[0].source, bind, "paths start from the first file's directory");
    assert!(found.is_broken);
    assert_eq!(found.warnings, ["the compose file gone.yml does not exist"]);
}

#[test]
fn a_linked_compose_file_brings_its_target() {
    let dir = Dir::new(&[("real/c.yaml", "services: {a: {}}"), ("s/x", "")]);
    std::os::unix::fs::symlink("../real/c.yaml", dir.stack().join("compose.yaml")).expect("a link");
    let found = dir.read();
    let real = dir.0.path().canonicalize().expect("a path").join("real/c.yaml");
    assert_eq!(found.files, [dir.stack().join("compose.yaml"), real]);
}

#[test]
fn long_chains_end() {
    let chain: String = (0..30_000).map(|n| format!("  s{n}: {{extends: s{}}}\n", n + 1)).collect();
    let dir = Dir::new(&[("s/compose.yaml", &format!("services:\n{chain}"))]);
    assert!(dir.read().warnings.iter().any(|w| w.contains("leads back to itself, or through more than")));

    let includes: Vec<(String, String)> =
        (0..150).map(|n| (format!("s/{n}.yaml"), format!("include: {}.yaml", n + 1))).collect();
    let mut files: Vec<(&str, &str)> = includes.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("s/compose.yaml", "include: 0.yaml"));
    let found = Dir::new(&files).read();
    assert_eq!(found.files.len(), MAX_FILES);
    assert!(found.warnings.iter().any(|w| w.contains("only the first")), "{:?}", found.warnings);
}

/// Pieces of YAML that mean something here.
const YAML_LIKE: &str =
    "(services:|  a: |include: |\\{|\\}|\\[|<<: |&a |\\*a |!reset |\\$\\{|:|\n|- |x|é|extends: a){0,60}";

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let dir = Dir::new(&[("s/x", "")]);
        std::fs::write(dir.stack().join("compose.yaml"), &bytes).expect("written");
        std::fs::write(dir.stack().join(".env"), &bytes).expect("written");
        dir.read();
    }

    #[test]
    fn arbitrary_yaml_like_text_never_panics(text in YAML_LIKE) {
        let dir = Dir::new(&[("s/compose.yaml", &text), ("s/.env", &text)]);
        dir.read();
    }
}

#[test]
fn every_way_of_needing_another_service() {
    let dir = Dir::new(&[(
        "s/compose.yaml",
        "services:\n  \
           long: {depends_on: {db: {condition: service_healthy, restart: true, required: false}, init: {condition: \
           service_completed_successfully}}}\n  \
           short: {depends_on: [db]}\n  \
           old: {links: ['db:database', cache], volumes_from: ['data:ro', 'container:other']}\n  \
           spaces: {network_mode: 'service:vpn', pid: 'service:app', ipc: 'service:shm'}\n  \
           others: {network_mode: 'container:theirs', pid: host, ipc: shareable}\n  \
           both: {depends_on: {vpn: {condition: service_healthy}}, network_mode: 'service:vpn'}\n",
    )]);
    let found = dir.read();
    let needs = |service: &str| found.services[service].depends_on.clone();
    let db = Dependency { restart: true, is_required: false, ..Dependency::started("db").with(Condition::Healthy) };
    assert_eq!(needs("long"), [db, Dependency::started("init").with(Condition::Completed)]);
    assert_eq!(needs("short"), [Dependency::started("db")]);
    assert_eq!(needs("old"), ["cache", "data", "db"].map(Dependency::started));
    assert_eq!(needs("spaces"), ["app", "shm", "vpn"].map(Dependency::started));
    assert_eq!(needs("others"), []);
    assert_eq!(needs("both"), [Dependency::started("vpn").with(Condition::Healthy)]);
}

#[test]
fn what_a_file_says_of_the_rest_goes_before_what_it_includes() {
    let with = |own: &str| {
        let compose = format!("include: [other.yaml]\n{own}\nservices: {{}}");
        Dir::new(&[("s/compose.yaml", &compose), ("s/other.yaml", "x-mainstay: {quiesce: none}")]).read().quiesce
    };
    assert_eq!(with("x-mainstay: {quiesce: pause}"), Some(Quiesce::Pause));
    assert_eq!(with(""), Some(Quiesce::None));
}
