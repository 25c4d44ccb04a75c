# shellcheck shell=sh disable=SC2154
# The client of MySQL or MariaDB; SQL comes on its standard input. $tools is set before.

# shellcheck disable=SC2086 # several names
find_tool $tools
: "${user:=root}"
if [ "$user" = root ]; then : "${password:=$(setting MARIADB_ROOT_PASSWORD MYSQL_ROOT_PASSWORD MYSQL_PWD)}"; fi
if [ -n "$password" ]; then export MYSQL_PWD="$password"; fi
exec "$tool" --user="$user" --batch --skip-column-names "$@"
