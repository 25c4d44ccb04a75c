//! Which release made a dump, and which one is to take it. Every tool writes the server's release into its dump.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::domain::plan::DatabaseKind;

/// How far a dump tells its release at the latest: PostgreSQL's has all roles before it.
const HEAD_BYTES: u64 = 4 << 20;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A release of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Whose it is, such as `MariaDB`.
    pub product: &'static str,
    /// The first two numbers of it.
    numbers: (u32, u32),
    /// All of it, such as `10.11.6-MariaDB`.
    pub text: String,
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.product, self.text)
    }
}

impl Release {
    /// Reads what a server or a dump says, such as `15.14 (Debian 15.14-0)`.
    pub(super) fn read(product: &'static str, text: &str) -> Option<Self> {
        let text = text.split_whitespace().next()?.trim_start_matches('v');
        let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map_while(|number| number.parse().ok());
        Some(Self { product, numbers: (numbers.next()?, numbers.next().unwrap_or(0)), text: text.to_owned() })
    }

    /// What counts of it: within one series a dump fits both ways. PostgreSQL counts by one number since 10.
    fn series(&self) -> (u32, u32) {
        match self.numbers {
            (major, _) if self.product == POSTGRES && major >= 10 => (major, 0),
            numbers => numbers,
        }
    }

    /// Whether its dump is too new for `server`.
    pub(super) fn is_newer_than(&self, server: &Self) -> bool {
        self.product == server.product && self.series() > server.series()
    }

    /// Whether its dump is one of another product than `server` that looks alike.
    pub(super) fn is_foreign_to(&self, server: &Self) -> bool {
        self.product != server.product && [MYSQL, MARIADB].contains(&self.product)
    }
}

pub(super) const POSTGRES: &str = "PostgreSQL";
const MYSQL: &str = "MySQL";
const MARIADB: &str = "MariaDB";
const MONGO: &str = "MongoDB";
const REDIS: &str = "Redis";
const VALKEY: &str = "Valkey";

/// The release that made a dump; `None` where the dump does not say it.
pub(super) fn of_dump(kind: DatabaseKind, path: &Path) -> io::Result<Option<Release>> {
    let file = File::open(path)?;
    match kind {
        DatabaseKind::Postgres => find_line(file, "-- Dumped from database version ", POSTGRES),
        DatabaseKind::Mysql | DatabaseKind::Mariadb => {
            Ok(find_line(file, "-- Server version", MYSQL)?.map(with_true_product))
        }
        DatabaseKind::Mongo => Ok(of_archive(&head_of(file)?)),
        DatabaseKind::Redis => Ok(of_rdb(&head_of(file)?)),
    }
}

/// The release that a server tells.
pub(super) fn of_server(kind: DatabaseKind, told: &str) -> Option<Release> {
    let behind = |name: &str| told.lines().find_map(|line| line.strip_prefix(name));
    match kind {
        DatabaseKind::Postgres => Release::read(POSTGRES, told.trim()),
        DatabaseKind::Mysql | DatabaseKind::Mariadb => Release::read(MYSQL, told.trim()).map(with_true_product),
        DatabaseKind::Mongo => Release::read(MONGO, behind("db version ")?),
        DatabaseKind::Redis => match behind("valkey_version:") {
            Some(text) => Release::read(VALKEY, text),
            None => Release::read(REDIS, behind("redis_version:")?),
        },
    }
}

/// Whether an archive of MongoDB is packed, which its tool has to be told.
pub(super) fn is_packed(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(2).read_to_end(&mut head)?;
    Ok(head == GZIP_MAGIC)
}

fn with_true_product(release: Release) -> Release {
    let product = if release.text.contains(MARIADB) { MARIADB } else { release.product };
    Release { product, ..release }
}

fn find_line(file: File, beginning: &str, product: &'static str) -> io::Result<Option<Release>> {
    for line in BufReader::new(file.take(HEAD_BYTES)).split(b'\n') {
        let line = line?;
        if let Some(rest) = line.strip_prefix(beginning.as_bytes()) {
            return Ok(Release::read(product, &String::from_utf8_lossy(rest)));
        }
    }
    Ok(None)
}

fn head_of(file: File) -> io::Result<Vec<u8>> {
    const HEAD: u64 = 16 << 10;
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head)?;
    if head.starts_with(&GZIP_MAGIC) {
        let mut unpacked = Vec::new();
        // What is cut off behind the beginning does not matter here.
        drop(MultiGzDecoder::new(head.as_slice()).take(HEAD).read_to_end(&mut unpacked));
        return Ok(unpacked);
    }
    Ok(head)
}

/// The archive begins with a document in BSON: the type of a text, its name, its length in four bytes, itself.
fn of_archive(head: &[u8]) -> Option<Release> {
    let text = behind(head, b"\x02server_version\0")?.get(4..)?;
    let end = text.iter().position(|&byte| byte == 0)?;
    Release::read(MONGO, &String::from_utf8_lossy(&text[..end]))
}

/// The file begins with names and values, each with its length before it.
fn of_rdb(head: &[u8]) -> Option<Release> {
    let value = |name: &[u8]| {
        let rest = behind(head, name)?;
        let length = usize::from(*rest.first()?);
        Some(String::from_utf8_lossy(rest.get(1..=length)?).into_owned())
    };
    match value(b"\xfa\x0avalkey-ver") {
        Some(text) => Release::read(VALKEY, &text),
        None => Release::read(REDIS, &value(b"\xfa\x09redis-ver")?),
    }
}

fn behind<'a>(text: &'a [u8], what: &[u8]) -> Option<&'a [u8]> {
    let place = text.windows(what.len()).position(|window| window == what)?;
    text.get(place + what.len()..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: DatabaseKind, content: &[u8]) -> Option<String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), content).expect("written");
        of_dump(kind, file.path()).expect("read").map(|release| release.to_string())
    }

    #[test]
    fn dumps_tell_their_release() {
        let sql = b"--\n-- PostgreSQL database cluster dump\n--\n\nCREATE ROLE x;\n-- Dumped from database version 15.14 (Debian 15.14-0)\n";
        assert_eq!(of(DatabaseKind::Postgres, sql).as_deref(), Some("PostgreSQL 15.14"));
        let sql = b"-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n--\n-- Server version\t10.11.6-MariaDB-0+deb12u1\n";
        assert_eq!(of(DatabaseKind::Mariadb, sql).as_deref(), Some("MariaDB 10.11.6-MariaDB-0+deb12u1"));
        assert_eq!(of(DatabaseKind::Mysql, b"-- Server version\t8.0.33\n").as_deref(), Some("MySQL 8.0.33"));
        let archive = b"\x6d\xe2\x99\x81\x63\0\0\0\x02server_version\0\x06\0\0\x007.0.2\0\x02tool_version\0";
        assert_eq!(of(DatabaseKind::Mongo, archive).as_deref(), Some("MongoDB 7.0.2"));
        assert_eq!(
            of(DatabaseKind::Redis, b"REDIS0010\xfa\x09redis-ver\x067.0.15\xff").as_deref(),
            Some("Redis 7.0.15")
        );
        assert_eq!(of(DatabaseKind::Redis, b"REDIS0010\xfa\x09redis-ver\x3f7").as_deref(), None, "cut off");
        assert_eq!(of(DatabaseKind::Postgres, b"select 1;"), None);
    }

    #[test]
    fn only_a_newer_series_is_too_new() {
        let newer = |kind, dump: &str, server: &str| {
            let read = |text: &str| of_server(kind, text).expect("a release");
            read(dump).is_newer_than(&read(server))
        };
        assert!(newer(DatabaseKind::Postgres, "16.1", "15.14 (Debian)"));
        assert!(!newer(DatabaseKind::Postgres, "15.14", "15.2"), "the same series");
        assert!(newer(DatabaseKind::Postgres, "9.6.1", "9.5.2"));
        assert!(newer(DatabaseKind::Mariadb, "11.4.2-MariaDB", "10.11.6-MariaDB"));
        assert!(newer(DatabaseKind::Mariadb, "10.11.6-MariaDB", "10.6.1-MariaDB"));
        assert!(newer(DatabaseKind::Mysql, "8.4.0", "8.0.33"));
        assert!(newer(DatabaseKind::Mongo, "db version v7.0.2", "x\ndb version v6.0.1\n"));
        assert!(newer(DatabaseKind::Redis, "redis_version:7.2.0", "# Server\r\nredis_version:7.0.15\r\n"));
        let read = |text: &str| of_server(DatabaseKind::Mysql, text).expect("a release");
        assert!(read("10.11.6-MariaDB").is_foreign_to(&read("8.0.33")));
    }
}
