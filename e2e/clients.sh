#!/usr/bin/env bash
# Clients that are generated from openapi/openapi.json drive the true binary; with AT_RANDOM=yes the whole document is tried
# at random too.
# All of it on an engine of our own, by a service that is nobody: what is asked at random (back this stack up, make a
# repository there) must never meet somebody's containers or files.
#   clients.sh [BINARY]
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=e2e/lib/service.sh
. "$ROOT/e2e/lib/service.sh"
# shellcheck source=e2e/lib/private-engine.sh
. "$ROOT/e2e/lib/private-engine.sh"
# shellcheck source=e2e/lib/check.sh
. "$ROOT/e2e/lib/check.sh"
cd "$ROOT"

readonly STACK=mst-clients TOOLS=$STATE_DIR/tools/clients
readonly PYTHON_TOOLS=(openapi-python-client==0.29.1 schemathesis==4.32.5)
ROOM=$(mktemp -d)
readonly SITE=$ROOM/site NOBODY=65534

leave() {
  local code=$?
  trap - EXIT INT TERM
  stop_service
  stop_private_engine
  [ "$code" -eq 0 ] || cp "$SITE/service.log" "$STATE_DIR/logs/clients-service.log" 2>/dev/null || :
  rm -rf "$ROOM"
  exit "$code"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

install_tools() {
  [ "$(cat "$TOOLS/.installed" 2>/dev/null)" != "${PYTHON_TOOLS[*]}" ] || return 0
  rm -rf "$TOOLS"
  PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --quiet --target "$TOOLS" "${PYTHON_TOOLS[@]}"
  printf '%s' "${PYTHON_TOOLS[*]}" >"$TOOLS/.installed"
}

generate_python() {
  PYTHONPATH=$TOOLS PATH=$TOOLS/bin:$PATH python3 -m openapi_python_client generate --meta none --fail-on-warning \
    --path openapi/openapi.json --output-path "$SITE/python/mainstay_client"
}
drive_python() { PYTHONPATH=$SITE/python:$TOOLS python3 e2e/clients/drive.py; }

# With the generator and the client of the dashboard; the compiled file finds them by the link.
generate_typescript() {
  mkdir -p "$SITE/typescript"
  ln -s "$ROOT/frontend/node_modules" "$SITE/typescript/node_modules"
  cp e2e/clients/drive.ts "$SITE/typescript/"
  printf '{"type": "module"}\n' >"$SITE/typescript/package.json"
  (cd frontend && npx --no-install openapi-typescript ../openapi/openapi.json -o "$SITE/typescript/schema.d.ts")
  (cd "$SITE/typescript" && node_modules/.bin/tsc --strict --noUncheckedIndexedAccess --skipLibCheck --target es2022 \
    --module nodenext --types node drive.ts)
}
drive_typescript() { node "$SITE/typescript/drive.js"; }

# Its report is long and only wanted when something is found.
try_at_random() {
  local authorization
  authorization=$(sed 's/^Authorization: //' "$AUTH_HEADER")
  # It leaves a folder of its own where it runs.
  (cd "$ROOM" && MAINSTAY_E2E_AUTHORIZATION=$authorization PYTHONPATH=$TOOLS timeout 600 "$TOOLS/bin/schemathesis" \
    --config-file "$ROOT/e2e/clients/schemathesis.toml" run --url "$SERVICE_URL" --no-color \
    "$ROOT/openapi/openapi.json") >"$STATE_DIR/logs/schemathesis.log" 2>&1 ||
    { sed -n '/= FAILURES =/,/= WARNINGS =/p' "$STATE_DIR/logs/schemathesis.log" | head -n 60; return 1; }
  tail -n 25 "$STATE_DIR/logs/schemathesis.log"
}
has_not_panicked() { ! grep -n 'panicked' "$SITE/service.log"; }

# be_nobody BINARY: leaves a command that runs it without any right but to the site and the engine.
be_nobody() {
  chmod 755 "$ROOM" "$ROOM/engine"
  install -m 755 "$1" "$SITE/binary"
  # shellcheck disable=SC2016 # "$@" is for the script
  printf '#!/bin/sh\ncd %q && HOME=%q exec setpriv --reuid %s --regid %s --clear-groups %q "$@"\n' \
    "$SITE" "$SITE" "$NOBODY" "$NOBODY" "$SITE/binary" >"$SITE/mainstay"
  chmod 755 "$SITE/mainstay"
  chown -R "$NOBODY:$NOBODY" "$SITE"
  chown "$NOBODY" "$ROOM/engine/docker.sock"
}

BINARY=${1:-$(debug_binary)}
npm_ci frontend
install_tools
start_private_engine "$ROOM"
export DOCKER_HOST=$PRIVATE_ENGINE
new_site "$SITE"
cat >>"$SITE/config.yml" <<YAML
docker_host: $PRIVATE_ENGINE
instances:
  - id: nas
    repository: $SITE/repository
    env: {RESTIC_PASSWORD: $(new_password)}
    targets: [{volume: ${STACK}_data}]
YAML
chmod 600 "$SITE/config.yml"
e2e/lib/sample-stack.sh up "$STACK" "$SITE/stacks" 1
be_nobody "$BINARY"
start_service "$SITE/mainstay" "$SITE"
login "$SITE"
export MAINSTAY_E2E_URL=$SERVICE_URL MAINSTAY_E2E_PASSWORD=$PASSWORD MAINSTAY_E2E_STACK=$STACK

check 'Python: a client is generated without a warning' generate_python
check 'Python: it signs in, backs up, follows and lists' drive_python
check 'TypeScript: types are generated, and a client of them compiles' generate_typescript
check 'TypeScript: it signs in, backs up, follows and lists' drive_typescript
# Two minutes on a quiet machine; not yet a part of every run: AT_RANDOM=yes e2e/clients.sh
[ "${AT_RANDOM:-no}" = no ] || check 'every operation keeps its word when asked at random' try_at_random
check 'no request made the service panic' has_not_panicked
finish_checks
