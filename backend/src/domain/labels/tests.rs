//! Every label, in every family, and everything that is wrong with one.

use std::path::PathBuf;

use secrecy::ExposeSecret as _;

use super::*;

fn thing(carrier: Carrier, pairs: &[(&str, &str)]) -> Labelled {
    let labels = pairs.iter().map(|&(label, value)| (label.to_owned(), value.to_owned())).collect();
    Labelled { carrier, name: "app".to_owned(), labels }
}

/// A volume with these labels in Marina's family, besides those that route it.
fn volume(pairs: &[(&str, &str)]) -> (Target, Vec<String>) {
    let routed = with_family("dev.polarfox.marina.", &[&[("enabled", "true"), ("instanceID", "nas")], pairs].concat());
    read(&Labelled { labels: routed, ..thing(Carrier::Volume, &[]) })
}

/// A container with a PostgreSQL, and these labels in Marina's family.
fn database(pairs: &[(&str, &str)]) -> (Target, Vec<String>) {
    let all = [&[("enabled", "true"), ("instanceID", "nas"), ("db", "postgres")], pairs].concat();
    let routed = with_family("dev.polarfox.marina.", &all);
    read(&Labelled { labels: routed, ..thing(Carrier::Container, &[]) })
}

fn with_family(prefix: &str, pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| (format!("{prefix}{key}"), (*value).to_owned())).collect()
}

fn read(thing: &Labelled) -> (Target, Vec<String>) {
    let (found, warnings) = read_target(thing);
    let found = found.unwrap_or_else(|| panic!("no target: {warnings:?}"));
    assert_eq!(found.instance, "nas");
    (found.target, warnings)
}

/// Nothing is captured, and this is said.
fn refused(thing: &Labelled) -> String {
    let (found, warnings) = read_target(thing);
    assert!(found.is_none(), "{found:?}");
    warnings.join("\n")
}

fn args(target: &Target) -> Vec<&str> {
    target.dump_args.iter().map(|arg| arg.expose_secret()).collect()
}

fn command(hooks: &[Hook]) -> Vec<&str> {
    hooks.iter().map(|hook| hook.command.expose_secret()).collect()
}

#[test]
fn every_label_of_marina_on_a_volume() {
    let (target, warnings) = volume(&[
        ("exclude", " *.tmp, cache/ ,,*.tmp"),
        ("tags", "daily, important"),
        ("pre", "sync; echo \"before, it\""),
        ("post", "echo after"),
        ("paths", "/uploads, /config/,, data"),
        ("stopAttached", "YES"),
    ]);
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!((target.what, target.origin), (What::Volume("app".to_owned()), Origin::Label));
    assert_eq!(target.excludes, ["*.tmp", "cache/"]);
    assert_eq!(target.tags, ["daily", "important"]);
    assert_eq!(command(&target.hooks.pre), ["sync; echo \"before, it\""], "a line, not a list");
    assert_eq!(command(&target.hooks.post), ["echo after"]);
    assert_eq!(target.paths, ["uploads", "config", "data"].map(PathBuf::from));
    assert_eq!(target.stop_attached, Some(true));
}

#[test]
fn every_label_of_marina_on_a_container() {
    let (target, warnings) = database(&[("dump.args", "--clean, --if-exists,-U app,--where=a b"), ("pre", "true")]);
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(target.what, What::Database("app".to_owned()));
    assert_eq!(target.database, Some(DatabaseKind::Postgres));
    assert_eq!(args(&target), ["--clean", "--if-exists", "-U", "app", "--where=a b"]);
    assert_eq!(command(&target.hooks.pre), ["true"]);
    for (word, kind) in [
        ("postgres", DatabaseKind::Postgres),
        ("MySQL", DatabaseKind::Mysql),
        ("mariadb", DatabaseKind::Mariadb),
        ("MONGO", DatabaseKind::Mongo),
        ("redis", DatabaseKind::Redis),
    ] {
        assert_eq!(database_of(word).0.database, Some(kind), "{word}");
    }
}

fn database_of(kind: &str) -> (Target, Vec<String>) {
    let pairs = [("enabled", "true"), ("instanceID", "nas"), ("db", kind)];
    read(&Labelled { labels: with_family("dev.polarfox.marina.", &pairs), ..thing(Carrier::Container, &[]) })
}

#[test]
fn ours_mean_the_same_as_marinas() {
    let ours = [
        ("mainstay.enable", "true"),
        ("mainstay.instance", "nas"),
        ("mainstay.exclude", "a"),
        ("mainstay.tags", "t"),
        ("mainstay.pre", "x"),
        ("mainstay.post", "y"),
        ("mainstay.paths", "p"),
        ("mainstay.stop-attached", "1"),
        ("mainstay.order", "3"),
        ("mainstay.test", "1"),
        ("mainstay.test.recipe", "5ac0"),
    ];
    let marina =
        volume(&[("exclude", "a"), ("tags", "t"), ("pre", "x"), ("post", "y"), ("paths", "p"), ("stopAttached", "1")]);
    let (target, warnings) = read(&thing(Carrier::Volume, &ours));
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(format!("{target:?}"), format!("{:?}", marina.0));
    let database = [
        ("mainstay.enable", "yes"),
        ("mainstay.instance", "nas"),
        ("mainstay.db", "redis"),
        ("mainstay.dump-args", "--x"),
    ];
    let (target, warnings) = read(&thing(Carrier::Container, &database));
    assert_eq!((target.database, args(&target), warnings.len()), (Some(DatabaseKind::Redis), vec!["--x"], 0));
}

#[test]
fn truth_is_read_as_marina_reads_it() {
    for (text, is_true, is_said) in [
        ("true", true, false),
        ("TRUE", true, false),
        ("yes", true, false),
        ("Yes", true, false),
        ("1", true, false),
        ("false", false, false),
        ("no", false, false),
        ("0", false, false),
        (" true", false, true),
        ("on", false, true),
        ("2", false, true),
        ("tru", false, true),
    ] {
        let (target, warnings) = volume(&[("stopAttached", text)]);
        assert_eq!(
            (target.stop_attached, warnings.len()),
            (Some(is_true), usize::from(is_said)),
            "{text}: {warnings:?}"
        );
        let enabled = [("mainstay.enable", text), ("mainstay.instance", "nas")];
        let (found, warnings) = read_target(&thing(Carrier::Volume, &enabled));
        assert_eq!((found.is_some(), warnings.len()), (is_true, usize::from(is_said)), "{text}: {warnings:?}");
    }
    assert_eq!(volume(&[("stopAttached", "")]).0.stop_attached, None, "an empty text is not set");
}

#[test]
fn what_was_written_for_older_versions_is_accepted_and_said() {
    let first = [("eu.polarnight.marina.enabled", "true"), ("eu.polarnight.marina.instanceID", "nas")];
    let (_, warnings) = read(&thing(Carrier::Volume, &first));
    assert!(warnings.len() == 1 && warnings[0].contains("write them as dev.polarfox.marina.*"), "{warnings:?}");
    for (key, why) in [
        ("retention", "is set at the instance"),
        ("schedule", "is set at the instance"),
        ("repo", "is set at the instance"),
        ("type", "without it"),
    ] {
        let (_, warnings) = volume(&[(key, "x")]);
        assert!(warnings.len() == 1 && warnings[0].contains(why) && warnings[0].contains(key), "{warnings:?}");
    }
}

#[test]
fn what_is_enabled_and_cannot_be_captured_is_said() {
    for (carrier, pairs, expected) in [
        (
            Carrier::Volume,
            &[("mainstay.enable", "true")][..],
            "volume 'app': it is enabled, but not backed up: the label mainstay.instance must name an instance",
        ),
        (
            Carrier::Volume,
            &[("dev.polarfox.marina.enabled", "true"), ("dev.polarfox.marina.instanceID", " ")],
            "the label dev.polarfox.marina.instanceID must name an instance",
        ),
        (
            Carrier::Container,
            &[("mainstay.enable", "true"), ("mainstay.instance", "nas")],
            "container 'app': it is enabled, but not backed up: of a container its database is captured, and the label mainstay.db must name the kind (postgres, mysql, mariadb, mongo, redis)",
        ),
        (
            Carrier::Volume,
            &[("mainstay.instance", "nas")],
            "the label mainstay.instance has no effect without mainstay.enable",
        ),
        (
            Carrier::Volume,
            &[("dev.polarfox.marina.paths", "x")],
            "the label dev.polarfox.marina.paths has no effect without dev.polarfox.marina.enabled",
        ),
    ] {
        let said = refused(&thing(carrier, pairs));
        assert!(said.contains(expected), "{said}");
    }
    let off = [("mainstay.enable", "false"), ("mainstay.instance", "nas")];
    assert_eq!(refused(&thing(Carrier::Volume, &off)), "", "switched off on purpose");
    let mut odd = thing(Carrier::Volume, &[("mainstay.enable", "true"), ("mainstay.instance", "nas")]);
    odd.name = "../x".to_owned();
    assert!(refused(&odd).contains("its name cannot be used"));
}

#[test]
fn labels_that_nobody_knows_are_said_with_the_one_that_was_meant() {
    for (label, hint) in [
        ("dev.polarfox.marina.instanceId", "; did you mean 'instanceID'?"),
        ("dev.polarfox.marina.stop-attached", "; did you mean 'stopAttached'?"),
        ("mainstay.enabled", "; did you mean 'enable'?"),
        ("mainstay.stopattached", "; did you mean 'stop-attached'?"),
        ("mainstay.quisce", "; did you mean 'quiesce'?"),
        ("mainstay.bananas", "mainstay.bananas is not known"),
        ("eu.polarnight.marina.pth", "is not known"),
        ("mainstay.", "is not known"),
    ] {
        let (_, warnings) = read_target(&thing(Carrier::Volume, &[(label, "true")]));
        assert!(
            warnings.iter().any(|warning| warning.contains(hint) && warning.contains("is not known")),
            "{warnings:?}"
        );
    }
    for (carrier, key) in [(Carrier::Volume, "db"), (Carrier::Container, "paths")] {
        let said = refused(&thing(carrier, &[(&format!("mainstay.{key}"), "x")]));
        assert!(said.ends_with(&format!("the label mainstay.{key} has no effect on a {}", carrier.as_str())), "{said}");
    }
}

#[test]
fn what_says_two_things_is_said_and_ours_counts() {
    let (target, warnings) = read(&thing(
        Carrier::Volume,
        &[
            ("mainstay.enable", "true"),
            ("dev.polarfox.marina.enabled", "true"),
            ("mainstay.instance", "nas"),
            ("dev.polarfox.marina.instanceID", "other"),
            ("mainstay.tags", "ours"),
        ],
    ));
    assert_eq!(target.tags, ["ours"]);
    assert_eq!(
        warnings,
        ["volume 'app': the label dev.polarfox.marina.instanceID says otherwise than mainstay.instance, which counts"]
    );
}

#[test]
fn paths_that_leave_the_volume_are_ignored_and_said() {
    let (target, warnings) = volume(&[("paths", "uploads,../../etc,a/../../b")]);
    assert_eq!(target.paths, [PathBuf::from("uploads")]);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    let (target, warnings) = volume(&[("paths", "../..")]);
    assert_eq!((target.paths.len(), warnings.len()), (0, 1), "all of it rather than nothing");
    let expected =
        "the label dev.polarfox.marina.paths has an entry that is ignored: '../..' is no path within a volume";
    assert!(warnings[0].contains(expected), "{warnings:?}");
    for all in ["/", "", " , ", "uploads,/"] {
        assert_eq!(volume(&[("paths", all)]).0.paths, Vec::<PathBuf>::new(), "{all}");
    }
}

#[test]
fn a_kind_that_is_not_known_leaves_it_to_the_image() {
    let (target, warnings) = database_of("postgress");
    assert_eq!(target.database, None);
    assert!(warnings[0].contains("did you mean 'postgres'?"), "{warnings:?}");
}

#[test]
fn signs_of_a_shell_are_said_and_no_password_is() {
    for arg in ["-p$PASS", "--x=`id`", "a;b", "-p'hunter2'", "x|hunter2"] {
        let (_, warnings) = database(&[("dump.args", arg)]);
        assert!(warnings.len() == 1 && warnings[0].contains("without a shell"), "{arg}: {warnings:?}");
        assert!(!warnings[0].contains("hunter2"), "{warnings:?}");
    }
    let (target, warnings) = volume(&[("paths", "a;b $(id)")]);
    assert_eq!(
        (target.paths, warnings.len()),
        (vec![PathBuf::from("a;b $(id)")], 0),
        "a name like any other: no shell"
    );
}
