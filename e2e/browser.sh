#!/usr/bin/env bash
# The browser tests of e2e/browser against the true binary, a real engine and a sample stack.
#   browser.sh [RESULT.json [playwright argument…]]
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=e2e/lib/service.sh
. "$ROOT/e2e/lib/service.sh"
cd "$ROOT"

RESULT=${1:-$STATE_DIR/results/playwright.json}
STACK=mst-browser-$$
SITE=$(mktemp -d)

leave() {
  local code=$?
  trap - EXIT INT TERM
  stop_service
  [ "$code" -eq 0 ] || { mkdir -p "$STATE_DIR/logs"; cp "$SITE/service.log" "$STATE_DIR/logs/browser-service.log" 2>/dev/null || :; }
  e2e/lib/sample-stack.sh down "$STACK" || :
  rm -rf "$SITE"
  exit "$code"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

BINARY=$(debug_binary)
new_site "$SITE"
e2e/lib/sample-stack.sh up "$STACK" "$SITE/stacks"
start_service "$BINARY" "$SITE"
mkdir -p "$(dirname "$RESULT")"
cd e2e
MAINSTAY_E2E_URL=$SERVICE_URL MAINSTAY_E2E_PASSWORD=$PASSWORD MAINSTAY_E2E_STACK=$STACK \
  PLAYWRIGHT_JSON_OUTPUT_FILE=$(realpath "$RESULT") npx --no-install playwright test --reporter=list,json "${@:2}"
