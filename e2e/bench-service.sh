#!/usr/bin/env bash
# The service beside Flask and gunicorn: requests a second, lists, a log with 200 listeners, memory at rest.
#   bench-service.sh                 everything
#   bench-service.sh status idle     only these; see backend/benches/service.rs
# The peer is left out, and that is said, where its Python cannot be had. JSON: $STATE_DIR/bench-service.json.
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$ROOT"

# Versions of the day this was measured; a newer peer is welcome.
readonly PEER=(flask==3.1.3 gunicorn==27.0.1)
VENV=$STATE_DIR/bench-venv

peer_python() {
  if ! "$VENV/bin/python" -c 'import flask, gunicorn' 2>/dev/null; then
    rm -rf "$VENV"
    python3 -m venv "$VENV" && "$VENV/bin/pip" install --quiet "${PEER[@]}" || return 1
  fi >&2
  printf '%s\n' "$VENV/bin/python"
}

mkdir -p "$STATE_DIR"
heading 'The service, beside Flask and gunicorn'
python=$(peer_python) || { bad 'Flask and gunicorn could not be installed; the peer is left out'; python=''; }
MAINSTAY_BENCH_PYTHON=$python cargo bench --locked --bench service -- "$@" --json "$STATE_DIR/bench-service.json"
say "as JSON: $STATE_DIR/bench-service.json"
