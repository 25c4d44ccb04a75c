//! What one run of a kind works with: its own random choices, and what it did and saw for the table.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::OwnedSemaphorePermit;

use crate::host::Host;
use crate::options::Options;

/// One run of a kind. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Cx(Arc<Inner>);

struct Inner {
    options: Options,
    index: usize,
    random: Mutex<u64>,
    kills: AtomicUsize,
    outcomes: Mutex<BTreeMap<String, usize>>,
    made: Mutex<Vec<(Host, String)>>,
    lane: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Cx {
    /// Run number `index` of the kind called `kind`. It gives its lane back when it only waits.
    pub(crate) fn new(options: &Options, kind: &str, index: usize, lane: OwnedSemaphorePermit) -> Self {
        let salt = kind.bytes().fold(index as u64, |salt, byte| salt.wrapping_mul(131).wrapping_add(byte.into()));
        Self(Arc::new(Inner {
            options: options.clone(),
            index,
            random: Mutex::new(options.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt),
            kills: AtomicUsize::new(0),
            outcomes: Mutex::default(),
            made: Mutex::default(),
            lane: Mutex::new(Some(lane)),
        }))
    }

    /// Which run of its kind this is, from 0.
    pub(crate) fn index(&self) -> usize {
        self.0.index
    }

    /// A number below `end`, the same for the same seed.
    pub(crate) fn random_below(&self, end: u64) -> u64 {
        let mut state = self.0.random.lock().expect("the state");
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end.max(1)
    }

    /// A name that nothing else on the engine has.
    pub(crate) fn name(&self) -> String {
        format!("mst-{:08x}", getrandom::u32().expect("random bytes"))
    }

    /// Counts a `kill -9`.
    pub(crate) fn count_kill(&self) {
        self.0.kills.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn kills(&self) -> usize {
        self.0.kills.load(Ordering::Relaxed)
    }

    /// Remembers what came of a job, for the table.
    pub(crate) fn saw(&self, outcome: &str) {
        *self.0.outcomes.lock().expect("the list").entry(outcome.to_owned()).or_default() += 1;
    }

    pub(crate) fn outcomes(&self) -> BTreeMap<String, usize> {
        self.0.outcomes.lock().expect("the list").clone()
    }

    /// From here on this run only waits: another may begin.
    pub(crate) fn give_lane_back(&self) {
        drop(self.0.lane.lock().expect("the lane").take());
    }

    /// Remembers a stack that is removed when the run is over, however it ends.
    pub(crate) fn made(&self, host: &Host, stack: &str) {
        self.0.made.lock().expect("the list").push((host.clone(), stack.to_owned()));
    }

    /// Removes everything that was made on an engine that still answers.
    pub(crate) async fn clear(&self) {
        let made = std::mem::take(&mut *self.0.made.lock().expect("the list"));
        for (host, stack) in made {
            if host.answers().await {
                host.clear(&stack).await;
            }
        }
    }

    /// Where random choices began.
    pub(crate) fn seed(&self) -> u64 {
        self.0.options.seed
    }

    /// Whether the run belongs to a full run of the suite.
    pub(crate) fn is_full(&self) -> bool {
        self.0.options.is_full()
    }
}
