//! Measures the service beside what people would write instead, in one run on one machine.
//!
//! ```text
//! cargo bench --bench service                       everything, about four minutes
//! cargo bench --bench service -- status idle        only these of: status, lists, sse, idle
//! cargo bench --bench service -- --json FILE        the table as JSON too
//! ```
//!
//! `MAINSTAY_BENCH_PYTHON` names a Python that has Flask and gunicorn; without it the peer is left out and that is said.
//! `MAINSTAY_BENCH_DIR` names the directory for stores and stacks, else it is `/dev/shm` or the system's temporary one.
//! Everything happens on the loopback address, with a bounded number of requests. Only the ratios mean something
//! elsewhere. To measure one more thing, add a module that fills a [`Report`] and a word in [`main`]; nothing here may
//! fail because of a time.

#![expect(clippy::print_stdout, reason = "the numbers are the product of this program")]
#![expect(clippy::disallowed_methods, reason = "a benchmark starts its contenders itself, and waits for them")]

#[path = "service/http.rs"]
mod http;
#[path = "service/idle.rs"]
mod idle;
#[path = "service/listeners.rs"]
mod listeners;
#[path = "service/lists.rs"]
mod lists;
#[path = "service/peer.rs"]
mod peer;
#[path = "service/report.rs"]
mod report;
#[path = "service/seed.rs"]
mod seed;
#[path = "service/site.rs"]
mod site;
#[path = "service/sse.rs"]
mod sse;
#[path = "service/status.rs"]
mod status;

use std::env;

use anyhow::{Result, bail};

use self::report::Report;
use self::site::Site;

const PARTS: [&str; 4] = ["status", "lists", "sse", "idle"];

fn main() -> Result<()> {
    let mut args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if args.first().is_some_and(|arg| arg == sse::SERVICE) {
        return sse::serve(&args[1..]);
    }
    let json = args.iter().position(|arg| arg == "--json").map(|at| args.drain(at..).nth(1).unwrap_or_default());
    if let Some(unknown) = args.iter().find(|arg| !PARTS.contains(&arg.as_str())) {
        bail!("'{unknown}' is none of: {}", PARTS.join(", "));
    }
    let is_wanted = |part: &str| args.is_empty() || args.iter().any(|arg| arg == part);
    let mut report = Report::default();
    if is_wanted("idle") {
        runtime.block_on(idle::measure(&mut report))?;
    }
    if is_wanted("sse") {
        runtime.block_on(sse::measure(&mut report))?;
    }
    if is_wanted("status") || is_wanted("lists") {
        let site = Site::new("seeded")?;
        runtime.block_on(seed::fill(&site))?;
        if is_wanted("lists") {
            runtime.block_on(lists::measure(&site, &mut report))?;
        }
        if is_wanted("status") {
            runtime.block_on(status::measure(&site, &mut report))?;
        }
    }
    report.print();
    json.map_or(Ok(()), |file| report.write(&file))
}
