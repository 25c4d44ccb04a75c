//! The example file is true and complete.

use std::collections::BTreeSet;

use super::*;

const EXAMPLE: &str = include_str!("../../../../examples/config.example.yml");

/// The example with every commented-out setting put in, and the empty lists that they stand for taken out.
fn everything() -> String {
    let mut lines = Vec::new();
    for line in EXAMPLE.lines() {
        let setting = line.trim_start().strip_prefix('#').filter(|rest| !rest.is_empty() && !rest.starts_with(' '));
        lines.push(match setting {
            Some(setting) => format!("{}{setting}", &line[..line.len() - setting.len() - 1]),
            None if ["instances: []", "hosts: []", "notifications: []"].contains(&line) => String::new(),
            None => line.to_owned(),
        });
    }
    lines.join("\n")
}

fn keys(node: &super::super::tree::Node, path: &str, found: &mut BTreeSet<String>) {
    use super::super::tree::Kind;
    match &node.kind {
        Kind::Null | Kind::Text(_) => {}
        Kind::List(items) => items.iter().for_each(|item| keys(item, &format!("{path}[]"), found)),
        Kind::Map(entries) => {
            for entry in entries {
                let path = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
                keys(&entry.value, &path, found);
                found.insert(path);
            }
        }
    }
}

#[test]
fn the_example_shows_the_defaults() {
    let loaded = loaded(EXAMPLE);
    assert_eq!(format!("{:?}", loaded.config), format!("{:?}", Config::default()));
    assert_eq!(warnings(&loaded), Vec::<String>::new());
}

#[test]
fn the_example_has_every_key_and_all_of_it_holds() {
    let text = everything();
    let variables = [
        ("HOSTNAME", "h"),
        ("MAINSTAY_DEMO_X", "x"),
        ("RESTIC_PASSWORD", "p"),
        ("HOOK_TOKEN", "t"),
        ("SECRET_KEY", &"0".repeat(64)),
        ("REGISTRY_PASSWORD", "p"),
    ];
    let options = LoadOptions { env: env(&variables), ..LoadOptions::default() };
    let files = [("config.yml", text.as_str())];
    let (loaded, known) = load_with(&options, &read_from(&files)).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert_eq!(loaded.config.instances.len(), 2);

    let mut shown = BTreeSet::new();
    keys(&super::super::yaml::read(&text).expect("it is YAML"), "", &mut shown);
    let plain = |key: &String| {
        key.split('[').map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit())).collect::<Vec<_>>().join("[")
    };
    let missing: Vec<_> = known.iter().map(plain).filter(|key| !shown.contains(key)).collect();
    assert!(known.len() > 60, "{known:?}");
    assert_eq!(missing, Vec::<String>::new());
}
