#!/usr/bin/env bash
# The product as a container: the Dockerfile's last stage around the debug binary, in an image that holds
# nothing else, with stacks at another path inside than on the host; as root and as somebody who is not.
#   container.sh [BINARY]
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=e2e/lib/service.sh
. "$ROOT/e2e/lib/service.sh"
# shellcheck source=e2e/lib/proof.sh
. "$ROOT/e2e/lib/proof.sh"
# shellcheck source=e2e/lib/check.sh
. "$ROOT/e2e/lib/check.sh"
cd "$ROOT"

readonly SOCKET=/var/run/docker.sock STACK=mst-container-$$ NOBODY=65534:65534
SITE=$(mktemp -d)
CONTAINER=''

leave() {
  local code=$?
  trap - EXIT INT TERM
  [ -z "$CONTAINER" ] || docker rm -fv "$CONTAINER" >/dev/null 2>&1 || :
  e2e/lib/sample-stack.sh down "$STACK" || :
  rm -rf "$SITE"
  exit "$code"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start_container OPTION…: the image's own command; only the health check is asked more often.
start_container() {
  CONTAINER=$(MAINSTAY_AUTH__PASSWORD=$PASSWORD docker run -d --label "$LABEL" --publish 127.0.0.1::8080 \
    --volume "$SOCKET:$SOCKET" --volume "$SITE/stacks:/srv/stacks:ro" --volume "$SITE/backups:/srv/backups" \
    --env MAINSTAY_AUTH__PASSWORD --env MAINSTAY_STACKS_DIR=/srv/stacks --env MAINSTAY_BACKUP_DIR=/srv/backups \
    --health-interval 1s "$@" "$RUNTIME_IMAGE")
  SERVICE_URL=http://$(docker port "$CONTAINER" 8080 | sed -n 1p) ||
    { docker logs --tail 30 "$CONTAINER" >&2; die 'the container ended at once'; }
}

# The end of the container's log explains a check that failed.
or_log() { "$@" || { docker logs --tail 30 "$CONTAINER" 2>&1; return 1; }; }
ready() { curl -sSf --max-time 5 "$SERVICE_URL/readyz"; }
answers() { curl -sSf --max-time 5 "$SERVICE_URL/healthz"; }
health_is() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$CONTAINER")" = "$1" ]; }
all_run() { equal 3 "$(running_containers "$STACK")"; }
sees_stack_once() {
  api GET "/api/v1/stacks/$STACK" | jq -e '.state == "running" and .source == "both" and (.services | length) == 3'
}
archive_is_whole() {
  local archive list=$SITE/list
  archive=$(newest_archive "$SITE/backups" "$STACK") && list_archive "$archive" "$list" &&
    has_layout "$list" "$STACK" && volume_is_whole "$archive" "$list" "$STACK-db-1"
}
# doctor fails when something is wrong, but says in JSON what.
doctor_is_json() { { docker exec "$CONTAINER" /usr/local/bin/mainstay doctor --json || :; } | jq -e 'type == "object"'; }
not_ready_because_of_engine() {
  local answer status
  answer=$(curl -sS --max-time 10 -w '\n%{http_code}' "$SERVICE_URL/readyz")
  status=${answer##*$'\n'}
  printf '%s\n' "$answer"
  [ "$status" = 503 ] && grep -Eqi 'engine|docker' <<<"$answer"
}
stops_in_good_order() {
  docker stop --time 20 "$CONTAINER" >/dev/null && equal 0 "$(docker inspect -f '{{.State.ExitCode}}' "$CONTAINER")"
}
remove_container() { docker rm -fv "$CONTAINER" >/dev/null; CONTAINER=''; }

backs_up() {
  check "$1: a stack is backed up" or_log backup_stack "$STACK"
  check "$1: its archive is whole" archive_is_whole
  check "$1: its containers run again" wait_for 20 'three containers' all_run
}

PASSWORD=$(new_password)
mkdir -p "$SITE"/{stacks,backups}
BINARY=${1:-$(debug_binary)}
e2e/setup.sh images runtime "$BINARY"
e2e/lib/sample-stack.sh up "$STACK" "$SITE/stacks"

start_container
check 'root: is ready' or_log wait_for 30 '/readyz' ready
check 'root: docker calls it healthy' or_log wait_for 30 'health' health_is healthy
check 'root: logs in' or_log login "$SITE"
check 'root: the stack of the folder and the stack of the engine are one' or_log sees_stack_once
check 'root: doctor runs inside' or_log doctor_is_json
backs_up root
check 'root: docker stop ends it in good order' or_log stops_in_good_order
remove_container

rm -rf "$SITE/backups"
mkdir "$SITE/backups"
chown "$NOBODY" "$SITE/backups"
if [ $((0$(stat -c %a "$SOCKET") & 2)) -eq 0 ]; then
  start_container --user "$NOBODY"
  check 'nobody, without the socket: serves all the same' or_log wait_for 30 '/healthz' answers
  check 'nobody, without the socket: /readyz names the engine' or_log not_ready_because_of_engine
  check 'nobody, without the socket: doctor runs inside' or_log doctor_is_json
  remove_container
else
  printf 'left out: a user without access to the socket, because here everybody has it\n'
fi
start_container --user "$NOBODY" --group-add "$(stat -c %g "$SOCKET")"
check 'nobody, with the socket: is ready' or_log wait_for 30 '/readyz' ready
check 'nobody, with the socket: logs in' or_log login "$SITE"
backs_up 'nobody, with the socket'
finish_checks
