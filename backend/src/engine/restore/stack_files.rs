//! The compose files of a stack directory, which a snapshot keeps apart from the rest. All of it blocks on the file system.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

/// Where a snapshot has compose files from outside of the stack directory.
const OUTSIDE: &str = "outside";

/// The files below `root`, by their place in it, and how many more there are from outside of the stack directory.
pub(super) fn list_files(root: &Path) -> io::Result<(Vec<PathBuf>, usize)> {
    let (mut inside, mut outside, mut todo) = (Vec::new(), 0, vec![PathBuf::new()]);
    while let Some(directory) = todo.pop() {
        for entry in fs::read_dir(root.join(&directory))? {
            let entry = entry?;
            let below = directory.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                todo.push(below);
            } else if below.starts_with(OUTSIDE) {
                outside += 1;
            } else {
                inside.push(below);
            }
        }
    }
    inside.sort();
    Ok((inside, outside))
}

/// Moves files of one tree into another one of the same file system. No link is followed, and directories keep their
/// times.
pub(super) fn move_into(from: &Path, files: &[PathBuf], to: &Path) -> io::Result<()> {
    let mut stamps = BTreeMap::new();
    for directory in files.iter().flat_map(|file| file.ancestors().skip(1)) {
        if !stamps.contains_key(directory) {
            let meta = fs::symlink_metadata(to.join(directory)).or_else(|_| fs::symlink_metadata(from.join(directory)));
            stamps.insert(directory.to_owned(), meta?);
        }
    }
    for file in files {
        make_parents(to, file, Some(from))?;
        fs::rename(from.join(file), to.join(file))?;
    }
    stamps.iter().try_for_each(|(directory, meta)| set_times(&to.join(directory), meta))
}

/// Copies files, each to its place in `to`, where nothing has that name yet.
pub(super) fn copy_files(files: &[(PathBuf, PathBuf)], to: &Path) -> io::Result<()> {
    for (file, at) in files {
        let place = to.join(at);
        if fs::symlink_metadata(&place).is_ok() {
            continue;
        }
        make_parents(to, at, None)?;
        // A link of the user's own keeps leading where it led.
        if fs::symlink_metadata(file)?.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(file)?, &place)?;
        } else {
            fs::copy(file, &place)?;
        }
        keep_stamps(file, &place)?;
    }
    Ok(())
}

/// The directories on the way to a file; those that are missing are made as `like` has them.
fn make_parents(root: &Path, file: &Path, like: Option<&Path>) -> io::Result<()> {
    let mut at = PathBuf::new();
    for part in file.parent().into_iter().flat_map(Path::components) {
        at.push(part);
        let path = root.join(&at);
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Err(io::Error::other(format!("{} is in the way of a compose file", at.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir(&path)?;
                if let Some(like) = like.map(|like| like.join(&at)) {
                    fs::set_permissions(&path, fs::metadata(&like)?.permissions())?;
                    keep_stamps(&like, &path)?;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Owner and time.
fn keep_stamps(from: &Path, to: &Path) -> io::Result<()> {
    let meta = fs::symlink_metadata(from)?;
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::lchown(to, Some(meta.uid()), Some(meta.gid()))?;
        if !meta.is_symlink() {
            // A change of the owner takes setuid and setgid away.
            fs::set_permissions(to, meta.permissions())?;
        }
    }
    set_times(to, &meta)
}

fn set_times(to: &Path, meta: &fs::Metadata) -> io::Result<()> {
    let time = |secs: i64, nanos: i64| Timespec { tv_sec: secs, tv_nsec: nanos };
    let times = Timestamps {
        last_access: time(meta.atime(), meta.atime_nsec()),
        last_modification: time(meta.mtime(), meta.mtime_nsec()),
    };
    Ok(utimensat(CWD, to, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compose_files_come_together_with_the_rest() {
        let directory = tempfile::tempdir().expect("a directory");
        let (compose, data) = (directory.path().join("compose"), directory.path().join("data"));
        for (file, text) in [("compose.yaml", "c"), ("conf/web.yml", "w"), ("outside/etc/common.yml", "o")] {
            let path = compose.join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, text).expect("written");
        }
        fs::create_dir(&data).expect("made");
        let (files, outside) = list_files(&compose).expect("listed");
        assert_eq!((files.as_slice(), outside), (&[PathBuf::from("compose.yaml"), "conf/web.yml".into()][..], 1));
        move_into(&compose, &files, &data).expect("moved");
        assert_eq!(fs::read_to_string(data.join("conf/web.yml")).expect("there"), "w");
        assert!(!compose.join("compose.yaml").exists() && compose.join("outside/etc/common.yml").exists());
    }

    #[test]
    fn nothing_is_put_through_a_link() {
        let directory = tempfile::tempdir().expect("a directory");
        let (compose, data, out) = ("compose", "data", "out");
        let [compose, data, out] = [compose, data, out].map(|name| directory.path().join(name));
        fs::create_dir_all(compose.join("conf")).expect("made");
        fs::write(compose.join("conf/web.yml"), "w").expect("written");
        [&data, &out].iter().for_each(|path| fs::create_dir(path).expect("made"));
        std::os::unix::fs::symlink(&out, data.join("conf")).expect("linked");
        assert!(move_into(&compose, &["conf/web.yml".into()], &data).is_err());
        assert!(copy_files(&[(compose.join("conf/web.yml"), "conf/web.yml".into())], &data).is_err());
        assert!(fs::read_dir(&out).expect("a directory").next().is_none());
    }

    #[test]
    fn what_is_copied_keeps_its_time() {
        let directory = tempfile::tempdir().expect("a directory");
        let (from, to) = (directory.path().join("a"), directory.path().join("to"));
        fs::write(&from, "x").expect("written");
        fs::create_dir(&to).expect("made");
        let old = Timestamps {
            last_access: Timespec { tv_sec: 5, tv_nsec: 6 },
            last_modification: Timespec { tv_sec: 7, tv_nsec: 8 },
        };
        utimensat(CWD, &from, &old, AtFlags::empty()).expect("set");
        copy_files(&[(from.clone(), "a".into()), (from, "a".into())], &to).expect("copied once");
        let meta = fs::metadata(to.join("a")).expect("there");
        assert_eq!((meta.mtime(), meta.mtime_nsec()), (7, 8));
    }
}
