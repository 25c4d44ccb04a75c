//! Who may name whom.
//!
//! Reads the sources: a module that names another one which it must not know, or a library that belongs to one place,
//! fails here with file and line.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

/// Module → the modules that it may name with `crate::`. A module may always name itself.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("pause_point", &[]),
    ("config", &["domain"]),
    ("store", &["domain"]),
    ("docker", &["domain"]),
    ("discovery", &["domain", "docker"]),
    ("databases", &["domain", "docker"]),
    ("backends", &["domain", "docker"]),
    ("backrest", &["domain", "docker", "pause_point"]),
    ("engine", &["domain", "docker", "discovery", "databases", "backends", "backrest", "store", "pause_point"]),
    ("notify", &["domain"]),
    ("scheduler", &["domain", "store", "engine"]),
    ("api", &["domain", "store", "engine", "scheduler", "discovery"]),
    ("spa", &["config"]),
    ("telemetry", &["config", "domain"]),
    ("cli", &["app", "config", "api", "domain"]),
    ("main", &["app", "config", "api", "cli"]),
];

/// Library → the places that may use it.
const BELONGS_TO: &[(&str, &[&str])] = &[
    ("sea_orm", &["store"]),
    ("migrations", &["store"]),
    ("bollard", &["docker"]),
    ("actix_web", &["api", "spa", "app"]),
    ("utoipa", &["api", "spa", "app"]),
    ("tokio_cron_scheduler", &["scheduler"]),
    ("clap", &["cli", "main"]),
    ("indicatif", &["cli"]),
    ("reqwest", &["cli", "backrest", "notify"]),
];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a readable directory").map(|e| e.expect("an entry").path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|e| e == "rs") && !is_test(&entry) {
            found.push(entry);
        }
    }
}

/// Files that hold nothing but tests and what they need.
fn is_test(path: &Path) -> bool {
    let name = path.file_stem().and_then(|n| n.to_str()).unwrap_or_default();
    name == "testing" || name.ends_with("tests") || path.parent().is_some_and(|p| p.ends_with("tests"))
}

/// The module of a file: the first component below `src`, without its ending.
fn module_of(path: &Path, root: &Path) -> String {
    let first = path.strip_prefix(root).expect("below src").components().next().expect("a component");
    first.as_os_str().to_str().expect("UTF-8").trim_end_matches(".rs").to_owned()
}

/// Each line of code with its number; comments are left out, and so is what follows `#[cfg(test)]`: a test may put
/// together whatever it needs.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .enumerate()
        .map(|(i, line)| (i + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Names that follow `crate::` or `mainstay::` in a line, those of a group such as `crate::{a, b}` included.
fn named_modules(line: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in line.split("crate::").skip(1).chain(line.split("mainstay::").skip(1)) {
        let group = part.strip_prefix('{').map_or_else(|| vec![part], |g| g.split(',').map(str::trim).collect());
        for name in group {
            let word: String = name.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            names.push(word);
        }
    }
    names
}

fn check(found: &mut Vec<String>, path: &Path, root: &Path) {
    let module = module_of(path, root);
    let text = fs::read_to_string(path).expect("a readable file");
    let allowed = MAY_NAME.iter().find(|(name, _)| *name == module).map(|(_, allowed)| *allowed);
    let is_free = ["app", "lib"].contains(&module.as_str());
    if allowed.is_none() && !is_free {
        found.push(format!("{}: module '{module}' is in no table; give it a line", path.display()));
    }
    for (number, line) in code(&text) {
        for name in named_modules(line) {
            let is_module = MAY_NAME.iter().any(|(m, _)| *m == name) || name == "app";
            if is_module && name != module && !is_free && !allowed.unwrap_or_default().contains(&name.as_str()) {
                found.push(format!("{}:{number}: '{module}' may not name '{name}'", path.display()));
            }
        }
        for (library, places) in BELONGS_TO {
            let is_used = line.contains(&format!("{library}::")) || line.contains(&format!("use {library}"));
            let is_path_of_ours = line.contains(&format!("::{library}::"));
            if is_used && !is_path_of_ours && !places.contains(&module.as_str()) {
                found.push(format!("{}:{number}: '{library}' belongs to {}", path.display(), places.join(", ")));
            }
        }
    }
}

#[test]
fn modules_name_only_what_is_below_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 30, "the sources were not found");
    let mut found = Vec::new();
    for file in &files {
        check(&mut found, file, &root);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn names_are_found_in_every_form() {
    assert_eq!(named_modules("use crate::domain::ids::JobId;"), ["domain"]);
    assert_eq!(named_modules("use crate::{api, store::Store};"), ["api", "store"]);
    assert_eq!(named_modules("    let x = crate::engine::chain(crate::docker::x());"), ["engine", "docker"]);
    assert!(named_modules("use super::live;").is_empty());
}
