//! The `mainstay` binary: parse the command line, run, turn the outcome into an exit code.

use std::process::ExitCode;

use mainstay::cli::{Cli, run};

fn main() -> ExitCode {
    // First, while there is one thread. Without it the service works the same and takes more memory.
    let _ = small_heap::limit();
    match Cli::read() {
        Ok(cli) => run(cli),
        Err(code) => code,
    }
}
