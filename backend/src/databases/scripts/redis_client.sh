# shellcheck shell=sh disable=SC2154
# A command for Redis, Valkey or KeyDB, as arguments.

exec "$tool" "$@"
