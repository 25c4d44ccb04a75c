//! Reads a tar stream entry by entry: our own archives and what Docker sends.
//!
//! Strict: a checksum that does not fit, a number that is none or a record that does not end is an error and not
//! a guess. Understands ustar, PAX, GNU long names and base-256 numbers, and GNU sparse 1.0 as far as naming it;
//! the body of a sparse file is handed out as it is stored.

use std::io::{self, Read};

use async_tar::{EntryType, Header};

use super::header::{BLOCK, XATTR, padding};
use super::node::{EntryKind, Mtime, Node, Xattr};

/// Names, link targets and attributes of one entry must fit in here.
const MAX_EXTENSION: u64 = 8 << 20;

/// Why a tar stream could not be read on.
#[derive(Debug, thiserror::Error)]
pub(super) enum TarError {
    #[error("the stream broke off")]
    Io(#[from] io::Error),
    #[error("not a valid tar: {0}")]
    Malformed(&'static str),
}

/// What the extension headers before an entry said.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    mtime: Option<Mtime>,
    xattrs: Vec<Xattr>,
    sparse_major: bool,
    sparse_name: Option<Vec<u8>>,
    sparse_size: Option<u64>,
}

pub(super) struct TarReader<R> {
    inner: R,
    body: u64,
    padding: usize,
}

impl<R: Read> TarReader<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, body: 0, padding: 0 }
    }

    /// The next entry, or `None` at the end mark. What was not read of the body before is skipped.
    pub(super) fn next_entry(&mut self) -> Result<Option<Node>, TarError> {
        let mut extensions = Extensions::default();
        loop {
            self.skip_body()?;
            let mut block = [0; BLOCK];
            self.inner.read_exact(&mut block)?;
            if block.iter().all(|&b| b == 0) {
                return Ok(None);
            }
            check_sum(&block)?;
            let size = number(&block[124..136])?;
            match Header::from_byte_slice(&block).entry_type() {
                EntryType::XHeader => extensions.read_pax(&self.extension(size)?)?,
                EntryType::GNULongName => extensions.path = Some(until_nul(&self.extension(size)?).to_vec()),
                EntryType::GNULongLink => extensions.link = Some(until_nul(&self.extension(size)?).to_vec()),
                EntryType::XGlobalHeader => drop(self.extension(size)?),
                _ => return self.entry(&block, extensions).map(Some),
            }
        }
    }

    /// Everything after the present entry, unread.
    pub(super) fn into_inner(self) -> R {
        self.inner
    }

    fn entry(&mut self, block: &[u8; BLOCK], extensions: Extensions) -> Result<Node, TarError> {
        let node = extensions.into_node(block)?;
        self.body = node.stored;
        self.padding = padding(node.stored);
        Ok(node)
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        if size > MAX_EXTENSION {
            return Err(TarError::Malformed("an extension header is too large"));
        }
        let mut data = vec![0; size as usize + padding(size)];
        self.inner.read_exact(&mut data)?;
        data.truncate(size as usize);
        Ok(data)
    }

    fn skip_body(&mut self) -> Result<(), TarError> {
        let mut rest = self.body + self.padding as u64;
        let skipped = io::copy(&mut self.inner.by_ref().take(rest), &mut io::sink())?;
        rest -= skipped;
        (self.body, self.padding) = (0, 0);
        if rest > 0 { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) } else { Ok(()) }
    }
}

/// The body of the present entry.
impl<R: Read> Read for TarReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let want = buf.len().min(usize::try_from(self.body).unwrap_or(usize::MAX));
        if want == 0 {
            return Ok(0);
        }
        let count = self.inner.read(&mut buf[..want])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.body -= count as u64;
        Ok(count)
    }
}

impl Extensions {
    fn read_pax(&mut self, mut data: &[u8]) -> Result<(), TarError> {
        const BROKEN: TarError = TarError::Malformed("a PAX record is broken");
        while !data.is_empty() {
            let space = data.iter().position(|&b| b == b' ').ok_or(BROKEN)?;
            let len: usize = text(&data[..space]).and_then(|t| t.parse().ok()).ok_or(BROKEN)?;
            let record = data.get(space + 1..len).and_then(|r| r.strip_suffix(b"\n")).ok_or(BROKEN)?;
            let equals = record.iter().position(|&b| b == b'=').ok_or(BROKEN)?;
            self.apply(&record[..equals], &record[equals + 1..])?;
            data = &data[len..];
        }
        Ok(())
    }

    fn apply(&mut self, key: &[u8], value: &[u8]) -> Result<(), TarError> {
        const BAD_NUMBER: TarError = TarError::Malformed("a PAX number is broken");
        let number = || text(value).and_then(|t| t.parse().ok()).ok_or(BAD_NUMBER).map(Some);
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"size" => self.size = number()?,
            b"uid" => self.uid = number()?,
            b"gid" => self.gid = number()?,
            b"mtime" => self.mtime = Some(text(value).and_then(Mtime::parse_pax).ok_or(BAD_NUMBER)?),
            b"GNU.sparse.major" => self.sparse_major = value == b"1",
            b"GNU.sparse.name" => self.sparse_name = Some(value.to_vec()),
            b"GNU.sparse.realsize" => self.sparse_size = number()?,
            b"GNU.sparse.map" | b"GNU.sparse.numblocks" => {
                return Err(TarError::Malformed("a sparse file in an old format"));
            }
            _ => {
                if let Some(name) = key.strip_prefix(XATTR.as_bytes()) {
                    self.xattrs.push((unescape_key(name), value.to_vec()));
                }
            }
        }
        Ok(())
    }

    fn into_node(self, block: &[u8; BLOCK]) -> Result<Node, TarError> {
        let header = Header::from_byte_slice(block);
        let named = self.sparse_name.or(self.path).unwrap_or_else(|| header.path_bytes().into_owned());
        let kind = kind(header.entry_type(), &named)?;
        let stored = match kind {
            EntryKind::File => self.size.map_or_else(|| number(&block[124..136]), Ok)?,
            _ => 0,
        };
        let is_device = matches!(kind, EntryKind::CharDevice | EntryKind::BlockDevice);
        let device = |field: &[u8]| number(field).map(|n| if is_device { n as u32 } else { 0 });
        let is_link = matches!(kind, EntryKind::Symlink | EntryKind::HardLink);
        let link = self.link.or_else(|| header.link_name_bytes().map(Into::into)).unwrap_or_default();
        Ok(Node {
            path: trim_slashes(&named).to_vec(),
            kind,
            mode: (number(&block[100..108])? & 0o7777) as u32,
            uid: self.uid.map_or_else(|| number(&block[108..116]), Ok)?,
            gid: self.gid.map_or_else(|| number(&block[116..124]), Ok)?,
            mtime: self.mtime.map_or_else(|| header_mtime(&block[136..148]), Ok)?,
            size: if self.sparse_major { self.sparse_size.unwrap_or(stored) } else { stored },
            stored,
            is_sparse: self.sparse_major,
            link: if is_link { link } else { Vec::new() },
            device: (device(&block[329..337])?, device(&block[337..345])?),
            xattrs: self.xattrs,
        })
    }
}

/// A file whose name ends in a slash is a directory: tars from before ustar.
fn kind(entry_type: EntryType, name: &[u8]) -> Result<EntryKind, TarError> {
    Ok(match entry_type {
        EntryType::Regular | EntryType::Continuous if name.ends_with(b"/") => EntryKind::Directory,
        EntryType::Regular | EntryType::Continuous => EntryKind::File,
        EntryType::Link => EntryKind::HardLink,
        EntryType::Symlink => EntryKind::Symlink,
        EntryType::Char => EntryKind::CharDevice,
        EntryType::Block => EntryKind::BlockDevice,
        EntryType::Directory => EntryKind::Directory,
        EntryType::Fifo => EntryKind::Fifo,
        _ => return Err(TarError::Malformed("an entry of an unknown type")),
    })
}

fn check_sum(block: &[u8; BLOCK]) -> Result<(), TarError> {
    let field = 148..156;
    let summed = |i: usize, byte: u8| if field.contains(&i) { b' ' } else { byte };
    let sum: u64 = block.iter().enumerate().map(|(i, &byte)| u64::from(summed(i, byte))).sum();
    if number(&block[field.clone()])? == sum { Ok(()) } else { Err(TarError::Malformed("a header checksum is wrong")) }
}

fn header_mtime(field: &[u8]) -> Result<Mtime, TarError> {
    // Base 256 may be negative here, and only here.
    let secs = if field[0] == 0xff { i64::from_be_bytes(last_eight(field)) } else { number(field)? as i64 };
    Ok(Mtime { secs, nanos: 0 })
}

/// Octal, or base 256 when the first bit is set.
fn number(field: &[u8]) -> Result<u64, TarError> {
    if field[0] & 0x80 != 0 {
        let is_small = field[1..field.len().saturating_sub(8).max(1)].iter().all(|&b| b == 0);
        let mut wide = last_eight(field);
        if field.len() == 8 {
            wide[0] &= 0x7f;
        }
        return if is_small { Ok(u64::from_be_bytes(wide)) } else { Err(TarError::Malformed("a number is too large")) };
    }
    let digits = text(until_nul(field)).map(str::trim).ok_or(TarError::Malformed("a number is none"))?;
    if digits.is_empty() {
        return Ok(0);
    }
    u64::from_str_radix(digits, 8).map_err(|_| TarError::Malformed("a number is none"))
}

fn last_eight(field: &[u8]) -> [u8; 8] {
    let mut wide = [0; 8];
    wide.copy_from_slice(&field[field.len() - 8..]);
    wide
}

fn unescape_key(key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len());
    let mut rest = key;
    while let Some((&first, tail)) = rest.split_first() {
        let (byte, after) = match rest.get(..3) {
            Some(b"%25") => (b'%', &rest[3..]),
            Some(b"%3D") => (b'=', &rest[3..]),
            _ => (first, tail),
        };
        out.push(byte);
        rest = after;
    }
    out
}

fn trim_slashes(name: &[u8]) -> &[u8] {
    let end = name.iter().rposition(|&b| b != b'/').map_or(0, |last| last + 1);
    &name[..end]
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|&b| b == 0).next().unwrap_or(field)
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::header::encode;
    use super::*;

    fn name() -> impl Strategy<Value = Vec<u8>> {
        vec(1_u8..=255, 1..300).prop_map(|mut bytes| {
            bytes.iter_mut().filter(|byte| **byte == b'/').for_each(|byte| *byte = b'_');
            bytes
        })
    }

    prop_compose! {
        fn any_node()(
            path in name(), link in name(), kind in 0_usize..7, is_sparse: bool, mode in 0_u32..0o10000,
            (uid, gid) in (0_u64..1 << 32, 0_u64..1 << 32), secs: i64, nanos in 0_u32..1_000_000_000,
            size in 0_u64..1 << 60, device in (0_u32..1 << 12, 0_u32..1 << 20),
            xattrs in vec((vec(1_u8..=255, 1..20), vec(any::<u8>(), 0..600)), 0..3),
        ) -> Node {
            use EntryKind::{BlockDevice, CharDevice, Directory, Fifo, File, HardLink, Symlink};
            let kind = [File, Directory, Symlink, HardLink, Fifo, CharDevice, BlockDevice][kind];
            let is_device = matches!(kind, CharDevice | BlockDevice);
            let size = if kind == File { size } else { 0 };
            let is_sparse = is_sparse && kind == File;
            Node {
                path, kind, mode, uid, gid, mtime: Mtime { secs: secs.max(i64::MIN + 1), nanos }, size,
                stored: if is_sparse { size / 2 } else { size }, is_sparse,
                link: if matches!(kind, Symlink | HardLink) { link } else { Vec::new() },
                device: if is_device { device } else { (0, 0) }, xattrs,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read(node in any_node()) {
            let bytes = encode(&node);
            let read = TarReader::new(bytes.as_slice()).next_entry().expect("a valid tar").expect("an entry");
            prop_assert_eq!(read, node);
        }

        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in vec(any::<u8>(), 0..4096), flag: u8) {
            if let Some(byte) = bytes.get_mut(156) {
                *byte = flag;
            }
            let mut tar = TarReader::new(bytes.as_slice());
            while let Ok(Some(_)) = tar.next_entry() {}
        }

        #[test]
        fn any_pax_records_are_read_or_refused(bytes in vec(prop_oneof![Just(b'='), Just(b' '), Just(b'\n'), b'0'..=b'9', any::<u8>()], 0..64)) {
            let _ = Extensions::default().read_pax(&bytes);
        }
    }
}
