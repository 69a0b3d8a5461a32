# Functions for the install scripts, which `source` this file: what is downloaded or compiled is kept outside the clone,
# by version, so that the next clone on the same machine does not do it again.

# The cache. ENTRA_APP_TOKEN_CACHE moves it. Deleting it is always safe. Without a folder that can be written, it is a
# part of this clone.
cache=${ENTRA_APP_TOKEN_CACHE:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/entra-app-token}
if ! mkdir -p "$cache" 2>/dev/null || [[ ! -w $cache ]]; then
  cache=$PWD/build/cache
  mkdir -p "$cache"
fi

# cached NAME VERSION COMMAND...
# Prints the folder that holds NAME in this VERSION. If there is none yet, COMMAND (a function of the install script)
# gets the folder as its last argument and fills it. Everything that changes the content belongs into VERSION. Only one
# process fills a folder. A folder that was not filled completely is filled again.
cached() {
  local name=$1 version folder
  version=$(printf '%s' "$2" | sha256sum | cut --characters=1-16)
  folder=$cache/$name-$version
  shift 2
  (
    flock 9
    if [[ ! -e $folder/.complete ]]; then
      echo "Installing $name into $folder" >&2
      rm -rf "$folder"
      mkdir -p "$folder"
      # A shell of its own, because bash ignores `set -e` in a function whose exit code somebody asks for.
      bash -euo pipefail -c "$(declare -f)"$'\n"$@"' bash "$@" "$folder" >&2 && touch "$folder/.complete"
    fi
  ) 9>"$folder.lock" || return
  printf '%s\n' "$folder"
}

# need COMMAND PACKAGE
# Installs Debian's PACKAGE if the machine has no COMMAND.
need() {
  command -v "$1" >/dev/null || install_package "$2"
}

# install_package PACKAGE...
# Installs packages of Debian or Ubuntu. Only root can do that.
install_package() {
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "Something is missing on this machine. On Debian or Ubuntu, install: $*" >&2
    return 1
  fi
  apt-get update --quiet=2
  DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --no-install-recommends --yes "$@" </dev/null
}
