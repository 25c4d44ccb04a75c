# shellcheck shell=bash disable=SC2034
# MariaDB as its official image has it, out of Debian's packages.
SERVER_PACKAGES='mariadb-server-core mariadb-client-core mariadb-client libc-bin tzdata'
LEAVE_OUT='perl.*|libperl.*|lib.*-perl|galera.*|libgdbm.*|libdb5.3|mariadb-server|openssl|netbase|sysvinit-utils|lsb-base'
SERVER_USER=mysql
SERVER_HOME=/var/lib/mysql

finish() {
  mkdir -p "$1/etc/mysql"
  printf '[client-server]\nsocket=/run/mysqld/mysqld.sock\n' >"$1/etc/mysql/my.cnf"
  # The official image has these names alone, from release 11 on.
  rm -f "$1"/usr/bin/mysql*
}
