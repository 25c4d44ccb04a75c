# shellcheck shell=bash disable=SC2034
# Redis as its official image has it, out of Debian's packages.
SERVER_PACKAGES='redis-tools libc-bin'
LEAVE_OUT='perl.*'
SERVER_USER=redis
SERVER_HOME=/data

# Server and checker are one program, by the name that it is called by.
finish() { ln -sf redis-check-rdb "$1/usr/bin/redis-server"; }
