//! `mainstay cat`

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use reqwest::Response;
use tokio::sync::mpsc;

use super::client::Client;
use super::session::with_client;
use super::within::{self, SnapshotArg};
use super::{Outcome, output};
use crate::config::Loaded;

/// How long the service may send nothing.
const SILENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub(super) struct CatArgs {
    #[command(flatten)]
    snapshot: SnapshotArg,
    /// A file in it
    #[arg(value_name = "PATH")]
    path: OsString,
    /// Write a directory with all that is below it, as a tar
    #[arg(long)]
    tar: bool,
}

pub(super) async fn run(loaded: &Loaded, args: CatArgs) -> anyhow::Result<Outcome> {
    with_client(loaded, async |client| cat(&client, &args).await).await?;
    Ok(Outcome::Done)
}

async fn cat(client: &Client, args: &CatArgs) -> anyhow::Result<()> {
    let id = args.snapshot.find(client).await?;
    let form = args.tar.then(|| ("archive", "tar".to_owned()));
    let query =
        within::query(&[Some(within::path_parameter(&args.path)), form].into_iter().flatten().collect::<Vec<_>>());
    let response = within::open(client, &format!("/api/v1/snapshots/{id}/download?{query}")).await?;
    let (sender, parts) = mpsc::channel(4);
    // A thread of its own writes, so that a reader who takes nothing cannot keep a signal from being heard.
    let printer = tokio::task::spawn_blocking(move || print(parts));
    let received = receive(response, &sender).await;
    drop(sender);
    match printer.await.context("the printer ended")? {
        // Whoever reads has read enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => received.and(printed.context("the content could not be written")),
    }
}

async fn receive(mut response: Response, sender: &mpsc::Sender<bytes::Bytes>) -> anyhow::Result<()> {
    loop {
        let part = tokio::time::timeout(SILENCE, response.chunk()).await;
        let part = part.map_err(|_| anyhow!("the service sends nothing more"));
        let part = part.and_then(|part| Ok(part?)).context("the content broke off; what was written is of no use")?;
        let Some(part) = part else { return Ok(()) };
        if sender.send(part).await.is_err() {
            return Ok(());
        }
    }
}

fn print(mut parts: mpsc::Receiver<bytes::Bytes>) -> io::Result<()> {
    while let Some(part) = parts.blocking_recv() {
        output::bytes(&part)?;
    }
    Ok(())
}
