//! The manifest's entries, and reading a manifest without holding it.
//!
//! ```json
//! {"version": 1, "stack": …, whatever the caller adds,
//!  "excluded": [{"path", "reason"}],
//!  "targets": [{"kind", "name", "path", "archive_path",
//!               "entries": [{"path", "type", "size", "mode", "uid", "gid", "mtime", "hash"?, …}],
//!               "state", "size_bytes", "left_out": [{"path", "reason"}], "warnings": [{"path", "kind", "message"}]}],
//!  "pieces": [[compressed length, plain length, entries that begin in it]]}
//! ```

use std::cell::RefCell;
use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::node::{EntryKind, Node};

/// The `version` of manifests of this shape.
pub(super) const VERSION: u32 = 1;
/// The manifest's name below the top directory.
pub(super) const FILE_NAME: &str = "manifest.json";

/// One entry of the archive, as the manifest tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Path within the target, `.` for its root; with replacement characters where it is no UTF-8.
    pub path: String,
    /// The path's true bytes in hexadecimal; only where it is no UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// What kind of file it is.
    #[serde(rename = "type")]
    pub kind: EntryKind,
    /// Size in bytes; 0 for all but files.
    pub size: u64,
    /// Permission bits in octal, with setuid, setgid and sticky.
    pub mode: String,
    /// Numeric owner.
    pub uid: u64,
    /// Numeric group.
    pub gid: u64,
    /// Last modification, RFC 3339 with nanoseconds; `@seconds` for a year that RFC 3339 cannot say.
    pub mtime: String,
    /// BLAKE3 of a file's content, 64 hexadecimal digits; of the map and the data, holes skipped, if it is sparse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Whether it has holes, which the archive keeps as holes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sparse: bool,
    /// What a symbolic link points at, or the path within the target that a hard link names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_target: Option<String>,
    /// The link target's true bytes in hexadecimal; only where it is no UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_target_bytes: Option<String>,
    /// Major and minor number of a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<[u32; 2]>,
}

impl Entry {
    /// `node` as seen from its target, whose full path in the archive is `root`.
    pub(super) fn new(node: &Node, root: &[u8], hash: Option<blake3::Hash>) -> Self {
        let (path, path_bytes) = lossless(within(&node.path, root));
        let link = match node.kind {
            EntryKind::Symlink => Some(node.link.as_slice()),
            EntryKind::HardLink => Some(within(&node.link, root)),
            _ => None,
        };
        let (link_target, link_target_bytes) = link.map(lossless).unzip();
        let is_device = matches!(node.kind, EntryKind::CharDevice | EntryKind::BlockDevice);
        Self {
            path,
            path_bytes,
            kind: node.kind,
            size: node.size,
            mode: format!("{:04o}", node.mode),
            uid: node.uid,
            gid: node.gid,
            mtime: node.mtime.to_rfc3339(),
            hash: hash.map(|hash| hash.to_hex().to_string()),
            sparse: node.is_sparse,
            link_target,
            link_target_bytes: link_target_bytes.flatten(),
            device: is_device.then_some([node.device.0, node.device.1]),
        }
    }

    /// The path's true bytes.
    pub(super) fn raw_path(&self) -> Vec<u8> {
        raw(&self.path, self.path_bytes.as_deref())
    }

    /// The link target's true bytes.
    pub(super) fn raw_link_target(&self) -> Option<Vec<u8>> {
        self.link_target.as_ref().map(|target| raw(target, self.link_target_bytes.as_deref()))
    }

    /// The same entry with its paths seen from the top directory, for a target at `archive_path`.
    pub(super) fn below(mut self, archive_path: &str) -> Self {
        self.path = if self.path == "." { archive_path.to_owned() } else { format!("{archive_path}/{}", self.path) };
        let prefix = hex(format!("{archive_path}/").as_bytes());
        self.path_bytes = self.path_bytes.map(|bytes| prefix.clone() + &bytes);
        if self.kind == EntryKind::HardLink {
            self.link_target = self.link_target.map(|target| format!("{archive_path}/{target}"));
            self.link_target_bytes = self.link_target_bytes.map(|bytes| prefix + &bytes);
        }
        self
    }
}

/// `path` seen from `root`, with `.` for the root itself.
pub(super) fn within<'a>(path: &'a [u8], root: &[u8]) -> &'a [u8] {
    match path.strip_prefix(root) {
        Some(b"") => b".",
        Some(rest) => rest.strip_prefix(b"/").unwrap_or(path),
        None => path,
    }
}

/// As text, with the true bytes in hexadecimal where that is needed.
pub(super) fn lossless(bytes: &[u8]) -> (String, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (String::from_utf8_lossy(bytes).into_owned(), Some(hex(bytes))),
    }
}

/// The way back from [`lossless`].
pub(super) fn raw(text: &str, hex: Option<&str>) -> Vec<u8> {
    let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes = hex.and_then(|hex| hex.as_bytes().chunks(2).map(digits).collect());
    bytes.unwrap_or_else(|| text.as_bytes().to_vec())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What stands before the entries of a target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetHead {
    /// What kind of thing it is.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Where it was on the host.
    pub path: String,
    /// Where it is below the archive's top directory.
    pub archive_path: String,
}

/// One piece of a manifest, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A top-level field other than `targets`.
    Field(String, Value),
    /// A target begins; its entries follow.
    Target(TargetHead),
    /// An entry of the present target.
    Entry(Box<Entry>),
    /// A piece of the archive; manifests of version 0.1 have none.
    Piece(PieceLine),
}

/// A part of the archive that can be decompressed by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PieceLine {
    /// Bytes in the archive; pieces follow one another without a gap, behind the head of a gzip file.
    pub stored_len: u32,
    /// Bytes of the tar.
    pub plain_len: u32,
    /// How many entries begin in it.
    pub entry_count: u32,
}

/// Reads a manifest piece by piece, in memory that does not depend on its size.
///
/// # Errors
/// When it is no JSON, or not of a manifest's shape, or when `on_item` returns a message.
pub fn read_manifest(
    reader: impl Read,
    on_item: &mut dyn FnMut(Item) -> Result<(), String>,
) -> Result<(), serde_json::Error> {
    let on_item = RefCell::new(on_item);
    let mut json = serde_json::Deserializer::from_reader(reader);
    Walk { on_item: &on_item, level: Level::Manifest }.deserialize(&mut json)?;
    json.end()
}

type Handler<'a> = RefCell<&'a mut dyn FnMut(Item) -> Result<(), String>>;

#[derive(Clone, Copy)]
enum Level {
    Manifest,
    Targets,
    Target,
    Entries,
    Pieces,
}

#[derive(Clone, Copy)]
struct Walk<'a, 'h> {
    on_item: &'a Handler<'h>,
    level: Level,
}

impl Walk<'_, '_> {
    fn at(self, level: Level) -> Self {
        Self { level, ..self }
    }

    fn tell<E: serde::de::Error>(self, item: Item) -> Result<(), E> {
        (self.on_item.borrow_mut())(item).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.level {
            Level::Manifest | Level::Target => deserializer.deserialize_map(self),
            Level::Targets | Level::Entries | Level::Pieces => deserializer.deserialize_seq(self),
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a manifest")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if matches!(self.level, Level::Targets) {
            while seq.next_element_seed(self.at(Level::Target))?.is_some() {}
            return Ok(());
        }
        if matches!(self.level, Level::Pieces) {
            while let Some((stored_len, plain_len, entry_count)) = seq.next_element()? {
                self.tell(Item::Piece(PieceLine { stored_len, plain_len, entry_count }))?;
            }
            return Ok(());
        }
        while let Some(entry) = seq.next_element()? {
            self.tell(Item::Entry(Box::new(entry)))?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut head = TargetHead::default();
        while let Some(key) = map.next_key::<String>()? {
            match (self.level, key.as_str()) {
                (Level::Manifest, "targets") => map.next_value_seed(self.at(Level::Targets))?,
                (Level::Manifest, "pieces") => map.next_value_seed(self.at(Level::Pieces))?,
                (Level::Manifest, "version") => match map.next_value::<u32>()? {
                    VERSION => {}
                    other => return Err(A::Error::custom(format!("unknown manifest version {other}"))),
                },
                (Level::Manifest, _) => self.tell(Item::Field(key, map.next_value()?))?,
                (_, "kind") => head.kind = map.next_value()?,
                (_, "name") => head.name = map.next_value()?,
                (_, "path") => head.path = map.next_value()?,
                (_, "archive_path") => head.archive_path = map.next_value()?,
                (_, "entries") => {
                    self.tell(Item::Target(std::mem::take(&mut head)))?;
                    map.next_value_seed(self.at(Level::Entries))?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}
