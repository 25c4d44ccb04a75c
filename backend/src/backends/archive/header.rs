//! A [`Node`] as tar header bytes: a ustar block, with PAX records before it for whatever does not fit.
//!
//! `async_tar` lays out the block; names and records are ours, because the format's edges are where archives break
//! silently: binary attribute values, names that are no UTF-8, times before 1970, sizes over 8 GiB. What is written
//! here must be read back equal by [`super::tar_reader`], and by GNU tar.

use async_tar::{EntryType, Header};

use super::node::{EntryKind, Node, join};

/// The unit of a tar.
pub(super) const BLOCK: usize = 512;
/// What the name and the link field hold.
const FIELD: usize = 100;
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
        let mut pax = block(EntryType::XHeader, b"PaxHeaders/entry");
        pax.set_size(records.len() as u64);
        pax.set_cksum();
        out.extend_from_slice(pax.as_bytes());
        out.extend_from_slice(&records);
        out.resize(out.len() + padding(records.len() as u64), 0);
    }
    out.extend_from_slice(main_block(node, &name).as_bytes());
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
    if name.len() > FIELD {
        add(b"path", name);
    }
    if node.link.len() > FIELD {
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

/// Numbers too large for octal are in base 256 here, for readers that know that but not PAX.
fn main_block(node: &Node, name: &[u8]) -> Header {
    let mut header = block(entry_type(node.kind), name);
    header.set_mode(node.mode);
    header.set_uid(node.uid);
    header.set_gid(node.gid);
    header.set_size(node.stored);
    header.set_mtime(u64::try_from(node.mtime.secs).unwrap_or(0));
    if let Some(ustar) = header.as_ustar_mut() {
        ustar.set_device_major(node.device.0);
        ustar.set_device_minor(node.device.1);
        copy_cut(&node.link, &mut ustar.linkname);
    }
    header.set_cksum();
    header
}

fn block(entry_type: EntryType, name: &[u8]) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(entry_type);
    copy_cut(name, &mut header.as_old_mut().name);
    header
}

fn entry_type(kind: EntryKind) -> EntryType {
    match kind {
        EntryKind::File => EntryType::Regular,
        EntryKind::HardLink => EntryType::Link,
        EntryKind::Symlink => EntryType::Symlink,
        EntryKind::CharDevice => EntryType::Char,
        EntryKind::BlockDevice => EntryType::Block,
        EntryKind::Directory => EntryType::Directory,
        EntryKind::Fifo => EntryType::Fifo,
    }
}

/// As much as the field holds; PAX has the rest.
fn copy_cut(from: &[u8], field: &mut [u8; FIELD]) {
    for (to, from) in field.iter_mut().zip(from) {
        *to = *from;
    }
}

const fn fits_octal(value: u64, digits: u32) -> bool {
    value < 1 << (3 * digits)
}
