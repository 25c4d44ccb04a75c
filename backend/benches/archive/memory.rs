//! Peak memory, which must not depend on the size of the tree.

use anyhow::Result;
use serde_json::{Value, json};

use super::measure::corpus::write_bulk;
use super::measure::process::shell;
use super::measure::{Scratch, goal, machine};

const MIB: f64 = 1024.0;

/// Archives and verifies a small and a large tree.
#[expect(clippy::print_stdout, reason = "the numbers are the product of this program")]
pub(crate) fn measure_memory() -> Result<Value> {
    let mut peaks = Vec::new();
    println!("{:>10}{:>16}{:>16}", "tree GiB", "archiving MiB", "verifying MiB");
    for gib in [2, 6] {
        let scratch = Scratch::new("memory")?;
        let (source, out) = (scratch.0.join("source"), scratch.0.join("out"));
        write_bulk(&source, gib << 30)?;
        let peak = |script| -> Result<f64> {
            let output = shell(script, &source, &out, &[])?;
            Ok(String::from_utf8(output.stdout)?.trim().parse::<f64>()? / MIB)
        };
        let (archiving, verifying) =
            (peak("\"$SELF\" ours gzip1 \"$SRC\" \"$OUT\"")?, peak("\"$SELF\" verify \"$OUT\"")?);
        println!("{gib:>10}{archiving:>16.1}{verifying:>16.1}");
        peaks.push((gib, archiving, verifying));
    }
    let most = peaks.iter().map(|peak| peak.1.max(peak.2)).fold(0.0, f64::max);
    let goals = [
        goal::Goal::at_most("peak memory, MiB", Some(most), 128.0),
        goal::Goal::at_most(
            "peak of the three times larger tree, times the other's",
            Some(peaks[1].1 / peaks[0].1),
            1.2,
        ),
    ];
    let rows: Vec<Value> =
        peaks.iter().map(|(gib, a, v)| json!({"gib": gib, "archiving_mib": a, "verifying_mib": v})).collect();
    Ok(json!({"bench": "memory", "machine": machine(), "trees": rows, "goals": goal::report(&goals)}))
}
