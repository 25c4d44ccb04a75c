#!/usr/bin/env bash
# restic through Mainstay beside the bare command: time, processes, and for how long a stack would be at rest.
#   MAINSTAY_BENCH_RESTIC_MIB=1024 bench-restic.sh     more data; all numbers: see backend/benches/restic.rs
# Takes two or three minutes and some four times as much of MAINSTAY_BENCH_DIR (default: the temporary directory) as it
# stores. JSON: $STATE_DIR/bench-restic.json. Nothing fails on a time; a snapshot that does not restore as the tree does.
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$ROOT"

mkdir -p "$STATE_DIR"
heading 'restic, through Mainstay and by itself'
cargo bench --quiet --locked --package mainstay "${FEATURES[@]}" --bench restic -- --json "$STATE_DIR/bench-restic.json"
say "as JSON: $STATE_DIR/bench-restic.json"
