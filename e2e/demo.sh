#!/usr/bin/env bash
# `make demo`: builds Mainstay, gives it a sample stack, backs that up through the API, proves the archive
# with tar and gzip, and serves the dashboard until Ctrl-C. Without a terminal it ends after the proof.
# Leaves the archive, the logs and (if it had to start one) a Docker Engine; removes the rest.
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=e2e/lib/service.sh
. "$ROOT/e2e/lib/service.sh"
# shellcheck source=e2e/lib/proof.sh
. "$ROOT/e2e/lib/proof.sh"
cd "$ROOT"

readonly SITE=$STATE_DIR/demo STACK=$DEMO_PROJECT

leave() {
  local code=$?
  trap - EXIT INT TERM
  heading 'Cleaning up'
  stop_service
  e2e/setup.sh clean demo || :
  rm -f "$SITE/auth-header"
  [ "$code" -ne 0 ] || [ -z "${ARCHIVE:-}" ] || say "kept until the next demo: $ARCHIVE"
  exit "$code"
}

prove() {
  local name=$1
  shift
  "$@" || die "$name: failed"
  good "$name"
}

three_run() { [ "$(running_containers "$STACK")" -eq 3 ]; }

build() {
  # Whoever watches wants to see cargo at work; a log wants to stay short.
  if [ -t 2 ]; then e2e/build.sh; else run_logged build e2e/build.sh; fi
}

mkdir -p "$STATE_DIR"
exec 9>"$STATE_DIR/demo.lock"
flock -n 9 || die 'another demo is running here'

heading 'What this machine needs'
e2e/setup.sh deps demo

heading 'Building Mainstay (the first time takes some minutes)'
started=$SECONDS
build
good "target/release/mainstay in $(duration $((SECONDS - started)))"

heading 'A Docker Engine and a sample stack'
e2e/setup.sh engine
e2e/setup.sh images test
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
e2e/setup.sh clean demo
rm -rf "$SITE"
new_site "$SITE"
e2e/lib/sample-stack.sh up "$STACK" "$SITE/stacks" 64
good "$STACK: db (writes its volume ten times a second), app (depends on db), web (depends on app)"

heading 'Starting the service'
start_service target/release/mainstay "$SITE"
login "$SITE"
good "ready at $SERVICE_URL"

heading "POST /api/v1/stacks/$STACK/backup"
backup_stack "$STACK" || die "the backup did not succeed; the service's log is $SITE/service.log"
good "$(jq -r '"job \(.id) \(.state); the stack was stopped for \(.stopped_ms) ms"' <<<"$JOB")"

heading 'Proof, with gzip, tar and sha256sum alone'
ARCHIVE=$(newest_archive "$SITE/backups" "$STACK") || die "no archive in $SITE/backups"
LIST=$SITE/archive.list
prove 'gzip -t and tar -t read it to the end' list_archive "$ARCHIVE" "$LIST"
prove "$(wc -l <"$LIST") entries under $(head -n 1 "$LIST" | cut -d/ -f1)/, manifest.json last" has_layout "$LIST" "$STACK"
prove 'the volume in it is the one in the stack; its writer had stopped in good order' \
  volume_is_whole "$ARCHIVE" "$LIST" "$STACK-db-1"
prove 'all three containers run again' wait_for 30 'the containers' three_run
docker ps --filter "label=com.docker.compose.project=$STACK" --format '{{.Names}}\t{{.Status}}' | sort | sed 's/^/        /'

heading 'Have a look'
JOB_LOG=$(find "$SITE/logs" -name "backup_${STACK}_*.log" -print -quit)
cat <<END
    dashboard   $SERVICE_URL/
    password    $PASSWORD
    Swagger UI  $SERVICE_URL/swagger-ui/
    archive     $ARCHIVE ($(stat -c %s "$ARCHIVE" | numfmt --to=iec-i --suffix=B))
    job's log   ${JOB_LOG:-none found in $SITE/logs}
END

[ -t 0 ] || exit 0
heading 'Serving; Ctrl-C ends it'
trap 'exit 0' INT
wait "$SERVICE_PID" || :
die "the service ended by itself; its log is $SITE/service.log"
