//! Captures what arrives as a tar stream: Docker's archive API.

use std::io::Read;

use super::body::Shortfall;
use super::error::ArchiveError;
use super::node::{EntryKind, Node, join};
use super::report::GapKind;
use super::tar_reader::{TarError, TarReader};
use super::writer::ArchiveWriter;

impl ArchiveWriter {
    /// Adds the entries of a tar stream to the open target. The stream's first path component, which Docker
    /// names after the directory, is replaced by `at`; empty stands for the target itself. A stream that breaks
    /// off becomes a warning of the target.
    ///
    /// # Errors
    /// [`ArchiveError`]; the archive is worthless then.
    pub fn add_tar(&mut self, stream: &mut dyn Read, at: &str) -> Result<(), ArchiveError> {
        let at = self.full_path(at.as_bytes())?;
        let mut tar = TarReader::new(stream);
        loop {
            self.meter().check()?;
            match tar.next_entry() {
                Ok(Some(node)) => self.add_tar_entry(node, &at, &mut tar)?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    // A stream that was told to stop looks like one that failed.
                    self.meter().check()?;
                    return self.note(|c| c.warn(&at, GapKind::Unreadable, &told(&error)));
                }
            }
        }
    }

    fn add_tar_entry(
        &mut self,
        mut node: Node,
        at: &[u8],
        tar: &mut TarReader<&mut dyn Read>,
    ) -> Result<(), ArchiveError> {
        let Some(path) = rerooted(&node.path, at) else {
            let reason = "its path in the stream leads out of the target";
            return self.note(|c| c.leave_out(&join(at, &node.path), GapKind::Unreadable, reason));
        };
        node.path = path;
        if node.kind == EntryKind::HardLink {
            let Some(link) = rerooted(&node.link, at) else {
                let reason = "it is a link to a file outside of the target";
                return self.note(|c| c.leave_out(&node.path, GapKind::Unreadable, reason));
            };
            node.link = link;
        }
        if node.kind != EntryKind::File {
            return self.put(&node);
        }
        let (hash, shortfall) =
            self.put_file(&node, |writer, hasher| writer.copy_body(node.stored, hasher, &mut |buf| tar.read(buf)))?;
        if let Some(shortfall) = shortfall {
            let cause = match shortfall {
                Shortfall::Ended => String::new(),
                Shortfall::Failed(error) => format!(": {error}"),
            };
            let message = format!("the stream broke off within it, the rest is zeros{cause}");
            self.note(|c| c.warn(&node.path, GapKind::Unreadable, &message))?;
        }
        self.complete(&node, Some(hash))
    }
}

fn told(error: &TarError) -> String {
    match error {
        TarError::Io(cause) => format!("the stream broke off, what came later is missing: {cause}"),
        TarError::Malformed(what) => format!("the stream is no valid tar, what came later is missing: {what}"),
    }
}

/// `path` with its first component replaced by `at`; `None` if it climbs.
fn rerooted(path: &[u8], at: &[u8]) -> Option<Vec<u8>> {
    let mut out = at.to_vec();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_component_is_replaced() {
        let table: [(&[u8], Option<&[u8]>); 7] = [
            (b"data", Some(b"v/x")),
            (b"data/a/b", Some(b"v/x/a/b")),
            (b"./a", Some(b"v/x/a")),
            (b".", Some(b"v/x")),
            (b"/data//a/./b", Some(b"v/x/a/b")),
            (b"data/../../etc/passwd", None),
            (b"data/\xff", Some(b"v/x/\xff")),
        ];
        for (path, expected) in table {
            assert_eq!(rerooted(path, b"v/x").as_deref(), expected, "{path:?}");
        }
    }
}
