# shellcheck shell=bash
# Images of real database servers without a registry: Debian's packages, unpacked over a static busybox. No script of a
# package runs, and nothing is installed here. Source it after images.sh.
#   build_database NAME   mainstay-test/NAME:local, out of e2e/images/NAME
# One more: a folder there with recipe.sh (packages, what is left out of what they depend on, the server's user),
# Dockerfile and bin/; a line in setup.sh.

build_database() {
  # shellcheck disable=SC2153 # ROOT is common.sh's
  local name=$1 recipe_dir=$ROOT/e2e/images/$1 image=mainstay-test/$1:local recipe work previous
  recipe=$({ cat "${BASH_SOURCE[0]}" "$(command -v busybox)"; find "$recipe_dir" -type f | sort | xargs cat; } | sha256sum | cut -c1-16)
  [ "$(recipe_of "$image")" != "$recipe" ] || { say "image $image is up to date"; return 0; }
  have apt-get || die "image $image is made of Debian's packages, and there is no apt-get"
  previous=$(docker image inspect -f '{{.Id}}' "$image" 2>/dev/null || :)
  work=$(mktemp -d)
  run_logged "image-$name" assemble "$recipe_dir" "$work" "$recipe" "$image" || { rm -rf "$work"; return 1; }
  rm -rf "$work"
  forget_image "$previous" "$image"
  say "image $image is built"
}

# assemble RECIPE_DIR WORK RECIPE IMAGE: in WORK, then as an image.
assemble() {
  local recipe_dir=$1 work=$2 recipe=$3 image=$4 SERVER_PACKAGES LEAVE_OUT SERVER_USER SERVER_HOME
  # shellcheck source=e2e/images/postgres/recipe.sh
  . "$recipe_dir/recipe.sh"
  make_skeleton "$work/root" || return 1
  # shellcheck disable=SC2086 # several packages
  unpack_packages "$work/root" "$LEAVE_OUT" $SERVER_PACKAGES || return 1
  add_busybox "$work/root"
  add_user "$work/root" "$SERVER_USER" "$SERVER_HOME"
  cp "$recipe_dir"/bin/* "$work/root/usr/local/bin/"
  finish "$work/root"
  /sbin/ldconfig -r "$work/root" || return 1
  tar -C "$work/root" --numeric-owner --owner=0 --group=0 -cf "$work/root.tar" . && rm -rf "$work/root"
  cp "$recipe_dir/Dockerfile" "$work/"
  # The classic builder: BuildKit would want to ask a registry for its own parts.
  DOCKER_BUILDKIT=0 docker build -q --label "$LABEL" --label "mainstay.test.recipe=$recipe" -t "$image" "$work"
}

# Debian's directories, with /usr merged before packages are unpacked.
make_skeleton() {
  local folder
  mkdir -p "$1"/usr/{bin,sbin,lib,lib64,local/bin} "$1"/{etc,tmp,run,root,proc,sys,dev,var/tmp}
  for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$1/$folder"; done
  ln -s /run "$1/var/run"
  chmod 1777 "$1/tmp" "$1/var/tmp"
}

# A shell and small tools; real programs of the same name stay.
add_busybox() {
  local applet
  cp "$(command -v busybox)" "$1/usr/bin/busybox"
  for applet in $(busybox --list); do
    [ -e "$1/usr/bin/$applet" ] || [ -e "$1/usr/sbin/$applet" ] || ln -s busybox "$1/usr/bin/$applet"
  done
}

add_user() {
  printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' "$2:x:999:999::$3:/bin/sh" 'nobody:x:65534:65534:nobody:/:/bin/false' >"$1/etc/passwd"
  printf '%s\n' 'root:x:0:' "$2:x:999:" 'nogroup:x:65534:' >"$1/etc/group"
  mkdir -p "$1$3"
}

# What every package of Debian depends on and no server needs.
readonly NEVER='adduser|debconf.*|cdebconf.*|libdebconf.*|dpkg|tar|passwd|login|systemd.*|libsystemd-shared.*|init-system-helpers|sensible-utils|ucf|usrmerge|locales.*|libc-l10n|readline-common|libpam-.*|libsemanage.*|libtext.*|mime-support|media-types'

# unpack_packages ROOT LEAVE_OUT PACKAGE…: with all that they depend on, out of packages that are downloaded once.
unpack_packages() {
  local root=$1 leave_out="^($NEVER|$2)_" file files=() missing=() debs=$STATE_DIR/debs
  shift 2
  mkdir -p "$debs"
  while read -r file; do
    [[ $file =~ $leave_out ]] || files+=("$file")
  done < <(resolve_packages "$@")
  [ ${#files[@]} -gt 0 ] || { printf 'apt knows no such packages: %s\n' "$*" >&2; return 1; }
  for file in "${files[@]}"; do [ -s "$debs/$file" ] || missing+=("$(version_of "$file")"); done
  if [ ${#missing[@]} -gt 0 ]; then
    # Elsewhere first, so that a download that is cut off is not taken for a package.
    mkdir -p "$debs/partial" && (cd "$debs/partial" && apt -q download "${missing[@]}" && mv ./*.deb ..) || return 1
  fi
  for file in "${files[@]}"; do
    dpkg-deb --fsys-tarfile "$debs/$file" |
      tar -C "$root" -x --keep-directory-symlink --exclude='./usr/share/'{doc,man,locale,info,lintian,perl,perl5,bash-completion}'/*' || return 1
  done
}

# apt with nothing installed; its lists are the machine's.
apt() {
  : >"$STATE_DIR/no-packages"
  apt-get -o Dir::State::status="$STATE_DIR/no-packages" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
    -o APT::Install-Recommends=false -o APT::Sandbox::User=root -o Debug::NoLocking=true -o Acquire::Retries=3 "$@"
}
resolve_packages() { apt -qq -y --print-uris install "$@" | awk '{ print $2 }'; }

# version_of NAME_VERSION_ARCHITECTURE.deb: as apt wants to be asked for it.
version_of() {
  local name=${1%%_*} rest=${1#*_}
  rest=${rest%%_*}
  printf '%s=%s\n' "$name" "${rest//%3a/:}"
}
