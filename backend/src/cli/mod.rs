//! The command line.
//!
//! Every command but `serve`, `openapi`, `migrate`, those of [`backrest`] and, without a service, `resume` is a client of
//! the HTTP API: of the service that runs, or of one that lives as long as the command ([`session`]). To add a command: a variant of [`Command`], a file here that
//! prints, nothing more. `--json` prints what the API answered.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::app;
use crate::config::{ConfigErrors, LoadOptions, Loaded, Overrides, load, load_for_resume};

mod backrest;
mod backup;
mod cat;
mod client;
mod doctor;
mod drill;
mod find;
mod from;
mod healthcheck;
mod import;
mod instances;
mod keep;
mod ls;
mod openapi;
mod output;
mod plans;
mod restore;
mod resume;
mod serve;
mod session;
mod snapshots;
mod stacks;
mod verify;
mod within;

/// Backups of what a Docker host runs.
#[derive(Debug, Parser)]
#[command(name = "mainstay", version, about, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Global {
    /// The configuration file; looked for in the usual places when absent
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print what the API answers, as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service
    Serve(serve::ServeArgs),
    /// List the stacks of this host
    Stacks,
    /// Back stacks up, or run plans, wait, and show progress
    Backup(backup::BackupArgs),
    /// Look at instances, test them, and carry their retention out
    Instances(instances::InstancesArgs),
    /// Look at plans, see what they would do, and run them
    Plans(plans::PlansArgs),
    /// List what can be restored
    Snapshots(snapshots::SnapshotsArgs),
    /// Restore a snapshot, or take a restore back; wait, and show progress
    Restore(Box<restore::RestoreArgs>),
    /// Take archives of a directory, or what an instance has stored, into the record
    Import(import::ImportArgs),
    /// List what is in a directory of a snapshot
    Ls(ls::LsArgs),
    /// Find files of a snapshot by their names
    Find(find::FindArgs),
    /// Write a file of a snapshot, or a directory as a tar, to standard output
    Cat(cat::CatArgs),
    /// Read a snapshot again and tell what is wrong with it; waits, and shows progress
    Verify(verify::VerifyArgs),
    /// Bring a snapshot back where it harms nobody, compare it, load its databases, and tell; waits, and shows progress
    Drill(drill::DrillArgs),
    /// Bring back what Mainstay stopped and has not started again; works without the service too
    Resume(resume::ResumeArgs),
    /// Bring the plans of a Backrest in step with labels; needs no service
    Reconcile(Box<backrest::ReconcileArgs>),
    /// Do that again and again; needs no service
    Daemon(Box<backrest::DaemonArgs>),
    /// Back all labelled projects up once, by restic-compose-backup or by restic alone; needs no service
    BackupOnce(Box<backrest::BackupOnceArgs>),
    /// Check everything that a backup needs
    Doctor,
    /// Print the OpenAPI document
    Openapi,
    /// Ask the running service whether it is well (for HEALTHCHECK)
    Healthcheck,
    /// Bring the schema of the store up to date
    Migrate,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Failed,
    Partial,
    /// There was nothing to do, or it was only to be shown.
    Nothing,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::Failed => Self::from(1),
            Outcome::Partial => Self::from(3),
            Outcome::Nothing => Self::from(2),
        }
    }
}

impl Cli {
    /// Reads the command line of this process.
    ///
    /// # Errors
    /// With the exit code for a command line that cannot be read, or that only asked for help; what there is to say has
    /// been printed.
    pub fn read() -> Result<Self, ExitCode> {
        let words = backrest::words(std::env::args_os().collect());
        Self::try_parse_from(&words).map_err(|error| {
            // Nothing can be done when it cannot be printed.
            error.print().ok();
            match error.exit_code() {
                0 => ExitCode::SUCCESS,
                _ if backrest::is_meant(&words) => ExitCode::FAILURE,
                _ => ExitCode::from(2),
            }
        })
    }
}

/// Runs a command; the exit code is 0 for success, 1 for failure, 3 for partial, 2 for a wrong command line.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::Error::new(error).context("the runtime could not be started")),
    };
    let code = match runtime.block_on(dispatch(cli)) {
        Ok(outcome) => outcome.into(),
        Err(error) => fail(&error),
    };
    // A thread that hangs on a dead disk must not keep the process, and so a restart, from happening.
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

async fn dispatch(cli: Cli) -> anyhow::Result<Outcome> {
    let Cli { global, command } = cli;
    let command = match backrest::dispatch(command).await {
        Ok(outcome) => return Ok(outcome),
        Err(command) => command,
    };
    if let Command::Openapi = command {
        return openapi::run();
    }
    if let Command::Resume(args) = command {
        let loaded = read_config_for_resume(&global)?;
        return resume::run(&loaded, args, global.json).await;
    }
    let listen = if let Command::Serve(args) = &command { args.listen.clone() } else { None };
    let loaded = read_config(&global, listen)?;
    match command {
        Command::Serve(args) => Box::pin(serve::run(loaded, args)).await,
        Command::Stacks => stacks::run(&loaded, global.json).await,
        Command::Backup(args) => backup::run(&loaded, args, global.json).await,
        Command::Instances(args) => instances::run(&loaded, args, global.json).await,
        Command::Plans(args) => plans::run(&loaded, args, global.json).await,
        Command::Import(args) => import::run(&loaded, args, global.json).await,
        Command::Snapshots(args) => snapshots::run(&loaded, args, global.json).await,
        Command::Restore(args) => restore::run(&loaded, *args, global.json).await,
        Command::Find(args) => find::run(&loaded, args, global.json).await,
        Command::Ls(args) => ls::run(&loaded, args, global.json).await,
        Command::Cat(args) => cat::run(&loaded, args).await,
        Command::Verify(args) => verify::run(&loaded, args, global.json).await,
        Command::Drill(args) => drill::run(&loaded, args, global.json).await,
        Command::Doctor => doctor::run(&loaded, global.json).await,
        Command::Healthcheck => healthcheck::run(&loaded).await,
        Command::Migrate => {
            app::migrate(&loaded.config).await?;
            output::line("the schema is up to date");
            Ok(Outcome::Done)
        }
        Command::Openapi | Command::Resume(_) | Command::Reconcile(_) | Command::Daemon(_) | Command::BackupOnce(_) => {
            Ok(Outcome::Done)
        }
    }
}

fn read_config(global: &Global, listen: Option<String>) -> Result<Loaded, ConfigErrors> {
    load(&options(global, listen))
}

/// Mistakes that have nothing to do with what is at rest are told, and keep nothing down.
fn read_config_for_resume(global: &Global) -> Result<Loaded, ConfigErrors> {
    let (loaded, mistakes) = load_for_resume(&options(global, None))?;
    if let Some(mistakes) = mistakes {
        output::note(&format!("the configuration has mistakes, which do not matter here:\n{mistakes}"));
    }
    Ok(loaded)
}

fn options(global: &Global, listen: Option<String>) -> LoadOptions {
    LoadOptions {
        explicit_path: global.config.clone(),
        env: std::env::vars().collect(),
        overrides: Overrides { listen, ..Overrides::default() },
    }
}

/// Prints an error with its causes, each once.
fn fail(error: &anyhow::Error) -> ExitCode {
    output::error(&format!("{error:#}"));
    ExitCode::FAILURE
}
