//! The fault suite: the true binary and a real Docker Engine, and everything that goes wrong on purpose.
//!
//! A program of its own, because it counts: every kind of fault is a row of a table with its runs, its kills and what
//! came of them, and the last lines say the sums. Without arguments it does the part that belongs to every test run;
//! `cargo test --test faults -- --kills 500` goes on with seeded kills at random times until there were that many.
//!
//! After each fault the same is asked, with means that are not Mainstay's ([`judge`]): what ran runs, nothing that did
//! not run was started, no half archive is visible, and the job's state and message are right. To add a kind: a function
//! in a file of [`kinds`], and a line in its table. Do not test the product's internals here: a kind is written to the
//! promise, and waits for events, never for a time that happens to suffice.

#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "the suite runs the true binary, and independent readers of its work")]
#![expect(clippy::needless_pass_by_value, reason = "tests read better with plain arguments")]

#[expect(dead_code, reason = "shared with the integration tests, which use the rest")]
#[path = "../it/support/client.rs"]
mod client;
#[expect(dead_code, reason = "shared with the integration tests, which use the rest")]
#[path = "../it/support/store.rs"]
mod store;

#[path = "../it/support/restic.rs"]
mod restic;

mod archive;
mod cx;
mod disk;
mod host;
mod instance;
mod judge;
mod kinds;
mod options;
mod picture;
mod proxy;
mod report;
mod rig;
mod run;
mod second_engine;
mod served;
mod stack;

use std::process::ExitCode;

fn main() -> ExitCode {
    let options = options::Options::of(std::env::args().skip(1));
    let kinds = kinds::all();
    if options.is_list {
        kinds.iter().for_each(|kind| println!("{}: test", kind.name));
        return ExitCode::SUCCESS;
    }
    // Many runs wait for their processes at once, and each may block a thread meanwhile.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(24).enable_all().build();
    let report = runtime.expect("a runtime").block_on(run::all(&options, &kinds));
    report.print();
    if let Some(path) = &options.json {
        std::fs::write(path, report.to_json().to_string()).expect("the report is written");
    }
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
