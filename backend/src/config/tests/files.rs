//! Files as users have them, and how values in them are read.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;
use crate::domain::job::Quiesce;
use crate::domain::plan::{Destination, What};
use crate::domain::strategy::Precopy;

#[test]
fn the_file_of_a_stack_archiver_is_accepted_as_it_is() {
    let loaded = loaded(
        "stacks_dir: /path/to/stacks       # Directory containing docker-compose.yml files\n\
         backup_dir: /path/to/backups      # Where to store .tar.gz backups\n\
         log_dir: /path/to/logs            # Backup operation logs\n\
         include_data: true                # Include data volumes in backups\n\
         skip_stop:                        # Stacks to NOT stop during backup\n\
         \x20 - traefik\n\
         \x20 - networking\n\
         retention_days: 7                 # Delete backups older than N days\n\
         log_retention_days: 14            # Delete logs older than N days\n",
    );
    assert_eq!(loaded.config.stacks_dir, PathBuf::from("/path/to/stacks"));
    assert_eq!(loaded.config.backup_dir, PathBuf::from("/path/to/backups"));
    assert_eq!(loaded.config.log_dir, PathBuf::from("/path/to/logs"));
    assert!(loaded.config.include_data);
    assert_eq!(loaded.config.skip_stop, ["traefik", "networking"]);
    assert_eq!((loaded.config.retention_days, loaded.config.log_retention_days), (7, 14));
    assert_eq!(warnings(&loaded), Vec::<String>::new());
}

/// The example of the contract, as far as it is YAML: variables in braces need quotes within braces.
#[test]
fn the_file_of_the_contract_is_accepted() {
    let text = r#"
stacks_dir: /opt/stacks
skip_stop: [traefik]
listen: 127.0.0.1:8080
node_name: ${HOSTNAME}
timezone: Europe/Berlin
archive: { compression: gzip, level: 6, quiesce: stop, precopy: auto, encrypt_to: [] }
retention: "7d:4w:6m"
stop_attached: false
restic_timeout: 60m
instances:
  - id: nas
    repository: sftp:backup@nas:/srv/restic
    schedule: "0 2 * * *"
    retention: "7d:4w:6m"
    env: { RESTIC_PASSWORD: "${RESTIC_PASSWORD}" }
    targets: [ { volume: app-data, paths: ["/"] }, { db: postgres }, { stack: blog } ]
  - id: own-tool
    customImage: myorg/backup-tool:1.4
    schedule: "0 3 * * *"
hosts: []
backrest: { config: /config/config.json, format: auto, container: backrest, apply: false, with_events: true, interval: 60s }
notifications: []
auth: { password: secret, disabled: false }
"#;
    let config = config(text);
    assert_eq!(config.instances[0].targets.len(), 3);
    assert_eq!(config.instances[0].targets[2].what, What::Stack("blog".parse().expect("a name")));
    assert_eq!(format!("{:?}", config.backrest), format!("{:?}", Some(BackrestConfig::default())));
}

#[test]
fn a_level_is_a_number_or_a_word_and_fast_or_balanced_when_unset() {
    let level = |text: &str| config(&format!("archive: {text}")).archive.level;
    let gzip = ["fast", "balanced", "dense", "0", "6", "9"].map(|word| level(&format!("{{level: {word}}}")));
    assert_eq!(gzip, [1, 4, 7, 0, 6, 9]);
    let zstd = ["fast", "balanced", "dense", "22"].map(|word| level(&format!("{{compression: zstd, level: {word}}}")));
    assert_eq!(zstd, [1, 3, 7, 22]);
    assert_eq!((level("{}"), level("{compression: zstd}")), (1, 3));
}

#[test]
fn values_are_read_as_people_write_them() {
    let config = config(
        "include_data: no\narchive: {compression: zstd, workers: 3, quiesce: pause, precopy: off, low_priority: yes}\nstall_timeout: 90s\nshutdown_timeout: 10s\nstop_timeout: 1m30s\n\
         health_timeout: 0\nlisten: '[::]:9000'\ntimezone: Europe/Berlin\nmax_concurrent_jobs: \"2\"\nskip_stop:\n\
         database_url: postgres://me:${PW:-hunter2}@db/mainstay\nauth: {session_ttl: 7d}\nlog: {level: debug, format: json}\n",
    );
    assert!(!config.include_data);
    assert_eq!((config.archive.compression, config.archive.level), (Compression::Zstd, 3), "the codec's own level");
    assert_eq!(
        (config.archive.workers, config.archive.quiesce, config.archive.precopy),
        (Some(3), Quiesce::Pause, Precopy::Off)
    );
    assert_eq!((config.stop_timeout, config.health_timeout), (Some(Duration::from_secs(90)), Duration::ZERO));
    let limits = (config.archive.low_priority, config.stall_timeout, config.shutdown_timeout);
    assert_eq!(limits, (true, Duration::from_secs(90), Duration::from_secs(10)));
    assert_eq!((config.listen.port(), config.timezone.name(), config.max_concurrent_jobs), (9000, "Europe/Berlin", 2));
    assert_eq!(config.skip_stop, Vec::<String>::new(), "a key without a value is an absent key");
    assert_eq!(config.database_url.expose(), "postgres://me:hunter2@db/mainstay");
    assert_eq!(config.auth.session_ttl, Duration::from_hours(168));
    assert_eq!((config.log.level, config.log.format), (LogLevel::Debug, LogFormat::Json));
}

#[test]
fn anchors_and_merge_keys_are_followed() {
    let config = config(
        "instances:\n  - &base {id: a, repository: /srv/a, env: &env {A: 1, B: 2}}\n  - <<: *base\n    id: b\n    env: {<<: *env, B: 3}\n",
    );
    let [_, b] = config.instances.as_slice() else { panic!("two instances") };
    assert!(matches!(&b.destination, Destination::Restic(restic) if restic.repository.expose() == "/srv/a"));
    let env: Vec<_> = b.env.iter().map(|(name, value)| format!("{name}={}", value.expose_secret())).collect();
    assert_eq!(env, ["A=1", "B=3"]);
}

#[test]
fn directories_that_lie_in_each_other_are_a_warning() {
    let loaded = loaded("stacks_dir: /srv\nbackup_dir: /srv/backups\n");
    assert_eq!(
        warnings(&loaded),
        ["config.yml: 'backup_dir' (/srv/backups) lies within 'stacks_dir' (/srv); it would be taken for a stack"]
    );
}

#[test]
fn nothing_that_prints_a_configuration_prints_a_secret() {
    let text = "auth: {password: hunter2}\ndatabase_url: postgres://me:hunter2@db/x\npeers: ['http://u:hunter2@peer']\n\
                instances: [{id: a, repository: 'rest:https://u:hunter2@h/', env: {P: hunter2}, targets: [{db: d, pre_hook: hunter2, dump_args: [hunter2]}]}]\n\
                notifications: [{url: 'https://h/?token=hunter2'}]\n";
    let loaded = loaded(text);
    let shown = serde_json::to_string(&loaded.config.public_view()).expect("it is JSON");
    for printed in [format!("{loaded:?}"), shown, warnings(&loaded).join("\n")] {
        assert!(!printed.contains("hunter2"), "{printed}");
    }
    let wrong = errors(
        "auth: {password: [hunter2]}\nlisten: hunter\ndatabase_url: mysql://me:hunter2@db/x\ninstances: [{id: a, repository: {hunter2: x}}]\n",
    );
    assert_eq!(wrong.lines().count(), 1 + 4, "{wrong}");
    assert!(!wrong.contains("hunter2"), "{wrong}");
}

#[test]
fn the_public_view_has_what_may_be_shown() {
    let view = serde_json::to_value(Config::default().public_view()).expect("it is JSON");
    assert_eq!(view["stacks_dir"], "/opt/stacks");
    assert_eq!(view["retention_days"], 7);
    assert_eq!(
        (view["compression"].as_str(), view["quiesce"].as_str(), view["timezone"].as_str()),
        (Some("gzip"), Some("stop"), Some("UTC"))
    );
}

/// Every setting outside lists, with a value that is not the default.
const OTHER_VALUES: &[(&str, &str)] = &[
    ("stacks_dir", "/x"),
    ("backup_dir", "/x"),
    ("log_dir", "/x"),
    ("staging_dir", "/x"),
    ("include_data", "false"),
    ("skip_stop", "[x]"),
    ("retention_days", "0"),
    ("log_retention_days", "0"),
    ("secret_key", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
    ("secret_key_file", "/x"),
    ("listen", "0.0.0.0:80"),
    ("database_url", "postgres://h/d"),
    ("db_path", "/x/y.db"),
    ("mesh.node_name", "x"),
    ("mesh.peers", "['http://x']"),
    ("mesh.auth_password", "x"),
    ("node_name", "x"),
    ("peers", "['http://x']"),
    ("auth_password", "x"),
    ("timezone", "Asia/Tokyo"),
    ("docker_host", "ssh://x"),
    ("max_concurrent_jobs", "64"),
    ("stop_timeout", "0s"),
    ("health_timeout", "1ms"),
    ("stall_timeout", "1s"),
    ("discovery_interval", "1s"),
    ("shutdown_timeout", "1s"),
    ("retention", "1:2:3"),
    ("stop_attached", "true"),
    ("restic_timeout", "1s"),
    ("cors_origins", "['https://x']"),
    ("verify.schedule", "0 3 * * *"),
    ("verify.fraction", "1/7"),
    ("drill.schedule", "0 6 * * sun"),
    ("drill.query", "select 1"),
    ("drill.image", "busybox"),
    ("drill.memory", "1g"),
    ("drill.cpus", "2"),
    ("auth.password", "x"),
    ("auth.disabled", "true"),
    ("auth.session_ttl", "1s"),
    ("archive.compression", "zstd"),
    ("archive.level", "9"),
    ("archive.workers", "256"),
    ("archive.quiesce", "none"),
    ("archive.precopy", "snapshot"),
    ("archive.low_priority", "true"),
    ("log.level", "trace"),
    ("log.format", "json"),
    ("instances", "[{id: x, backend: archive}]"),
    ("hosts", "[{name: x, url: 'tcp://x', tls: {ca: /a, cert: /b, key: /c}}]"),
    ("backrest.config", "/x"),
    ("backrest.format", "native"),
    ("backrest.url", "'http://x:9898'"),
    ("backrest.restart_timeout", "1s"),
    ("backrest.default_repo", "x"),
    ("backrest.default_schedule", "1 1 * * *"),
    ("backrest.default_retention", "last=1"),
    ("backrest.plan_id_prefix", "x"),
    ("backrest.docker_root", "/x"),
    ("backrest.volume_prefix", "/x"),
    ("backrest.exclude_bind_mounts", "true"),
    ("backrest.label_commands", "false"),
    ("backrest.orphans", "keep"),
    ("backrest.container", "x"),
    ("backrest.apply", "true"),
    ("backrest.with_events", "false"),
    ("backrest.interval", "1s"),
    ("notifications", "[{url: x}]"),
];

#[test]
fn every_setting_reaches_the_configuration() {
    for (key, value) in OTHER_VALUES {
        let text = match key.split_once('.') {
            Some((section, key)) => format!("{section}: {{{key}: {value}}}"),
            None => format!("{key}: {value}"),
        };
        // A Backrest is absent by default, but has defaults once its section stands there.
        let default = if key.starts_with("backrest.") { config("backrest: {}") } else { Config::default() };
        assert_ne!(format!("{:?}", config(&text)), format!("{default:?}"), "{text}");
    }
}

#[test]
fn every_setting_is_in_the_list_of_other_values() {
    let text = "mesh: {}\nauth: {}\narchive: {}\nlog: {}\nbackrest: {}\nverify: {}\ndrill: {}\n";
    let files = [("config.yml", text)];
    let (_, known) = load_with(&LoadOptions::default(), &read_from(&files)).expect("it holds");
    let sections = ["mesh", "auth", "archive", "log", "backrest", "verify", "drill"];
    let listed: Vec<_> = OTHER_VALUES.iter().map(|(key, _)| *key).collect();
    let missing: Vec<_> =
        known.iter().filter(|key| !listed.contains(&key.as_str()) && !sections.contains(&key.as_str())).collect();
    let expected = ["api_port", "archive.encrypt_to", "drill.command"];
    assert_eq!(missing, expected, "no effect, only empty, no effect without an image");
}
