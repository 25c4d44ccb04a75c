//! Dumps are brought back, by the client in the database's own container.
//!
//! [`load`] looks at the dump before it touches the server: whether it is whole, and whether its release fits. What is in
//! the server under the same names is replaced; of PostgreSQL, whose dumps replace nothing, the old databases are set
//! aside first and come back when the load fails. Redis reads its file only when it starts: [`RestingRedis`] has what is
//! done before, meanwhile and after, and whoever calls it brings the container to rest.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::check::check;
use super::tool::Duty;
use super::{Flaw, find_kind};
use crate::docker::shell::{ShellError, ShellOutput, ShellRun};
use crate::docker::{ContainerDetail, ContainerEngine, EngineError};
use crate::domain::log::Level;
use crate::domain::plan::DatabaseKind;

mod client;
mod feed;
mod postgres;
mod redis;
mod release;

use client::{Client, Input};
pub use redis::RestingRedis;
pub use release::Release;

/// How long a new server may take to say whether it is ready.
const ASK_LIMIT: Duration = Duration::from_secs(20);
/// What an answer to a question is told from everything before it by.
const ANSWER: &str = "mainstay-answer";

/// A dump that is to be loaded.
#[derive(Clone, Copy)]
pub struct LoadRequest<'a> {
    /// The engine.
    pub engine: &'a dyn ContainerEngine,
    /// The database's container, which runs.
    pub container: &'a ContainerDetail,
    /// Which database it is; absent means that labels and image tell.
    pub kind: Option<DatabaseKind>,
    /// The arguments that the dump was made with: user and password are taken from them.
    pub args: &'a [SecretString],
    /// The dump.
    pub dump: &'a Path,
    /// SQL that is asked right behind the dump, by the same user; for the kinds that speak SQL.
    pub question: Option<&'a str>,
    /// When it is, for the names of what is set aside.
    pub now: DateTime<Utc>,
    /// Set when it is to end.
    pub cancel: &'a CancellationToken,
    /// How long nothing may move.
    pub stall_timeout: Duration,
    /// Who is told how many bytes moved.
    pub progress: &'a (dyn Fn(u64) + Send + Sync),
    /// Who is told what happens.
    pub say: &'a (dyn Fn(Level, String) + Send + Sync),
}

/// A dump that is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// What was loaded.
    pub kind: DatabaseKind,
    /// The size of the dump.
    pub size_bytes: u64,
    /// Old databases that are still there, by the names that they have now.
    pub set_aside: Vec<String>,
    /// What the server answered to the question.
    pub answer: Option<String>,
}

/// Why a dump was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not known which database the container holds.
    #[error("it is not known which database container {0} holds; say it by the label mainstay.db")]
    UnknownKind(String),
    /// The container does not run.
    #[error("container {0} does not run, and only a running database can be loaded; start it first")]
    NotRunning(String),
    /// The container has no shell.
    #[error(
        "container {0} has no /bin/sh, which a load needs; load the dump from another container of the same release"
    )]
    NoShell(String),
    /// The container has no such tool.
    #[error("container {container} has no {tool}; if it holds another database, say which by the label mainstay.db")]
    NoTool {
        /// The tool.
        tool: &'static str,
        /// The container.
        container: String,
    },
    /// The dump cannot be read.
    #[error("the dump {} cannot be read", .path.display())]
    Unreadable {
        /// The dump.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The dump is not whole, so nothing was touched.
    #[error("the dump {} is not whole, so nothing was loaded", .path.display())]
    NotWhole {
        /// The dump.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        flaw: Flaw,
    },
    /// The server is too old for the dump, so nothing was touched.
    #[error(
        "the dump is of {dump}, and container {container} runs {server}, which is older; nothing was loaded: give the container an image of the release of the dump or a newer one"
    )]
    ServerTooOld {
        /// What made the dump.
        dump: Release,
        /// What was to take it.
        server: Release,
        /// The container.
        container: String,
    },
    /// The dump is of another product.
    #[error(
        "the dump is of {dump}, and container {container} runs {server}; nothing was loaded, because its users and rights do not fit"
    )]
    OtherProduct {
        /// What made the dump.
        dump: Release,
        /// What was to take it.
        server: Release,
        /// The container.
        container: String,
    },
    /// The server, as it is set up, would not take it.
    #[error("container {container} cannot be loaded as it is: {why}")]
    Unfit {
        /// The container.
        container: String,
        /// Why, and what to do.
        why: String,
    },
    /// The tool failed.
    #[error("{tool} in container {container} ended with exit code {exit_code}: {said}")]
    Failed {
        /// The tool.
        tool: &'static str,
        /// The container.
        container: String,
        /// The exit code.
        exit_code: i64,
        /// Its last lines.
        said: String,
    },
    /// The tool came to its end, and the server refused a part.
    #[error("container {container} refused a part of the dump, {count} errors in all: {first}")]
    Refused {
        /// The container.
        container: String,
        /// How many errors.
        count: u64,
        /// The first of them.
        first: String,
    },
    /// The tool did not come to its end.
    #[error("{tool} in container {container} was given up")]
    GivenUp {
        /// The tool.
        tool: &'static str,
        /// The container.
        container: String,
        /// Why.
        #[source]
        source: ShellError,
    },
    /// The engine failed.
    #[error("container {container} could not be filled")]
    Engine {
        /// The container.
        container: String,
        /// Why.
        #[source]
        source: EngineError,
    },
    /// The server did not come up with what was loaded.
    #[error("container {container} does not serve what was loaded: {why}")]
    NotServed {
        /// The container.
        container: String,
        /// What it says.
        why: String,
    },
    /// It was asked to end.
    #[error("the load was cancelled")]
    Cancelled,
}

impl LoadRequest<'_> {
    /// Which database it is.
    ///
    /// # Errors
    /// [`LoadError::UnknownKind`].
    pub fn kind(&self) -> Result<DatabaseKind, LoadError> {
        let kind = self.kind.or_else(|| find_kind(self.container));
        kind.ok_or_else(|| LoadError::UnknownKind(self.container.container.name.clone()))
    }
}

/// Loads a dump into a running server, for every kind but Redis. To end it early set its token: a future that is dropped
/// leaves the tool running.
///
/// # Errors
/// When the dump is not whole or does not fit, and when the tool or the server fails. What was set aside is back then.
pub async fn load(request: LoadRequest<'_>) -> Result<Loaded, LoadError> {
    let client = Client { request: &request, kind: request.kind()? };
    let size_bytes = examine(&client).await?;
    match client.kind {
        DatabaseKind::Postgres => postgres::load(&client, size_bytes).await,
        DatabaseKind::Mysql | DatabaseKind::Mariadb => load_mysql(&client, size_bytes).await,
        DatabaseKind::Mongo => load_mongo(&client, size_bytes).await,
        DatabaseKind::Redis => Err(LoadError::Unfit {
            container: client.container(),
            why: "Redis reads a dump only when it starts".to_owned(),
        }),
    }
}

/// Looks at a dump and at the server that is to take it. Returns the size of the dump.
async fn examine(client: &Client<'_>) -> Result<u64, LoadError> {
    let (size_bytes, dump) = look_at_dump(client.kind, client.request.dump).await?;
    let container = client.container();
    let server = release::of_server(client.kind, &ask_release(client).await?);
    match (dump, server) {
        (Some(dump), Some(server)) if dump.is_foreign_to(&server) => {
            Err(LoadError::OtherProduct { dump, server, container })
        }
        (Some(dump), Some(server)) if dump.is_newer_than(&server) => {
            Err(LoadError::ServerTooOld { dump, server, container })
        }
        (Some(dump), Some(server)) => {
            (client.request.say)(Level::Info, format!("a dump of {dump} is loaded into {server}"));
            Ok(size_bytes)
        }
        (dump, server) => {
            let known = |release: Option<Release>| release.map_or("unknown".to_owned(), |release| release.to_string());
            let (dump, server) = (known(dump), known(server));
            let message =
                format!("whether the releases fit cannot be told: the dump's is {dump}, the server's {server}");
            (client.request.say)(Level::Warning, message);
            Ok(size_bytes)
        }
    }
}

/// Whether a dump is whole, and which release made it.
async fn look_at_dump(kind: DatabaseKind, dump: &Path) -> Result<(u64, Option<Release>), LoadError> {
    let path = dump.to_owned();
    let look = move || -> Result<_, LoadError> {
        let unreadable = |source| LoadError::Unreadable { path: path.clone(), source };
        let file = File::open(&path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        check(kind, &file, size).map_err(|flaw| LoadError::NotWhole { path: path.clone(), flaw })?;
        Ok((size, release::of_dump(kind, &path).map_err(unreadable)?))
    };
    let looked = tokio::task::spawn_blocking(look).await;
    looked.unwrap_or_else(|e| Err(LoadError::Unreadable { path: dump.to_owned(), source: io::Error::other(e) }))
}

async fn ask_release(client: &Client<'_>) -> Result<String, LoadError> {
    match client.kind {
        DatabaseKind::Postgres => client.ask(Duty::Ask, &["-A", "-t"], Some("show server_version")).await,
        DatabaseKind::Mysql | DatabaseKind::Mariadb => client.ask(Duty::Ask, &[], Some("select version()")).await,
        DatabaseKind::Mongo => client.ask(Duty::Release, &[], None).await,
        DatabaseKind::Redis => client.ask(Duty::Ask, &["INFO", "server"], None).await,
    }
}

/// The client ends at the first error.
async fn load_mysql(client: &Client<'_>, size_bytes: u64) -> Result<Loaded, LoadError> {
    let question = behind(client.request.question, |question| format!("\nselect '{ANSWER}';\n{question};\n"));
    let said = client.run(Duty::Load, &[], Input::Dump(client.request.dump, question), |_| false).await?;
    if said.exit_code != 0 {
        return Err(client.failed(&said));
    }
    Ok(Loaded { kind: client.kind, size_bytes, set_aside: Vec::new(), answer: answer_of(&said.out) })
}

/// The tool ends well even when documents are refused; its last line counts them.
async fn load_mongo(client: &Client<'_>, size_bytes: u64) -> Result<Loaded, LoadError> {
    let dump = client.request.dump;
    let is_packed = release::is_packed(dump);
    let is_packed = is_packed.map_err(|source| LoadError::Unreadable { path: dump.to_owned(), source })?;
    let words: &[&str] = if is_packed { &["--gzip"] } else { &[] };
    let said = client.run(Duty::Load, words, Input::Dump(dump, String::new()), tells_of_refusals).await?;
    if said.exit_code != 0 {
        return Err(client.failed(&said));
    }
    refuse_if_wrong(client, &said)?;
    Ok(Loaded { kind: client.kind, size_bytes, set_aside: Vec::new(), answer: None })
}

/// Whether a line of `mongorestore` counts documents that it could not bring back.
fn tells_of_refusals(line: &str) -> bool {
    let Some((before, _)) = line.split_once(" document(s) failed to restore") else { return false };
    before.rsplit(' ').next() != Some("0")
}

/// Asks a server of MongoDB that knows no users a line of JavaScript.
///
/// # Errors
/// When its client is missing or fails.
pub async fn ask_mongo(request: &LoadRequest<'_>, line: &str) -> Result<String, LoadError> {
    let client = Client { request, kind: DatabaseKind::Mongo };
    Ok(client.ask(Duty::Ask, &[line], None).await?.trim().to_owned())
}

/// Whether a new server is through with setting itself up: it answers by the network then, and not only by its socket.
///
/// # Errors
/// When its container does not run, has no tool to ask with, or it was asked to end.
pub async fn is_ready(
    engine: &dyn ContainerEngine,
    container: &ContainerDetail,
    kind: DatabaseKind,
    cancel: &CancellationToken,
) -> Result<bool, LoadError> {
    let script = match kind {
        DatabaseKind::Postgres => "exec pg_isready -q -h 127.0.0.1",
        DatabaseKind::Mysql | DatabaseKind::Mariadb => {
            "for tool in mariadb-admin mysqladmin; do if command -v $tool >/dev/null; then \
             exec $tool --no-defaults --connect-timeout=2 --protocol=tcp -h 127.0.0.1 -u nobody ping; fi; done; exit 127"
        }
        DatabaseKind::Mongo => {
            "for tool in mongosh mongo; do if command -v $tool >/dev/null; then \
             exec $tool --quiet --norc --eval 'db.runCommand({ ping: 1 })'; fi; done; exit 127"
        }
        DatabaseKind::Redis => "exec redis-cli ping",
    };
    let name = &container.container.name;
    let run = ShellRun {
        engine,
        container: name,
        options: &[],
        script,
        arguments: Vec::new(),
        env: Vec::new(),
        cancel,
        silence_limit: None,
        time_limit: Some(ASK_LIMIT),
    };
    match run.run(&mut Unheard).await {
        Ok(127) => Err(LoadError::NoTool { tool: "client", container: name.clone() }),
        Ok(code) => Ok(code == 0),
        Err(ShellError::Cancelled) => Err(LoadError::Cancelled),
        Err(ShellError::NotRunning(name)) => Err(LoadError::NotRunning(name)),
        Err(source) => Err(LoadError::GivenUp { tool: "client", container: name.clone(), source }),
    }
}

/// Who does not care what a script prints.
struct Unheard;

#[async_trait]
impl ShellOutput for Unheard {
    async fn keep(&mut self, _: Bytes) -> io::Result<()> {
        Ok(())
    }

    fn complain(&mut self, _: &str) {}
}

fn refuse_if_wrong(client: &Client<'_>, said: &client::Said) -> Result<(), LoadError> {
    match said.wrong.first() {
        Some(first) => {
            let (container, count, first) = (client.container(), said.wrong_count, first.clone());
            Err(LoadError::Refused { container, count, first })
        }
        None => Ok(()),
    }
}

fn behind(question: Option<&str>, sql: impl Fn(&str) -> String) -> String {
    question.map(|question| sql(question.trim().trim_end_matches(';'))).unwrap_or_default()
}

/// What was printed behind the mark.
fn answer_of(out: &str) -> Option<String> {
    out.rsplit_once(&format!("{ANSWER}\n")).map(|(_, answer)| answer.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_documents_are_found_in_the_last_line() {
        let line =
            "2026-11-27T14:00:00.000+0000\t5 document(s) restored successfully. 0 document(s) failed to restore.";
        assert!(!tells_of_refusals(line));
        assert!(tells_of_refusals(&line.replace(" 0 ", " 10 ")));
        assert!(!tells_of_refusals("finished restoring shop.items (5 documents, 0 failures)"));
    }

    #[test]
    fn an_answer_is_what_comes_behind_the_mark() {
        assert_eq!(answer_of("1\nmainstay-answer\n3\n").as_deref(), Some("3"));
        assert_eq!(answer_of("1\n"), None);
    }
}
