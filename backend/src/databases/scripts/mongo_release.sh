# shellcheck shell=sh disable=SC2154
# Which release the server is of; its program tells without a password.

find_tool mongod
exec "$tool" --version
