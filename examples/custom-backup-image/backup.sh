#!/bin/sh
# Shows what a custom image gets: waits, lists the staged data, and fails now and then to show how that looks.
set -eu

mode=${EXAMPLE_FAIL:-random}
seconds=${EXAMPLE_SECONDS:-10}

case $mode in
  never) fails=no ;;
  always) fails=yes ;;
  # One byte out of 256: below 64 is a quarter.
  random) if [ "$(od -An -N1 -tu1 /dev/urandom)" -lt 64 ]; then fails=yes; else fails=no; fi ;;
  *) echo "EXAMPLE_FAIL is '$mode'; one of never, always, random" >&2; exit 2 ;;
esac

echo "backup of instance ${MAINSTAY_INSTANCE_ID:-unknown} on ${MAINSTAY_HOSTNAME:-unknown} begins"
echo "this takes $seconds s"
sleep "$seconds"

echo "the staged data:"
ls -lR "${MAINSTAY_RUN_DIR:-/backup}"

if [ "$fails" = yes ]; then
  echo "this run fails on purpose, as EXAMPLE_FAIL=$mode asks for" >&2
  exit 1
fi
echo "backup complete"
