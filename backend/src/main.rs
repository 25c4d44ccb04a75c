//! The `mainstay` binary: parse the command line, run, turn the outcome into an exit code.

use std::process::ExitCode;

use clap::Parser;
use mainstay::cli::{Cli, run};

fn main() -> ExitCode {
    run(Cli::parse())
}
