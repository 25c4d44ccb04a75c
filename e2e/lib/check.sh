# shellcheck shell=bash
# Counted checks of the shell tests, in the lines of TAP: `ok - name`, `not ok - name`. test.sh adds them up.
# A failed check does not end the script; `finish_checks` does, at the end.

CHECKS_FAILED=0

# check NAME COMMAND…: what the command says is shown only when it fails. It runs in this shell, so that a
# function may leave something behind.
check() {
  local name=$1 output
  shift
  output=$(mktemp)
  if "$@" >"$output" 2>&1; then
    printf 'ok - %s\n' "$name"
  else
    printf 'not ok - %s\n' "$name"
    tail -n 40 "$output" | sed 's/^/    /'
    CHECKS_FAILED=$((CHECKS_FAILED + 1))
  fi
  rm -f "$output"
}

equal() { [ "$1" = "$2" ] || { printf 'expected: %s\n  actual: %s\n' "$1" "$2"; return 1; }; }

finish_checks() { [ "$CHECKS_FAILED" -eq 0 ] || { printf '%s checks failed\n' "$CHECKS_FAILED"; exit 1; }; }
