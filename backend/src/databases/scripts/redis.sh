# shellcheck shell=sh disable=SC2154
# The whole of Redis, Valkey or KeyDB, as the file that the server itself would load.

exec "$tool" "$@" --rdb -
