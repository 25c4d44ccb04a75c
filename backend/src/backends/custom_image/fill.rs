//! The staged data of a run as a stream for the archive API.

use std::io::{self, Write};
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

use crate::backends::archive::write_plain_tar;
use crate::docker::ByteStream;

/// Bytes of a piece.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces that wait for the engine.
const WAITING: usize = 4;

/// The directory as a tar whose top entry is `name`. It is read by a thread of its own, which ends with the stream.
pub(super) fn tar_of(directory: PathBuf, name: String) -> ByteStream {
    let (pieces, waiting) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut sender = Sender { pieces, piece: Vec::with_capacity(PIECE_BYTES) };
        if let Err(error) = write_plain_tar(&directory, &name, &mut sender) {
            // Nobody listens any more when this fails, so that nobody takes the half for the whole.
            sender.pieces.blocking_send(Err(error)).ok();
        }
    });
    stream::unfold(waiting, |mut waiting| async { Some((waiting.recv().await?, waiting)) }).boxed()
}

struct Sender {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for Sender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(PIECE_BYTES - self.piece.len());
        self.piece.extend_from_slice(&bytes[..count]);
        if self.piece.len() == PIECE_BYTES {
            self.flush()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES));
        self.pieces.blocking_send(Ok(piece.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_directory_arrives_whole_and_a_missing_one_as_an_error() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("file"), vec![7; 3 * PIECE_BYTES + 5]).expect("a file");
        let pieces: Vec<_> = tar_of(directory.path().to_owned(), "run".to_owned()).collect().await;
        let tar: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.expect("a piece")).collect();
        assert!(tar.len().is_multiple_of(512) && tar.ends_with(&[0; 1024]), "{} bytes", tar.len());
        assert_eq!(tar.iter().filter(|&&byte| byte == 7).count(), 3 * PIECE_BYTES + 5);
        let pieces: Vec<_> = tar_of("/no/such".into(), "run".to_owned()).collect().await;
        assert!(pieces.last().is_some_and(Result::is_err), "{pieces:?}");
    }
}
