# shellcheck shell=sh disable=SC2154
# All databases and roles of PostgreSQL, as SQL. Over the local socket, unless an argument says another host.

find_tool pg_dumpall
exec "$tool" --no-password --username="${user:-postgres}" "$@"
