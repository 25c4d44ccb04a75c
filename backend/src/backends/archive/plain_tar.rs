//! A tree as a plain tar, for whoever unpacks it at once: no compression, no manifest, no holes.
//!
//! Made for data that nobody writes to meanwhile. What cannot be read whole is an error: there is nobody to tell of gaps.

use std::collections::HashMap;
use std::io::{self, Read as _, Write};
use std::path::Path;

use super::header::{BLOCK, encode, padding};
use super::node::{EntryKind, Node, join, kind_of};
use super::walk::{Found, Seen, Walk};
use super::xattrs;

/// Bytes that are read at once.
const READ_BYTES: usize = 256 << 10;

/// Writes the tree at `root` with its metadata; its paths begin with `prefix`.
///
/// # Errors
/// When something cannot be read, changes its size meanwhile, or cannot be written.
pub(in crate::backends) fn write_plain_tar(root: &Path, prefix: &str, to: &mut dyn Write) -> io::Result<()> {
    let mut walk = Walk::new(root, &[])?;
    let mut links = HashMap::new();
    while let Some(found) = walk.next() {
        match found {
            Found::Seen(seen) => {
                let path = join(prefix.as_bytes(), &seen.path);
                put(&seen, path, &mut links, to)?;
            }
            Found::Gap { path, reason, .. } => {
                let path = String::from_utf8_lossy(&path).into_owned();
                return Err(io::Error::other(format!("'{path}' of '{}': {reason}", root.display())));
            }
            Found::Excluded(_) => {}
        }
    }
    to.write_all(&[0; 2 * BLOCK])?;
    to.flush()
}

/// Files with several names: where the first one is.
type Links = HashMap<(u64, u64), Vec<u8>>;

fn put(seen: &Seen, path: Vec<u8>, links: &mut Links, to: &mut dyn Write) -> io::Result<()> {
    // A socket is nothing without the process behind it.
    let Some(kind) = kind_of(&seen.stat) else { return Ok(()) };
    let (file, stat) = seen.handle.open()?;
    let mut node = Node::from_stat(path, kind, &stat);
    if kind == EntryKind::File && stat.nlink > 1 {
        if let Some(first) = links.get(&(stat.dev, stat.ino)) {
            node.link.clone_from(first);
            (node.kind, node.size, node.stored) = (EntryKind::HardLink, 0, 0);
            return to.write_all(&encode(&node));
        }
        links.insert((stat.dev, stat.ino), node.path.clone());
    }
    match kind {
        EntryKind::File | EntryKind::Directory => node.xattrs = xattrs::of_file(&file)?,
        EntryKind::Symlink => {
            node.link = rustix::fs::readlinkat(&*file, c"", Vec::new())?.into_bytes();
            node.xattrs = xattrs::of_path(&file)?;
        }
        _ => node.xattrs = xattrs::of_path(&file)?,
    }
    to.write_all(&encode(&node))?;
    if kind == EntryKind::File { copy_body(&file, node.stored, to) } else { Ok(()) }
}

fn copy_body(mut file: &std::fs::File, size: u64, to: &mut dyn Write) -> io::Result<()> {
    let mut left = size;
    let mut buffer = vec![0; READ_BYTES];
    while left > 0 {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(READ_BYTES);
        let count = file.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a file became shorter while it was read"));
        }
        to.write_all(&buffer[..count])?;
        left -= count as u64;
    }
    to.write_all(&[0; BLOCK][..padding(size)])
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an independent reader")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn gnu_tar_unpacks_what_was_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path().join("20261127-020000");
        fs::create_dir_all(root.join("vol/data")).expect("directories");
        fs::write(root.join("vol/data/file"), vec![7; 700_001]).expect("a file");
        fs::write(root.join("vol/data/empty"), "").expect("a file");
        fs::hard_link(root.join("vol/data/file"), root.join("vol/second")).expect("a link");
        symlink("../no/such", root.join("vol/dangling")).expect("a link");
        fs::set_permissions(root.join("vol/data/empty"), fs::Permissions::from_mode(0o4711)).expect("a mode");
        let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).expect("a socket");
        let mut tar = Vec::new();
        write_plain_tar(&root, "20261127-020000", &mut tar).expect("a tar");

        let (file, to) = (directory.path().join("t.tar"), directory.path().join("to"));
        fs::write(&file, tar).expect("the tar");
        fs::create_dir(&to).expect("a directory");
        let status = std::process::Command::new("tar").arg("-xpf").arg(&file).arg("-C").arg(&to).status();
        assert!(status.expect("tar runs").success());
        let to = to.join("20261127-020000");
        assert_eq!(fs::read(to.join("vol/data/file")).expect("the file"), vec![7; 700_001]);
        let inode = |path: &str| fs::metadata(to.join(path)).expect("a file").ino();
        assert_eq!(inode("vol/data/file"), inode("vol/second"));
        assert_eq!(fs::read_link(to.join("vol/dangling")).expect("a link"), Path::new("../no/such"));
        assert_eq!(fs::metadata(to.join("vol/data/empty")).expect("a file").mode() & 0o7777, 0o4711);
        assert!(!to.join("socket").exists());
    }

    #[test]
    fn a_tree_that_is_not_there_is_an_error() {
        assert!(write_plain_tar(Path::new("/no/such"), "x", &mut Vec::new()).is_err());
    }
}
