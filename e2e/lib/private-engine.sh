# shellcheck shell=bash
# A Docker Engine of our own, with nothing on it but what a test puts there: for tests that do things at random, which
# must never meet somebody's containers. Source it after common.sh.
#   start_private_engine DIR     sets PRIVATE_ENGINE, an address for DOCKER_HOST; it has the image of the sample stack
#   stop_private_engine

PRIVATE_ENGINE='' PRIVATE_ENGINE_PID='' PRIVATE_ENGINE_DIR=''

start_private_engine() {
  PRIVATE_ENGINE_DIR=$1/engine
  PRIVATE_ENGINE=unix://$PRIVATE_ENGINE_DIR/docker.sock
  mkdir -p "$PRIVATE_ENGINE_DIR"
  # A network namespace of its own: an engine without a bridge would remove that of the usual one.
  unshare --net dockerd --host "$PRIVATE_ENGINE" --data-root "$PRIVATE_ENGINE_DIR/data" --exec-root "$PRIVATE_ENGINE_DIR/exec" \
    --pidfile "$PRIVATE_ENGINE_DIR/docker.pid" --bridge=none --iptables=false \
    >"$PRIVATE_ENGINE_DIR/log" 2>&1 </dev/null 9>&- &
  PRIVATE_ENGINE_PID=$!
  wait_for 60 'the private engine to answer' docker --host "$PRIVATE_ENGINE" version ||
    { tail -n 20 "$PRIVATE_ENGINE_DIR/log" >&2; return 1; }
  docker save "$IMAGE" | docker --host "$PRIVATE_ENGINE" load --quiet >/dev/null
}

stop_private_engine() {
  [ -n "$PRIVATE_ENGINE_PID" ] || return 0
  kill -TERM "$PRIVATE_ENGINE_PID" 2>/dev/null || :
  wait "$PRIVATE_ENGINE_PID" 2>/dev/null || :
  PRIVATE_ENGINE_PID=''
  local mount
  awk -v below="$PRIVATE_ENGINE_DIR/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mount; do
    umount --lazy "$mount" || :
  done
}
