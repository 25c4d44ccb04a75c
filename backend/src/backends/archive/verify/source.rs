//! The archive file as a verification reads it: counted, hashed, and decoded by what its first bytes say.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

use super::super::meter::Meter;

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Every byte of the file, once.
pub(in super::super) struct Source<'a> {
    file: File,
    meter: &'a Meter,
    digest: blake3::Hasher,
    len: u64,
}

impl<'a> Source<'a> {
    pub(in super::super) fn open(path: &Path, meter: &'a Meter) -> io::Result<BufReader<Self>> {
        let source = Self { file: File::open(path)?, meter, digest: blake3::Hasher::new(), len: 0 };
        Ok(BufReader::with_capacity(256 << 10, source))
    }

    /// Size and hash of what was read.
    pub(in super::super) fn finish(self) -> (u64, String) {
        (self.len, self.digest.finalize().to_hex().to_string())
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.meter.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        let count = self.file.read(buf)?;
        self.digest.update(&buf[..count]);
        self.len += count as u64;
        self.meter.add_bytes(count as u64);
        Ok(count)
    }
}

/// gzip (a single member, as we write it), Zstandard, or not compressed at all.
pub(in super::super) enum Decoder<'a> {
    Gzip(Box<BufReader<GzDecoder<BufReader<Source<'a>>>>>),
    Zstd(Box<BufReader<zstd::Decoder<'static, BufReader<Source<'a>>>>>),
    Plain(Box<BufReader<Source<'a>>>),
}

impl<'a> Decoder<'a> {
    pub(in super::super) fn new(mut source: BufReader<Source<'a>>) -> io::Result<Self> {
        const ROOM: usize = 128 << 10;
        Ok(if source.fill_buf()?.starts_with(&ZSTD_MAGIC) {
            Self::Zstd(Box::new(BufReader::with_capacity(ROOM, zstd::Decoder::with_buffer(source)?)))
        } else {
            Self::Gzip(Box::new(BufReader::with_capacity(ROOM, GzDecoder::new(source))))
        })
    }

    /// The same where the archive may also be a plain tar, which an archive of ours never is.
    pub(in super::super) fn of_any(mut source: BufReader<Source<'a>>) -> io::Result<Self> {
        let head = source.fill_buf()?;
        if head.starts_with(&ZSTD_MAGIC) || head.starts_with(&GZIP_MAGIC) {
            Self::new(source)
        } else {
            Ok(Self::Plain(Box::new(source)))
        }
    }

    /// What is behind the compressed stream.
    pub(in super::super) fn into_source(self) -> BufReader<Source<'a>> {
        match self {
            Self::Gzip(decoder) => decoder.into_inner().into_inner(),
            Self::Zstd(decoder) => decoder.into_inner().finish(),
            Self::Plain(source) => *source,
        }
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(buf),
            Self::Zstd(decoder) => decoder.read(buf),
            Self::Plain(source) => source.read(buf),
        }
    }
}
