#!/bin/sh
# As in the official image: options alone are for the server, which does not run as root.
set -eu
case ${1:-} in
  -* | *.conf) set -- redis-server "$@" ;;
esac
[ "${1:-}" = redis-server ] || exec "$@"
chown -R redis .
# shellcheck disable=SC2016 # for the inner shell
exec su -s /bin/sh redis -c 'exec "$0" "$@"' -- "$@" --protected-mode no
