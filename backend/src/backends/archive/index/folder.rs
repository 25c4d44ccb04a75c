//! A directory of an archive as a tar of its own, with everything that the archive knows of each entry.
//!
//! Entries come by name and not as they lie in the archive. So a link may come before the file that it is a further name
//! of, and that file may lie outside of the directory: the first name that comes has the content then, and the others
//! are links to it.

use std::collections::HashMap;
use std::io::{self, Write};

use super::super::header::{BLOCK, encode, padding};
use super::super::node::{EntryKind, Node};
use super::super::tar_reader::TarReader;
use super::extract::{ExtractError, Hashed, Out, Plain, damaged, differs};
use super::key_of;
use super::read::{ArchiveIndex, IndexError, Listed, Walk};

impl ArchiveIndex {
    /// Writes what is at and below the directory `dir` as a tar; paths are seen from the archive's top directory. Returns
    /// how many entries that are. Every content is compared with the manifest.
    ///
    /// # Errors
    /// [`ExtractError`]; what was written until then is of no use.
    pub fn write_folder(&self, dir: &[u8], to: &mut dyn Write) -> Result<u64, ExtractError> {
        let own = key_of(dir);
        let within = |key: &[u8]| own.is_empty() || key == own || key.strip_prefix(&own[..]).is_some_and(|k| k[0] == 0);
        let mut walk = Walk::from(self, &own)?;
        let plain = Plain::at(self, 0).map_err(IndexError::from)?;
        let mut folder =
            Folder { index: self, plain: Some(plain), out: Out { to, failure: None }, names: HashMap::new() };
        let mut count = 0;
        while let Some(item) = walk.next()?.filter(|item| within(&item.key)) {
            folder.put(&Listed::of(&item)?, &within)?;
            count += 1;
        }
        folder.write(&[0; 2 * BLOCK])?;
        Ok(count)
    }
}

struct Folder<'a, 'o> {
    index: &'a ArchiveIndex,
    /// Given away while an entry is read.
    plain: Option<Plain<'a>>,
    out: Out<'o>,
    /// Files whose content came under a further name: their own path, and that name.
    names: HashMap<Vec<u8>, Vec<u8>>,
}

impl<'a> Folder<'a, '_> {
    fn put(&mut self, listed: &Listed, within: &dyn Fn(&[u8]) -> bool) -> Result<(), ExtractError> {
        let Some(entry) = &listed.entry else { return Ok(()) };
        if entry.kind != EntryKind::HardLink {
            return match self.names.get(&listed.path).cloned() {
                Some(name) => self.put_link(listed, listed, &name),
                None => self.put_content(listed, listed),
            };
        }
        let file = self.index.resolve(listed)?;
        let has_come = within(&key_of(&file.path)) && key_of(&file.path) < key_of(&listed.path);
        let name = self.names.get(&file.path).cloned().or_else(|| has_come.then(|| file.path.clone()));
        match name {
            Some(name) => self.put_link(listed, &file, &name),
            None => {
                self.names.insert(file.path.clone(), listed.path.clone());
                self.put_content(listed, &file)
            }
        }
    }

    /// One more name of what is called `name` in this tar.
    fn put_link(&mut self, listed: &Listed, file: &Listed, name: &[u8]) -> Result<(), ExtractError> {
        let (tar, node) = self.open(file)?;
        self.plain = Some(tar.into_inner());
        let link = Node {
            path: listed.path.clone(),
            kind: EntryKind::HardLink,
            link: name.to_vec(),
            size: 0,
            stored: 0,
            is_sparse: false,
            xattrs: Vec::new(),
            ..node
        };
        self.write(&encode(&link))
    }

    /// What `from` is, under the name of `listed`.
    fn put_content(&mut self, listed: &Listed, from: &Listed) -> Result<(), ExtractError> {
        let (tar, mut node) = self.open(from)?;
        node.path.clone_from(&listed.path);
        self.write(&encode(&node))?;
        let mut body = Hashed { body: tar, hasher: blake3::Hasher::new() };
        let copied = io::copy(&mut body, &mut self.out);
        if let Some(failure) = self.out.failure.take() {
            return Err(ExtractError::Write(failure));
        }
        let copied = copied.map_err(|error| damaged(error.into()))?;
        self.write(&[0; BLOCK][..padding(copied)])?;
        self.plain = Some(body.body.into_inner());
        let hash = from.entry.as_ref().and_then(|entry| entry.hash.as_deref());
        let is_right = node.kind != EntryKind::File || hash == Some(body.hasher.finalize().to_hex().as_str());
        if is_right && copied == node.stored { Ok(()) } else { Err(differs(listed)) }
    }

    /// The header of an entry; its body is read next.
    fn open(&mut self, listed: &Listed) -> Result<(TarReader<Plain<'a>>, Node), ExtractError> {
        let mut plain = match self.plain.take() {
            Some(plain) => plain,
            None => Plain::at(self.index, 0).map_err(IndexError::from)?,
        };
        plain.go_to(listed.at).map_err(IndexError::from)?;
        let mut tar = TarReader::new(plain);
        let node = tar.next_entry().map_err(damaged)?.ok_or_else(|| differs(listed))?;
        let top = node.path.split(|&byte| byte == b'/').next().unwrap_or_default();
        let is_it = node.path.get(top.len() + 1..) == Some(&listed.path[..]);
        let is_alike = listed.entry.as_ref().is_some_and(|entry| entry.kind == node.kind);
        if is_it && is_alike { Ok((tar, node)) } else { Err(differs(listed)) }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ExtractError> {
        self.out.to.write_all(bytes).map_err(ExtractError::Write)
    }
}
