#!/usr/bin/env bash
# The fault suite in full: it kills the true binary, its engine and its disks, and judges what is left.
#   KILLS=500 SEED=7 ONLY="kill- store-full" LANES=3 faults.sh
# KILLS: how many kill -9 there are at least (200); SEED: repeats the random choices of a run that printed it;
# ONLY: parts of names of kinds; LANES: how many faults at once. The table also lies in
# MAINSTAY_TEST_STATE_DIR/results/faults.json.
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$ROOT"

mkdir -p "$STATE_DIR/results"
# Tests clean up by label, so two runs on one engine would clean up each other.
exec 9>"$STATE_DIR/test.lock"
flock -n 9 || { say 'waiting for another test run here to end'; flock 9; }
e2e/setup.sh up
trap 'e2e/setup.sh clean tests' EXIT

args=(--kills "${KILLS:-200}" --lanes "${LANES:-3}" --json "$STATE_DIR/results/faults.json")
[ -z "${SEED:-}" ] || args+=(--seed "$SEED")
read -ra only <<<"${ONLY:-}"
# Nothing that the suite leaves running may keep our lock.
cargo test --locked --package mainstay "${FEATURES[@]}" --test faults -- "${args[@]}" "${only[@]}" 9>&-
