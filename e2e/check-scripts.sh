#!/usr/bin/env bash
# Reads every shell script of the repository: syntax, shellcheck, and that each says what it is for.
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=e2e/lib/check.sh
. "$ROOT/e2e/lib/check.sh"
cd "$ROOT"

mapfile -t SCRIPTS < <(printf '%s\n' e2e/*.sh e2e/lib/*.sh e2e/images/*/bin/* examples/*/*.sh .ci/run)

says_what_it_is_for() { sed -n 2p "$1" | grep -Eq '^# .{20}'; }
stops_at_errors() { grep -Eq '^set -eu' "$1"; }

for script in "${SCRIPTS[@]}"; do
  check "$script: shellcheck" shellcheck -x -P SCRIPTDIR "$script"
  check "$script: says in its second line what it is for" says_what_it_is_for "$script"
  case $script in
    e2e/images/*) ;;
    *) ! [ -x "$script" ] || check "$script: stops at the first error" stops_at_errors "$script" ;;
  esac
done
finish_checks
