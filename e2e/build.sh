#!/usr/bin/env bash
# The dashboard, then the release binary around it: target/release/mainstay, wherever cargo builds.
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$ROOT"

npm_ci frontend
(cd frontend && npm run --silent build)
cargo build --release --locked "${FEATURES[@]}" --bin mainstay
built=$(target_dir)/release/mainstay
if ! [ "$built" -ef target/release/mainstay ]; then
  mkdir -p target/release
  ln -f "$built" target/release/mainstay 2>/dev/null || cp -f "$built" target/release/mainstay
fi
