//! A path of a container as a tar stream that cannot be cut unnoticed.
//!
//! The engine sends its status before it reads the first file. An error after that ends the answer as if it were
//! complete; only the missing end mark of the tar tells. So the stream is watched for that mark.

use std::path::Path;
use std::time::Duration;

use bollard::errors::Error;
use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use super::failure::{Asked, Failure, classify};
use super::link::{EngineLink, timed_out};
use super::{EngineError, TarStream};

/// How long the first bytes may take.
const FIRST_LIMIT: Duration = Duration::from_secs(30);
/// A tar ends with two blocks of zeros.
const END_MARK_BYTES: usize = 1024;

/// Opens the stream and waits for its first piece. Between two pieces the engine may fall silent for `silence`; a frozen
/// file system does that for ever.
pub(super) async fn open(
    link: &EngineLink,
    container: &str,
    path: &Path,
    silence: Duration,
) -> Result<TarStream, EngineError> {
    let asked = Asked::of_container(&format!("read '{}' of", path.display()), container);
    let text = path.to_str().filter(|_| path.is_absolute()).ok_or_else(|| EngineError::Rejected {
        action: asked.action.clone(),
        message: "the path is not absolute, or not UTF-8".to_owned(),
    })?;
    let options = DownloadFromContainerOptionsBuilder::default().path(text).build();
    let client = link.client(&asked)?;
    let name = container.to_owned();
    // The stream borrows neither the client nor the name: both live inside it.
    let mut pieces = client.download_from_container(&name, Some(options)).boxed();
    let first = match tokio::time::timeout(FIRST_LIMIT, pieces.next()).await {
        Err(_) => return Err(timed_out(&asked, FIRST_LIMIT).error),
        Ok(None) => return Err(cut(&asked)),
        Ok(Some(Err(error))) => return Err(not_opened(link.address(), &asked, path, error)),
        Ok(Some(Ok(piece))) => piece,
    };
    Ok(watched(first, pieces, silence, link.address().to_owned(), asked))
}

fn not_opened(address: &str, asked: &Asked, path: &Path, error: Error) -> EngineError {
    let is_container_missing = matches!(&error, Error::DockerResponseServerError { message, .. }
        if message.to_ascii_lowercase().contains("no such container"));
    match classify(address, asked, error) {
        Failure { error: EngineError::NotFound { what }, .. } if !is_container_missing => {
            EngineError::NotFound { what: format!("path '{}' in {what}", path.display()) }
        }
        failure => failure.error,
    }
}

fn cut(asked: &Asked) -> EngineError {
    let message = "the stream ended before the end of the tar".to_owned();
    EngineError::Rejected { action: asked.action.clone(), message }
}

struct Watch {
    first: Option<Bytes>,
    pieces: BoxStream<'static, Result<Bytes, Error>>,
    trailing_zeros: usize,
    silence: Duration,
    address: String,
    asked: Asked,
}

impl Watch {
    async fn next(&mut self) -> Option<Result<Bytes, EngineError>> {
        if let Some(first) = self.first.take() {
            return Some(Ok(self.count(first)));
        }
        match tokio::time::timeout(self.silence, self.pieces.next()).await {
            Err(_) => Some(Err(timed_out(&self.asked, self.silence).error)),
            Ok(Some(Ok(piece))) => Some(Ok(self.count(piece))),
            Ok(Some(Err(error))) => Some(Err(classify(&self.address, &self.asked, error).error)),
            Ok(None) if self.trailing_zeros < END_MARK_BYTES => Some(Err(cut(&self.asked))),
            Ok(None) => None,
        }
    }

    fn count(&mut self, piece: Bytes) -> Bytes {
        let zeros = piece.iter().rev().take(END_MARK_BYTES).take_while(|&&byte| byte == 0).count();
        let before = if zeros == piece.len() { self.trailing_zeros } else { 0 };
        self.trailing_zeros = before + zeros;
        piece
    }
}

fn watched(
    first: Bytes,
    pieces: BoxStream<'static, Result<Bytes, Error>>,
    silence: Duration,
    address: String,
    asked: Asked,
) -> TarStream {
    let watch = Watch { first: Some(first), pieces, trailing_zeros: 0, silence, address, asked };
    // After an error there is nothing more to say.
    stream::unfold(Some(watch), |watch| async {
        let mut watch = watch?;
        let item = watch.next().await?;
        let next = item.is_ok().then_some(watch);
        Some((item, next))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn outcome(pieces: &[&[u8]]) -> (usize, bool) {
        let mut pieces = pieces.iter().map(|piece| Bytes::copy_from_slice(piece));
        let first = pieces.next().expect("a first piece");
        let rest: Vec<Result<Bytes, Error>> = pieces.map(Ok).collect();
        let asked = Asked::of_container("read '/d' of", "web");
        let items: Vec<_> =
            watched(first, stream::iter(rest).boxed(), Duration::from_secs(9), "a".to_owned(), asked).collect().await;
        (items.len(), items.iter().all(Result::is_ok))
    }

    #[tokio::test]
    async fn a_tar_with_its_end_mark_is_whole() {
        assert_eq!(outcome(&[b"data", &[0; 1024]]).await, (2, true));
        assert_eq!(outcome(&[b"data\0\0", &[0; 1000], &[0; 22]]).await, (3, true), "the mark in pieces");
    }

    #[tokio::test]
    async fn a_tar_without_its_end_mark_ends_with_an_error() {
        assert_eq!(outcome(&[b"data"]).await, (2, false));
        assert_eq!(outcome(&[&[0; 1024], b"x", &[0; 1023]]).await, (4, false));
    }

    #[tokio::test]
    async fn a_stream_that_falls_silent_is_given_up_and_one_that_is_slow_is_not() {
        let silence = Duration::from_millis(400);
        let piece = move |n: u32| async move {
            if n == 3 {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(silence / 2).await;
            Ok(Bytes::from_static(b"data"))
        };
        let asked = Asked::of_container("read '/d' of", "web");
        let pieces = stream::iter(0..9).then(piece).boxed();
        let items: Vec<_> =
            watched(Bytes::from_static(b"first"), pieces, silence, "a".to_owned(), asked).collect().await;
        assert_eq!(items.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, true, true, false]);
        assert!(matches!(items.last(), Some(Err(EngineError::TimedOut { .. }))), "{items:?}");
    }
}
