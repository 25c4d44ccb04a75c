//! Trees to archive, the same on every machine: everything comes out of a seed.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// What a tree is like.
#[derive(Clone, Copy)]
pub(crate) enum Corpus {
    /// Many small files of words.
    Text,
    /// Database pages: half full, rows alike.
    Pages,
    /// Incompressible files with a little JSON beside each.
    Media,
    /// Access logs, tables and a cache.
    Mixed,
}

impl Corpus {
    /// Every kind.
    pub(crate) const ALL: [Self; 4] = [Self::Text, Self::Pages, Self::Media, Self::Mixed];

    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Pages => "pages",
            Self::Media => "media",
            Self::Mixed => "mixed",
        }
    }

    /// Writes about `bytes` bytes of it below `root`.
    pub(crate) fn write(self, root: &Path, bytes: usize) -> io::Result<()> {
        let mut random = Random::new(self.name());
        let mut done = 0;
        let mut number = 0;
        while done < bytes {
            let (name, content) = self.file(number, &mut random);
            let directory = root.join(format!("d{:03}", number / 100));
            fs::create_dir_all(&directory)?;
            fs::write(directory.join(name), &content)?;
            done += content.len();
            number += 1;
        }
        Ok(())
    }

    fn file(self, number: usize, random: &mut Random) -> (String, Vec<u8>) {
        match (self, number % 4) {
            (Self::Text, _) => {
                let len = 500 + random.below(12_000);
                (format!("page-{number}.txt"), words(random, len))
            }
            (Self::Pages, _) => (format!("{number}.rel"), pages(random, 128)),
            (Self::Media, 0) => (format!("{number}.json"), words(random, 600)),
            (Self::Media, _) => {
                let len = 200_000 + random.below(600_000);
                (format!("{number}.jpg"), random.bytes(len))
            }
            (Self::Mixed, 0) => (format!("access-{number}.log"), log(random, 5_000)),
            (Self::Mixed, 1) => (format!("{number}.db"), pages(random, 64)),
            (Self::Mixed, 2) => (format!("{number}.cache"), random.bytes(400_000)),
            (Self::Mixed, _) => (format!("{number}.html"), words(random, 60_000)),
        }
    }
}

/// Writes `bytes` bytes below `root` in large and small files, a quarter of them text. For measuring memory, where
/// both the number of files and the size of each matter.
pub(crate) fn write_bulk(root: &Path, bytes: u64) -> io::Result<()> {
    let mut random = Random::new("bulk");
    let (noise, text) = (random.bytes(1 << 20), words(&mut random, 1 << 20));
    for large in 0..bytes / (64 << 20) {
        let directory = root.join(format!("d{large}"));
        fs::create_dir_all(&directory)?;
        let mut file = fs::File::create(directory.join("large"))?;
        for part in 0..56 {
            file.write_all(if part % 4 == 0 { &text } else { &noise })?;
        }
        for small in 0..1024_usize {
            fs::write(directory.join(format!("small-{small}")), &noise[small * 512..][..8192])?;
        }
    }
    Ok(())
}

/// Words as often as in a language: few of them most of the time.
fn words(random: &mut Random, len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len + 16);
    while out.len() < len {
        let rank = 1 + random.below(96) * random.below(96) * random.below(24);
        let mut word = Random::new(&format!("word {rank}"));
        let letters = 2 + word.below(8);
        out.extend((0..letters).map(|_| b"etaoinshrdlucmfwypvbgkjqxz"[word.below(26) * word.below(26) / 26]));
        out.push(if random.below(12) == 0 { b'\n' } else { b' ' });
    }
    out
}

/// Pages of 8 KiB as a database writes them: a head, item pointers, free space, rows at the end.
fn pages(random: &mut Random, count: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(count * 8192);
    for page in 0..count as u64 {
        let mut bytes = vec![0; 8192];
        bytes[..8].copy_from_slice(&page.to_le_bytes());
        for row in 0..50_usize {
            let at = 8192 - (row + 1) * 96;
            let balance = (random.below(200_000) as u32).to_le_bytes();
            bytes[24 + row * 4..][..2].copy_from_slice(&(at as u16).to_le_bytes());
            bytes[at..at + 8].copy_from_slice(&(page * 50 + row as u64).to_le_bytes());
            bytes[at + 24..at + 28].copy_from_slice(&balance);
            bytes[at + 28..at + 31].copy_from_slice(&random.next().to_le_bytes()[..3]);
            bytes[at + 32..at + 96].fill(b' ');
        }
        out.extend_from_slice(&bytes);
    }
    out
}

fn log(random: &mut Random, lines: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for line in 0..lines {
        let (a, b, item, took) = (random.below(256), random.below(256), random.below(5_000), random.below(90_000));
        let status = [200, 200, 200, 304, 404][random.below(5)];
        let line = format!("10.0.{a}.{b} - - [01/Jan/2026:00:{:02}:{:02}] ", line / 60 % 60, line % 60)
            + &format!("\"GET /shop/item/{item} HTTP/1.1\" {status} {took} \"-\" \"Mozilla/5.0\"\n");
        out.extend_from_slice(line.as_bytes());
    }
    out
}

/// A small generator; quality does not matter, sameness does.
struct Random(u64);

impl Random {
    fn new(seed: &str) -> Self {
        Self(
            seed.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)),
        )
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(len).collect()
    }
}
