//! Dumps of databases, and how they are brought back, by the tools in their own containers: see `load` for the way back.
//!
//! [`dump`] runs a script of `scripts/` in the container, by [`ShellRun`]: it finds the tool and the credentials there, so
//! that no password of the container leaves it, and becomes the tool, whose output comes straight into a file here. That
//! has its name only once the tool ended well and the format is whole. One more kind of database: see `tool.rs`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::docker::shell::{ShellError, ShellRun};
use crate::docker::{ContainerDetail, ContainerEngine};
use crate::domain::log::Level;
use crate::domain::plan::DatabaseKind;

mod arguments;
mod check;
mod crc64;
mod file;
mod kind;
pub mod load;
mod tool;

pub use check::Flaw;
use file::DumpFile;
pub use kind::find_kind;

/// One dump that is wanted.
#[derive(Clone, Copy)]
pub struct DumpRequest<'a> {
    /// The engine.
    pub engine: &'a dyn ContainerEngine,
    /// The database's container.
    pub container: &'a ContainerDetail,
    /// Which database it is; absent means that labels and image tell.
    pub kind: Option<DatabaseKind>,
    /// Further arguments of the dump tool; they may hold passwords.
    pub args: &'a [SecretString],
    /// The directory that the dump goes to, which is there and empty.
    pub to: &'a Path,
    /// Set when it is to end.
    pub cancel: &'a CancellationToken,
    /// How long no byte may come.
    pub stall_timeout: Duration,
    /// Who is told what happens.
    pub say: &'a (dyn Fn(Level, String) + Send + Sync),
}

/// A dump that is complete: its tool ended well, and the file ends as such a file must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dumped {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub size_bytes: u64,
    /// What was dumped.
    pub kind: DatabaseKind,
}

/// Why there is no dump. Nothing is left of it then.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// It is not known which database the container holds.
    #[error("it is not known which database container {0} holds; say it by the label mainstay.db or by 'db_kind'")]
    UnknownKind(String),
    /// The container does not run.
    #[error("container {0} does not run, and only a running database can be dumped; start it or leave it out")]
    NotRunning(String),
    /// The container has no shell.
    #[error("container {0} has no /bin/sh, which a dump needs; dump it from another container of the same release")]
    NoShell(String),
    /// The container has no such tool.
    #[error("container {container} has no {tool}; if it holds another database, say which by the label mainstay.db")]
    NoTool {
        /// The tool.
        tool: &'static str,
        /// The container.
        container: String,
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
    /// The tool ended well and wrote nothing.
    #[error("{tool} in container {container} wrote nothing: {said}")]
    Empty {
        /// The tool.
        tool: &'static str,
        /// The container.
        container: String,
        /// Its last lines.
        said: String,
    },
    /// The tool ended well, and what came of it is not whole.
    #[error("what {tool} in container {container} wrote is not whole")]
    NotWhole {
        /// The tool.
        tool: &'static str,
        /// The container.
        container: String,
        /// What is wrong with it.
        #[source]
        flaw: Flaw,
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
    /// The file could not be made.
    #[error("the dump {} cannot be made", .path.display())]
    NotMade {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It was asked to end.
    #[error("the dump was cancelled")]
    Cancelled,
}

/// Dumps a database. To end it early set its token: a future that is dropped leaves the tool running.
///
/// # Errors
/// When its tool is missing, fails, is cut off, or writes nothing or only a part.
pub async fn dump(request: DumpRequest<'_>) -> Result<Dumped, DumpError> {
    let container = &request.container.container.name;
    let kind = request.kind.or_else(|| find_kind(request.container));
    let kind = kind.ok_or_else(|| DumpError::UnknownKind(container.clone()))?;
    let tool = tool::name_of(kind);
    let name = tool::file_name_of(kind);
    let not_made = |source| DumpError::NotMade { path: request.to.join(name), source };
    let mut file = DumpFile::create(request.to, name, request.say).map_err(not_made)?;
    let code = run_tool(&request, kind, &mut file).await.map_err(|error| why_given_up(container, tool, error))?;
    let (container, said) = (container.clone(), file.last_words());
    match code {
        0 if file.size() == 0 => return Err(DumpError::Empty { tool, container, said }),
        0 => {}
        127 => return Err(DumpError::NoTool { tool, container }),
        exit_code => return Err(DumpError::Failed { tool, container, exit_code, said }),
    }
    let path = file.path().to_owned();
    match file.finish(kind).await {
        Ok(size_bytes) => Ok(Dumped { path, size_bytes, kind }),
        Err(flaw) => Err(DumpError::NotWhole { tool, container, flaw }),
    }
}

async fn run_tool(request: &DumpRequest<'_>, kind: DatabaseKind, file: &mut DumpFile<'_>) -> Result<i64, ShellError> {
    let given = arguments::read(kind, request.args);
    let mut env = Vec::new();
    if kind == DatabaseKind::Redis {
        env = arguments::read_server(request.container.arguments.expose());
    }
    env.extend(given.user.iter().map(|user| user.to_variable("MAINSTAY_USER")));
    env.extend(given.password.iter().map(|password| password.to_variable("MAINSTAY_PASSWORD")));
    let script = tool::script_of(kind, tool::Duty::Dump);
    let run = ShellRun {
        engine: request.engine,
        container: &request.container.container.name,
        options: &[],
        script: &script,
        arguments: given.rest,
        env,
        cancel: request.cancel,
        silence_limit: Some(request.stall_timeout),
        time_limit: None,
    };
    run.run(file).await
}

fn why_given_up(container: &str, tool: &'static str, error: ShellError) -> DumpError {
    let container = container.to_owned();
    match error {
        ShellError::Cancelled => DumpError::Cancelled,
        ShellError::NotRunning(_) => DumpError::NotRunning(container),
        ShellError::NoShell(_) => DumpError::NoShell(container),
        source => DumpError::GivenUp { tool, container, source },
    }
}
