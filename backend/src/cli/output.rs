//! What is printed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the one place of the command line that prints")]

use std::io::{self, IsTerminal, Write};

/// A line of the result.
pub(super) fn line(text: &str) {
    println!("{text}");
}

/// A part of the result that is no text.
pub(super) fn bytes(part: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(part)?;
    out.flush()
}

/// A line for whoever watches; not part of the result.
pub(super) fn note(text: &str) {
    eprintln!("{text}");
}

/// An error.
pub(super) fn error(text: &str) {
    eprintln!("mainstay: {text}");
}

/// A value as JSON.
pub(super) fn json(value: &serde_json::Value) {
    println!("{value:#}");
}

/// Whether someone watches.
pub(super) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// Rows with aligned columns.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|h| h.len())).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let print = |cells: &[String]| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, &w)| format!("{cell:<w$}")).collect();
        line(padded.join("  ").trim_end());
    };
    print(&head.iter().map(ToString::to_string).collect::<Vec<_>>());
    rows.iter().for_each(|row| print(row));
}
