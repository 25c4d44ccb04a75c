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
SLOW_STACK=mst-browser-slow-$$
SITE=$(mktemp -d)
LOST_SITE=$(mktemp -d)
LOST_PID=''
SAMPLE_STACK=$ROOT/e2e/lib/sample-stack.sh

leave() {
  local code=$?
  trap - EXIT INT TERM
  stop_service
  [ "$code" -eq 0 ] || { mkdir -p "$STATE_DIR/logs"; cp "$SITE/service.log" "$STATE_DIR/logs/browser-service.log" 2>/dev/null || :; }
  [ -z "$LOST_PID" ] || { kill -TERM "$LOST_PID" && wait "$LOST_PID"; } 2>/dev/null || :
  "$SAMPLE_STACK" down "$STACK" || :
  "$SAMPLE_STACK" down "$SLOW_STACK" || :
  rm -rf "$SITE" "$LOST_SITE"
  exit "$code"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# A stack whose only container ignores SIGTERM: to stop it takes the whole of its time, long enough for a test to
# find the job at work and to cancel it.
slow_stack_up() {
  local folder=$1/$2 prefix=com.docker.compose
  mkdir -p "$folder"
  printf 'services:\n  deaf:\n    image: %s\n' "$IMAGE" >"$folder/compose.yaml"
  docker run --detach --name "$2-deaf-1" --network none --stop-timeout 8 --label "$LABEL" \
    --label "$prefix.project=$2" --label "$prefix.service=deaf" --label "$prefix.container-number=1" \
    --label "$prefix.oneoff=False" --label "$prefix.project.working_dir=$(realpath "$folder")" \
    --label "$prefix.project.config_files=$(realpath "$folder")/compose.yaml" \
    "$IMAGE" sh -c 'trap "" TERM; while :; do sleep 1; done' >/dev/null
}

# A second service, which finds no Docker Engine and no stack.
start_lost_service() {
  new_site "$2"
  MAINSTAY_AUTH__PASSWORD=$PASSWORD MAINSTAY_DOCKER_HOST=unix://$2/no-engine.sock setsid "$1" serve \
    --config "$2/config.yml" --port-file "$2/port" >"$2/service.log" 2>&1 </dev/null 9>&- &
  LOST_PID=$!
  wait_for 30 'the service without an engine to bind its port' test -s "$2/port"
}

# A restic repository that takes the sample stack's volume, one with another password, one that is to take more than
# there is, one without targets, and an image that is nowhere to be had.
add_instances() {
  RESTIC_PASSWORD=$(new_password) restic init --quiet --repo "$1/foreign"
  cat >>"$1/config.yml" <<YAML
instances:
  - id: nas
    repository: $1/repository
    schedule: "0 2 * * *"
    timezone: Europe/Berlin
    retention: "2d:1w:1m"
    env: {RESTIC_PASSWORD: $(new_password)}
    targets:
      - volume: ${2}_data
        stop_attached: true
  - id: locked-out
    repository: $1/foreign
    env: {RESTIC_PASSWORD: $(new_password)}
    targets: [{volume: ${2}_data}]
  - id: half
    repository: $1/half
    schedule: "@weekly"
    env: {RESTIC_PASSWORD: $(new_password)}
    targets: [{volume: ${2}_data}, {volume: ${2}_gone}]
  - id: idle
    repository: $1/idle
    env: {RESTIC_PASSWORD: $(new_password)}
  - id: own-tool
    custom_image: mainstay-test/nowhere:local
    pull: never
    targets: [{volume: ${2}_data}]
YAML
  chmod 600 "$1/config.yml"
}

BINARY=$(debug_binary)
new_site "$SITE"
add_instances "$SITE" "$STACK"
"$SAMPLE_STACK" up "$STACK" "$SITE/stacks"
slow_stack_up "$SITE/stacks" "$SLOW_STACK"
start_service "$BINARY" "$SITE"
start_lost_service "$BINARY" "$LOST_SITE"
mkdir -p "$(dirname "$RESULT")"
cd e2e
MAINSTAY_E2E_URL=$SERVICE_URL MAINSTAY_E2E_PASSWORD=$PASSWORD MAINSTAY_E2E_STACK=$STACK \
  MAINSTAY_E2E_SLOW_STACK=$SLOW_STACK MAINSTAY_E2E_LOST_URL=http://$(cat "$LOST_SITE/port") \
  PLAYWRIGHT_JSON_OUTPUT_FILE=$(realpath "$RESULT") npx --no-install playwright test --reporter=list,json "${@:2}"
