//! Following a log while it is written.

use std::sync::Arc;

use chrono::DateTime;
use futures_util::StreamExt;

use super::*;
use crate::domain::clock::{ManualClock, SharedClock};
use crate::domain::ids::JobId;
use crate::domain::job::{JobKind, Step, StepName, Trigger};
use crate::engine::events::EventHub;
use crate::engine::logbook::{JobLog, SystemLog, format_line};
use crate::store::Store;

/// A job at work whose log is in a directory of its own.
struct Scene {
    directory: tempfile::TempDir,
    live: Arc<LiveJob>,
}

fn job(state: JobState) -> Job {
    Job {
        id: JobId::new(DateTime::UNIX_EPOCH),
        kind: JobKind::Backup,
        state,
        stack: None,
        instance: None,
        plan: None,
        trigger: Trigger::Api,
        quiesce: None,
        is_dry_run: false,
        queued_at: DateTime::UNIX_EPOCH,
        started_at: None,
        finished_at: None,
        progress: Progress::default(),
        steps: Step::all_pending(StepName::OF_STACK_BACKUP),
        targets: Vec::new(),
        stopped_ms: None,
        strategy: None,
        bytes_captured_while_stopped: None,
        bytes_read: 0,
        bytes_stored: 0,
        snapshot_id: None,
        error: None,
        log_file: "job.log".into(),
    }
}

impl Scene {
    async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("job.log");
        Self { live: make_live(path).await, directory }
    }

    fn write(&self, lines: usize) {
        for _ in 0..lines {
            self.live.log().write(Level::Info, "a line");
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("job.log")
    }

    fn log(&self) -> OpenLog {
        OpenLog::new(self.live.now(), Some(self.live.clone()), self.path())
    }

    async fn follow(&self, after: u64) -> impl Stream<Item = FollowItem> + Unpin + use<> {
        Box::pin(self.log().follow(after).await.expect("a log"))
    }
}

async fn make_live(path: PathBuf) -> Arc<LiveJob> {
    let clock: SharedClock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
    let store = Store::connect("sqlite::memory:", clock.clone()).await.expect("a store");
    let system = SystemLog::new("/nonexistent".into(), clock.clone());
    let events = Arc::new(EventHub::new(8, DateTime::UNIX_EPOCH));
    let log = JobLog::create(path, None, system, clock.clone());
    LiveJob::new(job(JobState::Running), log, events, store, clock)
}

/// What an item is: the number of a line, or a word.
fn word(item: &FollowItem) -> String {
    match item {
        FollowItem::Reset => "reset".into(),
        FollowItem::Line(line) => line.n.to_string(),
        FollowItem::Progress(_) => "progress".into(),
        FollowItem::State(job) => format!("state {}", job.state),
        FollowItem::End(state) => format!("end {state}"),
    }
}

async fn take(stream: &mut (impl Stream<Item = FollowItem> + Unpin), count: usize) -> Vec<String> {
    stream.take(count).map(|item| word(&item)).collect().await
}

async fn numbers(stream: impl Stream<Item = FollowItem>) -> Vec<u64> {
    let line = async |item: FollowItem| if let FollowItem::Line(line) = item { Some(line.n) } else { None };
    stream.filter_map(line).collect().await
}

#[tokio::test]
async fn what_was_written_comes_first_and_then_what_is_written() {
    let scene = Scene::new().await;
    scene.write(2);
    let mut stream = scene.follow(0).await;
    assert_eq!(take(&mut stream, 3).await, ["1", "2", "state running"]);
    scene.write(1);
    scene.live.set_progress(Progress::default());
    scene.live.record_end(JobState::Succeeded, None).await;
    scene.live.tell_end();
    let rest: Vec<String> = stream.map(|item| word(&item)).collect().await;
    assert_eq!(rest, ["3", "progress", "state succeeded", "state succeeded", "end succeeded"]);
}

#[tokio::test]
async fn a_follower_that_comes_back_gets_what_it_has_not_seen() {
    let scene = Scene::new().await;
    scene.write(5);
    assert_eq!(take(&mut scene.follow(3).await, 3).await, ["4", "5", "state running"]);
    let mut at_the_end = scene.follow(5).await;
    assert_eq!(take(&mut at_the_end, 1).await, ["state running"]);
    scene.write(1);
    assert_eq!(take(&mut at_the_end, 1).await, ["6"]);
}

#[tokio::test]
async fn lines_written_between_the_first_page_and_the_first_look_come_once() {
    let scene = Scene::new().await;
    scene.write(PAGE_LINES + 10);
    let mut stream = scene.follow(0).await;
    // These are in the file when the second page is read, and among the signals too.
    scene.write(10);
    let mut seen: Vec<u64> = Vec::new();
    while seen.len() < PAGE_LINES + 20 {
        if let Some(FollowItem::Line(line)) = stream.next().await {
            seen.push(line.n);
        }
    }
    scene.write(1);
    scene.live.tell_end();
    seen.extend(numbers(stream).await);
    assert_eq!(seen, (1..=PAGE_LINES as u64 + 21).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_slow_follower_reads_what_it_missed_from_the_file() {
    let scene = Scene::new().await;
    let mut stream = scene.follow(0).await;
    assert_eq!(take(&mut stream, 1).await, ["state running"]);
    scene.write(10_000);
    scene.live.tell_end();
    assert_eq!(numbers(stream).await, (1..=10_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn writers_and_followers_at_once_lose_and_double_nothing() {
    let scene = Scene::new().await;
    let live = scene.live.clone();
    let writer = std::thread::spawn(move || {
        for n in 0..3_000 {
            live.log().write(Level::Info, format!("line {n}"));
            if n % 100 == 0 {
                std::thread::yield_now();
            }
        }
        live.tell_end();
    });
    let mut last = 0;
    // Each follower sees some lines, goes away, and the next one goes on after it.
    for count in [1, 7, 400, 650, 5] {
        let seen = numbers(scene.follow(last).await.take(count)).await;
        assert_eq!(seen, (last + 1..=last + seen.len() as u64).collect::<Vec<_>>());
        last += seen.len() as u64;
    }
    let seen = numbers(scene.follow(last).await).await;
    assert_eq!(seen, (last + 1..=3_000).collect::<Vec<_>>());
    writer.join().expect("the writer ends");
}

#[tokio::test]
async fn a_job_that_ended_before_somebody_came_ends_the_stream() {
    let scene = Scene::new().await;
    scene.write(2);
    scene.live.record_end(JobState::Failed, None).await;
    let log = scene.log();
    scene.live.tell_end();
    let late = log.follow(1).await.expect("a log");
    assert_eq!(late.map(|item| word(&item)).collect::<Vec<_>>().await, ["2", "state failed", "end failed"]);
}

#[tokio::test]
async fn the_log_of_an_ended_job_is_its_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("job.log");
    let line = |n| LogLine { n, at: DateTime::UNIX_EPOCH, level: Level::Info, target: None, message: "m".into() };
    let text: String = (1..=3).map(|n| format_line(&line(n)) + "\n").collect();
    std::fs::write(&path, text).expect("written");
    let log = || OpenLog::new(job(JobState::Partial), None, path.clone());
    let told = async |after| {
        let stream = log().follow(after).await.expect("a log");
        stream.map(|item| word(&item)).collect::<Vec<_>>().await.join(", ")
    };
    assert_eq!(told(0).await, "1, 2, 3, state partial, end partial");
    assert_eq!(told(2).await, "3, state partial, end partial");
    assert_eq!(told(3).await, "state partial, end partial");
    assert_eq!(told(4).await, "reset, 1, 2, 3, state partial, end partial");
    std::fs::remove_file(&path).expect("removed");
    assert_eq!(log().follow(0).await.err().map(|e| e.kind()), Some(io::ErrorKind::NotFound));
}

#[tokio::test]
async fn a_number_beyond_the_end_starts_anew_and_goes_on() {
    let scene = Scene::new().await;
    scene.write(2);
    let mut stream = scene.follow(7).await;
    assert_eq!(take(&mut stream, 4).await, ["reset", "1", "2", "state running"]);
    scene.write(1);
    assert_eq!(take(&mut stream, 1).await, ["3"]);
}

#[tokio::test]
async fn a_log_in_memory_is_followed_like_a_file() {
    let live = make_live("/nonexistent/job.log".into()).await;
    live.log().write(Level::Info, "one");
    let log = OpenLog::new(live.now(), Some(live.clone()), "/nonexistent/job.log".into());
    let mut stream = Box::pin(log.follow(0).await.expect("a log"));
    assert_eq!(take(&mut stream, 2).await, ["1", "state running"]);
    live.log().write(Level::Info, "two");
    assert_eq!(take(&mut stream, 1).await, ["2"]);
}

#[tokio::test]
async fn a_file_that_somebody_removes_does_not_silence_the_job() {
    let scene = Scene::new().await;
    scene.write(2);
    std::fs::remove_file(scene.path()).expect("removed");
    let mut stream = scene.follow(0).await;
    assert_eq!(take(&mut stream, 1).await, ["state running"]);
    scene.write(1);
    assert_eq!(take(&mut stream, 1).await, ["3"]);
}
