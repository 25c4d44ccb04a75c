//! The file with the key of stored secrets: 64 hexadecimal digits, readable for its owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::secrets::{SecretKey, SecretsError};

/// The most that is read of a key file, in bytes.
const MOST_BYTES: u64 = 4096;

/// The key in the file; absent when there is no file.
pub(super) fn read(path: &Path) -> Result<Option<SecretKey>, SecretsError> {
    let shown = || path.display().to_string();
    let text = match read_some(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(SecretsError::Read { path: shown(), source }),
    };
    SecretKey::parse(&text).map(Some).ok_or_else(|| SecretsError::Malformed { path: shown() })
}

fn read_some(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    io::Read::read_to_string(&mut io::Read::take(File::open(path)?, MOST_BYTES), &mut text)?;
    Ok(text)
}

/// Makes the file with this key, whole or not at all. When another process was faster, its key counts.
pub(super) fn make(path: &Path, key: &SecretKey) -> Result<SecretKey, SecretsError> {
    let failed = |source| SecretsError::Make { path: path.display().to_string(), source };
    let parent = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(failed)?;
    let draft = path.with_extension(format!("key.{}.partial", std::process::id()));
    let made = write(&draft, key).and_then(|()| fs::hard_link(&draft, path));
    // The draft of a process that was killed is its own; ours goes whatever happened.
    let _ = fs::remove_file(&draft);
    match made {
        Ok(()) => {
            File::open(parent).and_then(|directory| directory.sync_all()).map_err(failed)?;
            tracing::info!("a key for stored secrets was made in {}; keep a copy of it", path.display());
            Ok(key.clone())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match read(path)? {
            Some(key) => Ok(key),
            None => Err(failed(error)),
        },
        Err(error) => Err(failed(error)),
    }
}

fn write(draft: &Path, key: &SecretKey) -> io::Result<()> {
    // What a process of the same number left behind.
    let _ = fs::remove_file(draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    writeln!(file, "{}", key.expose())?;
    file.sync_all()
}
