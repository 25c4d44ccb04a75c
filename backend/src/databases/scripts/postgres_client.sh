# shellcheck shell=sh disable=SC2154
# The client of PostgreSQL; SQL comes on its standard input. template1 is there in every server.

find_tool psql
exec "$tool" -X -q --no-password --username="${user:-postgres}" --dbname=template1 "$@"
