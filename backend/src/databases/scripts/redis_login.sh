# shellcheck shell=sh disable=SC2154
# The client of Redis, Valkey or KeyDB becomes $tool, and its password a variable.

find_tool redis-cli valkey-cli keydb-cli
: "${password:=$(setting REDISCLI_AUTH REDIS_PASSWORD VALKEY_PASSWORD KEYDB_PASSWORD)}"
if [ -z "$password" ] && [ -r "${MAINSTAY_CONFIG-}" ]; then
  while read -r name value; do
    if [ "$name" = requirepass ]; then password=$value; fi
  done <"$MAINSTAY_CONFIG"
  password=${password#[\"\']}
  password=${password%[\"\']}
fi
if [ -n "$password" ]; then export REDISCLI_AUTH="$password"; fi
if [ -n "$user" ]; then set -- --user "$user" "$@"; fi
