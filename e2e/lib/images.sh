# shellcheck shell=bash
# Container images without a registry: made out of files of this machine by `docker import`, which needs
# no builder. A label holds the hash of the recipe, so that an image is rebuilt only when it changed.
# One more image: a build_… function here, a line in setup.sh.

recipe_of() { docker image inspect -f '{{index .Config.Labels "mainstay.test.recipe"}}' "$1" 2>/dev/null || :; }

# import_image NAME FOLDER RECIPE [CHANGE…]: the folder becomes the image's whole file system.
import_image() {
  local name=$1 folder=$2 recipe=$3 change changes=() previous
  shift 3
  for change in "LABEL $LABEL" "LABEL mainstay.test.recipe=$recipe" "$@"; do changes+=(--change "$change"); done
  previous=$(docker image inspect -f '{{.Id}}' "$name" 2>/dev/null || :)
  tar -C "$folder" --numeric-owner --owner=0 --group=0 -c . | docker import "${changes[@]}" - "$name" >/dev/null
  forget_image "$previous" "$name"
}

# forget_image ID NAME: removes the image that NAME stood for before. Refused, and rightly, while a container
# still uses it.
forget_image() {
  if [ -n "$1" ] && [ "$1" != "$(docker image inspect -f '{{.Id}}' "$2")" ]; then docker rmi "$1" >/dev/null 2>&1 || :; fi
}

# Static busybox and the programs of the sample stack.
build_busybox() {
  local recipe_dir recipe root applet
  # shellcheck disable=SC2153 # ROOT is common.sh's
  recipe_dir=$ROOT/e2e/images/busybox
  recipe=$({ cat "${BASH_SOURCE[0]}" "$(command -v busybox)"; find "$recipe_dir" -type f | sort | xargs cat; } | sha256sum | cut -c1-16)
  [ "$(recipe_of "$IMAGE")" != "$recipe" ] || { say "image $IMAGE is up to date"; return 0; }
  root=$(mktemp -d)
  mkdir -p "$root"/{bin,etc,tmp,root,proc,sys,dev,var/lib/db,data,www}
  chmod 1777 "$root/tmp"
  cp "$(command -v busybox)" "$root/bin/busybox"
  for applet in $("$root/bin/busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
  done
  cp "$recipe_dir"/bin/* "$root/bin/"
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
  import_image "$IMAGE" "$root" "$recipe" 'ENV PATH=/bin' 'CMD ["sh"]'
  rm -rf "$root"
  say "image $IMAGE is built"
}

# build_runtime BINARY: the last stage of our own Dockerfile, word for word, over a base that holds nothing
# but the shared libraries which the binary names. What starts here starts on any base image.
build_runtime() {
  local binary=$1 context previous base=mainstay-test/base:local
  context=$(mktemp -d)
  mkdir -p "$context/base/tmp" "$context/out"
  chmod 1777 "$context/base/tmp"
  shared_libraries "$binary" | xargs -r cp -L --parents -t "$context/base"
  import_image "$base" "$context/base" none
  # What the Dockerfile's build stage leaves in /out.
  install -D "$binary" "$context/out/usr/local/bin/mainstay"
  install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$context/out/etc/ssl/certs/ca-certificates.crt"
  install -d "$context"/out/{etc/mainstay,opt/stacks}
  install -d -m 1777 "$context"/out/{var/lib/mainstay,opt/backups,opt/backup-logs,backup}
  runtime_stage <"$ROOT/Dockerfile" >"$context/Dockerfile"
  previous=$(docker image inspect -f '{{.Id}}' "$RUNTIME_IMAGE" 2>/dev/null || :)
  # The classic builder: BuildKit would want to ask a registry for its own parts.
  DOCKER_BUILDKIT=0 docker build -q --build-arg BASE="$base" --label "$LABEL" -t "$RUNTIME_IMAGE" "$context" 2>/dev/null >/dev/null ||
    { cat "$context/Dockerfile" >&2; rm -rf "$context"; return 1; }
  rm -rf "$context"
  forget_image "$previous" "$RUNTIME_IMAGE"
  say "image $RUNTIME_IMAGE is built"
}

# The loader and the libraries, by the paths under which the binary looks for them.
shared_libraries() { ldd "$1" | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }'; }

# The Dockerfile from `FROM ${BASE}` on, its copy out of the build stage turned into one out of the context.
runtime_stage() {
  awk '/^ARG BASE=/ { print } /^FROM \$\{BASE\}/ { on = 1 } on { sub(/^COPY --from=build \/out\//, "COPY out/"); print }'
}
