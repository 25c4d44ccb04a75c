//! Every operation of the API is exercised.
//!
//! Tests name the operation that they call, so whether one is exercised can be read in the sources of this binary.

use std::fs;
use std::path::Path;

use crate::support::client::operation_ids;

#[test]
fn every_operation_is_called_by_some_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let sources: Vec<String> = fs::read_dir(tests)
        .expect("the tests")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .map(|path| fs::read_to_string(path).expect("a source"))
        .collect();
    let is_called = |id: &&str| sources.iter().any(|text| text.contains(&format!("call(\"{id}\")")));
    let missing: Vec<&str> = operation_ids().into_iter().filter(|id| !is_called(id)).collect();
    assert!(missing.is_empty(), "no test calls: {}", missing.join(", "));
}
