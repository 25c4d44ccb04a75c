# shellcheck shell=sh disable=SC2154
# All databases of MySQL or MariaDB, with users, routines, events and triggers, as SQL. $tools is set before.

# shellcheck disable=SC2086 # several names
find_tool $tools

# The password goes by a variable, which MariaDB and MySQL both know: a file would have to be written first.
may_read_users() {
  MYSQL_PWD=$2 "$tool" --user="$1" --single-transaction --no-data --no-create-info mysql user >/dev/null 2>&1
}

root_password=$(setting MARIADB_ROOT_PASSWORD MYSQL_ROOT_PASSWORD MYSQL_PWD)
own_user=$(setting MARIADB_USER MYSQL_USER)
own_password=$(setting MARIADB_PASSWORD MYSQL_PASSWORD)
if [ -z "$user" ]; then
  user=root
  if [ -z "$password" ] && [ -n "$own_user" ] && ! may_read_users root "$root_password"; then
    echo "root may not read the users with what the container's variables say: $own_user dumps what it may read" >&2
    user=$own_user
  fi
fi
if [ -z "$password" ]; then
  password=$root_password
  if [ "$user" = "$own_user" ]; then password=$own_password; fi
fi

scope=--all-databases
for argument in "$@"; do
  case $argument in
    --databases | -B | --all-databases | -A) scope=--triggers ;;
  esac
done
rights=--flush-privileges
if [ "$user" != root ]; then rights=--no-tablespaces; fi
if [ -n "$password" ]; then export MYSQL_PWD="$password"; fi
# The comment at the end tells that the dump is complete, so it stays whatever the arguments say.
exec "$tool" --user="$user" --single-transaction --quick --routines --events --triggers "$scope" "$rights" "$@" --comments
