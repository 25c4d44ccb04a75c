#!/usr/bin/env bash
# Every example, and what the README tells people to type, is run as it stands, by a real Compose and the true binary;
# only names and places are ours.
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=e2e/lib/service.sh
. "$ROOT/e2e/lib/service.sh"
# shellcheck source=e2e/lib/proof.sh
. "$ROOT/e2e/lib/proof.sh"
# shellcheck source=e2e/lib/check.sh
. "$ROOT/e2e/lib/check.sh"
# shellcheck source=e2e/lib/readme.sh
. "$ROOT/e2e/lib/readme.sh"
cd "$ROOT"

# Project names are folder names; a prefix keeps ours apart from a user's own `blog`.
readonly PREFIX=mst-examples-$$-
SITE=$(mktemp -d)

compose() {
  local folder=$SITE/stacks/$PREFIX$1
  shift
  if docker compose version >/dev/null 2>&1; then (cd "$folder" && docker compose "$@"); else (cd "$folder" && docker-compose "$@"); fi
}

leave() {
  local code=$?
  trap - EXIT INT TERM
  stop_service
  local folder
  for folder in "$SITE"/stacks/*/; do
    folder=$(basename "$folder")
    compose "${folder#"$PREFIX"}" down --volumes --timeout 2 >/dev/null 2>&1 || :
  done
  rm -rf "$SITE"
  exit "$code"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# place NAME: the example where the service looks for stacks; the override marks what Compose will create as ours.
place() {
  local folder=$SITE/stacks/$PREFIX$1
  cp -r "examples/stacks/$1" "$folder"
  printf 'EXAMPLE_IMAGE=%s\n' "$IMAGE" >>"$folder/.env"
  {
    printf 'networks:\n  default:\n    labels: { mainstay.test: "1" }\n'
    sed -n '/^volumes:/,$p' "$folder/compose.yaml" | sed -nE 's/^  ([a-z]+):.*/\1/p' | {
      read -r volume || exit 0
      printf 'volumes:\n'
      while :; do
        printf '  %s:\n    labels: { mainstay.test: "1" }\n' "$volume"
        read -r volume || break
      done
    }
  } >"$folder/compose.override.yaml"
}

stack_is() { api GET "/api/v1/stacks/$PREFIX$1" | jq -e --arg state "$2" '.state == $state'; }
this_many_run() { equal "$2" "$(running_containers "$PREFIX$1")"; }
archive_holds() {
  local archive list=$SITE/list stack=$PREFIX$1 pattern
  shift
  archive=$(newest_archive "$SITE/backups" "$stack") && list_archive "$archive" "$list" && has_layout "$list" "$stack" || return 1
  for pattern in "$@"; do grep -Eq "$pattern" "$list" || { printf 'no entry like %s in\n' "$pattern"; cat "$list"; return 1; }; done
}

BINARY=$(debug_binary)
new_site "$SITE"
for folder in examples/stacks/*/; do place "$(basename "$folder")"; done
for folder in examples/stacks/*/; do
  check "$folder is valid for Compose" compose "$(basename "$folder")" config -q
  check "$folder has a README" test -s "$folder/README.md"
done
check 'config.example.yml is valid' "$BINARY" serve --check-config --config examples/config.example.yml

compose blog up -d
start_service "$BINARY" "$SITE"
login "$SITE"
check 'blog: runs' stack_is blog running
check 'blog: is backed up' backup_stack "${PREFIX}blog"
check 'blog: both services run again' wait_for 20 'two containers' this_many_run blog 2
check 'blog: the archive holds compose files, page and volume' archive_holds blog \
  '/compose/compose\.yaml$' '/compose/compose\.override\.yaml$' '/compose/\.env$' '/page/style\.css$' '/volumes/[^/]+/posts\.html$'
check 'notes: was never started' stack_is notes stopped
check 'notes: is backed up' backup_stack "${PREFIX}notes"
check 'notes: nothing was started' this_many_run notes 0
check 'notes: the archive holds the notes' archive_holds notes '/compose/compose\.yaml$' '/notes/first\.txt$'

volume_holds() { docker run --rm -v "$1:/v:ro" "$IMAGE" cat /v/posts.html | head -c "$(stat -c %s "$2")" | cmp - "$2"; }
job_succeeded() { follow_job "$1" && equal succeeded "$(jq -r .state <<<"$JOB")"; }
settings_are_valid() { snippet '^stacks_dir:' >"$SITE/snippet.yml" && "$BINARY" serve --check-config --config "$SITE/snippet.yml"; }

check 'README: every console is valid shell' consoles_parse
check 'README: every command of ours exists' commands_exist "$BINARY"
check 'README: the settings are valid' settings_are_valid
TOKEN_JOB=$(readme_token "${PREFIX}blog") || TOKEN_JOB=none
check 'README: a token is made and backs a stack up' job_succeeded "$TOKEN_JOB"
# Without a service the command does the work itself; with one it would need to be told where that listens.
stop_service
check 'README: the line of cron backs two stacks up' readme_cron "$BINARY" "${PREFIX}blog" "${PREFIX}notes"
ARCHIVE=$(newest_archive "$SITE/backups" "${PREFIX}blog") || ARCHIVE=none
compose blog down --volumes --timeout 5 >/dev/null 2>&1
rm -rf "$SITE/stacks/${PREFIX}blog"
check 'README: the way back from an archive works' readme_restore "$ARCHIVE" "${PREFIX}blog" "${PREFIX}blog_posts"
check 'README: both services run again' wait_for 20 'two containers' this_many_run blog 2
check 'README: the volume holds what it held' volume_holds "${PREFIX}blog_posts" \
  "$SITE/restored/$(basename "$ARCHIVE" .tar.gz)/volumes/${PREFIX}blog_posts/posts.html"
finish_checks
