//! A dump on its way into a client, and what moves meanwhile.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio_util::io::ReaderStream;

use crate::docker::ByteStream;

const PIECE_BYTES: usize = 128 << 10;

/// Bytes that went into a client and came out of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Moved(Arc<AtomicU64>);

impl Moved {
    pub(super) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The file, and `behind` after it.
pub(super) async fn file(path: &Path, behind: String, moved: Moved) -> io::Result<ByteStream> {
    let file = tokio::fs::File::open(path).await?;
    let pieces = ReaderStream::with_capacity(file, PIECE_BYTES).inspect_ok(move |piece| moved.add(piece.len()));
    Ok(pieces.chain(text(behind)).boxed())
}

/// A text alone.
pub(super) fn text(text: String) -> ByteStream {
    stream::once(async { Ok(Bytes::from(text)) }).boxed()
}
