# shellcheck shell=sh disable=SC2154
# All databases and roles of PostgreSQL, as SQL. Over the local socket, unless an argument says another host.

find_tool pg_dumpall
if [ -z "$user" ] && [ -n "$(setting POSTGRESQL_POSTGRES_PASSWORD)" ]; then
  # Bitnami's image: the user that has a name there may not read the roles.
  user=postgres
  password=$(setting POSTGRESQL_POSTGRES_PASSWORD)
fi
: "${user:=$(setting POSTGRES_USER POSTGRESQL_USERNAME PGUSER)}"
: "${password:=$(setting PGPASSWORD POSTGRES_PASSWORD POSTGRESQL_PASSWORD)}"
if [ -n "$password" ]; then export PGPASSWORD="$password"; fi
exec "$tool" --no-password --username="${user:-postgres}" "$@"
