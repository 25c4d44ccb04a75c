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
  docker rmi "${PREFIX}custom" "${PREFIX}copy" >/dev/null 2>&1 || :
  rm -rf "$SITE"
  exit "$code"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# place NAME: the example where the service looks for stacks.
place() {
  cp -r "examples/stacks/$1" "$SITE/stacks/$PREFIX$1"
  mark "$1"
}

# mark NAME: the override marks what Compose will create as ours.
mark() {
  local folder=$SITE/stacks/$PREFIX$1
  printf 'EXAMPLE_IMAGE=%s\n' "$IMAGE" >>"$folder/.env"
  {
    printf 'networks:\n  default:\n    labels: { mainstay.test: "1" }\n'
    sed -n '/^volumes:/,$p' "$folder/compose.yaml" | sed -nE 's/^  ([a-z-]+):.*/\1/p' | {
      read -r volume || exit 0
      printf 'volumes:\n'
      while :; do
        printf '  %s:\n    labels: { mainstay.test: "1" }\n' "$volume"
        read -r volume || break
      done
    }
  } >"$folder/compose.override.yaml"
}

# The example of Backrest, without what Compose 1 does not know and with a name of our own.
place_backrest() {
  local folder=$SITE/stacks/${PREFIX}backrest
  mkdir -p "$folder"
  sed -e '/^name:/d' -e "s/container_name: backrest/container_name: ${PREFIX}backrest/" \
    examples/backrest/compose.yaml >"$folder/compose.yaml"
  mark backrest
}

# Nothing runs of it, and Backrest's image is not there: labels are read of containers that were only made, too.
dry_run_of_backrest() {
  local code=0 lines=$SITE/dry-run id
  cp "examples/backrest/config.$1.json" "$SITE/backrest.json"
  "$BINARY" reconcile --config "$SITE/backrest.json" --backrest-container "${PREFIX}backrest" --dry-run >"$lines" || code=$?
  cat "$lines"
  equal 2 "$code" || return 1
  # jq finds no fault with a file that is empty: what it prints has to be there.
  for id in db files; do
    jq -r 'select(.action == "plan.rendered").plan_id' "$lines" | grep "backrest_$id\$" >/dev/null || return 1
  done
  jq 'select(.action == "dry-run.complete").plans_changed >= 2' "$lines" | grep -x true >/dev/null &&
    cmp "examples/backrest/config.$1.json" "$SITE/backrest.json"
}

stack_is() { api GET "/api/v1/stacks/$PREFIX$1" | jq -e --arg state "$2" '.state == $state'; }
this_many_run() { equal "$2" "$(running_containers "$PREFIX$1")"; }
archive_holds() {
  local archive list=$SITE/list stack=$PREFIX$1 pattern
  shift
  archive=$(newest_archive "$SITE/backups" "$stack") && list_archive "$archive" "$list" && has_layout "$list" "$stack" || return 1
  for pattern in "$@"; do grep -Eq "$pattern" "$list" || { printf 'no entry like %s in\n' "$pattern"; cat "$list"; return 1; }; done
}

# build_example FOLDER NAME: the image over a base of ours, because there is no registry.
build_example() { DOCKER_BUILDKIT=0 docker build -q --build-arg BASE="$IMAGE" --label "$LABEL" -t "$PREFIX$2" "examples/$1"; }
# run_example NAME [OPTION…]: the image as Mainstay runs it, over what is staged.
run_example() {
  local name=$1
  shift
  docker run --rm --label "$LABEL" -v "$SITE/staged:/backup" -e MAINSTAY_INSTANCE_ID=photos -e MAINSTAY_HOSTNAME=nas \
    -e MAINSTAY_RUN_DIR="/backup/${RUN:-20261127-020000}" "$@" "$PREFIX$name" /backup.sh
}
stage() { mkdir -p "$SITE/staged/$1/vol/data" && printf '%s\n' "$1" >"$SITE/staged/$1/vol/data/file"; }
# Behind a pipe grep reads to the end (no -q): whoever still writes into a closed pipe fails.
# Succeeds and says so; fails and says so.
custom_succeeds() { run_example custom -e EXAMPLE_FAIL=never -e EXAMPLE_SECONDS=0 | grep 'vol/data:$' >/dev/null; }
custom_fails() { ! run_example custom -e EXAMPLE_FAIL=always -e EXAMPLE_SECONDS=0 2>"$SITE/err" && grep -q 'on purpose' "$SITE/err"; }
copy_run() { stage "$1" && RUN=$1 run_example copy -v "$SITE/copies:/copies" -e COPY_DIR=/copies -e COPY_KEEP=2; }
copy_fails() { ! RUN=none run_example copy -v "$SITE/copies:/copies" -e COPY_DIR=/copies; }
copies_are() { equal "$1" "$(cd "$SITE/copies/photos" && printf '%s ' *.tar)"; }
copy_is_whole() { (cd "$SITE/copies/photos" && sha256sum -c "$1.tar.sha256" && equal "$1" "$(tar -xOf "$1.tar" "$1/vol/data/file")"); }

BINARY=$(debug_binary)
new_site "$SITE"
for folder in examples/stacks/*/; do place "$(basename "$folder")"; done
for folder in examples/stacks/*/; do
  check "$folder is valid for Compose" compose "$(basename "$folder")" config -q
  check "$folder has a README" test -s "$folder/README.md"
done
place_backrest
check 'backrest: is valid for Compose' compose backrest config -q
compose backrest up --no-start db files
for format in native sidecar; do check "backrest: the dry run over a $format file shows both plans" dry_run_of_backrest "$format"; done
compose backrest down --volumes >/dev/null 2>&1
check 'config.example.yml is valid' "$BINARY" serve --check-config --config examples/config.example.yml

check 'custom image: is built' build_example custom-backup-image custom
check 'custom image: lists what is staged' eval 'stage 20261127-020000 && custom_succeeds'
check 'custom image: fails when it is asked to' custom_fails
check 'verified copy: is built' build_example verified-copy-image copy
for run in 20261127-020000 20261128-020000 20261129-020000; do check "verified copy: stores run $run" copy_run "$run"; done
check 'verified copy: the last two stay' copies_are '20261128-020000.tar 20261129-020000.tar '
check 'verified copy: can be read back' copy_is_whole 20261129-020000
check 'verified copy: what is not there is a failure' copy_fails
check 'verified copy: a failure removes nothing' copies_are '20261128-020000.tar 20261129-020000.tar '

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

# A service may have added to the file meanwhile.
volume_holds() {
  docker run --rm -v "$1:/v:ro" "$IMAGE" cat /v/posts.html >"$SITE/posts.html" && cmp -n "$(stat -c %s "$2")" "$SITE/posts.html" "$2"
}
bare() { examples/bare-restore/restore.sh "$@"; }
bare_lists() { bare contents "$1" >"$SITE/listed" && grep "$2" "$SITE/listed"; }
bare_refuses() { ! bare "$@"; }
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
check 'bare restore: the volume is listed' bare_lists "$ARCHIVE" "^volume.${PREFIX}blog_posts.*succeeded"
check 'bare restore: the volume comes out' bare archive "$ARCHIVE" volume "${PREFIX}blog_posts" "$SITE/bare"
check 'bare restore: it holds what the volume holds' volume_holds "${PREFIX}blog_posts" "$SITE/bare/posts.html"
check 'bare restore: nothing is written over' bare_refuses archive "$ARCHIVE" volume "${PREFIX}blog_posts" "$SITE/bare"
compose blog down --volumes --timeout 5 >/dev/null 2>&1
rm -rf "$SITE/stacks/${PREFIX}blog"
check 'README: the way back from an archive works' readme_restore "$ARCHIVE" "${PREFIX}blog" "${PREFIX}blog_posts"
check 'README: both services run again' wait_for 20 'two containers' this_many_run blog 2
check 'README: the volume holds what it held' volume_holds "${PREFIX}blog_posts" \
  "$SITE/restored/$(basename "$ARCHIVE" .tar.gz)/volumes/${PREFIX}blog_posts/posts.html"
finish_checks
