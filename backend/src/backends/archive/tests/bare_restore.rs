//! What examples/bare-restore says brings everything back, with tar and jq alone.

use super::odd_tree::{look, make_odd_tree};
use super::*;

/// The script, as it stands among the examples.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/bare-restore/restore.sh");

#[test]
fn the_script_brings_the_odd_tree_back() {
    for codec in [Codec::default(), Codec::Zstd { level: 3 }] {
        let bench = Bench { codec, ..Bench::new() };
        make_odd_tree(&bench.source());
        let finished = bench.capture();
        // tar knows them by their names, too.
        let archive = bench.dir.path().join(format!("archive.{}", codec.extension()));
        fs::rename(bench.archive(), &archive).expect("renamed");
        let listed = run(SCRIPT, &["contents", text(&archive)]);
        let listed = String::from_utf8(listed).expect("UTF-8");
        let expected = format!("volume\tapp-data\t{}\t{} entries", text(&bench.source()), finished.entry_count);
        assert!(listed.starts_with(&expected), "{listed}");
        let to = bench.dir.path().join("restored");
        run(SCRIPT, &["archive", text(&archive), "volume", "app-data", text(&to)]);
        let (source, copy) = (look(&bench.source()), look(&to));
        assert_eq!(source.keys().collect::<Vec<_>>(), copy.keys().collect::<Vec<_>>());
        for (path, seen) in &source {
            assert_eq!(copy.get(path), Some(seen), "{}", String::from_utf8_lossy(path));
        }
        let left =
            fs::read_dir(bench.dir.path()).expect("a directory").map(|entry| entry.expect("an entry").file_name());
        assert_eq!(left.filter(|name| name.to_string_lossy().contains("bare-restore")).count(), 0);
    }
}
