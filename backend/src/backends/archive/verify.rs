//! Reads an archive again, once, from the first byte to the last, and holds it against its own manifest.
//!
//! Checked: the codec's checksums and end marks, every tar header, nothing behind the end, every file's hash,
//! and that archive and manifest name the same entries in the same order. Entries are spooled until the manifest
//! comes, so memory stays flat.

mod compare;
mod source;

use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use self::compare::Comparison;
pub(super) use self::source::{Decoder, Source};
use super::manifest::{Entry, FILE_NAME, Item, read_manifest, within};
use super::meter::Meter;
use super::node::{EntryKind, Node, join};
use super::spool::Spool;
use super::tar_reader::{TarError, TarReader};

/// Why an archive could not be judged. An archive that is broken is no error: see [`VerifyReport::problems`].
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The meter was told to stop.
    #[error("the verification was cancelled")]
    Cancelled,
    /// The archive could not be opened or read by the system.
    #[error("the archive {} could not be read", path.display())]
    Read {
        /// The archive.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The scratch file could not be used.
    #[error("scratch space in {} could not be used", path.display())]
    Scratch {
        /// The scratch directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Something that is wrong with an archive. Paths are relative to its top directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It ends before its end mark.
    #[error("the archive is cut short")]
    Truncated,
    /// A checksum, a header or the compressed stream is broken.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// There is something behind the end mark.
    #[error("there are bytes behind the end of the archive")]
    TrailingBytes,
    /// There is no manifest at its end.
    #[error("the archive has no manifest")]
    NoManifest,
    /// The manifest is no valid one.
    #[error("the manifest cannot be understood: {0}")]
    BadManifest(String),
    /// The manifest names an entry that is not in the archive.
    #[error("{0} is missing")]
    Missing(String),
    /// The archive has an entry that the manifest does not name.
    #[error("{0} is not in the manifest")]
    Extra(String),
    /// The content of a file is not what the manifest says.
    #[error("the content of {0} differs from the manifest")]
    Content(String),
    /// Something else about an entry is not what the manifest says.
    #[error("the metadata of {0} differs from the manifest")]
    Metadata(String),
}

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Size of the archive.
    pub size_bytes: u64,
    /// BLAKE3 of the archive file, 64 hexadecimal digits; absent when it could not be read to its end.
    pub blake3_hex: Option<String>,
    /// Entries found, the manifest not counted.
    pub entry_count: u64,
    /// Bytes of content found.
    pub content_bytes: u64,
    /// The entries found, whatever their order: what an index is held against.
    pub entries: EntrySum,
    /// How many problems there are.
    pub problem_count: u64,
    /// The first [`VerifyReport::SHOWN`] of them.
    pub problems: Vec<Problem>,
}

/// A sum over entries that does not depend on their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EntrySum(u128);

impl EntrySum {
    /// Adds an entry, as the manifest writes it with its path seen from the top directory.
    pub(super) fn add(&mut self, json: &[u8]) {
        let hash = blake3::hash(json);
        let (half, _) = hash.as_bytes().split_at(16);
        let half = half.iter().fold(0_u128, |sum, &byte| sum << 8 | u128::from(byte));
        self.0 = self.0.wrapping_add(half);
    }
}

impl VerifyReport {
    /// How many problems a report carries at most.
    pub const SHOWN: usize = 100;

    /// Whether everything is as the manifest says.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problem_count == 0
    }

    fn add(&mut self, problem: Problem) {
        self.problem_count += 1;
        if self.problems.len() < Self::SHOWN {
            self.problems.push(problem);
        }
    }
}

/// Reads the archive at `path` and compares it with its manifest; `scratch` is a directory with room for about
/// 300 bytes an entry.
///
/// # Errors
/// [`VerifyError`] when the archive could not be judged.
pub fn verify(path: &Path, scratch: &Path, meter: &Meter) -> Result<VerifyReport, VerifyError> {
    let mut report = VerifyReport::default();
    let unreadable = |source| VerifyError::Read { path: path.to_owned(), source };
    match judge(path, scratch, meter, &mut report) {
        Ok((size, digest)) => (report.size_bytes, report.blake3_hex) = (size, Some(digest)),
        Err(_) if meter.is_cancelled() => return Err(VerifyError::Cancelled),
        Err(Stop::Scratch(source)) => return Err(VerifyError::Scratch { path: scratch.to_owned(), source }),
        Err(Stop::Archive(error)) => match error {
            // Only the system's own errors have a number; the decoders' have none.
            TarError::Io(source) if source.raw_os_error().is_some() => return Err(unreadable(source)),
            TarError::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof => report.add(Problem::Truncated),
            TarError::Io(source) => report.add(Problem::Damaged(source.to_string())),
            TarError::Malformed(what) => report.add(Problem::Damaged(what.to_owned())),
        },
    }
    Ok(report)
}

/// Size and hash of the archive, if it could be read to its end.
fn judge(path: &Path, scratch: &Path, meter: &Meter, report: &mut VerifyReport) -> Result<(u64, String), Stop> {
    let spool = Spool::beside(&scratch.join("verify")).map_err(Stop::Scratch)?;
    let decoder = Source::open(path, meter).and_then(Decoder::new).map_err(TarError::Io)?;
    let mut check = Check { tar: TarReader::new(decoder), report, meter, spool: Some(spool) };
    check.entries()?;
    check.end()
}

/// What ends a verification early.
enum Stop {
    Archive(TarError),
    Scratch(io::Error),
}

impl From<TarError> for Stop {
    fn from(error: TarError) -> Self {
        Self::Archive(error)
    }
}

struct Check<'a> {
    tar: TarReader<Decoder<'a>>,
    report: &'a mut VerifyReport,
    meter: &'a Meter,
    /// The entries so far; gone once the manifest has come.
    spool: Option<Spool>,
}

impl Check<'_> {
    /// Everything up to the tar's end mark.
    fn entries(&mut self) -> Result<(), Stop> {
        let mut top = None;
        while let Some(node) = self.tar.next_entry()? {
            self.meter.begin_entry(&node.path);
            let top = &*top.get_or_insert_with(|| first_component(&node.path).to_vec());
            let is_manifest = node.path == join(top, FILE_NAME.as_bytes());
            match self.spool.take() {
                Some(spool) if is_manifest => self.manifest(spool)?,
                Some(spool) => self.entry(&node, top, spool)?,
                None => self.report.add(Problem::Extra(String::from_utf8_lossy(within(&node.path, top)).into_owned())),
            }
            self.meter.end_entry();
        }
        if self.spool.is_some() {
            self.report.add(Problem::NoManifest);
        }
        Ok(())
    }

    fn entry(&mut self, node: &Node, top: &[u8], mut spool: Spool) -> Result<(), Stop> {
        let hash = if node.kind == EntryKind::File { Some(hash(&mut self.tar)?) } else { None };
        self.report.entry_count += 1;
        self.report.content_bytes += node.stored;
        let json = serde_json::to_vec(&Entry::new(node, top, hash)).map_err(|e| Stop::Scratch(e.into()))?;
        self.report.entries.add(&json);
        spool.write_all(&json).map_err(Stop::Scratch)?;
        spool.write_all(b"\n").map_err(Stop::Scratch)?;
        self.spool = Some(spool);
        Ok(())
    }

    fn manifest(&mut self, found: Spool) -> Result<(), Stop> {
        let mut comparison = Comparison::new(found.into_reader().map_err(Stop::Scratch)?, self.report);
        let mut archive_path = String::new();
        let read = read_manifest(BufReader::new(&mut self.tar), &mut |item| {
            match item {
                Item::Field(..) | Item::Piece(_) => {}
                Item::Target(head) => archive_path = head.archive_path,
                Item::Entry(entry) => comparison.expect(entry.below(&archive_path)),
            }
            Ok(())
        });
        match read {
            Ok(()) => comparison.finish().map_err(Stop::Scratch),
            Err(error) if error.is_io() => Err(TarError::Io(error.into()).into()),
            Err(error) => {
                self.report.add(Problem::BadManifest(error.to_string()));
                Ok(())
            }
        }
    }

    /// Behind the end mark a tar has nothing but zeros, and the compressed stream nothing at all.
    fn end(self) -> Result<(u64, String), Stop> {
        let mut decoder = self.tar.into_inner();
        let mut buf = vec![0; 64 << 10];
        let mut has_more = false;
        loop {
            match decoder.read(&mut buf).map_err(TarError::Io)? {
                0 => break,
                count => has_more |= buf[..count].iter().any(|&byte| byte != 0),
            }
        }
        let mut source = decoder.into_source();
        has_more |= io::copy(&mut source, &mut io::sink()).map_err(TarError::Io)? > 0;
        if has_more {
            self.report.add(Problem::TrailingBytes);
        }
        Ok(source.into_inner().finish())
    }
}

fn hash(body: &mut impl Read) -> Result<blake3::Hash, TarError> {
    let mut hasher = blake3::Hasher::new();
    let mut buf = vec![0; 64 << 10];
    loop {
        match body.read(&mut buf)? {
            0 => return Ok(hasher.finalize()),
            count => drop(hasher.update(&buf[..count])),
        }
    }
}

fn first_component(path: &[u8]) -> &[u8] {
    path.split(|&byte| byte == b'/').next().unwrap_or(path)
}
