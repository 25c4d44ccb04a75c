#!/bin/sh
# The variables of the official image: MARIADB_ROOT_PASSWORD, _USER, _PASSWORD, _DATABASE, as MYSQL_ and _FILE too.
set -eu
[ "${1:-}" = mariadbd ] || exec "$@"
shift

# setting NAME: MARIADB_NAME or MYSQL_NAME, or what the file holds that the same with _FILE names.
setting() {
  for name in "MARIADB_$1" "MYSQL_$1"; do
    eval "text=\${$name:-} file=\${${name}_FILE:-}"
    # shellcheck disable=SC2154 # set by eval
    if [ -n "$file" ]; then cat "$file"; return; fi
    if [ -n "$text" ]; then printf '%s' "$text"; return; fi
  done
}
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/[\\\\']/\\\\&/g")"; }

# One statement a line, as --bootstrap wants it.
# shellcheck disable=SC2016 # those are MariaDB's quotes
first_statements() {
  root=$(quoted "$(setting ROOT_PASSWORD)")
  database=$(setting DATABASE)
  user=$(setting USER)
  printf '%s;\n' 'FLUSH PRIVILEGES' "ALTER USER root@localhost IDENTIFIED BY $root" \
    "CREATE USER root@'%' IDENTIFIED BY $root" "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION"
  [ -z "$database" ] || printf 'CREATE DATABASE `%s`;\n' "$database"
  [ -z "$user" ] || printf 'CREATE USER %s IDENTIFIED BY %s;\n' "$(quoted "$user")@'%'" "$(quoted "$(setting PASSWORD)")"
  if [ -n "$user" ] && [ -n "$database" ]; then printf 'GRANT ALL ON `%s`.* TO %s;\n' "$database" "$(quoted "$user")@'%'"; fi
}

initialise() {
  if [ -z "$(setting ROOT_PASSWORD)" ] && [ -z "${MARIADB_ALLOW_EMPTY_ROOT_PASSWORD:-${MYSQL_ALLOW_EMPTY_PASSWORD:-}}" ]; then
    echo '[ERROR] Database is uninitialized and password option is not specified' >&2
    exit 1
  fi
  mariadb-install-db --user=mysql --datadir=/var/lib/mysql --auth-root-authentication-method=normal --skip-test-db >&2
  first_statements | mariadbd --user=mysql --datadir=/var/lib/mysql --bootstrap
}

mkdir -p /run/mysqld
chown -R mysql /var/lib/mysql /run/mysqld
[ -d /var/lib/mysql/mysql ] || initialise
exec mariadbd --user=mysql --datadir=/var/lib/mysql --bind-address=0.0.0.0 --skip-name-resolve "$@"
