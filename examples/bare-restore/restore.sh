#!/bin/sh
# Brings data back without Mainstay: out of an archive by tar and jq, out of a repository by restic. Run it as root.
#   restore.sh contents ARCHIVE               what is in an archive: kind, name, where it was
#   restore.sh archive  ARCHIVE KIND NAME TO  a target of it becomes TO, which must not be there
#   restore.sh paths    SNAPSHOT              what is in a snapshot of restic: paths, and tags that name the targets
#   restore.sh restic   SNAPSHOT PATH TO      a path of it becomes TO, which must not be there
# restic finds its repository by RESTIC_REPOSITORY and RESTIC_PASSWORD_FILE, as always. Needs GNU tar, gzip or zstd, jq.
set -eu

die() { printf '%s\n' "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || die "install $1 first"; }

# The directory that everything in an archive lies in.
top_of() { tar -tf "$1" 2>/dev/null | { IFS=/ read -r top rest; printf '%s\n' "$top"; cat >/dev/null; }; }

# The manifest is the last entry, so the whole archive is read; that also finds out whether it is sound.
manifest_of() { tar -xOf "$1" "$2/manifest.json" || die "$1 has no manifest, or is damaged"; }

# Scratch beside TO, so that giving TO its place is a rename.
make_scratch() {
  if [ -e "$1" ] || [ -L "$1" ]; then die "$1 is there already"; fi
  above=$(dirname -- "$1")
  [ -d "$above" ] || die "there is no directory $above"
  scratch=$(mktemp -d -- "$above/.bare-restore-XXXXXX")
  trap 'rm -rf -- "$scratch"' EXIT
  trap 'exit 1' HUP INT TERM
}

contents() {
  need jq
  manifest_of "$1" "$(top_of "$1")" | jq -r '.targets[] | [.kind, .name, .path, "\(.entries | length) entries", .state] | @tsv'
}

archive() {
  need jq
  top=$(top_of "$1")
  place=$(manifest_of "$1" "$top" |
    jq -r --arg kind "$2" --arg name "$3" '.targets[] | select(.kind == $kind and .name == $name).archive_path')
  [ -n "$place" ] || die "$1 holds no $2 '$3'; ask for its contents"
  make_scratch "$4"
  # Numeric owners, modes with setuid, times, every attribute, links and holes: all that the archive has.
  tar -xpf "$1" -C "$scratch" --same-owner --numeric-owner --xattrs --xattrs-include='*' "$top/$place"
  mv -T -- "$scratch/$top/$place" "$4"
}

paths() {
  need restic
  need jq
  restic snapshots --json "$1" | jq -r '.[] | .time, (.paths[] | "path\t" + .), (.tags[]? | "tag\t" + .)'
}

restic_path() {
  need restic
  make_scratch "$3"
  sparse=
  # Holes come back with restic 0.15 and newer; before, they are zeros.
  if restic help restore | grep -q -e --sparse; then sparse=--sparse; fi
  # A path is no pattern.
  pattern=$(printf '%s' "$2" | sed 's/[][*?\\]/\\&/g')
  restic restore "$1" --target "$scratch" --include "$pattern" --verify ${sparse:+"$sparse"}
  [ -e "$scratch$2" ] || [ -L "$scratch$2" ] || die "the snapshot holds no $2"
  mv -T -- "$scratch$2" "$3"
}

case "${1:-} $#" in
  'contents 2') contents "$2" ;;
  'archive 5') archive "$2" "$3" "$4" "$5" ;;
  'paths 2') paths "$2" ;;
  'restic 4') restic_path "$2" "$3" "$4" ;;
  *) sed -n '2,7s/^# *//p' "$0" >&2; exit 2 ;;
esac
