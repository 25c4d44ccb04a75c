//! Requests that a well-behaved client cannot send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Sends `request` as it stands to the service at `base`, and returns the head of the answer,
/// in lower case, and its body.
pub(crate) async fn send_raw(base: &str, request: impl Into<Vec<u8>>) -> (String, String) {
    let (address, request) = (base.trim_start_matches("http://").to_owned(), request.into());
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a deadline");
        stream.write_all(&request).expect("sent");
        read_answer(&mut stream)
    });
    answer.await.expect("an answer")
}

/// Reads no further than the length that the head tells: the connection may stay open.
fn read_answer(stream: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(answer) = split(&bytes) {
            return answer;
        }
        let count = stream.read(&mut chunk).expect("more of the answer");
        assert!(count > 0, "the answer ends early: {}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&chunk[..count]);
    }
}

fn split(bytes: &[u8]) -> Option<(String, String)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let body = bytes.get(end + 4..end + 4 + length)?;
    Some((head, String::from_utf8_lossy(body).into_owned()))
}
