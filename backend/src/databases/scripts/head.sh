# shellcheck shell=sh disable=SC2034
# What every script begins with. A script runs in the database's container, by whichever POSIX shell that has, so that no
# password of the container leaves it. It ends by becoming the tool. What was given by arguments comes in MAINSTAY_…

# setting NAME…: the first of these variables that is set; NAME_FILE names a file that holds it.
setting() {
  for name in "$@"; do
    eval "text=\${$name-} file=\${${name}_FILE-}"
    if [ -z "$text" ] && [ -n "$file" ]; then IFS= read -r text <"$file" || :; fi
    if [ -n "$text" ]; then
      printf '%s' "$text"
      return
    fi
  done
}

# find_tool NAME…: the first of these programs that is there becomes $tool.
find_tool() {
  for tool in "$@"; do
    if command -v "$tool" >/dev/null 2>&1; then return; fi
  done
  exit 127
}

# Arguments may name a variable of the container instead of saying its value.
user=$(setting "${MAINSTAY_USER_IN:-MAINSTAY_USER}")
password=$(setting "${MAINSTAY_PASSWORD_IN:-MAINSTAY_PASSWORD}")
unset MAINSTAY_USER MAINSTAY_USER_IN MAINSTAY_PASSWORD MAINSTAY_PASSWORD_IN
