#!/usr/bin/env bash
# Archives beside other tools: rates and sizes, the stop by itself, one file out of 2 GiB, peak memory.
#   bench-archive.sh                       everything
#   bench-archive.sh downtime extract      only these, out of: rates, downtime, extract, memory
# Takes some ten minutes and 8 GiB of MAINSTAY_BENCH_DIR (default: the temporary directory), which is empty after.
# JSON: $STATE_DIR/bench-NAME.json. Nothing fails on a time; a wrong archive does.
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$ROOT"

bench() { cargo bench --quiet --locked --package mainstay "${FEATURES[@]}" --bench "$1" -- --json "$STATE_DIR/bench-$2.json" "${@:3}"; }

mkdir -p "$STATE_DIR"
[ "$#" -gt 0 ] || set -- rates downtime extract memory
[ ${#FEATURES[@]} -gt 0 ] || say 'left out: ISA-L, whose build needs nasm, autoconf, automake and libtool'
for part in "$@"; do
  heading "$part"
  case $part in
    rates) bench archive rates ;;
    downtime) bench downtime downtime ;;
    extract | memory) bench archive "$part" "$part" ;;
    *) die "there is no part $part: rates, downtime, extract or memory" ;;
  esac
done
