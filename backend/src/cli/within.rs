//! What `ls`, `find` and `cat` have in common: which snapshot and which path are meant, and patience with an archive whose index
//! is being made.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

use super::client::{Answer, Client, problem};
use super::output;

/// As many snapshots of a stack are looked through for the newest one that can be looked into.
const NEWEST: usize = 100;
/// As many items a page has.
const PAGE: usize = 500;
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct SnapshotArg {
    /// A snapshot's id, or a stack's name for its newest snapshot
    #[arg(value_name = "SNAPSHOT")]
    snapshot: String,
}

impl SnapshotArg {
    /// The id of the snapshot that is meant.
    pub(super) async fn find(&self, client: &Client) -> anyhow::Result<String> {
        if self.snapshot.starts_with("snap_") {
            return Ok(self.snapshot.clone());
        }
        let query = query(&[("stack", self.snapshot.clone()), ("limit", NEWEST.to_string())]);
        let listed = client.get(&format!("/api/v1/snapshots?{query}")).await?;
        newest(&listed, &self.snapshot)
    }
}

/// The id of the newest snapshot in a list of a stack's snapshots, newest first, that can be looked into from here.
fn newest(listed: &Value, stack: &str) -> anyhow::Result<String> {
    let mut newest = listed["items"].as_array().into_iter().flatten().peekable();
    if newest.peek().is_none() {
        return Err(anyhow!("there is no snapshot of a stack called '{stack}'"));
    }
    let found = newest.find(|one| one["backend"] != "custom_image").and_then(|one| one["id"].as_str());
    found.map(str::to_owned).ok_or_else(|| {
        anyhow!(
            "none of the newest snapshots of '{stack}' can be looked into; what an image keeps, its own tool looks into"
        )
    })
}

/// Parameters of a request.
pub(super) fn query(pairs: &[(&str, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A path as a parameter: as its bytes when it is no UTF-8.
pub(super) fn path_parameter(path: &OsStr) -> (&'static str, String) {
    match path.to_str() {
        Some(path) => ("path", path.to_owned()),
        None => ("path_bytes", path.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()),
    }
}

/// Where a path was asked for, or the top directory.
pub(super) fn path_or_top(path: Option<&OsString>) -> (&'static str, String) {
    path_parameter(path.map_or(OsStr::new(""), OsString::as_os_str))
}

/// All pages of a list, as soon as the archive can be looked into; at most `most` items.
pub(super) async fn all(
    client: &Client,
    path: &str,
    pairs: &[(&str, String)],
    most: usize,
) -> anyhow::Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut pairs = pairs.to_vec();
        pairs.push(("limit", most.saturating_sub(items.len()).clamp(1, PAGE).to_string()));
        pairs.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let mut page = get(client, &format!("{path}?{}", query(&pairs))).await?;
        items.extend(page["items"].as_array_mut().map(std::mem::take).unwrap_or_default());
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() || items.len() >= most {
            return Ok(items);
        }
    }
}

/// An answer with JSON, as soon as the archive can be looked into.
pub(super) async fn get(client: &Client, path: &str) -> anyhow::Result<Value> {
    let mut notice = Notice::default();
    loop {
        let answer = client.send_patiently(Method::GET, path).await?;
        if answer.status.is_success() {
            return Ok(answer.body);
        }
        notice.wait_or_fail(&answer).await?;
    }
}

/// An answer whose body is still to be read, as soon as the archive can be looked into.
pub(super) async fn open(client: &Client, path: &str) -> anyhow::Result<Response> {
    let mut notice = Notice::default();
    loop {
        let response = client.open(path).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        notice.wait_or_fail(&Answer::read(response).await?).await?;
    }
}

/// Tells once why it takes so long.
#[derive(Default)]
struct Notice {
    is_told: bool,
}

impl Notice {
    async fn wait_or_fail(&mut self, answer: &Answer) -> anyhow::Result<()> {
        if answer.status != StatusCode::SERVICE_UNAVAILABLE || answer.body["code"] != "index_rebuilding" {
            return Err(problem(answer));
        }
        if !self.is_told {
            output::note("the index of the archive is missing or damaged and is made anew; the archive is read for it");
            self.is_told = true;
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_keep_every_byte() {
        assert_eq!(path_parameter(OsStr::new("a b/ä")), ("path", "a b/ä".to_owned()));
        assert_eq!(path_parameter(OsStr::from_bytes(b"a/\xff")), ("path_bytes", "612fff".to_owned()));
        assert_eq!(query(&[("path", "a b&c=ä".to_owned())]), "path=a+b%26c%3D%C3%A4");
    }

    #[test]
    fn a_stack_is_looked_into_by_its_newest_snapshot() {
        let one = |id: &str, backend: &str| json!({"id": id, "backend": backend});
        let listed =
            json!({"items": [one("snap_3", "custom_image"), one("snap_2", "restic"), one("snap_1", "archive")]});
        assert_eq!(newest(&listed, "blog").expect("one"), "snap_2");
        let said = |listed: &Value| newest(listed, "blog").expect_err("none").to_string();
        assert!(said(&json!({"items": []})).contains("no snapshot of a stack called 'blog'"));
        assert!(said(&json!({"items": [one("snap_3", "custom_image")]})).contains("its own tool"));
    }
}
