//! Whether ISA-L serves on this machine, asked once: other processors run other code of it.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::{Engine, inflates_to};

/// Enough for a steady rate, and a few milliseconds in all.
const TRIAL: usize = 128 << 10;

/// Built in, right on a first piece, and faster than what would serve instead.
pub(super) fn is_isal_fit() -> bool {
    static FIT: OnceLock<bool> = OnceLock::new();
    *FIT.get_or_init(|| {
        let Some(deflater) = isal_press::Deflater::new() else { return false };
        let sample = sample();
        let isal = fastest(&mut Engine::Isal(deflater), &sample);
        isal.is_some() && isal < Some(fastest(&mut Engine::libdeflate(1), &sample).unwrap_or(Duration::MAX))
    })
}

/// The best of three, so that another process on the same core does not decide; nothing when the output is wrong.
fn fastest(engine: &mut Engine, sample: &[u8]) -> Option<Duration> {
    let mut out = Vec::with_capacity(TRIAL * 2);
    let mut best = None;
    for _ in 0..3 {
        out.clear();
        let started = Instant::now();
        engine.append(sample, &mut out).ok()?;
        let took = started.elapsed();
        inflates_to(&out, sample).ok()?;
        best = best.map_or(Some(took), |best: Duration| Some(best.min(took)));
    }
    best
}

/// Lines as in a table or a log: what repeats, and what does not.
fn sample() -> Vec<u8> {
    let mut sample = Vec::with_capacity(TRIAL + 64);
    let mut number = 1_u32;
    while sample.len() < TRIAL {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        sample.extend_from_slice(format!("{} item {:x} sold\n", number % 1000, number >> 8).as_bytes());
    }
    sample
}
