//! A [`Node`] as tar header bytes: a ustar block, with PAX records before it for whatever does not fit.
//!
//! Written by hand because the format's edges are where archives break silently: binary attribute values, names
//! that are no UTF-8, times before 1970, sizes over 8 GiB. What is written here must be read back equal by
//! [`super::tar_reader`], and by GNU tar.

use super::node::{EntryKind, Node, join};

/// The unit of a tar.
pub(super) const BLOCK: usize = 512;
const NAME: std::ops::Range<usize> = 0..100;
const LINK: std::ops::Range<usize> = 157..257;
/// The key before an attribute's name; shared by GNU tar, bsdtar, star and Docker.
pub(super) const XATTR: &str = "SCHILY.xattr.";

/// Zero bytes that follow a body of `len` bytes.
pub(super) const fn padding(len: u64) -> usize {
    ((BLOCK as u64 - len % BLOCK as u64) % BLOCK as u64) as usize
}

/// The bytes before the body of `node`.
pub(super) fn encode(node: &Node) -> Vec<u8> {
    let name = stored_name(node);
    let records = records(node, &name);
    let mut out = Vec::with_capacity(4 * BLOCK);
    if !records.is_empty() {
        let mut pax = Block::new(b"PaxHeaders/entry", b'x');
        pax.number(100..108, 0o600);
        pax.number(124..136, records.len() as u64);
        out.extend_from_slice(&pax.sealed());
        out.extend_from_slice(&records);
        out.resize(out.len() + padding(records.len() as u64), 0);
    }
    out.extend_from_slice(&main_block(node, &name).sealed());
    out
}

/// The name in the header: directories end in a slash, sparse files hide behind a name that tells an unaware
/// reader what it looks at.
fn stored_name(node: &Node) -> Vec<u8> {
    match node.kind {
        EntryKind::Directory => [&node.path, b"/".as_slice()].concat(),
        _ if node.is_sparse => {
            let cut = node.path.iter().rposition(|&b| b == b'/').map_or(0, |slash| slash + 1);
            let (parent, file) = node.path.split_at(cut);
            join(&[parent, b"GNUSparseFile.0"].concat(), file)
        }
        _ => node.path.clone(),
    }
}

fn records(node: &Node, name: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut add = |key: &[u8], value: &[u8]| push_record(&mut out, key, value);
    if node.is_sparse {
        add(b"GNU.sparse.major", b"1");
        add(b"GNU.sparse.minor", b"0");
        add(b"GNU.sparse.name", &node.path);
        add(b"GNU.sparse.realsize", node.size.to_string().as_bytes());
    }
    if name.len() > NAME.len() {
        add(b"path", name);
    }
    if node.link.len() > LINK.len() {
        add(b"linkpath", &node.link);
    }
    for (key, value, digits) in [("size", node.stored, 11), ("uid", node.uid, 7), ("gid", node.gid, 7)] {
        if !fits_octal(value, digits) {
            add(key.as_bytes(), value.to_string().as_bytes());
        }
    }
    if node.mtime.nanos != 0 || u64::try_from(node.mtime.secs).map_or(true, |secs| !fits_octal(secs, 11)) {
        add(b"mtime", node.mtime.to_string().as_bytes());
    }
    for (key, value) in &node.xattrs {
        add(&[XATTR.as_bytes(), &escape_key(key)].concat(), value);
    }
    out
}

/// `<length> <key>=<value>\n`, where the length counts itself.
fn push_record(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut len = rest + 1;
    while len != rest + len.to_string().len() {
        len = rest + len.to_string().len();
    }
    out.extend_from_slice(format!("{len} ").as_bytes());
    out.extend_from_slice(key);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// GNU tar's way to keep `=` out of a key.
fn escape_key(key: &[u8]) -> Vec<u8> {
    key.iter()
        .flat_map(|byte| match byte {
            b'%' => b"%25".as_slice(),
            b'=' => b"%3D".as_slice(),
            other => std::slice::from_ref(other),
        })
        .copied()
        .collect()
}

fn main_block(node: &Node, name: &[u8]) -> Block {
    let flag = match node.kind {
        EntryKind::File => b'0',
        EntryKind::HardLink => b'1',
        EntryKind::Symlink => b'2',
        EntryKind::CharDevice => b'3',
        EntryKind::BlockDevice => b'4',
        EntryKind::Directory => b'5',
        EntryKind::Fifo => b'6',
    };
    let mut block = Block::new(name, flag);
    block.number(100..108, node.mode.into());
    block.number(108..116, node.uid);
    block.number(116..124, node.gid);
    block.number(124..136, node.stored);
    block.number(136..148, u64::try_from(node.mtime.secs).unwrap_or(0));
    block.bytes(LINK, &node.link);
    block.number(329..337, node.device.0.into());
    block.number(337..345, node.device.1.into());
    block
}

const fn fits_octal(value: u64, digits: u32) -> bool {
    value < 1 << (3 * digits)
}

struct Block([u8; BLOCK]);

impl Block {
    fn new(name: &[u8], flag: u8) -> Self {
        let mut block = Self([0; BLOCK]);
        block.bytes(NAME, name);
        block.bytes(156..157, &[flag]);
        block.bytes(257..265, b"ustar\x0000");
        block
    }

    /// As much of `value` as the field holds; PAX has the rest.
    fn bytes(&mut self, field: std::ops::Range<usize>, value: &[u8]) {
        for (to, from) in self.0[field].iter_mut().zip(value) {
            *to = *from;
        }
    }

    /// Octal, or base 256 where octal is too short.
    fn number(&mut self, field: std::ops::Range<usize>, value: u64) {
        let digits = field.len() - 1;
        if fits_octal(value, digits as u32) {
            return self.bytes(field, format!("{value:0digits$o}").as_bytes());
        }
        let mut wide = [0; 12];
        wide[4..].copy_from_slice(&value.to_be_bytes());
        let tail = &mut wide[12 - field.len()..];
        tail[0] |= 0x80;
        self.bytes(field, tail);
    }

    /// With its checksum.
    fn sealed(mut self) -> [u8; BLOCK] {
        self.bytes(148..156, b"        ");
        let sum: u32 = self.0.iter().copied().map(u32::from).sum();
        self.bytes(148..156, format!("{sum:06o}\0 ").as_bytes());
        self.0
    }
}
