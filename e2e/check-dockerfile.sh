#!/usr/bin/env bash
# Reads the Dockerfile, .dockerignore and docker-compose.yml for the mistakes that would otherwise show on a
# user's machine: our own machines have no registry to build from. What the last stage holds is run by
# container.sh.   check-dockerfile.sh [DOCKERFILE]
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=e2e/lib/check.sh
. "$ROOT/e2e/lib/check.sh"
DOCKERFILE=$(realpath "${1:-$ROOT/Dockerfile}")
cd "$ROOT"

# One instruction a line: comments dropped, continued lines joined.
instructions() { awk '/^[ \t]*(#|$)/ { next } { line = line $0 } /\\$/ { sub(/\\$/, "", line); next } { print line; line = "" }' "$DOCKERFILE"; }
INSTRUCTIONS=$(instructions)
each() { grep -E "^$1( |\$)" <<<"$INSTRUCTIONS" || :; }
stages() { each FROM | awk '$3 == "AS" { print $4 }'; }

none_like() { ! grep -En "$1" <<<"$INSTRUCTIONS"; }
has() { grep -Eq "$1" <<<"$INSTRUCTIONS" || { printf 'no line like %s\n' "$1"; return 1; }; }

base_comes_first() { head -n 1 <<<"$INSTRUCTIONS" | grep -Eq '^ARG BASE=[a-z]+:[a-z0-9.-]+$'; }

bases_are_pinned() {
  local image failed=0
  while read -r _ image _; do
    # shellcheck disable=SC2016 # the Dockerfile's own words
    case $image in
      '${BASE}') ;;
      *:latest | *[!:]latest) printf 'latest: %s\n' "$image"; failed=1 ;;
      *:*) ;;
      *) grep -qxF "$image" <<<"$(stages)" || { printf 'no tag: %s\n' "$image"; failed=1; } ;;
    esac
  done <<<"$(each FROM)"
  return "$failed"
}

# The sources of every COPY: files of the repository that .dockerignore lets through, or of an earlier stage.
copies_have_sources() {
  local line word words failed=0 seen=''
  while read -r line; do
    case $line in
      FROM*) seen+=" ${line##* } " ;;
      COPY\ --from=*)
        word=${line#COPY --from=}
        [[ $seen == *" ${word%% *} "* ]] || { printf 'no such stage before: %s\n' "$line"; failed=1; } ;;
      COPY*)
        read -ra words <<<"${line#COPY }"
        for word in "${words[@]:0:${#words[@]}-1}"; do
          is_in_context "${word%/}" || { printf 'not in the build context: %s\n' "$word"; failed=1; }
        done ;;
    esac
  done <<<"$INSTRUCTIONS"
  return "$failed"
}

is_in_context() { [ "$1" = . ] || { [ -e "$1" ] && grep -qxF "!${1%%/*}" .dockerignore; }; }

# Cargo refuses a workspace whose members, or their declared tests, are not all there.
context_holds_workspace() {
  local path failed=0
  for path in Cargo.toml Cargo.lock $(sed -nE 's/^members = \[(.*)\]/\1/p' Cargo.toml | tr -d '",'); do
    is_in_context "$path" || { printf 'not in the build context: %s\n' "$path"; failed=1; }
  done
  return "$failed"
}

exec_form() { local line; line=$(each "$1" | tail -n 1); grep -Eq "^$1 (.* CMD )?\[\"" <<<"$line" || { printf '%s\n' "${line:-no $1}"; return 1; }; }

compose_config() {
  if docker compose version >/dev/null 2>&1; then docker compose -f docker-compose.yml config -q
  else docker-compose -f docker-compose.yml config -q; fi
}

check 'the base image is an argument with a default' base_comes_first
check 'every other base image has a tag, and none is latest' bases_are_pinned
check 'every COPY has its sources' copies_have_sources
check 'the build context holds the whole workspace' context_holds_workspace
check 'nothing is fetched by ADD, or piped into a shell' none_like '^ADD |\| *(ba)?sh( |$)'
check 'no secret is a build argument or an environment variable' none_like '^(ARG|ENV) .*(PASSWORD|TOKEN|SECRET|KEY)'
check 'dependencies are those of the lock files' has 'npm ci'
check 'cargo keeps to its lock file' has 'cargo build .*--locked'
check 'the last stage is the one that is tested' equal runtime "$(stages | tail -n 1)"
check 'entry point is in exec form, so that signals arrive' exec_form ENTRYPOINT
check 'health check is in exec form, since there may be no shell' exec_form HEALTHCHECK
check 'docker stop sends SIGTERM' has '^STOPSIGNAL SIGTERM$'
if [ "$DOCKERFILE" = "$ROOT/Dockerfile" ]; then check 'docker-compose.yml is valid' compose_config; fi
finish_checks
