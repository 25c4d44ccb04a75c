# shellcheck shell=sh disable=SC2154
# All databases of MongoDB, as one archive.

find_tool mongodump
source=
for argument in "$@"; do
  case $argument in
    --authenticationDatabase*) source=given ;;
    --uri* | --config*)
      # It says who one is, as well.
      exec "$tool" --archive "$@"
      ;;
  esac
done
if [ -z "$user" ]; then
  user=$(setting MONGO_INITDB_ROOT_USERNAME MONGODB_ROOT_USER)
  : "${password:=$(setting MONGO_INITDB_ROOT_PASSWORD MONGODB_ROOT_PASSWORD)}"
  if [ -n "$user" ] && [ -z "$source" ]; then set -- --authenticationDatabase=admin "$@"; fi
fi
if [ -z "$user" ]; then exec "$tool" --archive "$@"; fi
# Without a terminal the tool reads the password from its standard input, in every release.
exec "$tool" --archive --username="$user" "$@" <<END
$password
END
