# shellcheck shell=bash
# Starts the true binary and talks to it as any client does. Source it after common.sh.
#   new_site DIR                 stacks/, backups/, logs/, state/ and a config.yml
#   start_service BINARY DIR     on a free loopback port; sets SERVICE_URL, SERVICE_PID, PASSWORD
#   login DIR                    exchanges the password for a token
#   api METHOD PATH [JSON]       the answer's body; fails on an error status
#   follow_job ID [SECONDS]      prints progress until the job is over; leaves it in JOB
#   backup_stack NAME            asks for a backup, follows it, fails unless it succeeded
#   stop_service

SERVICE_PID='' SERVICE_URL='' PASSWORD='' AUTH_HEADER='' JOB=''

new_site() {
  mkdir -p "$1"/{stacks,backups,logs,state,staging}
  cat >"$1/config.yml" <<YAML
stacks_dir: $1/stacks
backup_dir: $1/backups
log_dir: $1/logs
staging_dir: $1/staging
database_url: sqlite://$1/state/mainstay.db
listen: 127.0.0.1:0
YAML
}

new_password() { head -c 18 /dev/urandom | base64 | tr -d '+/=\n'; }

start_service() {
  local binary=$1 site=$2
  PASSWORD=${PASSWORD:-$(new_password)}
  rm -f "$site/port"
  # In a session of its own: Ctrl-C in the terminal must reach the service once, through us. Two
  # signals mean "at once". Descriptor 9 is the lock of a test run, which the service must not keep.
  MAINSTAY_AUTH__PASSWORD=$PASSWORD setsid "$binary" serve --config "$site/config.yml" --port-file "$site/port" \
    >"$site/service.log" 2>&1 </dev/null 9>&- &
  SERVICE_PID=$!
  if ! wait_for 30 "the service to bind its port" service_has_bound "$site" || ! is_alive "$SERVICE_PID"; then
    tail -n 30 "$site/service.log" >&2
    return 1
  fi
  SERVICE_URL=http://$(cat "$site/port")
  wait_for 30 "the service to be ready" curl -sSf --max-time 5 "$SERVICE_URL/readyz" ||
    { curl -sS --max-time 5 "$SERVICE_URL/readyz" >&2; tail -n 30 "$site/service.log" >&2; return 1; }
}

# Also true when the process has died: waiting longer would not help.
service_has_bound() { [ -s "$1/port" ] || ! is_alive "$SERVICE_PID"; }

stop_service() {
  [ -n "$SERVICE_PID" ] || return 0
  local pid=$SERVICE_PID
  SERVICE_PID=''
  kill -TERM "$pid" 2>/dev/null || return 0
  local deadline=$((SECONDS + 30))
  while is_alive "$pid"; do
    if [ "$SECONDS" -ge "$deadline" ]; then kill -KILL "$pid" 2>/dev/null || :; fi
    snooze 0.1
  done
  wait "$pid" 2>/dev/null || :
}

# Secrets travel by environment, standard input and a private file: an argument list is public.
login() {
  AUTH_HEADER=$1/auth-header
  local answer
  answer=$(LOGIN_PASSWORD=$PASSWORD jq -nc '{password: env.LOGIN_PASSWORD}' |
    curl -sS --max-time 30 --fail-with-body -H 'Content-Type: application/json' --data-binary @- \
      "$SERVICE_URL/api/v1/auth/login") || { printf '%s\n' "$answer" >&2; return 1; }
  (umask 077 && jq -r '"Authorization: Bearer \(.token)"' <<<"$answer" >"$AUTH_HEADER")
}

api() {
  local args=(-sS --max-time 60 --fail-with-body -X "$1" -H "@$AUTH_HEADER") answer code=0
  [ $# -lt 3 ] || args+=(-H 'Content-Type: application/json' --data-binary "$3")
  answer=$(curl "${args[@]}" "$SERVICE_URL$2") || code=$?
  if [ "$code" -eq 0 ]; then printf '%s\n' "$answer"; else printf '%s %s: %s\n' "$1" "$2" "$answer" >&2; fi
  return "$code"
}

# shellcheck disable=SC2016 # $p is jq's
PROGRESS_LINE='
  def human: if . == null then "?" elif . < 1024 then "\(.) B" elif . < 1048576 then "\(. / 102.4 | round / 10) KiB"
    elif . < 1073741824 then "\(. / 104857.6 | round / 10) MiB" else "\(. / 107374182.4 | round / 10) GiB" end;
  (.progress // {}) as $p
  | [ $p.phase // .state,
      (if $p.fraction then "\($p.fraction * 100 | floor)%" else empty end),
      (if ($p.bytes_done // 0) > 0 then "\($p.bytes_done | human) of \($p.bytes_total | human)" else empty end),
      (if ($p.files_done // 0) > 0 then "\($p.files_done) files" else empty end) ]
  | join(" · ")'

follow_job() {
  local line='' last='' deadline=$((SECONDS + ${2:-1800}))
  while [ "$SECONDS" -lt "$deadline" ]; do
    JOB=$(api GET "/api/v1/jobs/$1") || return 1
    line=$(jq -r "$PROGRESS_LINE" <<<"$JOB")
    [ "$line" = "$last" ] || say "$line"
    last=$line
    case $(jq -r .state <<<"$JOB") in queued | running) snooze 0.1 ;; *) return 0 ;; esac
  done
  bad "job $1 did not end in time: $last"
  return 1
}

backup_stack() {
  local id
  id=$(api POST "/api/v1/stacks/$1/backup" '{}' | jq -er .id) || return 1
  follow_job "$id" || return 1
  [ "$(jq -r .state <<<"$JOB")" = succeeded ] || { jq -c '{id, state, error, targets}' <<<"$JOB" >&2; return 1; }
}
