//! Runs the kinds, some beside each other, and gathers what came of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::cx::Cx;
use crate::host::Host;
use crate::kinds::{self, Kind, Strike};
use crate::options::Options;
use crate::report::{Report, Row};
use crate::store;

/// Says that a run without an engine is meant.
const WITHOUT_ENGINE: &str = "MAINSTAY_TEST_WITHOUT_DOCKER";
/// No run may take longer; what is still made then is cleared away.
const LIMIT: Duration = Duration::from_secs(300);

struct Ended {
    row: usize,
    kills: usize,
    outcomes: std::collections::BTreeMap<String, usize>,
    failure: Option<String>,
    took: Duration,
}

/// Every kind that was asked for, as often as it is meant to run.
pub(crate) async fn all(options: &Options, table: &[Kind]) -> Report {
    let began = Instant::now();
    let wanted: Vec<&Kind> = table.iter().filter(|kind| is_wanted(options, kind)).collect();
    let mut report = Report { rows: Vec::new(), seed: options.seed, wanted_kills: None, took: Duration::ZERO };
    if wanted.is_empty() || !has_engine().await {
        return report;
    }
    report.rows = wanted.iter().map(|kind| Row { name: kind.name, about: kind.about, ..Row::default() }).collect();
    report.wanted_kills = options.kills.filter(|_| options.only.is_empty());
    let mut queue: VecDeque<(usize, usize)> = VecDeque::new();
    for (row, kind) in wanted.iter().enumerate() {
        queue.extend((0..kinds::runs(kind, table, options)).map(|index| (row, index)));
    }
    let lanes = Arc::new(Semaphore::new(options.lanes));
    let mut running = JoinSet::new();
    while !queue.is_empty() || !running.is_empty() {
        tokio::select! {
            lane = Arc::clone(&lanes).acquire_owned(), if !queue.is_empty() => {
                let (row, index) = queue.pop_front().expect("a run");
                let cx = Cx::new(options, wanted[row].name, index, lane.expect("open"));
                running.spawn(one(cx, row, wanted[row].strike));
            }
            Some(ended) = running.join_next() => note(&mut report, ended.expect("a run"), began),
        }
    }
    report.took = began.elapsed();
    report
}

fn is_wanted(options: &Options, kind: &Kind) -> bool {
    // What has nothing to do with the store is not done once more for another one.
    options.wants(kind.name) && (kind.is_about_store || !store::is_postgres())
}

/// Without an engine the run fails, unless one without it is meant.
async fn has_engine() -> bool {
    let answers = Host::usual().answers().await;
    let is_meant = std::env::var(WITHOUT_ENGINE).is_ok_and(|value| value == "1");
    assert!(answers || is_meant, "the fault suite needs a Docker Engine; set {WITHOUT_ENGINE}=1 to leave it out");
    if !answers {
        println!("left out, no Docker Engine: the fault suite");
    }
    answers
}

async fn one(cx: Cx, row: usize, strike: Strike) -> Ended {
    let began = Instant::now();
    let mut work = tokio::spawn(strike(cx.clone()));
    let failure = match tokio::time::timeout(LIMIT, &mut work).await {
        Ok(Ok(())) => None,
        Ok(Err(panic)) => Some(text_of(panic)),
        Err(_) => {
            work.abort();
            Some(format!("it did not end within {LIMIT:?}"))
        }
    };
    let took = began.elapsed();
    cx.clear().await;
    let failure = failure.map(|text| format!("run {}: {text}", cx.index()));
    Ended { row, kills: cx.kills(), outcomes: cx.outcomes(), failure, took }
}

fn text_of(panic: tokio::task::JoinError) -> String {
    let Ok(payload) = panic.try_into_panic() else { return "it was cancelled".to_owned() };
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_default()
}

fn note(report: &mut Report, ended: Ended, began: Instant) {
    let row = &mut report.rows[ended.row];
    row.runs += 1;
    row.kills += ended.kills;
    row.longest = row.longest.max(ended.took);
    for (outcome, times) in ended.outcomes {
        *row.outcomes.entry(outcome).or_default() += times;
    }
    let word = if ended.failure.is_some() { "FAILED" } else { "ok" };
    println!("{:>5} s  {word:<6}  {} ({:.1} s)", began.elapsed().as_secs(), row.name, ended.took.as_secs_f64());
    row.failures.extend(ended.failure);
}
