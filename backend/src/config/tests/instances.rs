//! Instances: files of Marina as they are, every key, and every mistake with its line.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;
use crate::domain::job::Quiesce;
use crate::domain::plan::{DatabaseKind, Destination, Hook, Instance, MissedRun, Origin, PullPolicy, Target, What};

/// Every key of the version with labels, in its spelling.
const WITH_LABELS: &str = r#"instances:
  - id: s3
    repository: s3:https://s3.example.com/${BUCKET}
    schedule: "0 2 * * *"
    retention: "30d:12w:24m"
    resticTimeout: "10m"
    env:
      AWS_ACCESS_KEY_ID: ${KEY}
      PORT: 0755
      RATIO: 1.10
      RESTIC_PASSWORD: pa$$word
  - id: own
    customImage: ghcr.io/example/backup:latest
    schedule: "CRON_TZ=Europe/Berlin 0 4 * * mon-fri"
    env: { TOKEN: $TOKEN }
  - id: manual
    repository: /mnt/backup
    schedule: ""
retention: "14d:8w:12m"
stopAttached: true
resticTimeout: "1h30m"
mesh:
  nodeName: ${NODE}
  authPassword: ${PASSWORD}
  peers:
    - http://user:secret@node2:8080
"#;

/// Every key of the version with targets.
const WITH_TARGETS: &str = r#"instances:
  - id: hetzner-s3
    repository: sftp:backup@nas:/srv/restic
    schedule: "0 2 * * *"
    retention: "7d:4w:6m"
    resticTimeout: "10m"
    env:
      RESTIC_PASSWORD: hunter2
    targets:
      - volume: app-uploads
        paths: ["/data", "config"]
        stopAttached: true
        preHook: "echo Starting"
        postHook: "echo Done"
      - volume: everything
      - db: app-postgres
        dbKind: postgres
        dumpArgs: ["--clean", "--if-exists", "-U app"]
      - db: ${DATABASE}
        dbKind: ""
        preHook: ""
  - id: own
    customImage: example/backup:latest
    repository: ""
    schedule: "0 4 * * *"
    timeout: "15m"
    targets: [{ volume: v }]
dbPath: "/var/lib/marina/marina.db"
apiPort: "8080"
corsOrigins:
  - https://backup.example.com
nodeName: ${NODE}
authPassword: ${PASSWORD}
peers: []
"#;

/// Every key of ours.
const EVERY_KEY: &str = r#"
instances:
  - id: nas
    backend: restic
    repository: rest:https://u:p@host/
    schedule: "@daily"
    timezone: Asia/Tokyo
    retention: last=3,daily=7
    min_keep: 2
    missed_run: once
    enabled: false
    stop_attached: true
    quiesce: pause
    check: { schedule: "0 5 * * sun", subset: 5% }
    adopt_old_snapshots: true
    hooks:
      pre: sync
      post: [date, { command: "echo x", container: web, timeout: 30s }]
    exclude: ["*.tmp"]
    tags: [nightly]
    targets:
      - path: /srv/data
        paths: [a, b/c/]
        exclude: [cache]
        tags: [t]
        pre_hook: { command: "true", container: db }
      - stack: blog
  - id: image
    custom_image: registry.example.org:5000/tool:1.2
    pull: if_missing
    credentials: { username: me, password: secret }
    timeout: 2h
    memory: 512m
    cpus: 1.5
    retention_days: 14
  - id: plain
    backend: archive
    retention_days: 0
"#;

const VARIABLES: [(&str, &str); 6] = [
    ("BUCKET", "bucket"),
    ("KEY", "key"),
    ("TOKEN", "token"),
    ("NODE", "node1"),
    ("PASSWORD", "pw"),
    ("DATABASE", "shop-db-1"),
];

fn load(text: &str) -> Loaded {
    load_from(&[("config.yml", text)], &VARIABLES).unwrap_or_else(|errors| panic!("{errors}"))
}

/// An instance without its targets, on one line, secrets in the clear.
fn shown(instance: &Instance) -> String {
    let destination = match &instance.destination {
        Destination::Archive => "archive".to_owned(),
        Destination::Restic(settings) => format!("restic {}", settings.repository.expose()),
        Destination::CustomImage(settings) => {
            let timeout = settings.timeout.map_or(0, |timeout| timeout.as_secs());
            format!("image {} pull={} timeout={timeout}", settings.image, settings.pull)
        }
    };
    let schedule = instance.schedule.as_ref().map_or("none", |schedule| schedule.as_str());
    let timeout = instance.restic_timeout.map_or(0, |timeout| timeout.as_secs());
    let env = instance.env.iter().map(|(name, value)| format!("{name}={}", value.expose_secret()));
    let env = env.collect::<Vec<_>>().join(",");
    format!("{} | {destination} | {schedule} | {} | {timeout} s | {env}", instance.id, instance.retention)
}

fn commands(hooks: &[Hook]) -> Vec<&str> {
    hooks.iter().map(|hook| hook.command.expose_secret()).collect()
}

fn shown_target(target: &Target) -> String {
    let args = target.dump_args.iter().map(|arg| arg.expose_secret()).collect::<Vec<_>>().join(" ");
    let (pre, post) = (commands(&target.hooks.pre).join(";"), commands(&target.hooks.post).join(";"));
    let what = &target.what;
    format!("{what:?} {:?} {:?} [{pre}|{post}] {:?} {args}", target.paths, target.stop_attached, target.database)
}

#[test]
fn a_file_of_marina_with_labels_is_accepted_as_it_is() {
    let loaded = load(WITH_LABELS);
    let config = &loaded.config;
    assert_eq!(
        config.instances.iter().map(shown).collect::<Vec<_>>(),
        [
            "s3 | restic s3:https://s3.example.com/bucket | 0 2 * * * | 30d:12w:24m | 600 s | AWS_ACCESS_KEY_ID=key,PORT=0755,RATIO=1.10,RESTIC_PASSWORD=pa$word",
            "own | image ghcr.io/example/backup:latest pull=always timeout=0 | CRON_TZ=Europe/Berlin 0 4 * * mon-fri | 14d:8w:12m | 5400 s | TOKEN=token",
            "manual | restic /mnt/backup | none | 14d:8w:12m | 5400 s | ",
        ]
    );
    assert!(config.stop_attached && config.instances.iter().all(|instance| instance.targets.is_empty()));
    assert_eq!(
        (config.node_name.as_str(), config.auth.password.as_ref().map(ExposeSecret::expose_secret)),
        ("node1", Some("pw"))
    );
    assert_eq!(config.peers.iter().map(ToString::to_string).collect::<Vec<_>>(), ["http://user:***@node2:8080"]);
    assert_eq!(
        warnings(&loaded),
        ["config.yml:25:3: 'mesh.peers' is accepted, but not carried out by this version yet"]
    );
}

#[test]
fn a_file_of_marina_with_targets_is_accepted_as_it_is() {
    let loaded = load(WITH_TARGETS);
    let [s3, own] = loaded.config.instances.as_slice() else { panic!("two instances") };
    assert_eq!(
        [s3, own].map(shown),
        [
            "hetzner-s3 | restic sftp:backup@nas:/srv/restic | 0 2 * * * | 7d:4w:6m | 600 s | RESTIC_PASSWORD=hunter2",
            "own | image example/backup:latest pull=always timeout=900 | 0 4 * * * | 7d:4w:6m | 0 s | ",
        ]
    );
    assert_eq!(
        s3.targets.iter().map(shown_target).collect::<Vec<_>>(),
        [
            r#"Volume("app-uploads") ["data", "config"] Some(true) [echo Starting|echo Done] None "#,
            r#"Volume("everything") [] None [|] None "#,
            r#"Database("app-postgres") [] None [|] Some(Postgres) --clean --if-exists -U app"#,
            r#"Database("shop-db-1") [] None [|] None "#,
        ]
    );
    assert_eq!(loaded.config.database_url.expose(), "sqlite:///var/lib/marina/mainstay.db");
    assert_eq!(loaded.config.cors_origins, ["https://backup.example.com"]);
    let said = warnings(&loaded);
    for expected in ["'dbPath' names the store", "'apiPort' has no effect", "'corsOrigins' is accepted"] {
        assert!(said.iter().any(|warning| warning.contains(expected)), "{expected}: {said:?}");
    }
    assert_eq!(said.len(), 3, "{said:?}");
}

#[test]
fn every_key_of_ours_reaches_the_instance() {
    let config = config(EVERY_KEY);
    let [nas, image, plain] = config.instances.as_slice() else { panic!("three instances") };
    let Destination::Restic(restic) = &nas.destination else { panic!("a repository") };
    assert_eq!(restic.check_schedule.as_ref().map(|schedule| schedule.as_str()), Some("0 5 * * sun"));
    assert_eq!((restic.check_subset.as_deref(), restic.adopts_old_snapshots), (Some("5%"), true));
    assert_eq!((nas.retention.last, nas.retention.daily, nas.retention.min_keep), (3, 7, 2));
    assert_eq!((nas.missed_run, nas.is_enabled, nas.origin), (MissedRun::Once, false, Origin::Config));
    assert_eq!((nas.stop_attached, nas.quiesce), (Some(true), Some(Quiesce::Pause)));
    assert_eq!(nas.timezone.map(|zone| zone.name()), Some("Asia/Tokyo"));
    assert_eq!((commands(&nas.hooks.pre), commands(&nas.hooks.post)), (vec!["sync"], vec!["date", "echo x"]));
    let last = &nas.hooks.post[1];
    assert_eq!((last.container.as_deref(), last.timeout), (Some("web"), Some(Duration::from_secs(30))));
    assert_eq!((nas.excludes.join(","), nas.tags.join(",")), ("*.tmp".to_owned(), "nightly".to_owned()));
    let [path, stack] = nas.targets.as_slice() else { panic!("two targets") };
    assert_eq!((&path.what, &path.paths), (&What::Path("/srv/data".into()), &["a", "b/c"].map(PathBuf::from).to_vec()));
    assert_eq!((path.excludes.join(","), path.tags.join(",")), ("cache".to_owned(), "t".to_owned()));
    assert_eq!(path.hooks.pre[0].container.as_deref(), Some("db"));
    assert_eq!(stack.what, What::Stack("blog".parse().expect("a name")));
    let Destination::CustomImage(tool) = &image.destination else { panic!("an image") };
    assert_eq!((tool.pull, tool.timeout), (PullPolicy::IfMissing, Some(Duration::from_hours(2))));
    assert_eq!((tool.memory_bytes, tool.milli_cpus), (Some(512 << 20), Some(1500)));
    let known = tool.credentials.as_ref().expect("credentials");
    assert_eq!((known.username.as_str(), known.password.expose_secret()), ("me", "secret"));
    assert_eq!(image.retention.within.map(|within| within.days), Some(14));
    assert!(plain.retention.keeps_all() && matches!(plain.destination, Destination::Archive));
}

#[test]
fn an_image_wins_over_a_repository_and_says_so() {
    let loaded = loaded("instances: [{id: a, repository: /srv/r, customImage: example/b}]\n");
    assert!(matches!(&loaded.config.instances[0].destination, Destination::CustomImage(_)));
    assert_eq!(
        warnings(&loaded),
        ["config.yml:1:21: 'instances[0].repository' has no effect beside 'instances[0].customImage'"]
    );
}

#[test]
fn keys_without_effect_are_warnings() {
    let with = |instance: &str| warnings(&loaded(&format!("instances: [{{id: a, {instance}}}]\n"))).join("\n");
    for (instance, expected) in [
        ("repository: /r, pull: never", "'instances[0].pull' has no effect without an image"),
        ("repository: /r, timeout: 5m", "'instances[0].timeout' has no effect without an image"),
        ("custom_image: x, check: {subset: 5%}", "'instances[0].check' has no effect without a restic repository"),
        ("backend: archive, adopt_old_snapshots: yes", "has no effect without a restic repository"),
        ("repository: /r, targets: [{volume: v, db_kind: redis}]", "db_kind' has no effect without a database"),
        ("repository: /r, targets: [{db: d, paths: [x]}]", "paths' has no effect on a database"),
        ("repository: /r, targets: [{stack: s, paths: [x]}]", "paths' has no effect on a stack"),
    ] {
        assert!(with(instance).contains(expected), "{instance}: {}", with(instance));
    }
    assert_eq!(with("repository: /r, targets: [{db: d, paths: [/]}]"), "", "the default is said by older files");
}

#[test]
fn unset_variables_are_warnings_that_name_the_key() {
    let bucket = [("BUCKET", "bucket")];
    let loaded = load_from(&[("config.yml", WITH_LABELS)], &bucket).expect("it holds");
    for expected in [
        "config.yml:8:7: 'instances[0].env.AWS_ACCESS_KEY_ID' names the variable 'KEY', which is not set; it is taken as empty",
        "config.yml:15:12: 'instances[1].env.TOKEN' names the variable 'TOKEN', which is not set; it is taken as empty",
        "config.yml:24:3: 'mesh.authPassword' names the variable 'PASSWORD', which is not set; it is taken as empty",
    ] {
        let said = warnings(&loaded);
        assert!(said.iter().any(|warning| warning == expected), "{expected}\nnot in\n{}", said.join("\n"));
    }
    let wrong = errors("instances:\n  - id: a\n    repository: ${NONE}\n");
    assert_eq!(
        wrong,
        "config.yml:3:17: 'instances[0].repository': the repository is empty; a variable in it is not set"
    );
}

const MISTAKES: &str = "instances:
  - id: ../x
    repository: http://host/
  - id: nas
    repository: /r
    schedule: 0 2 30 2 *
    timezone: Europe/Berlim
    retention: 7w:4d:6m
    quiesce: freeze
    missed_run: twice
    env: {A-B: x}
    targets:
      - {volume: v, db: d}
      - {volume: v, paths: [ok, ../..]}
      - {path: etc}
      - {volume: a/b}
      - {db: d, db_kind: oracle}
      - {volume: v, tags: ['a,b']}
  - id: nas
    custom_image: Has Space
    pull: often
    memory: 1k
    cpus: two
    credentials: {username: me}
    retention: 7d
    retention_days: 3
  - repository: /r
    hooks: {pre: [{container: c}], before: x}
    check: {subset: all}
";

#[test]
fn every_mistake_is_told_with_its_line_and_a_remedy_all_at_once() {
    let told = errors(MISTAKES);
    for expected in [
        "config.yml:2:9: 'instances[0].id' must be a name ('.' at position 1 is not allowed",
        "config.yml:3:17: 'instances[0].repository': restic knows no repository of this kind: 'http:'; write 'rest:http://",
        "config.yml:6:15: 'instances[1].schedule': '0 2 30 2 *' is no schedule: it never comes true",
        "config.yml:7:15: 'instances[1].timezone' must be an IANA time zone, found 'Europe/Berlim'; did you mean 'Europe/Berlin'?",
        "config.yml:8:16: 'instances[1].retention': '7w:4d:6m' is no retention: ",
        "config.yml:9:14: 'instances[1].quiesce' must be one of stop, pause, none, found 'freeze'",
        "config.yml:10:17: 'instances[1].missed_run' must be one of skip, once, found 'twice'",
        "config.yml:11:11: 'instances[1].env.A-B': 'A-B' is no name of an environment variable",
        "config.yml:13:9: 'instances[1].targets[0]' must be exactly one of 'volume', 'db', 'stack' and 'path', found a mapping",
        "config.yml:14:33: 'instances[1].targets[1].paths[1]': '../..' is no path within a volume: '..' would lead out of it",
        "config.yml:15:16: 'instances[1].targets[2].path': 'etc' is no path of the host: it must begin with '/'",
        "config.yml:16:18: 'instances[1].targets[3].volume': '/' at position 2 is not allowed",
        "config.yml:17:26: 'instances[1].targets[4].db_kind' must be one of postgres, mysql, mariadb, mongo, redis, found 'oracle'",
        "config.yml:18:28: 'instances[1].targets[5].tags[0]': 'a,b' is no tag",
        "config.yml:19:9: 'instances[2].id' must be unique, but 'nas' is used before",
        "config.yml:20:19: 'instances[2].custom_image': 'Has Space' is no reference of an image: it has a space in it",
        "config.yml:21:11: 'instances[2].pull' must be one of always, if_missing, never, found 'often'",
        "config.yml:22:13: 'instances[2].memory' must be at least 6.00 MiB, found '1k'",
        "config.yml:23:11: 'instances[2].cpus' must be a number such as '1.5', with at most three decimals, found 'two'",
        "config.yml:24:18: 'instances[2].credentials' needs the key 'password'",
        "config.yml:26:5: 'instances[2].retention' and 'instances[2].retention_days' say the same in two ways; keep one",
        "config.yml:27:5: 'instances[3]' needs the key 'id'",
        "config.yml:28:19: 'instances[3].hooks.pre[0]' needs the key 'command'",
        "config.yml:28:36: unknown key 'instances[3].hooks.before'",
        "config.yml:29:21: 'instances[3].check.subset': 'all' is no part of a repository",
    ] {
        assert!(told.lines().any(|line| line.starts_with(expected)), "{expected}\nnot in\n{told}");
    }
    assert_eq!(told.lines().next(), Some("the configuration has 25 mistakes:"), "{told}");
}

#[test]
fn an_instance_without_a_place_is_told_what_it_needs() {
    assert_eq!(
        errors("instances: [{id: a}]"),
        "config.yml:1:13: 'instances[0]' needs the key 'repository' or 'custom_image'"
    );
    assert_eq!(
        errors("instances: [{id: a, backend: custom_image, repository: /r}]"),
        "config.yml:1:13: 'instances[0]' needs the key 'custom_image'"
    );
    assert_eq!(errors("instances: {}"), "config.yml:1:12: 'instances' must be a list, found a mapping");
}

#[test]
fn a_kind_of_database_is_any_of_the_known() {
    for kind in DatabaseKind::ALL {
        let config = config(&format!("instances: [{{id: a, repository: /r, targets: [{{db: d, db_kind: {kind}}}]}}]"));
        assert_eq!(config.instances[0].targets[0].database, Some(*kind));
    }
}
