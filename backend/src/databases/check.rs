//! Whether a dump is whole, by its own format.
//!
//! A tool that ended well has written everything, but not everything need have reached us: an engine may cut a
//! command's output without a word.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};

use flate2::read::MultiGzDecoder;

use super::crc64::Crc64;
use crate::domain::plan::DatabaseKind;

/// How much of a dump's end is looked at.
const TAIL_BYTES: usize = 4096;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The first bytes of `mongodump --archive`: 0x8199e26d, the lowest byte first (mongo-tools, `common/archive`).
const ARCHIVE_MAGIC: [u8; 4] = [0x6d, 0xe2, 0x99, 0x81];
/// Ends every block of such an archive, and so the whole.
const ARCHIVE_TERMINATOR: [u8; 4] = [0xff; 4];
/// The last opcode of Redis's format; a checksum of eight bytes follows it.
const RDB_END: u8 = 0xff;
const RDB_CHECKSUM_BYTES: u64 = 8;
/// What a server sends after a copy whose length it did not know; `redis-cli` leaves it in what it prints.
const RDB_MARK_BYTES: usize = 40;

/// Why a dump is not whole.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    /// It does not begin as such a dump does.
    #[error("it does not begin like {0}")]
    Beginning(&'static str),
    /// It does not end as such a dump does.
    #[error("it does not end with {0}")]
    End(&'static str),
    /// Its checksum is not that of its content.
    #[error("its content does not have the checksum that stands at its end")]
    Checksum,
    /// It cannot be read.
    #[error("it cannot be read back")]
    Unreadable(#[from] io::Error),
}

/// Checks a dump and returns how many of its bytes belong to it.
pub(super) fn check(kind: DatabaseKind, file: &File, size: u64) -> Result<u64, Flaw> {
    match kind {
        DatabaseKind::Postgres => check_sql(file, size, "-- PostgreSQL database cluster dump complete")?,
        DatabaseKind::Mysql | DatabaseKind::Mariadb => check_sql(file, size, "-- Dump completed")?,
        DatabaseKind::Mongo => check_archive(file, size)?,
        DatabaseKind::Redis => return check_rdb(file, size),
    }
    Ok(size)
}

fn check_sql(file: &File, size: u64, marker: &'static str) -> Result<(), Flaw> {
    let tail = read_tail(file, size)?;
    let has_marker = tail.split(|&byte| byte == b'\n').any(|line| line.starts_with(marker.as_bytes()));
    has_marker.then_some(()).ok_or(Flaw::End(marker))
}

fn check_archive(file: &File, size: u64) -> Result<(), Flaw> {
    let head: [u8; 4] = read_at(file, 0, size)?;
    let (head, end) = if head.starts_with(&GZIP_MAGIC) {
        ends_unpacked(file)?
    } else {
        (head, read_at(file, size.saturating_sub(4), size)?)
    };
    match (head, end) {
        (ARCHIVE_MAGIC, ARCHIVE_TERMINATOR) => Ok(()),
        (ARCHIVE_MAGIC, _) => Err(Flaw::End("the mark of a complete archive")),
        _ => Err(Flaw::Beginning("an archive of mongodump")),
    }
}

/// The first and the last four bytes of what is packed; reading all of it finds a part that is missing or damaged.
fn ends_unpacked(mut file: &File) -> io::Result<([u8; 4], [u8; 4])> {
    file.rewind()?;
    let mut unpacked = BufReader::new(MultiGzDecoder::new(file));
    let (mut head, mut end) = ([0; 4], [0; 4]);
    unpacked.read_exact(&mut head)?;
    let mut piece = vec![0; 64 * 1024];
    loop {
        let count = unpacked.read(&mut piece)?;
        if count == 0 {
            return Ok((head, end));
        }
        let both: Vec<u8> = end.iter().chain(&piece[..count]).copied().collect();
        end.copy_from_slice(&both[both.len() - 4..]);
    }
}

fn check_rdb(file: &File, size: u64) -> Result<u64, Flaw> {
    if read_at::<5>(file, 0, size)? != *b"REDIS" {
        return Err(Flaw::Beginning("a file of Redis"));
    }
    let before_mark = size.saturating_sub(RDB_MARK_BYTES as u64);
    let mark = read_at::<RDB_MARK_BYTES>(file, before_mark, size)?;
    let has_mark = mark.iter().all(u8::is_ascii_hexdigit);
    let size = if has_mark && ends_as_rdb(file, before_mark)? { before_mark } else { size };
    if !ends_as_rdb(file, size)? {
        return Err(Flaw::End("the last opcode of a file of Redis"));
    }
    let content = size - RDB_CHECKSUM_BYTES;
    let told = u64::from_le_bytes(read_at(file, content, size)?);
    // A server that makes no checksums writes 0.
    if told == 0 || told == checksum(file, content)? { Ok(size) } else { Err(Flaw::Checksum) }
}

fn ends_as_rdb(file: &File, size: u64) -> io::Result<bool> {
    let place = size.saturating_sub(RDB_CHECKSUM_BYTES + 1);
    Ok(read_at::<1>(file, place, size)? == [RDB_END])
}

fn checksum(mut file: &File, length: u64) -> io::Result<u64> {
    file.rewind()?;
    let mut content = BufReader::with_capacity(256 * 1024, file.take(length));
    let mut sum = Crc64::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match content.read(&mut piece)? {
            0 => return Ok(sum.value()),
            count => sum.update(&piece[..count]),
        }
    }
}

fn read_tail(mut file: &File, size: u64) -> io::Result<Vec<u8>> {
    let mut tail = Vec::with_capacity(TAIL_BYTES);
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL_BYTES as u64)))?;
    file.read_to_end(&mut tail)?;
    Ok(tail)
}

/// The bytes at a place; zeros where the file is shorter.
fn read_at<const N: usize>(mut file: &File, place: u64, size: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    if place + N as u64 <= size {
        file.seek(SeekFrom::Start(place))?;
        file.read_exact(&mut bytes)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn outcome(kind: DatabaseKind, content: &[u8]) -> Result<u64, Flaw> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(content).expect("written");
        check(kind, &file, content.len() as u64)
    }

    #[test]
    fn sql_ends_with_the_mark_of_its_tool() {
        let rows = "INSERT INTO t VALUES (1);\n".repeat(1000);
        let mark = "--\n-- PostgreSQL database cluster dump complete\n--\n\n";
        let whole = format!("{rows}{mark}");
        assert_eq!(outcome(DatabaseKind::Postgres, whole.as_bytes()).expect("whole"), whole.len() as u64);
        for cut in [rows.as_str(), "", &whole[..whole.len() - 20], &format!("{mark}{rows}")] {
            assert!(matches!(outcome(DatabaseKind::Postgres, cut.as_bytes()), Err(Flaw::End(_))), "{}", cut.len());
        }
        assert!(outcome(DatabaseKind::Mariadb, b"x;\n-- Dump completed on 2026-11-27 14:00:00\n").is_ok());
        assert!(outcome(DatabaseKind::Mysql, b"INSERT INTO t VALUES ('-- Dump completed').\n").is_err(), "a value");
    }

    #[test]
    fn an_archive_ends_with_its_terminator_packed_or_not() {
        let whole: Vec<u8> = [&ARCHIVE_MAGIC[..], &[7; 100_000], &ARCHIVE_TERMINATOR].concat();
        let packed = {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&whole).expect("packed");
            encoder.finish().expect("packed")
        };
        for content in [&whole, &packed] {
            assert_eq!(outcome(DatabaseKind::Mongo, content).expect("whole"), content.len() as u64);
            for cut in [content.len() - 1, content.len() / 2] {
                assert!(outcome(DatabaseKind::Mongo, &content[..cut]).is_err(), "{cut} bytes");
            }
        }
        assert!(matches!(outcome(DatabaseKind::Mongo, b"{}"), Err(Flaw::Beginning(_))));
    }

    /// A file as a server makes it, without any key.
    fn rdb() -> Vec<u8> {
        let mut content = b"REDIS0010\xfa\x09redis-ver\x067.0.15\xff".to_vec();
        let mut sum = Crc64::new();
        sum.update(&content);
        content.extend_from_slice(&sum.value().to_le_bytes());
        content
    }

    #[test]
    fn a_file_of_redis_has_its_checksum() {
        let whole = rdb();
        let size = whole.len() as u64;
        assert_eq!(outcome(DatabaseKind::Redis, &whole).expect("whole"), size);
        let marked = [&whole[..], &[b'a'; 40]].concat();
        assert_eq!(outcome(DatabaseKind::Redis, &marked).expect("whole"), size, "the mark is none of it");
        for cut in 0..whole.len() {
            assert!(outcome(DatabaseKind::Redis, &whole[..cut]).is_err(), "{cut} bytes");
        }
        let mut damaged = whole;
        damaged[12] ^= 1;
        assert!(matches!(outcome(DatabaseKind::Redis, &damaged), Err(Flaw::Checksum)));
    }
}
