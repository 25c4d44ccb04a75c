//! Archives, judged with `gzip`, `zstd`, `tar` and `cmp` alone, as somebody would who has lost Mainstay.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The names of what may lie in a directory of archives, and what each must be.
///
/// # Panics
/// When something else is there, or an archive cannot be read to its end by the usual programs.
pub(crate) fn sound_archives(directory: &Path) -> Vec<PathBuf> {
    let names: BTreeSet<String> = std::fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    let is_archive = |name: &String| name.ends_with(".tar.gz") || name.ends_with(".tar.zst");
    for name in names.iter().filter(|name| !is_archive(name)) {
        let owner = name.strip_suffix(".index");
        assert!(owner.is_some_and(|owner| names.contains(owner)), "{name} is no archive: {names:?}");
    }
    let archives: Vec<PathBuf> =
        names.iter().filter(|name| is_archive(name)).map(|name| directory.join(name)).collect();
    archives.iter().for_each(|archive| assert_sound(archive));
    archives
}

/// Reads it to the end twice: the compressor's checksum, and the tar's headers. The manifest is the last entry.
fn assert_sound(archive: &Path) {
    let is_gzip = archive.extension().is_some_and(|extension| extension == "gz");
    let test = Command::new(if is_gzip { "gzip" } else { "zstd" }).arg("-qt").arg(archive).status().expect("it runs");
    assert!(test.success(), "{} is damaged", archive.display());
    let list = run(Command::new("tar").arg("-tf").arg(archive), archive);
    let text = String::from_utf8_lossy(&list).into_owned();
    let last = text.lines().last().unwrap_or_default();
    assert!(last.ends_with("/manifest.json"), "the last entry of {} is '{last}'", archive.display());
}

/// The content of the only entry whose name ends like this.
pub(crate) fn extract(archive: &Path, ending: &str) -> Vec<u8> {
    let list = run(Command::new("tar").arg("-tf").arg(archive), archive);
    let list = String::from_utf8(list).expect("names in UTF-8");
    let mut found = list.lines().filter(|name| name.ends_with(ending));
    let name = found.next().unwrap_or_else(|| panic!("no {ending} in {list}"));
    assert!(found.next().is_none(), "several {ending} in {list}");
    run(Command::new("tar").arg("-xOf").arg(archive).arg(name), archive)
}

fn run(command: &mut Command, archive: &Path) -> Vec<u8> {
    let output = command.output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} of {}: {text}", archive.display());
    output.stdout
}
