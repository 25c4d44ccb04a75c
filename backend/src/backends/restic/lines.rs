//! What a process prints, line by line or as it comes.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// As much is read at once.
const BUFFER: usize = 64 << 10;
/// Longer lines are an error: even the list of ten thousands of snapshots is shorter.
const LONGEST: usize = 256 << 20;

/// Reads lines. Waiting for one may be given up and begun again at any time; nothing is lost by it.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    begun: Vec<u8>,
    bytes: u64,
    has_ended: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader: BufReader::with_capacity(BUFFER, reader), begun: Vec::new(), bytes: 0, has_ended: false }
    }

    /// The next line without its end; none when the other side has closed.
    pub(super) async fn next(&mut self) -> io::Result<Option<String>> {
        loop {
            let read = self.reader.fill_buf().await?;
            if read.is_empty() {
                self.has_ended = true;
                return Ok((!self.begun.is_empty()).then(|| self.take()));
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(read.len(), |end| end + 1);
            self.begun.extend_from_slice(&read[..end.unwrap_or(length)]);
            self.reader.consume(length);
            self.bytes += length as u64;
            if end.is_some() {
                return Ok(Some(self.take()));
            }
            if self.begun.len() > LONGEST {
                return Err(io::Error::other("a line is too long"));
            }
        }
    }

    /// What has come since, whatever it is; none when the other side has closed.
    pub(super) async fn next_part(&mut self) -> io::Result<Option<Bytes>> {
        let read = Bytes::copy_from_slice(self.reader.fill_buf().await?);
        self.reader.consume(read.len());
        self.bytes += read.len() as u64;
        self.has_ended = read.is_empty();
        Ok((!read.is_empty()).then_some(read))
    }

    /// Whether the other side has closed.
    pub(super) const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Bytes read so far.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    fn take(&mut self) -> String {
        let line = String::from_utf8_lossy(&self.begun).trim_end_matches('\r').to_owned();
        self.begun.clear();
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_one_by_one_and_the_last_needs_no_end() {
        let mut lines = Lines::new(&b"one\n\r\n\xfftwo\r\nlast"[..]);
        let mut seen = Vec::new();
        while let Some(line) = lines.next().await.expect("readable") {
            seen.push(line);
        }
        assert_eq!(seen, ["one", "", "\u{fffd}two", "last"]);
        assert!(lines.has_ended());
        assert_eq!(lines.bytes(), 4 + 2 + 6 + 4);
    }

    #[tokio::test]
    async fn parts_keep_every_byte() {
        let mut lines = Lines::new(&b"\xff\n\0"[..]);
        assert_eq!(lines.next_part().await.expect("readable").as_deref(), Some(&b"\xff\n\0"[..]));
        assert!(lines.next_part().await.expect("readable").is_none() && lines.has_ended());
    }
}
