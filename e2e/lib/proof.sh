# shellcheck shell=bash
# Judges an archive with gzip, tar and sha256sum alone, as somebody would who has lost Mainstay.
# Every function prints nothing and succeeds, or says what is wrong. Source it after common.sh.

# newest_archive FOLDER STACK: the finished archive; a half one next to it is an error.
newest_archive() {
  local half
  half=$(find "$1" -name '*.partial*' -print -quit)
  [ -z "$half" ] || { bad "a partial file was left: $half"; return 1; }
  find "$1" -maxdepth 1 -name "$2_*.tar.gz" -printf '%f\n' | sort | tail -n 1 | sed "s|^|$1/|" | grep .
}

# list_archive ARCHIVE LIST: reads it to the end twice (gzip's checksum, tar's headers), names into LIST.
list_archive() { gzip -t "$1" && tar -tzf "$1" >"$2" && [ -s "$2" ]; }

# has_layout LIST STACK: one top folder named after the stack and the time, the manifest at the very end.
has_layout() {
  local tops
  tops=$(cut -d/ -f1 "$1" | sort -u)
  [[ $tops =~ ^"$2"_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}-[0-9]{2}-[0-9]{2}$ ]] || { printf 'top folders: %s\n' "$tops"; return 1; }
  [ "$(tail -n 1 "$1")" = "$tops/manifest.json" ] || { printf 'last entry: %s\n' "$(tail -n 1 "$1")"; return 1; }
}

# extract_one ARCHIVE LIST PATTERN: the content of the only entry whose name matches.
extract_one() {
  local entry
  entry=$(grep -E "$3" "$2") || { printf 'no entry like %s\n' "$3" >&2; return 1; }
  [ "$(wc -l <<<"$entry")" -eq 1 ] || { printf 'several entries like %s\n' "$3" >&2; return 1; }
  tar -xzOf "$1" "$entry"
}

# volume_is_whole ARCHIVE LIST CONTAINER: the sample's volume in the archive is what it was at rest.
# The payload never changes, so it must be equal; the journal grows, so the archived one must be how the
# live one begins, and its last line must be the writer's farewell: it had stopped writing, cleanly.
volume_is_whole() {
  local work code=0
  work=$(mktemp -d) || return 1
  compare_volume "$1" "$2" "$3" "$work" || code=1
  rm -rf "$work"
  return "$code"
}

compare_volume() {
  local work=$4 size
  extract_one "$1" "$2" '/volumes/[^/]+/payload$' >"$work/payload" || return 1
  extract_one "$1" "$2" '/volumes/[^/]+/journal$' >"$work/journal" || return 1
  [ "$(sha256sum <"$work/payload")" = "$(docker exec "$3" cat /var/lib/db/payload | sha256sum)" ] ||
    { printf 'the payload differs\n'; return 1; }
  size=$(stat -c %s "$work/journal")
  docker exec "$3" head -c "$size" /var/lib/db/journal | cmp - "$work/journal" || return 1
  [[ $(tail -n 1 "$work/journal") == closed* ]] ||
    { printf 'the journal was caught in the middle: %s\n' "$(tail -n 1 "$work/journal")"; return 1; }
}
