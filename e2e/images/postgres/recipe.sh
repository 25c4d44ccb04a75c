# shellcheck shell=bash disable=SC2034
# PostgreSQL as its official image has it, out of Debian's packages.
SERVER_PACKAGES='postgresql libc-bin tzdata'
LEAVE_OUT='perl.*|libperl.*|libjson-perl|libllvm.*|libz3-.*|libgdbm.*|libdb5.3|ssl-cert|postgresql-.*common|openssl|netbase|sysvinit-utils|lsb-base|logsave'
SERVER_USER=postgres
SERVER_HOME=/var/lib/postgresql

finish() {
  local program
  rm -rf "$1"/usr/lib/postgresql/*/lib/{bitcode,llvmjit*}
  for program in "$1"/usr/lib/postgresql/*/bin/*; do ln -s "${program#"$1"}" "$1/usr/local/bin/"; done
}
