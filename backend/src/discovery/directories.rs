//! The directories below `stacks_dir`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The most directories that are looked at.
pub const MAX_DIRECTORIES: usize = 2000;

/// One directory that may be a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackDirectory {
    /// Its path, as this process sees it; links are not resolved.
    pub path: PathBuf,
    /// Its own name.
    pub name: String,
}

/// What was found below `stacks_dir`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// Directories and links to directories, sorted by name; hidden ones are left out.
    pub directories: Vec<StackDirectory>,
    /// What could not be looked at, and what to do about it.
    pub warnings: Vec<String>,
}

/// Lists the directories below `stacks_dir`. Never fails: what is wrong becomes a warning. Blocks on the file system.
#[must_use]
pub fn scan(stacks_dir: &Path) -> Scan {
    let mut scan = Scan::default();
    match fs::read_dir(stacks_dir) {
        Ok(entries) => entries.for_each(|entry| match entry {
            Ok(entry) => add_entry(&mut scan, &entry),
            Err(error) => scan
                .warnings
                .push(format!("the stacks directory {} could not be listed to its end: {error}", stacks_dir.display())),
        }),
        Err(error) => scan.warnings.push(explain(stacks_dir, &error)),
    }
    scan.directories.sort_by(|a, b| a.name.cmp(&b.name));
    if scan.directories.len() > MAX_DIRECTORIES {
        scan.directories.truncate(MAX_DIRECTORIES);
        scan.warnings.push(format!(
            "the stacks directory holds more than {MAX_DIRECTORIES} directories; only the first ones by name are shown"
        ));
    }
    scan
}

fn add_entry(scan: &mut Scan, entry: &fs::DirEntry) {
    let path = entry.path();
    let Ok(name) = entry.file_name().into_string() else {
        if path.is_dir() {
            scan.warnings.push(format!("the directory {} is left out: its name is not UTF-8", path.display()));
        }
        return;
    };
    if name.starts_with('.') || name == "lost+found" {
        return;
    }
    match fs::metadata(&path) {
        Ok(meta) if meta.is_dir() => scan.directories.push(StackDirectory { path, name }),
        Ok(_) => {}
        Err(error) => scan.warnings.push(format!("{} is left out: it leads nowhere ({error})", path.display())),
    }
}

fn explain(stacks_dir: &Path, error: &io::Error) -> String {
    let shown = stacks_dir.display();
    match error.kind() {
        io::ErrorKind::NotFound => format!(
            "the stacks directory {shown} does not exist: create it, mount it into the container, \
             or set 'stacks_dir' to where the stacks are"
        ),
        io::ErrorKind::NotADirectory => format!(
            "the stacks directory {shown} is not a directory: set 'stacks_dir' to the directory that holds the stacks"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "the stacks directory {shown} may not be read: give Mainstay's user read and execute permission on it"
        ),
        _ => format!("the stacks directory {shown} cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn directories_and_links_to_them_are_found() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["b", "a", ".git", "lost+found"] {
            fs::create_dir(dir.path().join(name)).expect("made");
        }
        fs::write(dir.path().join("file"), "").expect("written");
        std::os::unix::fs::symlink("a", dir.path().join("link")).expect("a link");
        std::os::unix::fs::symlink("gone", dir.path().join("broken")).expect("a link");
        fs::create_dir(dir.path().join(std::ffi::OsStr::from_bytes(b"\xff"))).expect("made");
        let scan = scan(dir.path());
        assert_eq!(scan.directories.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["a", "b", "link"]);
        let mut warnings = scan.warnings;
        warnings.sort();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].contains("broken is left out"), "{warnings:?}");
        assert!(warnings[1].contains("not UTF-8"), "{warnings:?}");
    }

    #[test]
    fn a_wrong_stacks_dir_is_explained() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("file");
        fs::write(&file, "").expect("written");
        for (path, expected) in
            [(dir.path().join("none"), "does not exist: create it"), (file, "is not a directory: set")]
        {
            let scan = scan(&path);
            assert!(scan.directories.is_empty());
            assert!(scan.warnings[0].contains(expected), "{:?}", scan.warnings);
        }
        let denied = explain(dir.path(), &io::Error::from(io::ErrorKind::PermissionDenied));
        assert!(denied.contains("may not be read: give"), "root reads everything, so the sentence is tested: {denied}");
    }
}
