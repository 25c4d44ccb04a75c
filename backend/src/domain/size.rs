//! Sizes and durations as people read them.

/// `n` bytes with a binary unit and three significant digits: `1.50 GiB`.
#[must_use]
pub fn human_bytes(n: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let exponent = ((63 - n.leading_zeros()) / 10) as usize;
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let value = n as f64 / (1_u64 << (10 * exponent)) as f64;
    let unit = UNITS[exponent.min(UNITS.len() - 1)];
    match value {
        v if v >= 100.0 => format!("{v:.0} {unit}"),
        v if v >= 10.0 => format!("{v:.1} {unit}"),
        v => format!("{v:.2} {unit}"),
    }
}

/// Reads a size as Docker takes it: a whole number of bytes, or of KiB, MiB, GiB or TiB with `k`, `m`, `g` or `t`, which
/// `b` or `ib` may follow.
#[must_use]
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[digits.len()..].trim_end_matches('b').trim_end_matches('i');
    let shift = ["", "k", "m", "g", "t"].iter().position(|known| *known == unit)?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = is_number.then(|| digits.trim().parse().ok()).flatten()?;
    number.checked_mul(1_u64.checked_shl(10 * u32::try_from(shift).ok()?)?)
}

/// `ms` milliseconds as people say it: `850 ms`, `2.4 s`, `3 min 05 s`, `2 h 03 min`.
#[must_use]
pub fn human_millis(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {:02} s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{} h {:02} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let table = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (1536 * 1024 * 1024, "1.50 GiB"),
            (200 << 20, "200 MiB"),
            (u64::MAX, "16.0 EiB"),
        ];
        for (n, text) in table {
            assert_eq!(human_bytes(n), text);
        }
    }

    #[test]
    fn durations() {
        for (ms, text) in [(9, "9 ms"), (2_449, "2.4 s"), (185_000, "3 min 05 s"), (7_380_000, "2 h 03 min")] {
            assert_eq!(human_millis(ms), text);
        }
    }

    #[test]
    fn sizes_are_read_as_docker_reads_them() {
        for (text, bytes) in [
            ("512m", 512 << 20),
            ("512M", 512 << 20),
            ("512mb", 512 << 20),
            ("512MiB", 512 << 20),
            ("2g", 2 << 30),
            ("1t", 1 << 40),
            ("7340032", 7 << 20),
            ("7340032b", 7 << 20),
            (" 1k ", 1024),
        ] {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
        for text in ["", "m", "1.5g", "-1m", "1x", "1 m x", "99999999999t", "1mm"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }
}
