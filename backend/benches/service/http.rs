//! A client for many small requests: the same for every contender, and cheap, because it shares the processors.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One kept-alive connection.
pub(crate) struct Connection {
    address: String,
    stream: TcpStream,
    buffer: Vec<u8>,
    /// The server said that it will close.
    is_spent: bool,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("no connection to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { address: address.to_owned(), stream, buffer: Vec::with_capacity(64 << 10), is_spent: false })
    }

    /// Sends a request and returns the body of a good answer. Connects anew where the server has closed.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<&[u8]> {
        if self.is_spent {
            *self = Self::open(&self.address.clone()).await?;
        }
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (head, length) = self.read_head().await?;
        while self.buffer.len() < head + length {
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the answer is cut off");
        }
        Ok(&self.buffer[head..head + length])
    }

    /// How long the head is, and how long the body will be.
    async fn read_head(&mut self) -> Result<(usize, usize)> {
        loop {
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "no answer");
            let Some(end) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
            let head = str::from_utf8(&self.buffer[..end])?;
            let status = head.get(9..12).context("no status")?;
            ensure!(status.starts_with('2'), "{head}");
            let field = |name: &str| {
                let mut fields = head.lines().filter_map(|line| line.split_once(": "));
                fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
            };
            let Some(length) = field("content-length") else { bail!("no length: {head}") };
            self.is_spent = field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
            return Ok((end + 4, length.parse()?));
        }
    }
}

/// A GET with a token.
pub(crate) fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// A GET, answered with JSON.
pub(crate) async fn get_json(address: &str, path: &str, token: &str) -> Result<Value> {
    Ok(serde_json::from_slice(Connection::open(address).await?.send(&get(path, token)).await?)?)
}

/// How hard to try.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) time: Duration,
    /// At most this many requests on a connection.
    pub(crate) most: usize,
}

/// What came of it.
pub(crate) struct Outcome {
    /// Milliseconds of each request.
    pub(crate) latencies_ms: Vec<f64>,
    pub(crate) secs: f64,
}

/// Sends `request` again and again on every connection at once.
pub(crate) async fn load(address: &str, request: &[u8], load: Load) -> Result<Outcome> {
    let started = Instant::now();
    let one = || repeat(address, request, load, started + load.time);
    let latencies = futures_util::future::try_join_all((0..load.connections).map(|_| one())).await?;
    Ok(Outcome { latencies_ms: latencies.concat(), secs: started.elapsed().as_secs_f64() })
}

async fn repeat(address: &str, request: &[u8], load: Load, until: Instant) -> Result<Vec<f64>> {
    let mut connection = Connection::open(address).await?;
    let mut latencies = Vec::new();
    while latencies.len() < load.most && Instant::now() < until {
        let sent = Instant::now();
        connection.send(request).await?;
        latencies.push(sent.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(latencies)
}
