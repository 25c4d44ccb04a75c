#!/bin/sh
# Keeps the last copies of the staged data as tars in a directory, here or behind ssh; each is read back before it counts.
set -eu

run=${MAINSTAY_RUN_DIR:?is set by Mainstay}
instance=${MAINSTAY_INSTANCE_ID:?is set by Mainstay}
directory=${COPY_DIR:?is the directory for the copies}
keep=${COPY_KEEP:-3}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() { echo "$*" >&2; exit 1; }
# What could mean something to the shell at the other end is refused.
case $directory$instance in *[!A-Za-z0-9/._-]*) fail 'COPY_DIR may have letters, digits and / . _ - only' ;; esac
case $keep in 0* | *[!0-9]*) fail "COPY_KEEP is '$keep'; it is a number from 1 on" ;; esac

# there COMMAND: runs a line of shell where the copies are.
there() {
  if [ -z "${COPY_SSH:-}" ]; then
    sh -c "$1"
  else
    ssh -i "$scratch/key" -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$scratch/hosts" \
      -p "${COPY_SSH_PORT:-22}" "$COPY_SSH" "$1"
  fi
}
if [ -n "${COPY_SSH:-}" ]; then
  umask 077
  printf '%s\n' "${COPY_SSH_KEY:?is the private key}" >"$scratch/key"
  printf '%s\n' "${COPY_SSH_KNOWN_HOST:?is the line of known_hosts for the host}" >"$scratch/hosts"
fi

# A pipe tells of its last command only, so tar leaves a sign when it fails.
read_data() { tar -C "${run%/*}" -cf - "${run##*/}" || : >"$scratch/failed"; }
is_read() { [ ! -e "$scratch/failed" ] || fail 'the staged data could not be read'; }

folder=$directory/$instance
copy=$folder/${run##*/}.tar
echo "writing $copy"
there "mkdir -p '$folder' && rm -f '$folder'/*.partial"
read_data | there "cat >'$copy.partial' && sync"
is_read

echo 'reading it back'
expected=$(read_data | sha256sum | cut -c1-64)
is_read
actual=$(there "sha256sum <'$copy.partial'" | cut -c1-64)
[ "$expected" = "$actual" ] || fail "the copy differs from the staged data: $actual instead of $expected"
there "mv '$copy.partial' '$copy' && printf '%s  %s\n' '$actual' '${copy##*/}' >'$copy.sha256'"
echo "verified, sha256 $actual"

# Names are times, so they sort by age. Only after a success, and never the newest.
there "cd '$folder' && ls -1 | grep '\.tar\$' | sort -r | tail -n +$((keep + 1)) | while read -r old; do
  rm -f \"\$old\" \"\$old.sha256\" && echo \"removed \$old\"
done"
