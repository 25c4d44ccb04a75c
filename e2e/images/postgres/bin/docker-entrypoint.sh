#!/bin/sh
# The variables of the official image: POSTGRES_USER, _PASSWORD, _DB, _INITDB_ARGS, _HOST_AUTH_METHOD, and _FILE forms.
set -eu
[ "${1:-}" = postgres ] || exec "$@"

# setting NAME: the variable, or what the file holds that NAME_FILE names.
setting() {
  eval "text=\${$1:-} file=\${$1_FILE:-}"
  # shellcheck disable=SC2154 # set by eval
  if [ -n "$file" ]; then cat "$file"; else printf '%s' "$text"; fi
}
as_postgres() { su -s /bin/sh postgres -c 'exec "$@"' -- sh "$@"; }

initialise() {
  user=$(setting POSTGRES_USER)
  user=${user:-postgres}
  database=$(setting POSTGRES_DB)
  method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  (umask 077 && setting POSTGRES_PASSWORD >/run/password)
  if [ ! -s /run/password ] && [ "$method" != trust ]; then
    echo 'Error: superuser password is not specified' >&2
    exit 1
  fi
  chown postgres /run/password
  # shellcheck disable=SC2086 # several words
  as_postgres initdb -D "$PGDATA" --username="$user" --pwfile=/run/password -E UTF8 --no-sync ${POSTGRES_INITDB_ARGS:-}
  printf 'host all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
  # Not by TCP, so that nobody takes it for ready.
  as_postgres pg_ctl -D "$PGDATA" -w -o "-c listen_addresses=''" start
  PGPASSWORD=$(cat /run/password)
  export PGPASSWORD
  [ "${database:-$user}" = postgres ] || createdb -w -U "$user" --maintenance-db=postgres "${database:-$user}"
  unset PGPASSWORD
  as_postgres pg_ctl -D "$PGDATA" -m fast -w stop
  rm /run/password
}

mkdir -p "$PGDATA" /run/postgresql
chown -R postgres "$PGDATA" /run/postgresql
chmod 700 "$PGDATA"
[ -s "$PGDATA/PG_VERSION" ] || initialise
shift
# shellcheck disable=SC2016 # for the inner shell
exec su -s /bin/sh postgres -c 'exec postgres -c "listen_addresses=*" "$@"' -- sh "$@"
