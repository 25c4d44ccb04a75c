//! Stages what arrives as a tar stream: the engine's archive API.

use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::super::node::{EntryKind, Node, join};
use super::super::patterns::Patterns;
use super::super::tar_reader::TarReader;
use super::Stage;

impl Stage<'_> {
    /// Unpacks a tar stream. Its first path component, which Docker names after the directory, stands for what is
    /// staged: it lies at `root` for the patterns of what is left out. A stream that breaks off is a gap.
    ///
    /// # Errors
    /// When the directory cannot be written to, or it was cancelled.
    pub fn add_tar(&mut self, stream: &mut dyn Read, root: &Path, patterns: &Patterns) -> io::Result<()> {
        let root = root.as_os_str().as_bytes();
        let is_left_out = |path: &[u8]| !path.is_empty() && patterns.is_match_on_the_way(root, path);
        let mut tar = TarReader::new(stream);
        loop {
            self.check()?;
            match tar.next_entry() {
                Ok(Some(node)) if below_top(&node.path).is_some_and(|path| is_left_out(&path)) => {}
                Ok(Some(node)) => self.unpack(node, &mut tar)?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    // A stream that was told to stop looks like one that failed.
                    self.check()?;
                    let reason = format!("the stream broke off, what came later is missing: {error}");
                    self.gap(b"", &reason);
                    return Ok(());
                }
            }
        }
    }

    fn unpack(&mut self, mut node: Node, tar: &mut TarReader<&mut dyn Read>) -> io::Result<()> {
        let Some(path) = below_top(&node.path) else {
            self.gap(&node.path, "its path in the stream leads out of the target");
            return Ok(());
        };
        self.meter.begin_entry(&path);
        node.path = self.place(&path);
        match node.kind {
            EntryKind::File if node.is_sparse => self.gap(&path, "the stream keeps it in a form that is not known"),
            EntryKind::File => self.unpack_file(&path, &node, tar)?,
            EntryKind::HardLink => match below_top(&node.link) {
                Some(link) => {
                    node.link = self.place(&link);
                    self.unpack_link(&path, &node)?;
                }
                None => self.gap(&path, "it is a link to a file outside of the target"),
            },
            _ => self.put(&node)?,
        }
        self.meter.end_entry();
        Ok(())
    }

    fn unpack_file(&mut self, path: &[u8], node: &Node, tar: &mut TarReader<&mut dyn Read>) -> io::Result<()> {
        let to = self.begin_file(node)?;
        if let Some(torn) = self.copy_stream(tar, node.stored, &to)? {
            self.gap(path, &torn.reason());
        }
        self.dress(&to, node)
    }

    fn unpack_link(&mut self, path: &[u8], node: &Node) -> io::Result<()> {
        match self.put(node) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.gap(path, "it is a further name of a file that is not in the stream");
                Ok(())
            }
            other => other,
        }
    }
}

/// `path` without its first component; `None` if it climbs.
fn below_top(path: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let absolute = path.strip_prefix(b"/").unwrap_or(path);
    for component in absolute.split(|&b| b == b'/').skip(1) {
        match component {
            b"" | b"." => {}
            b".." => return None,
            name => out = join(&out, name),
        }
    }
    Some(out)
}
