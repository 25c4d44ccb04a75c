#!/usr/bin/env bash
# `make test`: every check there is, cheapest first, ended by the first stage that fails.
#   test.sh [STAGE…]     all of them, or these
# Ends with `N passed, N failed`. Logs lie in MAINSTAY_TEST_STATE_DIR/logs, one a stage. One more stage: its name
# in STAGES, a function stage_NAME; counts are read out of its log by `count`.
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$ROOT"

readonly STAGES=(deps format scripts frontend clippy engine rust browser container examples clients)
readonly RESULTS=$STATE_DIR/results
PASSED=0 FAILED=0

stage_deps() { e2e/setup.sh deps tests; }
stage_format() { cargo fmt --all --check; }
stage_scripts() { e2e/check-scripts.sh; e2e/check-dockerfile.sh; }
stage_frontend() {
  npm_ci frontend
  cd frontend
  npm run --silent lint
  npm run --silent typecheck
  npm test --silent -- --reporter=default --reporter=json --outputFile.json="$RESULTS/vitest.json"
  npm run --silent gen:check
  npm run --silent build
  npm run --silent size
}
stage_clippy() { cargo clippy --locked --workspace "${FEATURES[@]}" --all-targets -- -D warnings; }
stage_engine() { e2e/setup.sh engine; e2e/setup.sh images test; }
# The integration tests and the shorter part of the fault suite twice: over SQLite, and over a PostgreSQL cluster that
# they start for themselves. The second time without those of Backrest's commands and of the engine, which have no store.
stage_rust() {
  cargo test --locked --workspace "${FEATURES[@]}" --no-fail-fast
  export MAINSTAY_TEST_STORE=postgres
  local again=(cargo test --locked --package mainstay "${FEATURES[@]}" --no-fail-fast) module code=0 storeless=()
  for module in backup_once backrest_{apply,commands,hooks,killed,storm} docker_{engine,work}; do storeless+=(--skip "$module::"); done
  "${again[@]}" --test it -- "${storeless[@]}" || code=$?
  "${again[@]}" --test faults || code=$?
  return "$code"
}
stage_browser() {
  npm_ci e2e
  npm --prefix e2e run --silent typecheck
  e2e/browser.sh "$RESULTS/playwright.json"
}
stage_container() { e2e/container.sh; }
stage_examples() { e2e/examples.sh; }
stage_clients() { e2e/clients.sh; }

# count STAGE: "passed failed", out of cargo's own lines, our checks' lines, or a runner's JSON.
count() {
  local log=$STATE_DIR/logs/$1.log
  case $1 in
    frontend) jq -r '"\(.numPassedTests) \(.numFailedTests)"' "$RESULTS/vitest.json" 2>/dev/null || printf '0 0\n' ;;
    browser) jq -r '.stats | "\(.expected + .flaky) \(.unexpected)"' "$RESULTS/playwright.json" 2>/dev/null || printf '0 0\n' ;;
    rust) awk '/^test result:/ { passed += $4; failed += $6 } END { print passed + 0, failed + 0 }' "$log" ;;
    *) awk '/^ok - / { passed++ } /^not ok - / { failed++ } END { print passed + 0, failed + 0 }' "$log" ;;
  esac
}

run_stage() {
  local name=$1 started=$SECONDS code=0 passed failed counted=''
  heading "$name"
  # In a process of its own, so that `set -e` holds in the stage even though its outcome is asked for.
  # Nothing that a stage leaves running may keep our lock.
  run_logged "$name" "$ROOT/e2e/test.sh" --stage "$name" 9>&- || code=$?
  read -r passed failed < <(count "$name") || :
  # A stage that fails without a failed test (a format, a build) is one failure.
  if [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
  PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed))
  [ "$passed" -eq 0 ] || counted=", $passed tests"
  [ "$code" -ne 0 ] || good "$name ($(duration $((SECONDS - started)))$counted)"
  return "$code"
}

leave() {
  local code=$?
  trap - EXIT INT TERM
  e2e/setup.sh clean tests >/dev/null || code=1
  if [ "$code" -ne 0 ] && [ "$FAILED" -eq 0 ]; then FAILED=1; fi
  printf '\n%s passed, %s failed\n' "$PASSED" "$FAILED"
  exit "$code"
}

if [ "${1:-}" = --stage ]; then "stage_$2"; exit; fi
for stage in "$@"; do
  [[ " ${STAGES[*]} " == *" $stage "* ]] || die "no stage is called $stage; there are: ${STAGES[*]}"
done
mkdir -p "$STATE_DIR"
# Tests clean up by label, so two runs on one engine would clean up each other.
exec 9>"$STATE_DIR/test.lock"
flock -n 9 || { say 'waiting for another test run here to end'; flock 9; }
rm -rf "$RESULTS"
mkdir -p "$RESULTS"
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
[ "$#" -gt 0 ] || set -- "${STAGES[@]}"
for stage in "$@"; do run_stage "$stage" || exit 1; done
