//! File, environment and flags: where they are looked for, and which wins.

use std::path::PathBuf;

use secrecy::ExposeSecret;

use super::*;

fn password(config: &Config) -> Option<&str> {
    config.auth.password.as_ref().map(ExposeSecret::expose_secret)
}

#[test]
fn without_any_file_the_defaults_hold() {
    let loaded = load_from(&[], &[]).expect("defaults");
    assert_eq!(loaded.path, None);
    assert_eq!(format!("{:?}", loaded.config), format!("{:?}", Config::default()));
}

#[test]
fn the_first_file_that_exists_counts() {
    let all = [
        ("config.yml", "node_name: 1"),
        ("config.yaml", "node_name: 2"),
        ("/config.yml", "node_name: 3"),
        ("/etc/mainstay/config.yml", "node_name: 4"),
    ];
    for (index, (path, _)) in all.iter().enumerate() {
        let loaded = load_from(&all[index..], &[]).expect("it holds");
        assert_eq!((loaded.path, loaded.config.node_name), (Some(PathBuf::from(path)), (index + 1).to_string()));
    }
}

#[test]
fn a_file_that_is_named_wins_and_must_exist() {
    let files = [
        ("config.yml", "node_name: search"),
        ("/a", "node_name: flag"),
        ("/b", "node_name: ours"),
        ("/c", "node_name: theirs"),
    ];
    let load_named = |flag: Option<&str>, variables: &[(&str, &str)]| {
        let options =
            LoadOptions { explicit_path: flag.map(PathBuf::from), env: env(variables), ..LoadOptions::default() };
        load_with(&options, &read_from(&files))
            .map(|(loaded, _)| loaded.config.node_name)
            .map_err(|errors| errors.to_string())
    };
    let both = [("MAINSTAY_CONFIG", "/b"), ("CONFIG_FILE", "/c")];
    assert_eq!(load_named(Some("/a"), &both), Ok("flag".to_owned()));
    assert_eq!(load_named(None, &both), Ok("ours".to_owned()));
    assert_eq!(load_named(None, &both[1..]), Ok("theirs".to_owned()));
    assert_eq!(load_named(None, &[("MAINSTAY_CONFIG", ""), ("CONFIG_FILE", "/c")]), Ok("theirs".to_owned()));
    assert_eq!(load_named(None, &[]), Ok("search".to_owned()));
    assert_eq!(load_named(Some("/x"), &[]), Err("/x: the file, which --config names, does not exist".to_owned()));
    assert_eq!(
        load_named(None, &[("MAINSTAY_CONFIG", "/x")]),
        Err("/x: the file, which MAINSTAY_CONFIG names, does not exist".to_owned())
    );
}

#[test]
fn a_real_file_is_read_and_a_directory_in_its_place_is_explained() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("m.yml");
    let options = LoadOptions { explicit_path: Some(path.clone()), ..LoadOptions::default() };
    std::fs::write(&path, "retention_days: 3\n").expect("a file");
    assert_eq!(load(&options).expect("it holds").config.retention_days, 3);
    std::fs::remove_file(&path).expect("the file goes");
    std::fs::create_dir(&path).expect("a directory in its place");
    let error = load(&options).expect_err("a directory").to_string();
    assert!(
        error.ends_with(
            "the file, which --config names, is a directory; Docker makes one where a mounted file is missing"
        ),
        "{error}"
    );
    std::fs::remove_dir(&path).expect("it goes");
    std::fs::write(&path, [0xFF, 0xFE, 0]).expect("a file");
    assert!(load(&options).expect_err("no text").to_string().ends_with("is not UTF-8 text"));
}

#[test]
fn the_environment_wins_over_the_file_and_flags_over_both() {
    let file =
        "retention_days: 1\nlisten: 1.1.1.1:1\nstacks_dir: /file\narchive: {level: 1, quiesce: none}\nskip_stop: [a]\n";
    let variables = [
        ("MAINSTAY_LISTEN", "2.2.2.2:2"),
        ("MAINSTAY_STACKS_DIR", "/env"),
        ("MAINSTAY_ARCHIVE__LEVEL", "9"),
        ("MAINSTAY_SKIP_STOP", "b, c"),
        ("MAINSTAY_INCLUDE_DATA", "0"),
        ("MAINSTAY_LOG__FORMAT", "json"),
        ("MAINSTAY_HEALTH_TIMEOUT", ""),
    ];
    let overrides = Overrides { stacks_dir: Some("/flag".to_owned()), ..Overrides::default() };
    let options = LoadOptions { env: env(&variables), overrides, ..LoadOptions::default() };
    let (Loaded { config, .. }, _) =
        load_with(&options, &read_from(&[("config.yml", file)])).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(
        (config.retention_days, config.listen.port(), config.stacks_dir.display().to_string()),
        (1, 2, "/flag".to_owned())
    );
    assert_eq!((config.archive.level, config.archive.quiesce.as_str()), (9, "none"), "the rest of the section stays");
    assert_eq!(
        (config.skip_stop.join(" "), config.include_data, config.log.format),
        ("b c".to_owned(), false, LogFormat::Json)
    );
    assert_eq!(config.health_timeout.as_secs(), 60, "an empty variable is none");
}

#[test]
fn secrets_come_from_files_too() {
    let load_secret = |variables: &[(&str, &str)]| load_from(&[("/run/secrets/pw", "from file\n")], variables);
    let config = load_secret(&[("MAINSTAY_AUTH__PASSWORD_FILE", "/run/secrets/pw")]).expect("it holds").config;
    assert_eq!(password(&config), Some("from file"));
    let both = [("MAINSTAY_AUTH__PASSWORD_FILE", "/run/secrets/pw"), ("MAINSTAY_AUTH__PASSWORD", "x")];
    assert_eq!(
        load_secret(&both).expect_err("both").to_string(),
        "MAINSTAY_AUTH__PASSWORD_FILE: 'MAINSTAY_AUTH__PASSWORD' is set too; keep one of them"
    );
    assert_eq!(
        load_secret(&[("MAINSTAY_AUTH__PASSWORD_FILE", "/none")]).expect_err("no file").to_string(),
        "MAINSTAY_AUTH__PASSWORD_FILE: the file '/none' cannot be read: entity not found"
    );
}

#[test]
fn variables_are_literal_and_passwords_with_holes_are_none() {
    let config = load_from(&[], &[("MAINSTAY_AUTH__PASSWORD", "pa$word")]).expect("it holds").config;
    assert_eq!(password(&config), Some("pa$word"));
    let loaded = load_from(&[("config.yml", "auth: {password: pa$word}")], &[]).expect("it holds");
    assert_eq!(password(&loaded.config), None, "what is left would be easy to guess");
    assert_eq!(
        warnings(&loaded),
        ["config.yml:1:8: 'auth.password' names the variable 'word', which is not set; it is taken as empty"]
    );
}

#[test]
fn variables_that_are_no_setting_are_errors_with_a_suggestion() {
    let variables = [
        ("MAINSTAY_RETENTON_DAYS", "7"),
        ("MAINSTAY_ARCHIVE__LEVLE", "7"),
        ("MAINSTAY_LISTEN", "nowhere"),
        ("MAINSTAY_LOG_DIR__X", "7"),
        ("MAINSTAY_LOG", "debug"),
        ("MAINSTAY_TEST_ENGINE", "x"),
        ("MAINSTAY_URL", "x"),
        ("UNRELATED", "x"),
    ];
    let error = load_from(&[("config.yml", "log_dir: /x")], &variables).expect_err("wrong variables").to_string();
    assert_eq!(
        error,
        "the configuration has 4 mistakes:\n\
         MAINSTAY_ARCHIVE__LEVLE: unknown key 'archive.levle'; did you mean 'MAINSTAY_ARCHIVE__LEVEL'?\n\
         MAINSTAY_LISTEN: 'listen' must be an address and port such as '127.0.0.1:8080', found 'nowhere'\n\
         MAINSTAY_LOG_DIR__X: there is no setting 'log_dir.x'\n\
         MAINSTAY_RETENTON_DAYS: unknown key 'retenton_days'; did you mean 'MAINSTAY_RETENTION_DAYS'?"
    );
}

#[test]
fn wrong_flags_are_named() {
    let overrides = Overrides { listen: Some("x".to_owned()), ..Overrides::default() };
    let errors = load_with(&LoadOptions { overrides, ..LoadOptions::default() }, &read_from(&[]))
        .map(|_| ())
        .expect_err("a wrong flag");
    assert_eq!(
        errors.to_string(),
        "--listen: 'listen' must be an address and port such as '127.0.0.1:8080', found 'x'"
    );
}

#[test]
fn variables_of_others_count_where_nothing_of_ours_does() {
    let variables = [
        ("TZ", "Europe/Berlin"),
        ("API_PORT", "9000"),
        ("NODE_NAME", "theirs"),
        ("MARINA_AUTH_PASSWORD", "pw"),
        ("DOCKER_HOST", "tcp://1.2.3.4:2375"),
        ("DB_PATH", "/data/marina.db"),
        ("HOSTNAME", "host"),
        ("DISCOVERY_INTERVAL", "1m30s"),
        ("ENABLE_EVENTS", "true"),
    ];
    let config = load_from(&[], &variables).expect("it holds").config;
    assert_eq!(config.discovery_interval, std::time::Duration::from_secs(90));
    assert_eq!((config.timezone.name(), config.listen.to_string()), ("Europe/Berlin", "127.0.0.1:9000".to_owned()));
    assert_eq!((config.node_name.as_str(), password(&config)), ("theirs", Some("pw")));
    assert_eq!(config.docker_host.as_deref(), Some("tcp://1.2.3.4:2375"));
    assert_eq!(config.database_url.expose(), "sqlite:///data/mainstay.db");

    let file = "timezone: Asia/Tokyo\nlisten: 0.0.0.0:1\nnode_name: ${HOSTNAME}-x\ndocker_host: unix:///s\nauth: {password: ours}\n";
    let config = load_from(&[("config.yml", file)], &variables).expect("it holds").config;
    assert_eq!((config.timezone.name(), config.listen.to_string()), ("Asia/Tokyo", "0.0.0.0:1".to_owned()));
    assert_eq!((config.node_name.as_str(), password(&config)), ("host-x", Some("ours")));
    assert_eq!(config.docker_host.as_deref(), Some("unix:///s"));
}

#[test]
fn surroundings_that_cannot_be_read_are_warnings() {
    let variables =
        [("TZ", "Europe/Berlim"), ("API_PORT", "http"), ("DISCOVERY_INTERVAL", "often"), ("ENABLE_EVENTS", "false")];
    let loaded = load_from(&[], &variables).expect("it holds");
    assert_eq!(loaded.config.discovery_interval, std::time::Duration::from_secs(30));
    assert_eq!(
        warnings(&loaded),
        [
            "API_PORT: 'http' is no port and is ignored",
            "DISCOVERY_INTERVAL: 'discovery_interval' must be a duration such as '90s', '60m' or '1h30m', found 'often'; it is ignored",
            "ENABLE_EVENTS: 'ENABLE_EVENTS' has no effect: the events of the Docker Engine are always followed",
            "TZ: 'Europe/Berlim' is no IANA time zone and is ignored; did you mean 'Europe/Berlin'?"
        ]
    );
}

#[test]
fn unreadable_variables_of_others_are_ignored_but_a_wrong_engine_is_not() {
    let loaded = load_from(&[], &[("DB_PATH", "./dev.db")]).expect("it holds");
    assert_eq!(loaded.config.database_url.expose(), "sqlite:///var/lib/mainstay/mainstay.db");
    assert_eq!(warnings(&loaded), ["DB_PATH: 'db_path' must be an absolute path, found './dev.db'; it is ignored"]);
    let error = load_from(&[], &[("DOCKER_HOST", "/run/docker.sock")]).expect_err("a wrong engine").to_string();
    assert!(error.starts_with("DOCKER_HOST: 'docker_host' must be the address of a Docker Engine"), "{error}");
}

#[test]
fn the_host_gives_its_name() {
    assert_eq!(load_from(&[("/proc/sys/kernel/hostname", "box\n")], &[]).expect("it holds").config.node_name, "box");
    assert_eq!(
        load_from(&[("/proc/sys/kernel/hostname", "box\n")], &[("HOSTNAME", "env")])
            .expect("it holds")
            .config
            .node_name,
        "env"
    );
}

#[test]
fn auth_that_is_off_for_everyone_is_a_warning() {
    let loaded =
        load_from(&[], &[("MAINSTAY_AUTH__DISABLED", "true"), ("MAINSTAY_LISTEN", "0.0.0.0:80")]).expect("it holds");
    assert_eq!(
        warnings(&loaded),
        [
            "configuration: 'auth.disabled' is on and the service listens on 0.0.0.0:80: everyone who reaches it controls the Docker Engine"
        ]
    );
}
