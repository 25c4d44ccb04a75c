//! Listeners of a job's log, many in one thread.

use anyhow::{Context as _, Result, ensure};
use chrono::Utc;
use mainstay::domain::clock::{Clock as _, SystemClock};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What a counted line starts with; the time at which it was written follows, in microseconds.
pub(crate) const MARK: &str = "written at ";

/// One that listens.
pub(crate) struct Listener {
    stream: TcpStream,
    text: Vec<u8>,
    last: u64,
    wanted: u64,
    heard: Heard,
}

/// What one heard.
#[derive(Default)]
pub(crate) struct Heard {
    /// Counted lines.
    pub(crate) lines: u64,
    /// Whether their numbers followed each other.
    pub(crate) is_in_order: bool,
    /// From being written to being read.
    pub(crate) latencies_ms: Vec<f64>,
}

#[derive(Deserialize)]
struct Line<'a> {
    n: u64,
    message: &'a str,
}

/// Opens `count` streams at once.
pub(crate) async fn open(address: &str, path: &str, token: &str, count: usize, wanted: u64) -> Result<Vec<Listener>> {
    let request = super::http::get(path, token);
    let one = async || {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(&request).await?;
        let heard = Heard { is_in_order: true, ..Heard::default() };
        let mut listener = Listener { stream, text: Vec::new(), last: 0, wanted, heard };
        while !listener.text.windows(6).any(|w| w == b"retry:") {
            ensure!(listener.stream.read_buf(&mut listener.text).await? > 0, "no stream");
        }
        anyhow::Ok(listener)
    };
    futures_util::future::try_join_all((0..count).map(|_| one())).await
}

/// Listens until each has every line.
pub(crate) async fn hear(listeners: &mut [Listener]) -> Result<Vec<Heard>> {
    futures_util::future::try_join_all(listeners.iter_mut().map(Listener::hear)).await
}

impl Listener {
    async fn hear(&mut self) -> Result<Heard> {
        while self.heard.lines < self.wanted {
            let read = self.stream.read_buf(&mut self.text);
            let read =
                tokio::time::timeout(std::time::Duration::from_secs(30), read).await.context("it went silent")??;
            ensure!(read > 0, "the stream ended after {} lines", self.heard.lines);
            self.take_frames()?;
        }
        Ok(std::mem::take(&mut self.heard))
    }

    /// The frames of chunked transfer lie between lines and never within one that starts with `data: [`, as long as the
    /// service writes an event at once; where one is split, the JSON does not parse and that is an error.
    fn take_frames(&mut self) -> Result<()> {
        let Some(end) = self.text.windows(2).rposition(|w| w == b"\n\n") else { return Ok(()) };
        let rest = self.text.split_off(end + 2);
        let text = String::from_utf8(std::mem::replace(&mut self.text, rest))?;
        for data in text.lines().filter_map(|line| line.strip_prefix("data: ").filter(|data| data.starts_with('['))) {
            let lines: Vec<Line<'_>> = serde_json::from_str(data).context("a frame is split")?;
            lines.iter().for_each(|line| self.count(line));
        }
        Ok(())
    }

    fn count(&mut self, line: &Line<'_>) {
        self.heard.is_in_order &= line.n == self.last + 1;
        self.last = line.n;
        let written = line.message.strip_prefix(MARK).and_then(|rest| rest.split(' ').next()?.parse::<i64>().ok());
        let Some(written) = written.and_then(chrono::DateTime::<Utc>::from_timestamp_micros) else { return };
        self.heard.lines += 1;
        let delay = SystemClock.now() - written;
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 microseconds")]
        self.heard.latencies_ms.push(delay.num_microseconds().unwrap_or(i64::MAX) as f64 / 1000.0);
    }
}
