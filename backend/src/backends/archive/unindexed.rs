//! Looks into archives without a manifest, those of Docker Backup Manager. No index can be made of them, so each look reads
//! through the whole archive. Their compose files are shown as `compose/…`, what `data.tar.gz` holds as `data/…`.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use tokio::sync::mpsc;

use super::header::{BLOCK, encode, padding};
use super::meter::Meter;
use super::node::{EntryKind, Node, join};
use super::run_watched;
use super::unpack::{UnpackError, visit_predecessor};
use crate::backends::{BackendError, Look, ResultReader, Wanted, Work};
use crate::domain::entry::{ArchiveEntry, EntryPath};
use crate::domain::name_pattern::NamePattern;

/// How much is handed over at once, in bytes.
const CHUNK: usize = 128 << 10;

/// Looks into archives without a manifest; a reference is a path.
pub struct PlainArchives;

#[async_trait]
impl ResultReader for PlainArchives {
    async fn look(
        &self,
        work: &Work,
        reference: &str,
        at: &EntryPath,
        after: Option<&EntryPath>,
        limit: usize,
    ) -> Result<Look, BackendError> {
        let (archive, at, after) = (PathBuf::from(reference), at.clone(), after.cloned());
        read(work, move |meter| {
            let mut directory = Directory::new(at);
            visit_predecessor(&archive, meter, &mut |path, node, _| {
                directory.take(path, node);
                Ok(())
            })?;
            Ok(directory.into_look(after.as_ref(), limit))
        })
        .await
    }

    async fn search(
        &self,
        work: &Work,
        reference: &str,
        pattern: &NamePattern,
        after: Option<&EntryPath>,
        limit: usize,
    ) -> Result<Look, BackendError> {
        let (archive, pattern, after) = (PathBuf::from(reference), pattern.clone(), after.cloned());
        read(work, move |meter| {
            let mut entries = Vec::new();
            visit_predecessor(&archive, meter, &mut |path, node, _| {
                entries.extend(describe(path, node).filter(|_| pattern.is_match(path)));
                Ok(())
            })?;
            entries.sort_by(|one, other| one.path.cmp_in_walk(&other.path));
            Ok(cut(&Look::default(), entries, after.as_ref(), limit))
        })
        .await
    }

    async fn pour(
        &self,
        work: &Work,
        reference: &str,
        wanted: &Wanted,
        to: &mpsc::Sender<Bytes>,
    ) -> Result<(), BackendError> {
        let (archive, wanted, to) = (PathBuf::from(reference), wanted.clone(), to.clone());
        read(work, move |meter| {
            let failed = |error: io::Error| match error.kind() {
                // Nobody takes it any more.
                io::ErrorKind::BrokenPipe => UnpackError::Cancelled,
                _ => UnpackError::Read { path: archive.clone(), source: error },
            };
            visit_predecessor(&archive, meter, &mut |path, node, body| match &wanted {
                Wanted::File(file) if file.as_bytes() == path => copy(body, meter, &to).map_err(failed),
                Wanted::Folder(folder) if is_within(path, folder) => put(path, node, body, meter, &to).map_err(failed),
                _ => Ok(()),
            })?;
            if matches!(wanted, Wanted::Folder(_)) {
                send(&to, Bytes::from_static(&[0; 2 * BLOCK])).map_err(failed)?;
            }
            Ok(())
        })
        .await
    }
}

/// Runs `work` in a thread that is watched.
async fn read<T: Send + 'static>(
    work: &Work,
    read: impl FnOnce(&Meter) -> Result<T, UnpackError> + Send + 'static,
) -> Result<T, BackendError> {
    let meter = Arc::new(Meter::new());
    let thread_meter = Arc::clone(&meter);
    let done = run_watched(work, &meter, (work.stall_timeout, None), move || read(&thread_meter)).await?;
    done.map_err(|error| match error {
        UnpackError::Cancelled => BackendError::Cancelled,
        error => BackendError::because("the archive could not be read", error),
    })
}

/// What is in a directory.
struct Directory {
    at: EntryPath,
    look: Look,
    /// By path; a directory that is only implied by what is in it has no mode.
    children: BTreeMap<EntryPath, ArchiveEntry>,
}

impl Directory {
    fn new(at: EntryPath) -> Self {
        let own = at.is_top().then_some(EntryKind::Directory);
        Self { at, look: Look { own, ..Look::default() }, children: BTreeMap::new() }
    }

    fn take(&mut self, path: &[u8], node: &Node) {
        let Some(entry) = describe(path, node) else { return };
        if entry.path == self.at {
            (self.look.own, self.look.size_bytes) = (Some(entry.kind), entry.size_bytes);
            return;
        }
        if entry.path.is_in(&self.at) {
            self.children.insert(entry.path.clone(), entry);
            return;
        }
        let mut path = entry.path;
        while !path.is_top() && !path.is_in(&self.at) {
            path = path.parent();
        }
        if !path.is_top() {
            let (kind, size_bytes, modified_at, mode, target) = (EntryKind::Directory, 0, None, None, None);
            let implied = ArchiveEntry { path: path.clone(), kind, size_bytes, modified_at, mode, target };
            self.children.entry(path).or_insert(implied);
        }
    }

    fn into_look(mut self, after: Option<&EntryPath>, limit: usize) -> Look {
        if !self.children.is_empty() {
            self.look.own = Some(EntryKind::Directory);
        }
        cut(&self.look, self.children.into_values().collect(), after, limit)
    }
}

fn cut(look: &Look, mut entries: Vec<ArchiveEntry>, after: Option<&EntryPath>, limit: usize) -> Look {
    entries.retain(|entry| after.is_none_or(|after| entry.path.cmp_in_walk(after).is_gt()));
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    Look { own: look.own, size_bytes: look.size_bytes, entries, has_more }
}

fn describe(path: &[u8], node: &Node) -> Option<ArchiveEntry> {
    let is_link = matches!(node.kind, EntryKind::Symlink | EntryKind::HardLink);
    Some(ArchiveEntry {
        path: EntryPath::new(path).ok().filter(|path| !path.is_top())?,
        kind: node.kind,
        size_bytes: node.size,
        modified_at: DateTime::from_timestamp(node.mtime.secs, node.mtime.nanos),
        mode: Some(format!("{:04o}", node.mode)),
        target: is_link.then(|| String::from_utf8_lossy(&node.link).into_owned()),
    })
}

fn is_within(path: &[u8], folder: &EntryPath) -> bool {
    let rest = path.strip_prefix(folder.as_bytes());
    folder.is_top() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// An entry of the tar that is handed out.
fn put(path: &[u8], node: &Node, body: &mut dyn Read, meter: &Meter, to: &mpsc::Sender<Bytes>) -> io::Result<()> {
    let mut node = Node { path: path.to_vec(), ..node.clone() };
    if node.kind == EntryKind::HardLink {
        node.link = join(b"data", &node.link);
    }
    send(to, encode(&node).into())?;
    copy(body, meter, to)?;
    send(to, Bytes::from_static(&[0; BLOCK]).slice(..padding(node.stored)))
}

fn copy(body: &mut dyn Read, meter: &Meter, to: &mpsc::Sender<Bytes>) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = body.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        send(to, Bytes::copy_from_slice(&buffer[..count]))?;
        meter.add_bytes(count as u64);
    }
}

fn send(to: &mpsc::Sender<Bytes>, part: Bytes) -> io::Result<()> {
    if part.is_empty() {
        return Ok(());
    }
    to.blocking_send(part).map_err(|_| io::ErrorKind::BrokenPipe.into())
}
