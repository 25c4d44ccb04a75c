# shellcheck shell=sh disable=SC2154
# Brings an archive of mongodump back, which comes on the standard input. Collections of the same names are replaced.

find_tool mongorestore
source=
if [ -z "$user" ]; then
  user=$(setting MONGO_INITDB_ROOT_USERNAME MONGODB_ROOT_USER)
  : "${password:=$(setting MONGO_INITDB_ROOT_PASSWORD MONGODB_ROOT_PASSWORD)}"
  source=admin
fi
if [ -z "$user" ]; then exec "$tool" --drop --archive "$@"; fi
if [ -n "$source" ]; then set -- --authenticationDatabase="$source" "$@"; fi
# The tool reads the password from its standard input, so the archive comes by another number.
exec "$tool" --drop --archive=/dev/fd/3 --username="$user" "$@" 3<&0 <<END
$password
END
