//! Redis, Valkey and KeyDB load a file when they start, from where they would write their own.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_tar::Header;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, sleep};

use super::super::tool::Duty;
use super::client::{Client, Input};
use super::feed::{self, Moved};
use super::{LoadError, LoadRequest, Loaded, examine};
use crate::docker::{ByteStream, ExecSpec, OutputPiece};
use crate::domain::log::Level;
use crate::domain::plan::DatabaseKind;

/// The unit of a tar, and the zeros at its end.
const BLOCK: u64 = 512;
const END: [u8; 2 * BLOCK as usize] = [0; 2 * BLOCK as usize];
/// How often a server that starts is asked whether it has loaded.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// A server of Redis that is about to be stopped, filled, and started again.
#[derive(Debug)]
pub struct RestingRedis {
    directory: PathBuf,
    file: String,
    owner: (u64, u64),
    size_bytes: u64,
}

impl RestingRedis {
    /// Looks whether a running server would take the dump, and where from. What it holds now is kept beside.
    ///
    /// # Errors
    /// When the dump is not whole or too new, and when the server would not load it.
    pub async fn look(request: &LoadRequest<'_>) -> Result<Self, LoadError> {
        let client = Client { request, kind: DatabaseKind::Redis };
        let size_bytes = examine(&client).await?;
        refuse_if(
            &client,
            "appendonly",
            "yes",
            "it keeps an append-only file and would load that instead; set 'appendonly no', restart it, and load again",
        )
        .await?;
        refuse_if(&client, "cluster-enabled", "yes", "it is a member of a cluster, which a single file does not fill")
            .await?;
        if info(&client, "replication", "role").await? != "master" {
            let why = "it copies another server and would load from that; load the dump there".to_owned();
            return Err(LoadError::Unfit { container: client.container(), why });
        }
        let directory = PathBuf::from(setting(&client, "dir").await?);
        let file = setting(&client, "dbfilename").await?;
        let owner = owner_of(&client, &directory).await?;
        let place = Self { directory, file, owner, size_bytes };
        place.keep_old(&client).await?;
        Ok(place)
    }

    /// Where a server that was never started looks for its file, as the images have it.
    ///
    /// # Errors
    /// When the dump is not whole.
    pub async fn of_new_server(dump: &Path) -> Result<Self, LoadError> {
        let (size_bytes, _) = super::look_at_dump(DatabaseKind::Redis, dump).await?;
        Ok(Self { directory: "/data".into(), file: "dump.rdb".to_owned(), owner: (999, 999), size_bytes })
    }

    /// Puts the dump to where the server reads it, while the container rests.
    ///
    /// # Errors
    /// When the engine or the dump fails.
    pub async fn fill(&self, request: &LoadRequest<'_>) -> Result<(), LoadError> {
        let unreadable = |source| LoadError::Unreadable { path: request.dump.to_owned(), source };
        let tar = self.tar(request.dump).await.map_err(unreadable)?;
        let container = request.container.container.name.clone();
        let filled = request.engine.put_archive(&request.container.container.id, &self.directory, tar);
        tokio::select! {
            filled = filled => filled.map_err(|source| LoadError::Engine { container, source }),
            () = request.cancel.cancelled() => Err(LoadError::Cancelled),
        }
    }

    /// Waits until the server, which was started, serves what it loaded.
    ///
    /// # Errors
    /// When it does not within `limit`, or ends.
    pub async fn wait(&self, request: &LoadRequest<'_>, limit: Duration) -> Result<Loaded, LoadError> {
        let client = Client { request, kind: DatabaseKind::Redis };
        let deadline = Instant::now() + limit;
        loop {
            let why = match info(&client, "persistence", "loading").await {
                Ok(loading) if loading == "0" => break,
                Ok(_) => "it still loads".to_owned(),
                Err(LoadError::Cancelled) => return Err(LoadError::Cancelled),
                Err(error) => error.to_string(),
            };
            if Instant::now() >= deadline {
                return Err(LoadError::NotServed { container: client.container(), why });
            }
            sleep(ASK_EVERY).await;
        }
        let count = command(&client, &["DBSIZE"]).await?;
        let (kind, size_bytes, set_aside) = (DatabaseKind::Redis, self.size_bytes, Vec::new());
        Ok(Loaded { kind, size_bytes, set_aside, answer: Some(count) })
    }

    /// Writes down what the server holds, and copies it beside the file that will be replaced.
    async fn keep_old(&self, client: &Client<'_>) -> Result<(), LoadError> {
        let saved = command(client, &["SAVE"]).await?;
        if saved != "OK" {
            let why = format!("what it holds now cannot be saved before it is replaced: {saved}");
            return Err(LoadError::Unfit { container: client.container(), why });
        }
        let stamp = client.request.now.format("%Y%m%d%H%M%S");
        let kept = format!("{}.before-{stamp}", self.file);
        let script = "cd \"$1\" && if [ -f \"$2\" ]; then cp -p \"$2\" \"$3\"; fi";
        let directory = self.directory.display().to_string();
        in_shell(client, script, &[&directory, &self.file, &kept]).await?;
        (client.request.say)(Level::Info, format!("what it holds now is kept as {directory}/{kept} in its container"));
        Ok(())
    }

    async fn tar(&self, dump: &Path) -> io::Result<ByteStream> {
        let mut header = Header::new_gnu();
        header.set_path(&self.file)?;
        header.set_size(self.size_bytes);
        header.set_uid(self.owner.0);
        header.set_gid(self.owner.1);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_cksum();
        let padding = usize::try_from(self.size_bytes.next_multiple_of(BLOCK) - self.size_bytes).unwrap_or(0);
        let head = Bytes::copy_from_slice(header.as_bytes());
        let end = Bytes::from([vec![0; padding], END.to_vec()].concat());
        let body = feed::file(dump, String::new(), Moved::default()).await?;
        let once = |bytes: Bytes| stream::once(async { Ok(bytes) });
        Ok(once(head).chain(body).chain(once(end)).boxed())
    }
}

async fn refuse_if(client: &Client<'_>, name: &str, bad: &str, why: &str) -> Result<(), LoadError> {
    if setting(client, name).await? != bad {
        return Ok(());
    }
    Err(LoadError::Unfit { container: client.container(), why: why.to_owned() })
}

/// What the server says of one of its settings.
async fn setting(client: &Client<'_>, name: &str) -> Result<String, LoadError> {
    let told = command(client, &["CONFIG", "GET", name]).await?;
    let mut lines = told.lines();
    match (lines.next(), lines.next()) {
        (Some(first), Some(value)) if first == name => Ok(value.to_owned()),
        _ => {
            let why = format!("it does not tell its setting '{name}': {told}; put the dump into its directory by hand");
            Err(LoadError::Unfit { container: client.container(), why })
        }
    }
}

async fn info(client: &Client<'_>, section: &str, name: &str) -> Result<String, LoadError> {
    let told = command(client, &["INFO", section]).await?;
    let value = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.map(|value| value.trim().to_owned()).ok_or_else(|| LoadError::NotServed {
        container: client.container(),
        why: told.lines().next().unwrap_or("it says nothing").to_owned(),
    })
}

/// The client ends well even when the server refuses.
async fn command(client: &Client<'_>, words: &[&str]) -> Result<String, LoadError> {
    let said = client.run(Duty::Ask, words, Input::Nothing, |_| false).await?;
    if said.exit_code == 0 { Ok(said.out.trim().to_owned()) } else { Err(client.failed(&said)) }
}

/// Owner and group of a directory, for what is put into it.
async fn owner_of(client: &Client<'_>, directory: &Path) -> Result<(u64, u64), LoadError> {
    let directory = directory.display().to_string();
    let told = in_shell(client, "stat -c '%u %g' \"$1\"", &[&directory]).await?;
    let mut numbers = told.split_whitespace().filter_map(|number| number.parse().ok());
    Ok((numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
}

async fn in_shell(client: &Client<'_>, script: &str, words: &[&str]) -> Result<String, LoadError> {
    let (engine, container) = (client.request.engine, client.container());
    let command = ["/bin/sh", "-c", script, "mainstay"].iter().chain(words).map(|&word| word.to_owned()).collect();
    let spec = ExecSpec { command, ..ExecSpec::default() };
    let failed = |source| LoadError::Engine { container: container.clone(), source };
    let mut exec = engine.exec(&container, &spec).await.map_err(failed)?;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some(piece) = exec.output.next().await {
        match piece.map_err(failed)? {
            OutputPiece::Out(bytes) => out.extend_from_slice(&bytes),
            OutputPiece::Err(bytes) => err.extend_from_slice(&bytes),
        }
    }
    match engine.exec_state(&exec.id).await.map_err(failed)?.exit_code {
        Some(0) => Ok(String::from_utf8_lossy(&out).into_owned()),
        code => Err(LoadError::Failed {
            tool: "sh",
            container: container.clone(),
            exit_code: code.unwrap_or(-1),
            said: String::from_utf8_lossy(&err).trim().to_owned(),
        }),
    }
}
