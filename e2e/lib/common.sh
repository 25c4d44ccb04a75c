# shellcheck shell=bash
# What every script here shares: where things are, how they speak, how they wait, how they fail.
# Source it; it runs nothing. Anything that needs the service belongs in service.sh, anything that
# counts tests in check.sh.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
STATE_DIR=${MAINSTAY_TEST_STATE_DIR:-/var/tmp/mainstay-e2e}
IMAGE=mainstay-test/busybox:local
RUNTIME_IMAGE=mainstay-test/runtime:local
# Everything that the tests and the demo create carries this label, be it by inheritance from the image.
LABEL=mainstay.test=1
DEMO_PROJECT=mainstay-demo
# shellcheck disable=SC2034 # the names above are for the scripts that source this file
readonly ROOT STATE_DIR IMAGE RUNTIME_IMAGE LABEL DEMO_PROJECT

if [ -t 1 ]; then BOLD=$'\e[1m' DIM=$'\e[2m' GREEN=$'\e[32m' RED=$'\e[31m' PLAIN=$'\e[0m'
else BOLD='' DIM='' GREEN='' RED='' PLAIN=''; fi

say() { printf '%s\n' "    $*"; }
heading() { printf '\n%s==> %s%s\n' "$BOLD" "$*" "$PLAIN"; }
good() { printf '%s\n' "    ${GREEN}ok${PLAIN}  $*"; }
bad() { printf '%s\n' "    ${RED}not ok${PLAIN}  $*" >&2; }
die() { printf '%s\n' "${RED}error:${PLAIN} $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# A sleep without a child process, which would outlive us with our standard output open: nothing ever comes
# out of this pipe.
SILENCE=$(mktemp -u)
mkfifo "$SILENCE"
exec {SILENCE_FD}<>"$SILENCE"
rm "$SILENCE"
snooze() { read -rt "$1" -u "$SILENCE_FD" || :; }

# A process that has ended but was not yet waited for answers signals still, hence not `kill -0`.
is_alive() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null && [[ ${stat##*) } != Z* ]]
}

# wait_for SECONDS WHAT COMMAND…: until the command succeeds; names WHAT when it never does.
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || { bad "gave up waiting for $what"; return 1; }
    snooze 0.1
  done
}

# A line of a log that tells of something good; nobody looks for it in a log of a failure.
readonly GOOD_LINE='^ok - |\.\.\. ok$|^ *[0-9]+ s  ok |^$'

# run_logged NAME COMMAND…: output goes to a log, a sign of life every minute to us, the end of what is not
# good in the log too when it fails. Standard input is never ours to give away.
run_logged() {
  local name=$1 log=$STATE_DIR/logs/$1.log code=0 beat
  shift
  mkdir -p "$STATE_DIR/logs"
  { while snooze 60; do say "${DIM}… $name: $(tail -n 1 "$log" 2>/dev/null | cut -c1-100)${PLAIN}"; done; } &
  beat=$!
  "$@" >"$log" 2>&1 </dev/null || code=$?
  kill "$beat" 2>/dev/null || :
  wait "$beat" 2>/dev/null || :
  [ "$code" -eq 0 ] || { { grep -vE "$GOOD_LINE" "$log" || :; } | tail -n 60 >&2; bad "$name failed (exit code $code); the whole log is $log"; }
  return "$code"
}

duration() { if [ "$1" -ge 60 ]; then printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); else printf '%ds' "$1"; fi; }

# How many containers of a stack run.
running_containers() { docker ps -q --filter "label=com.docker.compose.project=$1" --filter status=running | wc -l; }

# Where cargo puts what it builds: follows CARGO_TARGET_DIR and every configuration file.
target_dir() { (cd "$ROOT" && cargo metadata --locked --no-deps --format-version 1 | jq -r .target_directory); }

# What every build of ours is made with: ISA-L where its build finds its tools. Without it archives take longer,
# and everything works.
FEATURES=()
case $(uname -m) in
  x86_64) ! have nasm || FEATURES=(--features isal) ;;
  aarch64) FEATURES=(--features isal) ;;
esac
if ! have autoreconf || ! have libtoolize; then FEATURES=(); fi
readonly FEATURES

# The debug binary, built if need be; its path on standard output.
debug_binary() { (cd "$ROOT" && cargo build --quiet --locked "${FEATURES[@]}" --bin mainstay >&2) && printf '%s/debug/mainstay\n' "$(target_dir)"; }

# npm_ci FOLDER: `npm ci`, unless the very same lock file has been installed there already.
npm_ci() {
  local stamp=$ROOT/$1/node_modules/.installed want
  want=$(sha256sum <"$ROOT/$1/package-lock.json")-$(node --version)
  [ "$(cat "$stamp" 2>/dev/null)" != "$want" ] || return 0
  (cd "$ROOT/$1" && npm ci --no-audit --no-fund) && printf '%s' "$want" >"$stamp"
}
