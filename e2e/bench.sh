#!/usr/bin/env bash
# What a backup costs with the release binary: throughput against plain tools, stopped time, peak memory.
#   MAINSTAY_TEST_BENCH_MIB="512 2048" bench.sh     sizes of the sample's volume
# Peak memory must not grow with the size: that is the number to look at.
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=e2e/lib/service.sh
. "$ROOT/e2e/lib/service.sh"
cd "$ROOT"

STACK=mst-bench-$$
SITE=''

leave() {
  local code=$?
  trap - EXIT INT TERM
  tear_down
  exit "$code"
}
tear_down() {
  stop_service
  e2e/lib/sample-stack.sh down "$STACK" || :
  [ -z "$SITE" ] || rm -rf "$SITE"
  SITE=''
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

now_ms() { date +%s%3N; }
row() { printf '    %-8s %-22s %10s %12s %12s %12s\n' "$@"; }
rate() { printf '%s MiB/s' $(($1 * 1000 / ($2 > 0 ? $2 : 1))); }

# plain TOOL MIB: the same volume, read by tar and compressed by the tool.
plain() {
  local started took
  started=$(now_ms)
  tar -C "$(docker volume inspect -f '{{.Mountpoint}}' "${STACK}_data")" -c payload | "$1" -6 >"$SITE/plain"
  took=$(($(now_ms) - started))
  row "$2" "tar | $1 -6" "$took ms" "$(rate "$2" "$took")" - -
}

measure() {
  local started took
  SITE=$(mktemp -d -p "$STATE_DIR" bench.XXXXXX)
  new_site "$SITE"
  e2e/lib/sample-stack.sh up "$STACK" "$SITE/stacks" "$1"
  start_service target/release/mainstay "$SITE"
  login "$SITE"
  started=$(now_ms)
  backup_stack "$STACK" >/dev/null
  took=$(($(now_ms) - started))
  row "$1" Mainstay "$took ms" "$(rate "$1" "$took")" "$(jq -r .stopped_ms <<<"$JOB") ms" \
    "$(awk '/^VmHWM/ { print int($2 / 1024) " MiB" }' "/proc/$SERVICE_PID/status")"
  docker stop "$STACK-db-1" >/dev/null
  plain gzip "$1"
  ! have pigz || plain pigz "$1"
  tear_down
}

e2e/setup.sh deps bench
e2e/bench-archive.sh
run_logged bench-build e2e/build.sh
e2e/setup.sh engine
e2e/setup.sh images test
heading 'A backup, from the request to the verified archive'
row MiB how took rate stopped 'peak memory'
for mib in ${MAINSTAY_TEST_BENCH_MIB:-512 2048}; do measure "$mib"; done
e2e/bench-service.sh
e2e/bench-restic.sh
