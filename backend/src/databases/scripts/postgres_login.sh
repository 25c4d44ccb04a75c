# shellcheck shell=sh disable=SC2154,SC2034
# Who one is to PostgreSQL: $user, and the password in its variable.

if [ -z "$user" ] && [ -n "$(setting POSTGRESQL_POSTGRES_PASSWORD)" ]; then
  # Bitnami's image: the user that has a name there may not read the roles.
  user=postgres
  password=$(setting POSTGRESQL_POSTGRES_PASSWORD)
fi
: "${user:=$(setting POSTGRES_USER POSTGRESQL_USERNAME PGUSER)}"
: "${password:=$(setting PGPASSWORD POSTGRES_PASSWORD POSTGRESQL_PASSWORD)}"
if [ -n "$password" ]; then export PGPASSWORD="$password"; fi
