//! What a wrong file is told, word for word.

use super::*;

/// Pairs of a file and the one thing that is wrong with it.
fn expect_each(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(errors(text), format!("config.yml:{expected}"), "{text}");
    }
}

#[test]
fn three_mistakes_are_reported_at_once_in_the_order_of_the_file() {
    let text = "stacks_dir: /opt/stacks\nretenton_days: 7\narchive:\n  compression: gzip\n  level: 42\nlog_retention_days: fourteen\n";
    assert_eq!(
        errors(text),
        "the configuration has 3 mistakes:\n\
         config.yml:2:1: unknown key 'retenton_days'; did you mean 'retention_days'?\n\
         config.yml:5:10: 'archive.level' must be fast, balanced, dense or a whole number from 0 to 9, found '42'\n\
         config.yml:6:21: 'log_retention_days' must be a whole number of days from 0 to 36500, found 'fourteen'"
    );
}

#[test]
fn wrong_values_of_the_top_level_say_what_is_expected_and_what_was_found() {
    expect_each(&[
        ("stacks_dir: stacks", "1:13: 'stacks_dir' must be an absolute path, found 'stacks'"),
        ("backup_dir: [/a]", "1:13: 'backup_dir' must be an absolute path, found a list"),
        ("include_data: maybe", "1:15: 'include_data' must be true or false, found 'maybe'"),
        ("include_data: 1", "1:15: 'include_data' must be true or false, found '1'"),
        ("skip_stop: traefik", "1:12: 'skip_stop' must be a list, found 'traefik'"),
        ("skip_stop: [{a: b}]", "1:13: 'skip_stop[0]' must be a text, found a mapping"),
        ("retention_days: -1", "1:17: 'retention_days' must be a whole number of days from 0 to 36500, found '-1'"),
        ("retention_days: 7.5", "1:17: 'retention_days' must be a whole number of days from 0 to 36500, found '7.5'"),
        ("listen: 8080", "1:9: 'listen' must be an address and port such as '127.0.0.1:8080', found '8080'"),
        (
            "listen: localhost:99999",
            "1:9: 'listen' must be an address and port such as '127.0.0.1:8080', found 'localhost:99999'",
        ),
        (
            "database_url: mysql://u:secret@h/d",
            "1:15: 'database_url' must be 'sqlite:///absolute/path' or 'postgres://user@host/database', found 'mysql://u:***@h/d'",
        ),
        (
            "database_url: sqlite://x.db",
            "1:15: 'database_url' must be 'sqlite:///absolute/path', with three slashes, found 'sqlite://x.db'",
        ),
        (
            "timezone: Europe/Berlim",
            "1:11: 'timezone' must be an IANA time zone, found 'Europe/Berlim'; did you mean 'Europe/Berlin'?",
        ),
        (
            "docker_host: /var/run/docker.sock",
            "1:14: 'docker_host' must be the address of a Docker Engine such as 'unix:///var/run/docker.sock', found '/var/run/docker.sock'",
        ),
        ("max_concurrent_jobs: 0", "1:22: 'max_concurrent_jobs' must be a whole number from 1 to 64, found '0'"),
        ("stop_timeout: 30", "1:15: 'stop_timeout' must be a duration such as '90s', '60m' or '1h30m', found '30'"),
        (
            "secret_key: hunter2",
            "1:13: 'secret_key' must be 64 hexadecimal digits, as 'openssl rand -hex 32' prints them",
        ),
        (
            "retention: 7x",
            "1:12: 'retention': '7x' is no retention: '7x' stands for the days and must be a number such as '7' or '7d'",
        ),
        ("restic_timeout: 0s", "1:17: 'restic_timeout' must be at least 1s, found '0s'"),
    ]);
}

#[test]
fn wrong_values_of_sections_say_what_is_expected_and_what_was_found() {
    expect_each(&[
        ("archive: gzip", "1:10: 'archive' must be a mapping of keys to values, found 'gzip'"),
        ("archive: {compression: zip}", "1:24: 'archive.compression' must be one of gzip, zstd, found 'zip'"),
        (
            "archive: {compression: zstd, level: 0}",
            "1:37: 'archive.level' must be fast, balanced, dense or a whole number from 1 to 22, found '0'",
        ),
        (
            "archive: {level: Fast}",
            "1:18: 'archive.level' must be fast, balanced, dense or a whole number from 0 to 9, found 'Fast'",
        ),
        (
            "archive: {level: [1]}",
            "1:18: 'archive.level' must be fast, balanced, dense or a whole number from 0 to 9, found a list",
        ),
        ("archive: {workers: many}", "1:20: 'archive.workers' must be a whole number from 1 to 256, found 'many'"),
        ("archive: {quiesce: kill}", "1:20: 'archive.quiesce' must be one of stop, pause, none, found 'kill'"),
        ("auth: {password: {a: b}}", "1:18: 'auth.password' must be a text"),
        ("auth: {disable: true}", "1:8: unknown key 'auth.disable'; did you mean 'auth.disabled'?"),
    ]);
}

#[test]
fn wrong_keys_are_reported() {
    expect_each(&[
        ("nodeName: a\nnode_name: b", "2:1: 'node_name' and 'nodeName' are the same setting; keep one"),
        (
            "log_dir: /a\nlisten: 1.2.3.4:5\nlog_dir: /b",
            "3:1: the key 'log_dir' stands here twice; line 1 has it already",
        ),
        ("- a\n- b", "1:1: the file must be a mapping of keys to values, found a list"),
        ("bananas: 3", "1:1: unknown key 'bananas'"),
        ("<<: 5", "1:1: unknown key '<<'"),
    ]);
}

#[test]
fn names_that_stand_twice_are_found() {
    assert_eq!(
        errors("instances:\n  - id: nas\n    repository: /a\n  - id: nas\n    repository: /b\n"),
        "config.yml:4:9: 'instances[1].id' must be unique, but 'nas' is used before"
    );
}

#[test]
fn a_syntax_error_stands_alone_with_its_place() {
    assert_eq!(
        errors("stacks_dir: /opt\nskip_stop: [a, b\nlisten: x\n"),
        "config.yml:3:7: this is no valid YAML: did not find expected ',' or ']', while parsing a flow sequence at line 2 column 12"
    );
    assert!(errors("env: {A: ${A}}").ends_with("; a variable in braces needs quotes within '{ }' and '[ ]'"));
    assert!(errors("a: 1\n---\nb: 2\n").starts_with("config.yml: this is no valid YAML: "));
}

#[test]
fn a_key_that_is_far_from_all_others_gets_no_suggestion() {
    assert_eq!(errors("x: 1"), "config.yml:1:1: unknown key 'x'");
}

#[test]
fn a_flood_of_mistakes_is_cut_off_and_counted() {
    let text: String = (0..2000).map(|n| format!("zzzz{n}: 1\n")).collect();
    let text = errors(&text);
    assert_eq!(text.lines().count(), 1 + 50 + 1);
    assert!(
        text.starts_with("the configuration has 2000 mistakes:\nconfig.yml:1:1: unknown key 'zzzz0'\nconfig.yml:2:1: "),
        "{text}"
    );
    assert!(text.ends_with("and 1950 more"), "{text}");
}

#[test]
fn a_file_with_mistakes_still_says_where_what_is_at_rest_is_recorded() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("config.yml");
    let load = |text: &str, variable: (&str, &str)| {
        std::fs::write(&path, text).expect("written");
        let env = env(&[variable]);
        load_for_resume(&LoadOptions { explicit_path: Some(path.clone()), env, ..LoadOptions::default() })
    };
    let store = "database_url: sqlite:///srv/store.db\n";
    let (loaded, errors) = load(&format!("{store}retention_days: many\nbackup_dri: /x\n"), ("A", "b")).expect("enough");
    assert_eq!(loaded.config.database_url.expose(), "sqlite:///srv/store.db");
    assert_eq!(errors.expect("both mistakes").errors.len(), 2);
    assert!(load(store, ("A", "b")).expect("a valid file").1.is_none());
    for text in
        ["database_url: sqlite:relative.db", "databse_url: sqlite:///srv/store.db", "docker_host: nowhere", "- x"]
    {
        assert!(load(text, ("A", "b")).is_err(), "{text}");
    }
    assert!(load(store, ("MAINSTAY_DATABASE_URL_FILE", "/no/such/file")).is_err());
}
