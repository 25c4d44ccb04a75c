//! Which files make a stack, and reading them within bounds.
//!
//! A stack directory is foreign ground: a name may be a link to a device, a FIFO or a huge file. Every file is opened
//! without blocking and read up to [`MAX_FILE_BYTES`]; do not read one in any other way.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::OFlags;

/// The largest file that is read, in bytes.
pub(crate) const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Compose's own order: the first that exists is the one it uses.
const DEFAULT_NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

const OVERRIDE_NAMES: [&str; 4] =
    ["compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"];

/// Why a file of a stack is not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// There is none.
    #[error("it does not exist")]
    Missing,
    /// It is a directory, a socket, a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// It is larger than [`MAX_FILE_BYTES`].
    #[error("it is larger than {MAX_FILE_BYTES} bytes")]
    TooLarge,
    /// The system said no.
    #[error("it cannot be read: {0}")]
    Io(io::Error),
}

/// Reads a regular file, following links.
pub(crate) fn read_bounded(path: &Path) -> Result<Vec<u8>, FileError> {
    let file = open(path)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(FileError::Io)?;
    if bytes.len() as u64 > MAX_FILE_BYTES { Err(FileError::TooLarge) } else { Ok(bytes) }
}

/// Whether a regular file is there and may be read.
pub(crate) fn can_open(path: &Path) -> bool {
    open(path).is_ok()
}

fn open(path: &Path) -> Result<File, FileError> {
    // A FIFO would block for ever without it.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FileError::Missing,
        _ if is_special(path) => FileError::NotAFile,
        _ => FileError::Io(error),
    })?;
    let is_file = file.metadata().map_err(FileError::Io)?.is_file();
    if is_file { Ok(file) } else { Err(FileError::NotAFile) }
}

fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| !meta.is_file())
}

/// The compose file and the override that Compose would choose in a directory, and those it would ignore.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The compose file, then its override, when there are any.
    pub(crate) chosen: Vec<PathBuf>,
    /// Names that lost against the chosen ones.
    pub(crate) ignored: Vec<&'static str>,
}

/// Chooses as Compose does when no file is named.
pub(crate) fn choose_default(directory: &Path) -> Choice {
    let mut choice = Choice::default();
    pick(directory, &DEFAULT_NAMES, &mut choice);
    if !choice.chosen.is_empty() {
        pick(directory, &OVERRIDE_NAMES, &mut choice);
    }
    choice
}

fn pick(directory: &Path, names: &[&'static str], choice: &mut Choice) {
    let mut existing = names.iter().filter(|name| directory.join(name).exists());
    if let Some(first) = existing.next() {
        choice.chosen.push(directory.join(first));
        choice.ignored.extend(existing);
    }
}

/// `base` joined with `path`, without `.` and `..`. Links are not followed, as Compose does not follow them either.
pub(crate) fn join_clean(base: &Path, path: &str) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in base.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_is_composes() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(choose_default(dir.path()), Choice::default());
        std::fs::write(dir.path().join("compose.override.yml"), "").expect("written");
        assert_eq!(choose_default(dir.path()), Choice::default(), "an override alone is no stack");
        for (name, ignored) in [
            ("docker-compose.yaml", vec![]),
            ("docker-compose.yml", vec!["docker-compose.yaml"]),
            ("compose.yml", vec!["docker-compose.yml", "docker-compose.yaml"]),
            ("compose.yaml", vec!["compose.yml", "docker-compose.yml", "docker-compose.yaml"]),
        ] {
            std::fs::write(dir.path().join(name), "").expect("written");
            let choice = choose_default(dir.path());
            assert_eq!(choice.chosen, [dir.path().join(name), dir.path().join("compose.override.yml")]);
            assert_eq!(choice.ignored, ignored);
        }
    }

    #[test]
    fn odd_files_are_refused_without_waiting() {
        let dir = tempfile::tempdir().expect("a directory");
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a fifo");
        let huge = dir.path().join("huge");
        File::create(&huge).and_then(|file| file.set_len(MAX_FILE_BYTES + 1)).expect("a sparse file");
        let socket = dir.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
        assert!(matches!(read_bounded(&fifo), Err(FileError::NotAFile)));
        assert!(matches!(read_bounded(&socket), Err(FileError::NotAFile)));
        assert!(matches!(read_bounded(dir.path()), Err(FileError::NotAFile)));
        assert!(matches!(read_bounded(Path::new("/dev/zero")), Err(FileError::NotAFile)));
        assert!(matches!(read_bounded(&huge), Err(FileError::TooLarge)));
        assert!(matches!(read_bounded(&dir.path().join("none")), Err(FileError::Missing)));
    }

    #[test]
    fn paths_are_cleaned() {
        for (path, expected) in
            [("./a", "/s/a"), ("../b/./c", "/b/c"), ("/x/../y", "/y"), ("../../../z", "/z"), (".", "/s")]
        {
            assert_eq!(join_clean(Path::new("/s"), path), Path::new(expected), "{path}");
        }
    }
}
