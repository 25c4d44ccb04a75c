//! How much room there is where archives land, for those who ask all the time.
//!
//! A network file system that hangs hangs whoever asks it, so one thread asks at a time, and nobody waits for it long.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::backends::archive::free_bytes;

/// How old an answer may be.
const KEPT_FOR: Duration = Duration::from_secs(1);
/// How long a request waits for one.
const PATIENCE: Duration = Duration::from_millis(500);

type Ask = dyn Fn() -> io::Result<u64> + Send + Sync;

pub(super) struct FreeSpace(Arc<Shared>);

struct Shared {
    ask: Box<Ask>,
    is_asking: AtomicBool,
    answer: watch::Sender<Option<(Instant, Option<u64>)>>,
}

impl FreeSpace {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self::asking(move || free_bytes(&directory).map_err(io::Error::other))
    }

    fn asking(ask: impl Fn() -> io::Result<u64> + Send + Sync + 'static) -> Self {
        let answer = watch::Sender::new(None);
        Self(Arc::new(Shared { ask: Box::new(ask), is_asking: AtomicBool::new(false), answer }))
    }

    /// Bytes that are free; absent when that cannot be told, or not soon.
    pub(super) async fn ask(&self, runtime: &Handle) -> Option<u64> {
        let mut answer = self.0.answer.subscribe();
        if let Some((_, free)) = answer.borrow_and_update().filter(|(at, _)| at.elapsed() < KEPT_FOR) {
            return free;
        }
        if !self.0.is_asking.swap(true, Ordering::AcqRel) {
            let shared = Arc::clone(&self.0);
            runtime.spawn_blocking(move || {
                let free = (shared.ask)().ok();
                // In this order: whoever finds someone asking hears of the answer.
                shared.is_asking.store(false, Ordering::Release);
                shared.answer.send_replace(Some((Instant::now(), free)));
            });
        }
        tokio::time::timeout(PATIENCE, answer.changed()).await.ok()?.ok()?;
        answer.borrow().and_then(|(_, free)| free)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn who_asks_at_once_is_answered_by_one_look() {
        let looks = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&looks);
        let space = FreeSpace::asking(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(7)
        });
        let runtime = Handle::current();
        let (one, other) = tokio::join!(space.ask(&runtime), space.ask(&runtime));
        assert_eq!((one, other, space.ask(&runtime).await), (Some(7), Some(7), Some(7)));
        assert_eq!(looks.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_disk_that_hangs_holds_one_thread_and_nobody_for_long() {
        let (release, gate) = channel::<()>();
        let (gate, looks) = (Mutex::new(gate), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&looks);
        let space = FreeSpace::asking(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            gate.lock().expect("not poisoned").recv().map_err(io::Error::other)?;
            Ok(7)
        });
        let runtime = Handle::current();
        let patient =
            tokio::time::timeout(PATIENCE * 10, async { [space.ask(&runtime).await, space.ask(&runtime).await] });
        assert_eq!(patient.await.expect("an answer in time"), [None, None]);
        assert_eq!(looks.load(Ordering::SeqCst), 1, "a second thread would hang beside the first");
        release.send(()).expect("someone waits");
        drop(release);
    }
}
