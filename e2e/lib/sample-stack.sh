#!/usr/bin/env bash
# The stack of sample-stack.yaml, brought up as Docker Compose 2 does it, labels and all, but by plain
# `docker`: no registry and no Compose are needed.
#   sample-stack.sh up NAME STACKS_DIR [PAYLOAD_MIB]    writes STACKS_DIR/NAME/compose.yaml, starts it
#   sample-stack.sh down NAME                           removes its containers, network and volume
# To change the stack, change sample-stack.yaml and the three calls of create_service alike.
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

up() {
  local name=$1 folder payload_mib=${3:-4}
  mkdir -p "$2/$name"/{data,www}
  folder=$(realpath "$2/$name")
  cp "$ROOT/e2e/lib/sample-stack.yaml" "$folder/compose.yaml"
  printf 'PAYLOAD_MIB=%s\n' "$payload_mib" >"$folder/.env"
  printf '<!doctype html><title>%s</title><p>It works.\n' "$name" >"$folder/www/index.html"

  local project=(--label "com.docker.compose.project=$name" --label com.docker.compose.version=2.40.3 --label "$LABEL")
  docker network create "${project[@]}" --label com.docker.compose.network=default "${name}_default" >/dev/null
  docker volume create "${project[@]}" --label com.docker.compose.volume=data "${name}_data" >/dev/null
  create_service db '' --env "PAYLOAD_MIB=$payload_mib" --volume "${name}_data:/var/lib/db" --stop-timeout 5 --name "$name-db-1"
  create_service app db:service_started:false --volume "$folder/data:/data" --restart unless-stopped --name "$name-app-1"
  create_service web app:service_started:false --volume "$folder/www:/www:ro" --name "$name-web-1"
  docker start "$name-db-1" "$name-app-1" "$name-web-1" >/dev/null
  wait_for $((60 + payload_mib / 20)) 'the sample database to have its data' docker exec "$name-db-1" test -s /var/lib/db/payload
}

# create_service SERVICE DEPENDS_ON OPTION…; takes project, name and folder from `up`.
create_service() {
  local service=$1 depends_on=$2 prefix=com.docker.compose
  shift 2
  docker create "${project[@]}" "$@" \
    --label "$prefix.service=$service" --label "$prefix.container-number=1" --label "$prefix.oneoff=False" \
    --label "$prefix.depends_on=$depends_on" --label "$prefix.project.working_dir=$folder" \
    --label "$prefix.project.config_files=$folder/compose.yaml" \
    --label "$prefix.config-hash=$(sha256sum <<<"$service $*" | cut -c1-64)" \
    --label "$prefix.image=$(docker image inspect -f '{{.Id}}' "$IMAGE")" \
    --network "${name}_default" --network-alias "$service" "$IMAGE" "sample-$service" >/dev/null
}

# Both labels must fit: somebody's own stack of that name is not ours to remove.
down() {
  local filters=(--filter "label=com.docker.compose.project=$1" --filter "label=$LABEL")
  docker ps -aq "${filters[@]}" | xargs -r docker rm -fv >/dev/null
  docker network ls -q "${filters[@]}" | xargs -r docker network rm >/dev/null
  docker volume ls -q "${filters[@]}" | xargs -r docker volume rm >/dev/null
}

case ${1:-} in
  up | down) "$@" ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
