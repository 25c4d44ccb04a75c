# shellcheck shell=bash
# Runs what README.md tells people to type, out of its own text: a snippet that is edited is tested as it was edited.
# Only places and names are replaced by those of the test. Source it after service.sh and check.sh, in $ROOT.
#   snippet PATTERN              the fenced block with a line like PATTERN, without its indentation
#   replacing_in FROM TO …       standard input with places replaced; fails when one does not occur

# README_FILE may name another file, to test these functions.
snippet() {
  awk -v pattern="$1" '
    /^ *```/ { if (inside && found) { printf "%s", text; exit } inside = !inside; text = ""; found = 0; indent = match($0, /`/) - 1; next }
    inside { line = substr($0, indent + 1); text = text line "\n"; if (line ~ pattern) found = 1 }
  ' "${README_FILE:-README.md}" | grep . || { printf 'no snippet like %s\n' "$1" >&2; return 1; }
}

replacing_in() {
  local text
  text=$(cat)
  while [ $# -gt 1 ]; do
    [[ $text == *"$1"* ]] || { printf 'the snippet has no %s:\n%s\n' "$1" "$text" >&2; return 1; }
    text=${text//"$1"/"$2"}
    shift 2
  done
  printf '%s\n' "$text"
}

consoles_parse() {
  awk '/^ *```/ { inside = /console/ && !inside; if (!inside) print ""; next } inside' "${README_FILE:-README.md}" | bash -n
}

# Every command of ours that a console shows is one that the binary has.
commands_exist() {
  local line failed=0
  while read -r line; do
    "$1" "$line" --help >/dev/null 2>&1 || { printf 'no such command: mainstay %s\n' "$line"; failed=1; }
  done < <(awk '/^ *```/ { inside = /console/ && !inside; next } inside' "${README_FILE:-README.md}" |
    sed -nE 's/^ *(.* )?mainstay ([a-z]+).*/\2/p' | sort -u)
  return "$failed"
}

# The token's snippet: signs in, makes a token, asks for a backup of STACK; the job's id on standard output.
readme_token() {
  local code
  code=$(snippet '/api/v1/auth/tokens' | replacing_in http://localhost:8080 "$SERVICE_URL" '"password":"…"' "\"password\":\"$PASSWORD\"" \
    stacks/blog/ "stacks/$1/") || return 1
  bash -euo pipefail -c "$code" 2>/dev/null | jq -er .id
}

# The line of cron: five fields, a user, and a command that is run as it stands, for the two STACKS.
readme_cron() {
  local line
  line=$(snippet 'mainstay backup blog wiki' | replacing_in 'blog wiki' "$2 $3") || return 1
  [[ $line =~ ^(([0-9*/,-]+\ ){5})\ *root\ +(mainstay\ .*)$ ]] || { printf 'no line of cron: %s\n' "$line"; return 1; }
  local folder
  folder=$(dirname "$1")
  PATH=$folder:$PATH MAINSTAY_CONFIG=$SITE/config.yml sh -c "${BASH_REMATCH[3]}"
}

# The way back: ARCHIVE is unpacked and STACK comes up from it, with VOLUME filled, by the two snippets alone.
readme_restore() {
  local archive=$1 stack=$2 volume=$3 unpack restore compose='docker compose'
  docker compose version >/dev/null 2>&1 || compose='docker-compose'
  unpack=$(snippet 'tar --xattrs .* -xpzf' | replacing_in /opt/backups/blog_2026-11-21_02-00-00.tar.gz "$archive") || return 1
  restore=$(snippet 'docker volume create' | replacing_in /opt/stacks/blog "$SITE/stacks/$stack" blog_db "$volume" \
    'docker volume create' "docker volume create --label $LABEL" 'docker compose' "$compose") || return 1
  mkdir -p "$SITE/restored" && cd "$SITE/restored" && bash -euo pipefail -c "$unpack" &&
    cd "$(basename "$archive" .tar.gz)" && bash -euo pipefail -c "$restore"
}
