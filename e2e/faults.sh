#!/usr/bin/env bash
# The fault tests alone: they kill the true binary at named points of a job and judge what is left.
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$ROOT"

e2e/setup.sh up
trap 'e2e/setup.sh clean tests' EXIT
cargo test --locked "${FEATURES[@]}" --test it faults "$@"
